/* SPDX-License-Identifier: MIT */
/* What findings would change. Each finding becomes a rule that edits the events (a block leaves the heap,
 * moves into a pool, is allocated larger, or is combined with others); the edited events are searched for
 * their smallest region on each model, and compared with the unedited ones. Called by `simulate --apply`
 * and, through measure.c, by reports. */
#include "tenure/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POOL_LEAST_BYTES 16

/* A tn_what_if_run under way: its parameters, and how far it is. */
struct what_if_run {
    const struct tn_replay_source *source;
    struct tn_what_if_model *models;
    size_t model_count;
    const struct tn_what_if_effort *effort;
    uint64_t done, total; /* replays */
    struct tn_error *error;
};

/* The rules of some findings, and the lists of sites that the rules borrow. */
struct rules {
    struct tn_replay_rule *items; /* owned */
    uint32_t **sites;             /* owned, each */
    size_t count;
};

/* How often a rule names a site: more than once only where a structure has several of its blocks. */
static size_t count_members(const struct tn_finding *finding, size_t site)
{
    uint32_t per_group = finding->sites[site].per_group;
    return finding->apply == TN_APPLY_COMBINE && per_group > 1 ? per_group : 1;
}

static size_t count_all_members(const struct tn_finding *finding)
{
    size_t count = 0;
    for (size_t i = 0; i < finding->site_count; i++)
        count += count_members(finding, i);
    return count;
}

bool tn_what_if_applies(const struct tn_finding *finding)
{
    return finding->apply != TN_APPLY_NONE && finding->site_count > 0 &&
           (finding->apply != TN_APPLY_COMBINE || count_all_members(finding) <= TN_REPLAY_MEMBERS_MAX);
}

size_t tn_what_if_choose(const struct tn_findings *findings, size_t finding_max,
                         const struct tn_finding **chosen, uint64_t *ret_left)
{
    size_t count = 0;
    uint64_t left = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (finding->confidence == TN_CONFIDENCE_WEAK || !tn_what_if_applies(finding))
            continue;
        if (count < finding_max)
            chosen[count++] = finding;
        else
            left++;
    }
    if (ret_left != NULL)
        *ret_left = left;
    return count;
}

static enum tn_replay_change change_of(enum tn_apply apply)
{
    if (apply == TN_APPLY_COMBINE)
        return TN_REPLAY_COMBINE;
    if (apply == TN_APPLY_POOL)
        return TN_REPLAY_MOVE;
    return apply == TN_APPLY_REMOVE ? TN_REPLAY_REMOVE : TN_REPLAY_RESERVE;
}

static void finish_rules(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->sites[i]);
    free(rules->sites);
    free(rules->items);
    *rules = (struct rules){0};
}

static int make_rules(const struct tn_finding *const *findings, size_t count, struct rules *rules)
{
    rules->items = calloc(count, sizeof(*rules->items));
    rules->sites = calloc(count, sizeof(*rules->sites));
    if (rules->items == NULL || rules->sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct tn_finding *finding = findings[i];
        size_t member_count = 0;
        uint32_t *sites = calloc(count_all_members(finding), sizeof(*sites));
        if (sites == NULL)
            return -ENOMEM;
        rules->sites[rules->count++] = sites;
        for (size_t s = 0; s < finding->site_count; s++)
            for (size_t k = count_members(finding, s); k > 0; k--)
                sites[member_count++] = (uint32_t)finding->sites[s].site_id;
        rules->items[i] = (struct tn_replay_rule){
            .change = change_of(finding->apply),
            .site_ids = sites,
            .site_count = member_count,
            .bytes = finding->apply_bytes,
            .count = finding->apply_count,
        };
    }
    return 0;
}

static void step(struct what_if_run *run)
{
    run->done++;
    if (run->effort->progress != NULL)
        run->effort->progress(run->effort->user, run->done, run->total);
}

/* Smallest safe region of a source on a model, and whether it survives in the region that was given. */
static int measure(struct what_if_run *run, const struct tn_what_if_model *model,
                   const struct tn_replay_source *source, struct tn_what_if_measure *ret_measure)
{
    struct tn_replay_options options = model->options;
    struct tn_heap_pool *pools = NULL;
    struct tn_replay_minimum minimum = {0};
    struct tn_replay_result result = {0};
    bool has_heap = options.heap.heap_bytes != TN_HEAP_UNLIMITED;
    options.wants_offsets = options.wants_pins = options.wants_samples = false;
    int r = 0;
    if (model->derives_pools) {
        r = tn_replay_pools(source, POOL_LEAST_BYTES, &pools, &options.heap.pool_count, run->error);
        options.heap.pools = pools;
    }
    if (r == 0 && has_heap)
        r = tn_replay_run(source, &options, &result, run->error);
    if (r == 0)
        r = tn_replay_search(source, &options, run->effort->max_events, &minimum, run->error);
    *ret_measure = (struct tn_what_if_measure){
        .heap_bytes = minimum.safe_bytes,
        .has_survived = has_heap ? result.has_survived : minimum.safe_bytes != 0,
    };
    tn_replay_result_finish(&result);
    free(pools);
    step(run);
    return r;
}

static int measure_baseline(struct what_if_run *run)
{
    for (size_t i = 0; i < run->model_count; i++) {
        struct tn_what_if_measure now;
        int r = measure(run, &run->models[i], run->source, &now);
        if (r < 0)
            return r;
        run->models[i].heap_bytes = now.heap_bytes;
        run->models[i].has_survived = now.has_survived;
    }
    return 0;
}

static void sum_effects(struct tn_what_if_change *change, const struct tn_replay_plan *plan,
                        const struct tn_finding *const *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tn_replay_effect effect = tn_replay_plan_effect(plan, i);
        const char *outside = findings[i]->saving.outside;
        change->allocations_removed += effect.allocations_removed;
        if (outside == NULL)
            continue;
        change->outside_bytes += effect.outside_peak_bytes;
        bool is_other = change->outside != NULL && strcmp(change->outside, outside) != 0;
        change->outside = is_other ? "mixed" : outside;
    }
}

/* Apply some findings together, and measure the result on each model. */
static int measure_change(struct what_if_run *run, const struct tn_finding *const *findings, size_t count,
                          struct tn_what_if_change *change)
{
    struct rules rules = {0};
    struct tn_replay_plan *plan = NULL;
    change->measures = calloc(run->model_count, sizeof(*change->measures));
    int r = change->measures == NULL ? -ENOMEM : make_rules(findings, count, &rules);
    if (r < 0)
        tn_error_set(run->error, r, "cannot measure a change: out of memory");
    if (r == 0)
        r = tn_replay_plan_open(run->source, rules.items, rules.count, &plan, run->error);
    struct tn_replay_source edited = {0};
    if (r == 0)
        edited = tn_replay_plan_source(plan);
    for (size_t i = 0; i < run->model_count && r == 0; i++) {
        struct tn_what_if_measure *to = &change->measures[i];
        r = measure(run, &run->models[i], &edited, to);
        if (r == 0 && to->heap_bytes != 0 && run->models[i].heap_bytes != 0)
            to->heap_delta_bytes = (int64_t)to->heap_bytes - (int64_t)run->models[i].heap_bytes;
        to->removes_failure = to->has_survived && !run->models[i].has_survived;
    }
    if (r == 0)
        sum_effects(change, plan, findings, count);
    tn_replay_plan_close(plan);
    finish_rules(&rules);
    return r;
}

/* What a change is ranked by: first the failures that it removes, then the heap, then the calls that it
 * saves. */
struct merit {
    int failures;
    int64_t heap_bytes;
    uint64_t allocations;
};

static struct merit merit_of(const struct tn_what_if_change *change, size_t model_count)
{
    struct merit merit = {.allocations = change->allocations_removed};
    for (size_t i = 0; i < model_count; i++) {
        merit.failures += change->measures[i].removes_failure;
        merit.heap_bytes -= change->measures[i].heap_delta_bytes;
    }
    return merit;
}

static bool is_better(const struct merit *a, const struct merit *b)
{
    if (a->failures != b->failures)
        return a->failures > b->failures;
    if (a->heap_bytes != b->heap_bytes)
        return a->heap_bytes > b->heap_bytes;
    return a->allocations > b->allocations;
}

/* Insertion sort: there are few, and equal ones must keep the order of the findings. */
static void sort(struct tn_what_if_change *changes, size_t count, size_t model_count)
{
    for (size_t i = 1; i < count; i++) {
        struct tn_what_if_change change = changes[i];
        struct merit merit = merit_of(&change, model_count);
        size_t at = i;
        for (; at > 0; at--) {
            struct merit other = merit_of(&changes[at - 1], model_count);
            if (!is_better(&merit, &other))
                break;
            changes[at] = changes[at - 1];
        }
        changes[at] = change;
    }
}

int tn_what_if_run(const struct tn_replay_source *source, struct tn_what_if_model *models, size_t model_count,
                   const struct tn_finding *const *findings, size_t finding_count,
                   const struct tn_what_if_effort *effort, struct tn_what_if *ret_what_if,
                   struct tn_error *error)
{
    struct tn_what_if what_if = {.changes = calloc(finding_count + 1, sizeof(*what_if.changes))};
    struct what_if_run run = {.source = source,
                              .models = models,
                              .model_count = model_count,
                              .effort = effort,
                              .total = model_count * (finding_count + 1 + (finding_count > 1)),
                              .error = error};
    if (what_if.changes == NULL)
        return tn_error_set(error, -ENOMEM, "cannot measure changes: out of memory");
    int r = measure_baseline(&run);
    for (size_t i = 0; i < finding_count && r == 0; i++) {
        struct tn_what_if_change *change = &what_if.changes[what_if.count++];
        change->finding = findings[i];
        r = measure_change(&run, &findings[i], 1, change);
    }
    if (r == 0) {
        sort(what_if.changes, what_if.count, model_count);
        if (finding_count > 1)
            r = measure_change(&run, findings, finding_count, &what_if.changes[what_if.count++]);
    }
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
