/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WORDS_H
#define TENURE_REPORT_WORDS_H

/* Every sentence of a report for people that does not belong to one kind of finding: whole sentences, without
 * line breaks or indentation, singular and plural of each. Those of a kind stand in its entry
 * (tenure/kind.h), what a finding says of its sites comes with the finding.
 *
 * Sentences with something in them are made in a store (words_store.h) and live as long as it. */

#include "tenure/finding.h"
#include "tenure/kind.h"
#include "tenure/summary.h"
#include "words_store.h"

#include <stdint.h>

/* ---------------------------------------------------------------------------------------- fixed texts */

/* Sentences, headings and labels without a number in them. */
enum tn_fixed_words {
    /* Headings. */
    TN_WORDS_RECORDED,
    TN_WORDS_TOTALS,
    TN_WORDS_FINDINGS, /* told in short, with the command that tells all about one */
    TN_WORDS_NO_FINDINGS,
    TN_WORDS_OVERVIEW,
    TN_WORDS_SITES,
    TN_WORDS_VERIFY,
    TN_WORDS_NEXT,
    /* Losses. */
    TN_WORDS_INCOMPLETE,
    TN_WORDS_UNFINISHED,
    TN_WORDS_NO_FREE_STACKS,
    /* Instead of a report. */
    TN_WORDS_NO_PROCESS,
    TN_WORDS_NO_ALLOCATION,
    TN_WORDS_NO_ALLOCATION_IN_PROCESS,
    /* Labels of fields and of totals, titles of columns. */
    TN_WORDS_LABEL_PROGRAM,
    TN_WORDS_LABEL_COMMAND,
    TN_WORDS_LABEL_WHEN,
    TN_WORDS_LABEL_PROCESS,
    TN_WORDS_LABEL_PROCESSES,
    TN_WORDS_LABEL_WRAPPERS,
    TN_WORDS_LABEL_LOG,
    TN_WORDS_LABEL_ALLOCATIONS,
    TN_WORDS_LABEL_FREES,
    TN_WORDS_LABEL_LIVE,
    TN_WORDS_LABEL_PEAK,
    TN_WORDS_LABEL_RUNTIME,
    TN_WORDS_LABEL_SHORT_LIVED,
    TN_WORDS_LABEL_ROUNDING,
    TN_WORDS_LABEL_REALLOC,
    TN_WORDS_LABEL_FAILED,
    TN_WORDS_TITLE_END,
    TN_WORDS_TITLE_TOTAL,
    TN_WORDS_TITLE_QUANTITY,
    TN_WORDS_TITLE_MEANING,
    TN_WORDS_TITLE_CALLS,
    TN_WORDS_TITLE_SHORT_LIVED,
    TN_WORDS_TITLE_PEAK,
    TN_WORDS_TITLE_MEDIAN,
    TN_WORDS_TITLE_SIZES,
    TN_WORDS_TITLE_LINE,
    /* What totals mean. */
    TN_WORDS_FREES_OF_REALLOC,
    TN_WORDS_ALL_RELEASED,
    TN_WORDS_REALLOC_CONTINUES,
    TN_WORDS_FAILED_CALLS,
    /* In short. */
    TN_WORDS_DO_FIRST,
    TN_WORDS_NO_RISK_MEASURED,
    /* Findings. */
    TN_WORDS_NOTHING_FOUND,
    TN_WORDS_NOTHING_FOUND_YET,
    TN_WORDS_MINOR,
    TN_WORDS_MINOR_AGAIN,
    TN_WORDS_OTHER_CODE,
    /* What to look at next. */
    TN_WORDS_STACKS,
    TN_WORDS_CALLERS,
    TN_WORDS_OWNERSHIP,
    TN_WORDS_ANYTHING_ELSE,
    TN_WORDS_TABLES,
    TN_WORDS_FIXED_COUNT
};

/* One of them. Static storage. */
const char *tn_words_fixed(enum tn_fixed_words which);

/* Labels of the parts of a finding: of texts by enum tn_card_text, of the sites, and of the code. Static
 * storage. */
const char *tn_words_card_label(unsigned card_text);
const char *tn_words_card_sites_label(void);
const char *tn_words_card_code_label(void);

/* ---------------------------------------------------------------------------------------- losses */

/* count >= 1 in all of them. */
const char *tn_words_processes_unrecorded(struct tn_words *words, uint64_t count);
const char *tn_words_damaged_parts(struct tn_words *words, uint64_t count);
const char *tn_words_events_lost(struct tn_words *words, uint64_t count);
const char *tn_words_unmatched_births(struct tn_words *words, uint64_t count);
const char *tn_words_unmatched_frees(struct tn_words *words, uint64_t count);
const char *tn_words_stacks_cut(struct tn_words *words, uint64_t count);

/* What pauses left out; pauses >= 1. duration_ns: of the log. */
const char *tn_words_paused(struct tn_words *words, const struct tn_summary_losses *losses,
                            uint64_t duration_ns);

/* ---------------------------------------------------------------------------------------- recording */

/* "2026-11-22T12:00:00Z, 2.00 s" */
const char *tn_words_when(struct tn_words *words, const char *started_at, uint64_t duration_ns);

/* How a process ended: "exit 0", "signal 9", "executed", "runs", "ended". */
const char *tn_words_end(struct tn_words *words, const struct tn_summary_process *process);

/* "pid 4711, exit 0, with 2 threads" */
const char *tn_words_process(struct tn_words *words, const struct tn_summary_process *process,
                             uint64_t threads);

/* How many processes there are, and which one the report is about. */
const char *tn_words_processes(struct tn_words *words, uint64_t count, uint64_t process_id);

/* How many processes are not listed; count >= 1. */
const char *tn_words_more_processes(struct tn_words *words, uint64_t count);

/* Releases in forked children of a parent's blocks; count >= 1. */
const char *tn_words_inherited_frees(struct tn_words *words, uint64_t count);

/* Functions whose callers are the sites; names separated by ", ", those that are uncertain marked, as in
 * tn_summary.wrappers. */
const char *tn_words_wrappers(struct tn_words *words, const char *names);

/* "Totals of process 7" */
const char *tn_words_totals_of(struct tn_words *words, uint64_t process_id);

/* ---------------------------------------------------------------------------------------- totals */

/* What follows the number of allocations: bytes in all and on average, and sites. */
const char *tn_words_requests(struct tn_words *words, const struct tn_summary_totals *totals,
                              uint64_t site_count);

/* What follows the number of live blocks, 1 or more.
 *
 * is_closed  false: the process may go on */
const char *tn_words_still_live(struct tn_words *words, uint64_t live_bytes, bool is_closed);

/* What follows the bytes of the peak. */
const char *tn_words_peak(struct tn_words *words, uint64_t live_count, uint64_t peak_ns);

/* What follows the bytes of a block of the runtime that is most of the peak.
 *
 * library  its file name */
const char *tn_words_runtime_block(struct tn_words *words, const char *library);

/* What follows the share of small short-lived allocations. */
const char *tn_words_small_short_lived(struct tn_words *words, uint64_t count);

/* What follows the share of rounding. */
const char *tn_words_rounding(struct tn_words *words, uint64_t usable_bytes, uint64_t total_bytes);

/* ---------------------------------------------------------------------------------------- sites */

/* "24 B", "24 to 4,096 B". */
const char *tn_words_site_sizes(struct tn_words *words, const struct tn_summary_site *site);

/* "stack.c:12 push", or what of that is known. */
const char *tn_words_place(struct tn_words *words, const struct tn_summary_site *site);

/* ---------------------------------------------------------------------------------------- in short */

/* That live blocks keep rising.
 *
 * place   the first of them; count >= 1 of them
 * rank    number of its finding */
const char *tn_words_risk_of_growth(struct tn_words *words, const char *title, uint32_t rank, uint64_t count);

/* What heaps of small systems need for this run, and how much of that is lost to headers, rounding and holes.
 *
 * findings  with heap_model_count >= 1 */
const char *tn_words_risk_of_holes(struct tn_words *words, const struct tn_findings *findings);

/* What speaks for holes where no replay measured them. */
const char *tn_words_risk_of_churn(struct tn_words *words, const struct tn_summary_totals *totals);

/* What the first findings come to together; "" where a replay measured fewer than two of them.
 *
 * first_count  findings that are told first
 * allocations  of the process */
const char *tn_words_first_together(struct tn_words *words, const struct tn_finding_plan *plan,
                                    size_t first_count, uint64_t allocations);

/* ---------------------------------------------------------------------------------------- findings */

/* How many sites of a finding are not shown; count >= 1. */
const char *tn_words_more_sites(struct tn_words *words, uint64_t count);

/* What a change saves in calls and in memory, as it was measured, or else estimated; "" when nothing is
 * known.
 *
 * allocations  of the process, what allocations_removed is a share of */
const char *tn_words_effect(struct tn_words *words, const struct tn_finding_saving *saving,
                            uint64_t allocations);

/* What was estimated where tn_words_effect tells what was measured; "": nothing more. */
const char *tn_words_estimate(struct tn_words *words, const struct tn_finding_saving *saving);

/* The title without its condition, and "if ..." of the condition: whole, or its first part and how many
 * more there are. NULL: there is no condition. */
const char *tn_words_title(struct tn_words *words, const struct tn_finding *finding);
const char *tn_words_condition(struct tn_words *words, const struct tn_finding *finding, bool is_brief);

/* The title of a finding that is told first, without its condition, but with a word that there is one. */
const char *tn_words_first_title(struct tn_words *words, const struct tn_finding *finding);

/* "[combine, conditional]" */
const char *tn_words_tag(struct tn_words *words, const struct tn_finding *finding);

/* What a replay measured of a change in short, netted: "922 B more memory"; "" where none did. */
const char *tn_words_net(struct tn_words *words, const struct tn_finding_saving *saving);

/* What a replay measured: "144 B less memory (heap -224 B, stack +80 B)"; "" when none did. */
const char *tn_words_measured(struct tn_words *words, const struct tn_finding_saving *saving);

/* What all measured findings come to together, and how that differs from each alone.
 *
 * plan         of at least two findings
 * allocations  of the process */
const char *tn_words_plan(struct tn_words *words, const struct tn_finding_plan *plan, uint64_t allocations);

/* The setting by which a library takes memory otherwise, static storage; NULL: none is known.
 *
 * library  its file name */
const char *tn_words_library_setting(const char *library);

/* Findings about a library that the reader does not build.
 *
 * numbers      of the findings: "#3, #7"
 * allocations  of the library's sites */
const char *tn_words_library(struct tn_words *words, const char *library, uint64_t finding_count,
                             const char *numbers, uint64_t allocations);

/* What keeps the C library from allocating at each call of a function, static storage; NULL: nothing is
 * known.
 *
 * via  the function, as a site has it */
const char *tn_words_call_setting(const char *via);

/* What the C library allocates for itself when a function of it is called, and the setting, which must be
 * known.
 *
 * lines        that call it: "log.c:393 and 2 more lines"
 * part         of the allocations that these are
 * allocations  of the process */
const char *tn_words_library_calls(struct tn_words *words, const char *via, const char *lines, uint64_t part,
                                   uint64_t allocations);

/* The evidence of a finding: "90,000 blocks seen, at most 80 B, all gone before the return of main
 * (app.c:12)".
 *
 * keys      as its kind declares them: they have the phrases and the order
 * is_brief  without what the title tells */
const char *tn_words_evidence(struct tn_words *words, const struct tn_evidence_key *keys,
                              const struct tn_evidence_set *evidence, bool is_brief);

/* "pool, consistent; tactic: use memory pools; key 1a2b3c4d" */
const char *tn_words_kind(struct tn_words *words, const struct tn_finding *finding);

/* What carries a finding and where its blocks are released, as one text; neither is "". */
const char *tn_words_why_and_where(struct tn_words *words, const char *evidence, const char *releases);

/* The lines that release a finding's blocks, with their shares; "" where none is known.
 *
 * is_brief  two or three of them, and how many more there are */
const char *tn_words_releases(struct tn_words *words, const struct tn_finding *finding, bool is_brief);

/* The title of a finding that gets one line only. */
const char *tn_words_minor_title(struct tn_words *words, const struct tn_finding *finding);

/* How many findings are not shown, and why. */
struct tn_words_hidden {
    uint64_t beyond_top;                /* others save more */
    uint64_t too_weak;                  /* less certain than wanted */
    uint64_t given_way;                 /* a better one about the same lines is there */
    uint64_t small;                     /* save little */
    uint64_t small_allocations_removed; /* by these together */
};

/* The same in words, with what to type to see them; NULL: all are shown. */
const char *tn_words_hidden(struct tn_words *words, const struct tn_words_hidden *hidden);

/* ---------------------------------------------------------------------------------------- what next */

/* A part of the allocations has no file and line, and what to do about it.
 *
 * modules  their names, separated by ", " */
const char *tn_words_nameless(struct tn_words *words, uint64_t part, uint64_t allocations,
                              const char *modules);

/* One site asks for so many sizes that it may be a wrapper; the site follows. distinct_sizes >= 2. */
const char *tn_words_many_sizes(struct tn_words *words, uint64_t distinct_sizes);

#endif
