/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_PLAN_WORDS_H
#define TN_REPORT_PLAN_WORDS_H

/* The sentences about the plan: lifetimes, steps, and what stays on the heap. Made in a store, and live as
 * long as it.
 */

#include "tenure/plan.h"
#include "words.h"

/* "2,040 (41)": how many of a lifetime there were, and how many at once. */
const char *tn_words_lifetime_count(struct tn_words *words, const struct tn_lifetime *lifetime);

/* "packet.c:504 lwm2m_handle_packet": what a lifetime is of this program. */
const char *tn_words_lifetime(struct tn_words *words, const struct tn_lifetime *lifetime);

/* "Give handle (server.c:40) an arena of 1,504 B (finding 1, on a condition)". */
const char *tn_words_step(struct tn_words *words, const struct tn_plan_step *step);

/* What a step brings, and what it comes to with those before it. */
const char *tn_words_step_effect(struct tn_words *words, const struct tn_findings *findings,
                                 const struct tn_plan_step *step);

/* What all steps leave on the heap; and what they come to without what is conditional, where that was
 * measured. */
const char *tn_words_plan_rest(struct tn_words *words, const struct tn_findings *findings);

/* That no step would change much. */
const char *tn_words_no_step(void);

#endif
