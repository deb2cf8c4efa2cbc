/* SPDX-License-Identifier: MIT */

/* Brings the findings of several runs together by their keys. What a run does not state is silence where its
 * sites allocate, and nothing where they do not: only the first speaks against it. */

#include "tenure/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *tn_runs_state_name(enum tn_runs_state state)
{
    static const char *const names[TN_RUNS_STATE_COUNT] = {"all", "reached", "some", "refuted"};
    return names[state];
}

const char *tn_run_verdict_name(enum tn_run_verdict verdict)
{
    static const char *const names[] = {"holds", "doubtful", "silent", "not-reached"};
    return names[verdict];
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---------------------------------------------------------------------------------------- one run */

static const struct tn_finding *find(const struct tn_compared_run *run, uint32_t key)
{
    for (size_t i = 0; i < run->findings->count; i++)
        if (run->findings->items[i].key == key)
            return &run->findings->items[i];
    return NULL;
}

/* The same place, however the module is called where it lies; without a line its offset decides. */
static bool is_same_site(const struct tn_finding_site *site, const struct tn_summary_site *other)
{
    return site->line == other->line && site->offset_bytes == other->offset_bytes &&
           strcmp(site->function, other->function) == 0 && strcmp(site->via, other->via) == 0 &&
           strcmp(base_name(site->file), base_name(other->file)) == 0 &&
           strcmp(base_name(site->module), base_name(other->module)) == 0;
}

struct site_sums {
    uint64_t allocations, freed;
};

/* Of all sites of a finding in a run. */
static struct site_sums sum_sites(const struct tn_finding *finding, const struct tn_compared_run *run)
{
    const struct tn_summary_sites *sites = &run->summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    struct site_sums sums = {0};
    for (size_t i = 0; i < finding->site_count; i++)
        for (size_t k = 0; k < sites->count; k++)
            if (is_same_site(&finding->sites[i], &sites->sites[k])) {
                sums.allocations += sites->sites[k].allocations;
                sums.freed += sites->sites[k].freed;
            }
    return sums;
}

static enum tn_run_verdict judge(const struct tn_finding *shown, const struct tn_compared_run *run,
                                 enum tn_confidence least, uint64_t allocations)
{
    const struct tn_finding *own = find(run, shown->key);
    if (own != NULL)
        return own->confidence >= least ? TN_RUN_HOLDS : TN_RUN_DOUBTFUL;
    return allocations != 0 || shown->site_count == 0 ? TN_RUN_SILENT : TN_RUN_NOT_REACHED;
}

/* ---------------------------------------------------------------------------------------- evidence */

/* One scalar over all runs that state the finding. */
static void merge_value(const struct tn_runs *runs, struct tn_runs_finding *merged,
                        const struct tn_evidence *value)
{
    const struct tn_evidence_key *key =
        merged->kind != NULL ? tn_evidence_key_find(merged->kind->evidence, value->key) : NULL;
    bool is_summed = key != NULL && key->is_summed;
    uint64_t count = 0;
    double real = value->real;
    for (size_t i = 0; i < runs->run_count; i++) {
        const struct tn_finding *own = find(&runs->runs[i], merged->shown->key);
        const struct tn_evidence *other = own != NULL ? tn_evidence_find(&own->evidence, value->key) : NULL;
        if (other == NULL || other->type != value->type)
            continue;
        if (value->type == TN_VALUE_REAL)
            real = other->real > real ? other->real : real;
        else if (is_summed)
            count += other->count;
        else
            count = other->count > count ? other->count : count;
    }
    if (value->type == TN_VALUE_REAL)
        tn_evidence_add_real(&merged->evidence, value->key, value->unit, real, value->real_digits);
    else
        tn_evidence_add_number(&merged->evidence, value->key, value->unit, count);
}

static int merge_evidence(const struct tn_runs *runs, struct tn_runs_finding *merged)
{
    const struct tn_evidence_set *evidence = &merged->shown->evidence;
    for (size_t i = 0; i < evidence->count; i++)
        if (evidence->items[i].type == TN_VALUE_COUNT || evidence->items[i].type == TN_VALUE_REAL)
            merge_value(runs, merged, &evidence->items[i]);
    return tn_evidence_error(&merged->evidence);
}

/* ---------------------------------------------------------------------------------------- one finding */

/* A kind that says "never released" is refuted by a run that releases. */
static bool is_refuted(const struct tn_runs *runs, const struct tn_runs_finding *merged, size_t shown_run)
{
    if (merged->kind == NULL || !merged->kind->is_refuted_by_release || merged->shown->site_count != 1 ||
        sum_sites(merged->shown, &runs->runs[shown_run]).freed != 0)
        return false;
    for (size_t i = 0; i < runs->run_count; i++)
        if (merged->verdicts[i] == TN_RUN_SILENT && sum_sites(merged->shown, &runs->runs[i]).freed != 0)
            return true;
    return false;
}

static enum tn_runs_state state_of(const struct tn_runs *runs, const struct tn_runs_finding *merged,
                                   size_t shown_run)
{
    size_t not_reached = 0;
    for (size_t i = 0; i < runs->run_count; i++)
        not_reached += merged->verdicts[i] == TN_RUN_NOT_REACHED;
    if (merged->holds_count == runs->run_count)
        return TN_RUNS_ALL;
    if (is_refuted(runs, merged, shown_run))
        return TN_RUNS_REFUTED;
    return merged->holds_count + not_reached == runs->run_count ? TN_RUNS_REACHED : TN_RUNS_SOME;
}

static void count_saving(const struct tn_finding *own, struct tn_runs_finding *merged)
{
    uint64_t removed = own->saving.allocations_removed;
    if (merged->holds_count++ == 0)
        merged->least_removed = removed;
    merged->least_removed = removed < merged->least_removed ? removed : merged->least_removed;
    merged->most_removed = removed > merged->most_removed ? removed : merged->most_removed;
}

static int fill(const struct tn_runs *runs, enum tn_confidence least, size_t shown_run,
                struct tn_runs_finding *merged)
{
    merged->verdicts = calloc(runs->run_count, sizeof(merged->verdicts[0]));
    merged->site_allocations = calloc(runs->run_count, sizeof(merged->site_allocations[0]));
    if (merged->verdicts == NULL || merged->site_allocations == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < runs->run_count; i++) {
        merged->site_allocations[i] = sum_sites(merged->shown, &runs->runs[i]).allocations;
        merged->verdicts[i] = judge(merged->shown, &runs->runs[i], least, merged->site_allocations[i]);
        if (merged->verdicts[i] == TN_RUN_HOLDS)
            count_saving(find(&runs->runs[i], merged->shown->key), merged);
    }
    merged->state = state_of(runs, merged, shown_run);
    return merge_evidence(runs, merged);
}

/* ---------------------------------------------------------------------------------------- all findings */

/* The run in which a finding is sure enough and saves most; run_count: there is none. */
static size_t best_run(const struct tn_runs *runs, uint32_t key, enum tn_confidence least)
{
    size_t best = runs->run_count;
    const struct tn_finding *shown = NULL;
    for (size_t i = 0; i < runs->run_count; i++) {
        const struct tn_finding *own = find(&runs->runs[i], key);
        if (own == NULL || own->confidence < least)
            continue;
        if (shown == NULL || own->saving.allocations_removed > shown->saving.allocations_removed) {
            best = i;
            shown = own;
        }
    }
    return best;
}

static bool is_known(const struct tn_runs *runs, uint32_t key)
{
    for (size_t i = 0; i < runs->finding_count; i++)
        if (runs->findings[i].shown->key == key)
            return true;
    return false;
}

static int add(struct tn_runs *runs, const struct tn_kind *const *kinds, enum tn_confidence least,
               uint32_t key)
{
    size_t best = best_run(runs, key, least);
    if (best == runs->run_count || is_known(runs, key))
        return 0;
    struct tn_runs_finding *merged = &runs->findings[runs->finding_count++];
    merged->shown = find(&runs->runs[best], key);
    merged->kind = tn_kind_find(kinds, merged->shown->kind);
    return fill(runs, least, best, merged);
}

static int compare_findings(const void *a, const void *b)
{
    const struct tn_runs_finding *left = a, *right = b;
    if (left->state != right->state)
        return left->state < right->state ? -1 : 1;
    if (left->shown->rank != right->shown->rank)
        return left->shown->rank < right->shown->rank ? -1 : 1;
    return left->shown->key < right->shown->key ? -1 : left->shown->key > right->shown->key;
}

static bool is_one_program(const struct tn_compared_run *runs, size_t run_count)
{
    for (size_t i = 1; i < run_count; i++)
        if (strcmp(base_name(runs[i].summary->program), base_name(runs[0].summary->program)) != 0)
            return false;
    return true;
}

int tn_runs_merge(const struct tn_compared_run *runs, size_t run_count, const struct tn_kind *const *kinds,
                  enum tn_confidence least, struct tn_runs *ret_runs)
{
    struct tn_runs merged = {
        .runs = runs, .run_count = run_count, .is_one_program = is_one_program(runs, run_count)};
    size_t count = 0;
    for (size_t i = 0; i < run_count; i++)
        count += runs[i].findings->count;
    merged.findings = calloc(count + 1, sizeof(merged.findings[0]));
    int r = merged.findings == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < run_count; i++)
        for (size_t k = 0; k < runs[i].findings->count && r == 0; k++)
            r = add(&merged, kinds, least, runs[i].findings->items[k].key);
    if (r < 0) {
        tn_runs_finish(&merged);
        return r;
    }
    qsort(merged.findings, merged.finding_count, sizeof(merged.findings[0]), compare_findings);
    *ret_runs = merged;
    return 0;
}

void tn_runs_finish(struct tn_runs *runs)
{
    if (runs == NULL)
        return;
    for (size_t i = 0; i < runs->finding_count; i++) {
        free(runs->findings[i].verdicts);
        free(runs->findings[i].site_allocations);
        tn_evidence_finish(&runs->findings[i].evidence);
    }
    free(runs->findings);
    *runs = (struct tn_runs){0};
}
