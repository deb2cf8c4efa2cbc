/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WORDS_CHANGE_H
#define TENURE_REPORT_WORDS_CHANGE_H

/* The sentences about what changed between two recordings, as words.h has those of a report. Made in a store,
 * and live as long as it. */

#include "tenure/compare.h"
#include "words_store.h"

#include <stdbool.h>

/* "+12.3 %", "-81.0 %", "the same", "new", "gone". */
const char *tn_words_change(struct tn_words *words, uint64_t before, uint64_t after);

/* That the two recordings are of different programs. */
const char *tn_words_other_program(struct tn_words *words, const char *before, const char *after);

/* A heading: "Sites: 3 changed, 1 gone, 2 new, 20 the same". */
const char *tn_words_sites_heading(struct tn_words *words, const struct tn_comparison *comparison);

/* A heading: "Findings: 1 new, 2 changed, 3 gone, 4 the same". Weak ones do not count. */
const char *tn_words_changed_findings_heading(struct tn_words *words, const struct tn_comparison *comparison);

/* Whether a finding counts: it is not weak on every side where it is. */
bool tn_words_finding_counts(const struct tn_finding_change *change);

/* "1,200 calls fewer (2,345 before, 1,145 now); peak 12 KiB before, 3 KiB now". */
const char *tn_words_site_change(struct tn_words *words, const struct tn_site_change *change);

/* Where a site stood before, or which lines are compared as one: "before: data.c:71"; NULL: where it stands
 * now. */
const char *tn_words_site_moved(struct tn_words *words, const struct tn_comparison *comparison,
                                const struct tn_site_change *change);

/* "new, number 3: TITLE (pool, consistent)". */
const char *tn_words_finding_change(struct tn_words *words, const struct tn_finding_change *change);

/* "the smallest heap of tlsf: 1,200 B more (12,000 before, 13,200 now; +10.0 %)". */
const char *tn_words_regression(struct tn_words *words, const struct tn_regression *regression);

/* That nothing got worse, and by which rule. */
const char *tn_words_no_regression(struct tn_words *words);

#endif
