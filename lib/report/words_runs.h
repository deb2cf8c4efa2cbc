/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WORDS_RUNS_H
#define TENURE_REPORT_WORDS_RUNS_H

/* The sentences about several runs together, as words.h has those of one report. Made in a store, and live as
 * long as it. */

#include "tenure/runs.h"
#include "words_store.h"

/* A heading: "Findings that hold in all 3 runs". */
const char *tn_words_runs_heading(struct tn_words *words, enum tn_runs_state state, size_t run_count);

/* That the runs are not of one program: what they share is chance. */
const char *tn_words_runs_programs(struct tn_words *words);

/* What of a finding differs from run to run: "run 2 makes 40 allocations there and does not show it; run 3
 * does not reach it"; "" where it holds in all. */
const char *tn_words_runs_verdicts(struct tn_words *words, const struct tn_runs *runs,
                                   const struct tn_runs_finding *merged);

/* "saves 1,200 to 4,000 allocations a run". */
const char *tn_words_runs_saving(struct tn_words *words, const struct tn_runs_finding *merged);

/* How many are not shown; count >= 1. */
const char *tn_words_runs_more(struct tn_words *words, size_t count);

#endif
