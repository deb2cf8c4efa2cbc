/* SPDX-License-Identifier: MIT */
/* Measures what findings would change on models of heaps, and notes it beside the findings. Called by
 * `report`. */
#include "step_sets.h"

#include "tenure/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Append one delta. Returns 0 or -ENOMEM. */
static int note_delta(struct tn_finding_saving *saving, const char *policy, int64_t bytes)
{
    struct tn_finding_heap_delta *deltas =
        realloc(saving->heap_deltas, (saving->heap_delta_count + 1) * sizeof(*deltas));
    if (deltas == NULL)
        return -ENOMEM;
    saving->heap_deltas = deltas;
    char *name = strdup(policy);
    if (name == NULL)
        return -ENOMEM;
    deltas[saving->heap_delta_count++] = (struct tn_finding_heap_delta){.policy = name, .bytes = bytes};
    return 0;
}

void tn_saving_note(struct tn_finding_saving *saving, const struct tn_what_if_change *change)
{
    saving->outside_bytes = change->outside_bytes;
    saving->outside = change->outside;
    saving->is_measured = change->is_measured;
    saving->heap_median_bytes = change->heap_median_bytes;
    saving->heap_noise_bytes = change->heap_noise_bytes;
}

/* Several findings together. */
static void note_together(struct tn_finding_plan *plan, const struct tn_what_if_change *change)
{
    struct tn_finding_saving *saving = change->is_first      ? &plan->first
                                       : change->is_subtotal ? &plan->sure
                                                             : &plan->together;
    tn_saving_note(saving, change);
    saving->allocations_removed = change->allocations_removed;
    saving->replay_allocations_removed = change->allocations_removed;
    if (change->is_first)
        plan->first_count = change->finding_count;
    else if (change->is_subtotal)
        plan->sure_count = change->finding_count;
    else
        plan->finding_count = change->finding_count;
}

static int note_deltas(struct tn_finding_saving *saving, const struct tn_what_if_change *change,
                       const struct tn_what_if_model *models, size_t model_count)
{
    int r = 0;
    for (size_t m = 0; m < model_count && r == 0; m++)
        if (change->measures[m].is_known)
            r = note_delta(saving, models[m].name, change->measures[m].heap_delta_bytes);
    return r;
}

/* The changes point to their findings as constants; the list that they are in belongs to the caller. */
static int note_all(const struct tn_what_if *what_if, const struct tn_what_if_model *models,
                    size_t model_count, const struct tn_step_sets *sets, struct tn_findings *findings)
{
    int r = 0;
    for (size_t i = 0; i < what_if->count && r == 0; i++) {
        const struct tn_what_if_change *change = &what_if->changes[i];
        if (change->set != 0)
            tn_step_sets_note(sets, change, findings);
        if (change->set != 0)
            continue;
        if (change->finding == NULL) {
            note_together(&findings->plan, change);
            continue;
        }
        struct tn_finding_saving *saving = &findings->items[change->finding - findings->items].saving;
        tn_saving_note(saving, change);
        saving->replay_allocations_removed = change->allocations_removed;
        r = note_deltas(saving, change, models, model_count);
        findings->plan.alone_allocations += change->allocations_removed;
        findings->plan.alone_net_bytes += tn_saving_net_bytes(saving);
    }
    return r;
}

/* What the models need as it is. */
static void note_needs(const struct tn_what_if_model *models, size_t model_count,
                       struct tn_findings *findings)
{
    for (size_t m = 0; m < model_count; m++) {
        uint64_t bytes = models[m].need.heap_bytes;
        if (bytes == 0)
            continue;
        bool is_first = findings->heap_model_count++ == 0;
        if (is_first || bytes < findings->heap_least_bytes)
            findings->heap_least_bytes = bytes;
        if (is_first || bytes > findings->heap_most_bytes)
            findings->heap_most_bytes = bytes;
    }
}

/* Of the findings that a reader is told first, those among the chosen ones: the same rule as in the text
 * report. Returns how many. */
static size_t choose_first(const struct tn_finding *const *chosen, size_t count,
                           const struct tn_findings *findings, const struct tn_what_if_effort *effort,
                           const struct tn_finding **ret_first)
{
    size_t seen = 0, first = 0;
    for (size_t i = 0; i < findings->count && seen < TN_MEASURE_FIRST; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (finding->site_count == 0 || finding->confidence == TN_CONFIDENCE_WEAK ||
            tn_what_if_is_folded(finding, effort->own_library))
            continue;
        seen++;
        for (size_t c = 0; c < count; c++)
            if (chosen[c] == finding)
                ret_first[first++] = finding;
    }
    return first;
}

/* The findings that are measured, and the parts of steps: all that the events have to tell the roles of. */
static int tell_roles(struct tn_log_source *log_source, const struct tn_finding *const *chosen, size_t count,
                      const struct tn_step_sets *sets, struct tn_error *error)
{
    const struct tn_finding **all = calloc(count + sets->part_count + 1, sizeof(*all));
    if (all == NULL)
        return tn_error_set(error, -ENOMEM, "cannot measure: out of memory");
    for (size_t i = 0; i < count; i++)
        all[i] = chosen[i];
    for (size_t i = 0; i < sets->part_count; i++)
        all[count + i] = sets->parts[i];
    int r = tn_log_source_tell_roles(log_source, all, count + sets->part_count, error);
    free(all);
    return r;
}

static int run(struct tn_log_source *log_source, struct tn_what_if_model *models, size_t model_count,
               const struct tn_what_if_effort *effort, const struct tn_step_sets *sets,
               struct tn_findings *findings, struct tn_error *error)
{
    const struct tn_finding *chosen[TN_MEASURE_FINDINGS_MAX], *first[TN_MEASURE_FIRST];
    struct tn_replay_source source = tn_log_source_events(log_source);
    struct tn_what_if what_if = {0};
    struct tn_what_if_effort own = *effort;
    size_t count = tn_what_if_choose(findings, effort->finding_max, effort->own_library, chosen, NULL);
    own.first = first;
    own.first_count = choose_first(chosen, count, findings, effort, first);
    own.sets = sets->items;
    own.set_count = sets->count;
    int r = tell_roles(log_source, chosen, count, sets, error);
    own.roles = tn_log_source_roles(log_source);
    if (r == 0)
        r = tn_what_if_run(&source, models, model_count, chosen, count, &own, &what_if, error);
    if (r < 0)
        return r;
    note_needs(models, model_count, findings);
    r = note_all(&what_if, models, model_count, sets, findings);
    tn_what_if_finish(&what_if);
    return r < 0 ? tn_error_set(error, r, "cannot note what was measured: out of memory") : 0;
}

static int measure(struct tn_log_source *log_source, struct tn_what_if_model *models, size_t model_count,
                   const struct tn_what_if_effort *effort, struct tn_findings *findings,
                   struct tn_error *error)
{
    struct tn_step_sets sets;
    int r = tn_step_sets_make(findings, &sets);
    if (r < 0)
        tn_error_set(error, r, "cannot measure: out of memory");
    else
        r = run(log_source, models, model_count, effort, &sets, findings, error);
    tn_step_sets_finish(&sets);
    return r;
}

int tn_measure_findings(struct tn_log *log, struct tn_what_if_model *models, size_t model_count,
                        const struct tn_what_if_effort *effort, struct tn_findings *findings,
                        struct tn_error *error)
{
    struct tn_log_source *log_source = NULL;
    int r = tn_log_source_open(log, findings->process_id, &log_source, error);
    if (r == 0)
        r = measure(log_source, models, model_count, effort, findings, error);
    tn_log_source_close(log_source);
    return r;
}
