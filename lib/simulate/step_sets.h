/* SPDX-License-Identifier: MIT */
#ifndef TN_SIMULATE_STEP_SETS_H
#define TN_SIMULATE_STEP_SETS_H

/* The steps of a plan as sets of findings that are measured together: A, then A and B, and so on; at the end
 * all without what is conditional. */

#include "tenure/plan.h"
#include "tenure/simulate.h"

/* The sets. All borrow from parts. */
struct tn_step_sets {
    const struct tn_finding **parts; /* owned; of all steps, in their order; behind them those that are not
                                        conditional once more */
    size_t part_count;               /* of the steps */
    size_t sure_count;               /* of these: not conditional; 0: there is no such set */
    struct tn_what_if_set items[TN_PLAN_STEPS_MAX + 1];
    size_t steps[TN_PLAN_STEPS_MAX + 1]; /* of the sets: index of the last step in it */
    size_t count;                        /* in items */
};

/* Make the sets of findings->program_plan.
 *
 * ret_sets  written always; tn_step_sets_finish releases it
 * Returns   0; -ENOMEM */
int tn_step_sets_make(const struct tn_findings *findings, struct tn_step_sets *ret_sets);

/* Note in the plan what a set came to. */
void tn_step_sets_note(const struct tn_step_sets *sets, const struct tn_what_if_change *change,
                       struct tn_findings *findings);

/* Release what it owns. */
void tn_step_sets_finish(struct tn_step_sets *sets);

/* Note in a saving what a change came to, beside what was estimated of it. */
void tn_saving_note(struct tn_finding_saving *saving, const struct tn_what_if_change *change);

#endif
