/* SPDX-License-Identifier: MIT */
/* The steps of a plan, as what is measured together. Called by measure.c. */
#include "step_sets.h"

#include <errno.h>
#include <stdlib.h>

static size_t count_parts(const struct tn_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; plan != NULL && i < plan->step_count; i++)
        count += plan->steps[i].part_count;
    return count;
}

/* A part that no replay can show is none of a set; the plan has none of these. */
static void add_parts(const struct tn_findings *findings, const struct tn_plan_step *step,
                      struct tn_step_sets *sets)
{
    for (size_t i = 0; i < step->part_count; i++) {
        const struct tn_finding *finding = tn_findings_find_part(findings, step->parts[i].key);
        if (finding != NULL && tn_what_if_applies(finding))
            sets->parts[sets->part_count++] = finding;
    }
}

static void add_sure(struct tn_step_sets *sets)
{
    const struct tn_finding **sure = &sets->parts[sets->part_count];
    for (size_t i = 0; i < sets->part_count; i++)
        if (sets->parts[i]->confidence != TN_CONFIDENCE_CONDITIONAL)
            sure[sets->sure_count++] = sets->parts[i];
    if (sets->sure_count == sets->part_count)
        sets->sure_count = 0;
    if (sets->sure_count != 0)
        sets->items[sets->count++] =
            (struct tn_what_if_set){.findings = sure, .count = sets->sure_count, .is_subtotal = true};
}

int tn_step_sets_make(const struct tn_findings *findings, struct tn_step_sets *ret_sets)
{
    const struct tn_plan *plan = findings->program_plan;
    *ret_sets = (struct tn_step_sets){.parts = calloc(2 * count_parts(plan) + 1, sizeof(ret_sets->parts[0]))};
    if (ret_sets->parts == NULL)
        return -ENOMEM;
    for (size_t i = 0; plan != NULL && i < plan->step_count; i++) {
        add_parts(findings, &plan->steps[i], ret_sets);
        ret_sets->steps[ret_sets->count] = i;
        if (ret_sets->part_count != 0)
            ret_sets->items[ret_sets->count++] =
                (struct tn_what_if_set){.findings = ret_sets->parts, .count = ret_sets->part_count};
    }
    add_sure(ret_sets);
    return 0;
}

void tn_step_sets_note(const struct tn_step_sets *sets, const struct tn_what_if_change *change,
                       struct tn_findings *findings)
{
    struct tn_plan *plan = findings->program_plan;
    struct tn_finding_saving *saving =
        change->is_subtotal ? &plan->sure : &plan->steps[sets->steps[change->set - 1]].together;
    tn_saving_note(saving, change);
    saving->allocations_removed = change->allocations_removed;
    saving->replay_allocations_removed = change->allocations_removed;
    if (change->is_subtotal)
        plan->sure_count = sets->sure_count;
}

void tn_step_sets_finish(struct tn_step_sets *sets)
{
    free(sets->parts);
    *sets = (struct tn_step_sets){0};
}
