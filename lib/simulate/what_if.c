/* SPDX-License-Identifier: MIT */
/* What findings would change. The edited events of a change are kept in memory, searched for their smallest
 * region on each model, and compared with the unedited ones; some rounds with slightly other sizes tell how
 * much of the difference is luck. What the change does to calls is counted over all events, whatever a model
 * made of them. Called by `simulate --apply` and, through measure.c, by reports. */
#include "perturb.h"
#include "tenure/simulate.h"
#include "what_if_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POOL_LEAST_BYTES 16
#define AMPLE            4       /* times the smallest region is room enough for any round */
#define KEPT_EVENTS      4000000 /* unless the caller says otherwise */

/* A tn_what_if_run under way: its parameters, and how far it is. */
struct what_if_run {
    struct tn_what_if_model *models;
    size_t model_count;
    const struct tn_what_if_effort *effort;
    uint64_t done, total; /* searches */
    size_t kept_events;   /* at most */
    bool keeps_events;    /* the source has no more */
    struct tn_error *error;
};

static void step(struct what_if_run *run)
{
    run->done++;
    if (run->effort->progress != NULL)
        run->effort->progress(run->effort->user, run->done, run->total);
}

/* ---------------------------------------------------------------------------------------- one model */

/* Options for a model, with pools that follow from the events where the model wants them. Returns 0 or
 * negative errno; the caller frees *ret_pools. */
static int prepare(struct what_if_run *run, const struct tn_what_if_model *model,
                   const struct tn_replay_source *source, struct tn_replay_options *ret_options,
                   struct tn_heap_pool **ret_pools)
{
    *ret_options = model->options;
    ret_options->wants_offsets = ret_options->wants_pins = ret_options->wants_samples = false;
    *ret_pools = NULL;
    if (!model->derives_pools)
        return 0;
    int r = tn_replay_pools(source, POOL_LEAST_BYTES, ret_pools, &ret_options->heap.pool_count, run->error);
    ret_options->heap.pools = *ret_pools;
    return r;
}

/* What a round with other sizes needs in ample room, which is the same before and after a change; 0: it
 * cannot be told. */
static int measure_round(struct what_if_run *run, const struct tn_what_if_model *model,
                         const struct tn_replay_source *source, unsigned round, uint64_t *ret_bytes)
{
    struct tn_perturbation perturbation = {.source = *source, .seed = round + 1};
    struct tn_replay_source perturbed = tn_perturbation_source(&perturbation);
    struct tn_replay_options options;
    struct tn_heap_pool *pools;
    struct tn_replay_result result = {0};
    int r = prepare(run, model, &perturbed, &options, &pools);
    options.heap.heap_bytes = AMPLE * model->need.heap_bytes;
    options.after = TN_REPLAY_STOP;
    if (r == 0)
        r = tn_replay_run(&perturbed, &options, &result, run->error);
    *ret_bytes = r == 0 && result.has_survived ? result.smallest_bytes : 0;
    tn_replay_result_finish(&result);
    free(pools);
    return r == -EINVAL ? 0 : r; /* too small for the policy's own structures */
}

/* What each round needs, unless the unchanged events could not be measured. */
static int measure_rounds(struct what_if_run *run, const struct tn_what_if_model *model,
                          const struct tn_replay_source *source, struct tn_what_if_need *need)
{
    unsigned rounds = run->keeps_events ? TN_WHAT_IF_ROUNDS : 1;
    int r = 0;
    for (unsigned i = 0; i < rounds && r == 0 && model->need.heap_bytes != 0; i++)
        r = measure_round(run, model, source, i, &need->round_bytes[i]);
    step(run);
    return r;
}

/* A source on a model: its smallest region, and whether it survives in the region that was given. */
static int measure(struct what_if_run *run, const struct tn_what_if_model *model,
                   const struct tn_replay_source *source, struct tn_what_if_need *ret_need)
{
    struct tn_replay_options options;
    struct tn_heap_pool *pools;
    struct tn_replay_minimum minimum = {0};
    struct tn_replay_result result = {0};
    int r = prepare(run, model, source, &options, &pools);
    bool has_heap = options.heap.heap_bytes != TN_HEAP_UNLIMITED;
    if (r == 0 && has_heap)
        r = tn_replay_run(source, &options, &result, run->error);
    if (r == 0)
        r = tn_replay_search_narrow(source, &options, &minimum, run->error);
    *ret_need = (struct tn_what_if_need){
        .heap_bytes = minimum.safe_bytes,
        .step_bytes = minimum.step_bytes,
        .has_survived = has_heap ? result.has_survived : minimum.safe_bytes != 0,
    };
    tn_replay_result_finish(&result);
    free(pools);
    return r;
}

static int measure_baseline(struct what_if_run *run, const struct tn_replay_source *source)
{
    int r = 0;
    for (size_t i = 0; i < run->model_count && r == 0; i++) {
        r = measure(run, &run->models[i], source, &run->models[i].need);
        if (r == 0)
            r = measure_rounds(run, &run->models[i], source, &run->models[i].need);
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- luck */

static uint64_t distance(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

/* The difference that a change makes, and how far it lies from the differences of the rounds. */
static void compare(const struct tn_what_if_need *before, struct tn_what_if_measure *measure)
{
    const struct tn_what_if_need *after = &measure->need;
    measure->removes_failure = after->has_survived && !before->has_survived;
    measure->is_known = after->heap_bytes != 0 && before->heap_bytes != 0;
    if (!measure->is_known)
        return;
    measure->heap_delta_bytes = (int64_t)after->heap_bytes - (int64_t)before->heap_bytes;
    measure->noise_bytes = after->step_bytes > before->step_bytes ? after->step_bytes : before->step_bytes;
    for (unsigned i = 0; i < TN_WHAT_IF_ROUNDS; i++) {
        bool is_known = after->round_bytes[i] != 0 && before->round_bytes[i] != 0;
        measure->round_delta_bytes[i] = is_known
                                            ? (int64_t)after->round_bytes[i] - (int64_t)before->round_bytes[i]
                                            : measure->heap_delta_bytes;
        uint64_t off = distance(measure->round_delta_bytes[i], measure->heap_delta_bytes);
        if (off > measure->noise_bytes)
            measure->noise_bytes = off;
    }
}

static int compare_deltas(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of an even number, the mean of the middle two. */
static int64_t median_of(int64_t *deltas, size_t count)
{
    qsort(deltas, count, sizeof(deltas[0]), compare_deltas);
    int64_t upper = deltas[count / 2];
    return count % 2 != 0 ? upper : deltas[count / 2 - 1] + (upper - deltas[count / 2 - 1]) / 2;
}

/* The median over the models, and how far it lies from that of each round. */
static int take_median(struct what_if_run *run, struct tn_what_if_change *change)
{
    int64_t *deltas = calloc(run->model_count, sizeof(deltas[0]));
    if (deltas == NULL)
        return tn_error_set(run->error, -ENOMEM, "cannot measure a change: out of memory");
    for (unsigned round = 0; round <= TN_WHAT_IF_ROUNDS; round++) {
        size_t count = 0;
        for (size_t i = 0; i < run->model_count; i++) {
            const struct tn_what_if_measure *measure = &change->measures[i];
            if (measure->is_known)
                deltas[count++] =
                    round == 0 ? measure->heap_delta_bytes : measure->round_delta_bytes[round - 1];
        }
        change->is_measured = count > 0;
        if (count == 0)
            break;
        int64_t median = median_of(deltas, count);
        if (round == 0)
            change->heap_median_bytes = median;
        else if (distance(median, change->heap_median_bytes) > change->heap_noise_bytes)
            change->heap_noise_bytes = distance(median, change->heap_median_bytes);
    }
    free(deltas);
    return 0;
}

/* ---------------------------------------------------------------------------------------- one change */

static const char *outside_of(const struct tn_finding *finding)
{
    if (finding->apply == TN_APPLY_POOL)
        return "pool";
    if (finding->apply == TN_APPLY_ARENA)
        return "arena";
    if (finding->apply != TN_APPLY_REMOVE)
        return NULL;
    return strcmp(finding->kind, "stack-buffer") == 0 ? "stack" : "static";
}

/* An arena is there as a whole, however full it is. */
static uint64_t finding_outside_bytes(const struct tn_finding *finding, const struct tn_replay_effect *effect)
{
    return finding->apply == TN_APPLY_ARENA && effect->allocations_removed != 0
               ? finding->apply_bytes * finding->apply_count
               : effect->outside_peak_bytes;
}

static void sum_effects(struct tn_what_if_change *change, const struct tn_replay_plan *plan,
                        const struct tn_finding *const *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tn_replay_effect effect = tn_replay_plan_effect(plan, i);
        const char *outside = outside_of(findings[i]);
        change->allocations_removed += effect.allocations_removed;
        if (outside == NULL)
            continue;
        change->outside_bytes += finding_outside_bytes(findings[i], &effect);
        bool is_other = change->outside != NULL && strcmp(change->outside, outside) != 0;
        change->outside = is_other ? "mixed" : outside;
    }
}

/* One pass over all edited events, so that the plan has counted each: a replay may end at a failure. */
static int read_to_end(const struct tn_replay_source *source, struct tn_error *error)
{
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    while (r >= 0 && (r = source->next(source->state, &event, error)) > 0)
        ;
    return r;
}

static int measure_models(struct what_if_run *run, const struct tn_replay_source *edited,
                          struct tn_what_if_change *change)
{
    int r = 0;
    for (size_t i = 0; i < run->model_count && r == 0; i++) {
        r = measure(run, &run->models[i], edited, &change->measures[i].need);
        if (r == 0)
            r = measure_rounds(run, &run->models[i], edited, &change->measures[i].need);
        if (r == 0)
            compare(&run->models[i].need, &change->measures[i]);
    }
    return r < 0 ? r : take_median(run, change);
}

/* Edit the events, and measure what comes out. */
static int measure_plan(struct what_if_run *run, struct tn_replay_plan *plan,
                        struct tn_what_if_change *change)
{
    struct tn_replay_source edited = tn_replay_plan_source(plan);
    struct tn_replay_trace *trace = NULL;
    if (!run->keeps_events) {
        int r = measure_models(run, &edited, change);
        return r < 0 ? r : read_to_end(&edited, run->error);
    }
    int r = tn_replay_trace_read(&edited, run->kept_events, &trace, run->error);
    if (r < 0)
        return r;
    edited = tn_replay_trace_source(trace);
    r = measure_models(run, &edited, change);
    tn_replay_trace_close(trace);
    return r;
}

/* Apply some findings together, and measure the result on each model. */
static int measure_change(struct what_if_run *run, const struct tn_replay_source *source,
                          const struct tn_finding *const *findings, size_t count,
                          struct tn_what_if_change *change)
{
    struct tn_what_if_rules rules = {0};
    struct tn_replay_plan *plan = NULL;
    change->finding_count = count;
    change->measures = calloc(run->model_count, sizeof(*change->measures));
    int r = change->measures == NULL ? -ENOMEM
                                     : tn_what_if_rules_make(findings, count, run->effort->roles, &rules);
    if (r < 0)
        tn_error_set(run->error, r, "cannot measure a change: out of memory");
    if (r == 0)
        r = tn_replay_plan_open(source, rules.items, rules.count, &plan, run->error);
    if (r == 0)
        r = measure_plan(run, plan, change);
    if (r == 0)
        sum_effects(change, plan, findings, count);
    tn_replay_plan_close(plan);
    tn_what_if_rules_finish(&rules);
    return r;
}

/* ---------------------------------------------------------------------------------------- all changes */

/* The findings without those that a condition decides. Returns how many. */
static size_t take_sure(const struct tn_finding *const *findings, size_t count,
                        const struct tn_finding **ret_sure)
{
    size_t sure = 0;
    for (size_t i = 0; i < count; i++)
        if (findings[i]->confidence != TN_CONFIDENCE_CONDITIONAL)
            ret_sure[sure++] = findings[i];
    return sure;
}

static int measure_each(struct what_if_run *run, const struct tn_replay_source *source,
                        const struct tn_finding *const *findings, size_t count, struct tn_what_if *what_if)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        struct tn_what_if_change *change = &what_if->changes[what_if->count++];
        change->finding = findings[i];
        r = measure_change(run, source, &findings[i], 1, change);
    }
    return r;
}

/* Calls that a finding alone keeps from the heap, as it was measured. */
static uint64_t effect_alone(const struct tn_what_if *what_if, const struct tn_finding *finding)
{
    for (size_t i = 0; i < what_if->count; i++)
        if (what_if->changes[i].finding == finding)
            return what_if->changes[i].allocations_removed;
    return 0;
}

/* Several findings. Where two change the same blocks the first one has them: that of the larger effect, so
 * that all together save no less calls than the best of them. */
static int measure_together(struct what_if_run *run, const struct tn_replay_source *source,
                            const struct tn_finding *const *findings, size_t count,
                            struct tn_what_if *what_if)
{
    const struct tn_finding **ordered = calloc(count + 1, sizeof(*ordered));
    if (ordered == NULL)
        return tn_error_set(run->error, -ENOMEM, "cannot measure changes: out of memory");
    for (size_t i = 0; i < count; i++) {
        uint64_t effect = effect_alone(what_if, findings[i]);
        size_t at = i;
        for (; at > 0 && effect_alone(what_if, ordered[at - 1]) < effect; at--)
            ordered[at] = ordered[at - 1];
        ordered[at] = findings[i];
    }
    int r = measure_change(run, source, ordered, count, &what_if->changes[what_if->count]);
    what_if->count++;
    free(ordered);
    return r;
}

/* The sets that the caller made, in its own order. */
static int measure_sets(struct what_if_run *run, const struct tn_replay_source *source,
                        struct tn_what_if *what_if)
{
    int r = 0;
    for (size_t i = 0; i < run->effort->set_count && r == 0; i++) {
        const struct tn_what_if_set *set = &run->effort->sets[i];
        struct tn_what_if_change *change = &what_if->changes[what_if->count++];
        change->set = i + 1;
        change->is_subtotal = set->is_subtotal;
        change->finding = set->count == 1 && !set->is_subtotal ? set->findings[0] : NULL;
        r = measure_change(run, source, set->findings, set->count, change);
    }
    return r;
}

static int measure_all(struct what_if_run *run, const struct tn_replay_source *source,
                       const struct tn_finding *const *findings, size_t count, struct tn_what_if *what_if)
{
    const struct tn_finding **sure = calloc(count + 1, sizeof(*sure));
    if (sure == NULL)
        return tn_error_set(run->error, -ENOMEM, "cannot measure changes: out of memory");
    size_t sure_count = take_sure(findings, count, sure);
    bool has_subtotal = sure_count > 0 && sure_count < count;
    size_t first_count = run->effort->first != NULL ? run->effort->first_count : 0;
    bool has_first = first_count > 1 && first_count < count;
    run->total =
        run->model_count * (count + 1 + (count > 1) + has_subtotal + has_first + run->effort->set_count);
    int r = measure_baseline(run, source);
    if (r == 0)
        r = measure_each(run, source, findings, count, what_if);
    if (r == 0 && count > 1)
        r = measure_together(run, source, findings, count, what_if);
    if (r == 0 && has_subtotal) {
        what_if->changes[what_if->count].is_subtotal = true;
        r = measure_together(run, source, sure, sure_count, what_if);
    }
    if (r == 0 && has_first) {
        what_if->changes[what_if->count].is_first = true;
        r = measure_together(run, source, run->effort->first, first_count, what_if);
    }
    if (r == 0)
        r = measure_sets(run, source, what_if);
    free(sure);
    return r;
}

int tn_what_if_run(const struct tn_replay_source *source, struct tn_what_if_model *models, size_t model_count,
                   const struct tn_finding *const *findings, size_t finding_count,
                   const struct tn_what_if_effort *effort, struct tn_what_if *ret_what_if,
                   struct tn_error *error)
{
    struct tn_what_if what_if = {.changes =
                                     calloc(finding_count + 3 + effort->set_count, sizeof(*what_if.changes))};
    struct what_if_run run = {.models = models, .model_count = model_count, .effort = effort, .error = error};
    struct tn_replay_trace *trace = NULL;
    if (what_if.changes == NULL)
        return tn_error_set(error, -ENOMEM, "cannot measure changes: out of memory");
    run.kept_events = effort->kept_events != 0 ? effort->kept_events : KEPT_EVENTS;
    int r = tn_replay_trace_read(source, run.kept_events, &trace, error);
    run.keeps_events = r == 0;
    struct tn_replay_source events = r == 0 ? tn_replay_trace_source(trace) : *source;
    if (r == 0 || r == -E2BIG)
        r = measure_all(&run, &events, findings, finding_count, &what_if);
    tn_replay_trace_close(trace);
    if (r < 0)
        tn_what_if_finish(&what_if);
    else
        *ret_what_if = what_if;
    return r;
}

void tn_what_if_finish(struct tn_what_if *what_if)
{
    for (size_t i = 0; i < what_if->count; i++)
        free(what_if->changes[i].measures);
    free(what_if->changes);
    *what_if = (struct tn_what_if){0};
}
