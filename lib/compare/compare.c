/* SPDX-License-Identifier: MIT */

/* Compares two recordings: sums the figures of matched sites, has findings matched, and says what got worse.
 * Called by `tenure diff`. */

#include "tenure/compare.h"

#include "match_findings.h"
#include "match_sites.h"
#include "match_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- candidates */

static const struct tn_summary_sites *all_sites(const struct tn_compared_run *run)
{
    return &run->summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
}

/* Path of the program that the process ran; "" when not known. */
static const char *program_of(const struct tn_compared_run *run)
{
    const struct tn_summary *summary = run->summary;
    for (size_t i = 0; i < summary->process_count; i++)
        if (summary->processes[i].id == summary->process_id)
            return summary->processes[i].executable;
    return "";
}

/* The build of a module; "" where it is not known, or two builds have the path. */
static const char *build_of(const struct tn_call_contexts *contexts, const char *path)
{
    const char *found = NULL;
    for (size_t i = 0; contexts != NULL && i < contexts->module_count; i++) {
        if (strcmp(contexts->modules[i].path, path) != 0)
            continue;
        if (found != NULL)
            return "";
        found = contexts->modules[i].build_id;
    }
    return found != NULL ? found : "";
}

/* The program is the same module whatever it is called. */
static void set_module(struct site_candidate *candidate, const char *program)
{
    candidate->module = tn_match_module(candidate->site->module, &candidate->module_length);
    if (program[0] != '\0' && strcmp(candidate->site->module, program) == 0)
        candidate->module_length = 0;
}

static void add_candidates(const struct tn_compared_run *run, bool is_new, struct site_candidate *candidates)
{
    const struct tn_summary_sites *sites = all_sites(run);
    const struct tn_call_contexts *contexts = run->contexts;
    const char *program = program_of(run);
    for (size_t i = 0; i < sites->count; i++) {
        const struct tn_summary_site *site = &sites->sites[i];
        bool is_known = contexts != NULL && site->site_id != 0 && site->site_id < contexts->site_count;
        candidates[i] = (struct site_candidate){
            .site = site,
            .contexts = is_known ? &contexts->sites[site->site_id] : NULL,
            .build_id = site->function[0] == '\0' ? build_of(contexts, site->module) : "",
            .function_length = tn_match_function_length(site->function),
            .is_new = is_new,
            .order = i,
        };
        set_module(&candidates[i], program);
    }
}

/* ---------------------------------------------------------------------------------------- changes */

static void add_figures(struct tn_site_figures *sum, const struct tn_summary_site *site)
{
    sum->allocations += site->allocations;
    sum->total_bytes += site->total_bytes;
    sum->peak_live_bytes += site->peak_live_bytes;
    sum->live_at_end += site->live_at_end;
    sum->small_short_lived += site->small_short_lived;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Groups in the order of their candidates, the sites of each consecutive. */
static int compare_groups(const void *a, const void *b)
{
    const struct site_candidate *left = a, *right = b;
    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    if (left->is_new != right->is_new)
        return left->is_new ? 1 : -1;
    if (left->site->line != right->site->line)
        return left->site->line < right->site->line ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static void add_changes(const struct site_candidate *candidates, size_t count,
                        struct tn_comparison *comparison)
{
    size_t before_count = 0, after_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct site_candidate *candidate = &candidates[i];
        struct tn_site_change *change = &comparison->sites[candidate->group - 1];
        if (i == 0 || candidates[i - 1].group != candidate->group)
            *change = (struct tn_site_change){.before_first = before_count, .after_first = after_count};
        if (candidate->is_new) {
            comparison->after[after_count++] = candidate->site;
            change->after_count++;
            add_figures(&change->after, candidate->site);
        } else {
            comparison->before[before_count++] = candidate->site;
            change->before_count++;
            add_figures(&change->before, candidate->site);
        }
    }
}

/* Most calls more or less first; then bytes at the peak; then as the candidates stood, which qsort would not
 * keep by itself: the first sites have an order. */
static int compare_changes(const void *a, const void *b)
{
    const struct tn_site_change *left = a, *right = b;
    uint64_t left_calls = distance(left->before.allocations, left->after.allocations);
    uint64_t right_calls = distance(right->before.allocations, right->after.allocations);
    if (left_calls != right_calls)
        return left_calls > right_calls ? -1 : 1;
    uint64_t left_bytes = distance(left->before.peak_live_bytes, left->after.peak_live_bytes);
    uint64_t right_bytes = distance(right->before.peak_live_bytes, right->after.peak_live_bytes);
    if (left_bytes != right_bytes)
        return left_bytes > right_bytes ? -1 : 1;
    if (left->before_first != right->before_first)
        return left->before_first < right->before_first ? -1 : 1;
    return (left->after_first > right->after_first) - (left->after_first < right->after_first);
}

/* Match the sites.
 *
 * candidates   room for all sites of both runs; filled and ordered by group
 * Returns      0; -ENOMEM */
static int compare_sites(struct site_candidate *candidates, struct tn_comparison *comparison)
{
    size_t before_count = all_sites(comparison->old_run)->count;
    size_t after_count = all_sites(comparison->new_run)->count, count = before_count + after_count;
    uint32_t groups;
    add_candidates(comparison->old_run, false, candidates);
    add_candidates(comparison->new_run, true, candidates + before_count);
    int r = tn_match_sites(candidates, count, &groups);
    if (r < 0)
        return r;
    if (count != 0)
        qsort(candidates, count, sizeof(candidates[0]), compare_groups);
    comparison->before = malloc((before_count + 1) * sizeof(comparison->before[0]));
    comparison->after = malloc((after_count + 1) * sizeof(comparison->after[0]));
    comparison->sites = malloc((groups + 1) * sizeof(comparison->sites[0]));
    if (comparison->before == NULL || comparison->after == NULL || comparison->sites == NULL)
        return -ENOMEM;
    comparison->site_count = groups;
    add_changes(candidates, count, comparison);
    qsort(comparison->sites, groups, sizeof(comparison->sites[0]), compare_changes);
    return 0;
}

bool tn_site_has_changed(const struct tn_site_change *change)
{
    const struct tn_site_figures *before = &change->before, *after = &change->after;
    return change->before_count == 0 || change->after_count == 0 ||
           before->allocations != after->allocations || before->total_bytes != after->total_bytes ||
           before->peak_live_bytes != after->peak_live_bytes || before->live_at_end != after->live_at_end ||
           before->small_short_lived != after->small_short_lived;
}

/* ---------------------------------------------------------------------------------------- regressions */

/* Exact in integers; the product of a count or size and 100 fits 64 bits. */
static bool is_worse(uint64_t before, uint64_t after)
{
    return after > before && after - before > TN_REGRESSION_LEAST &&
           (after - before) * 100 > before * TN_REGRESSION_PERCENT;
}

static void add_regression(struct tn_comparison *comparison, struct tn_regression regression)
{
    if (regression.kind == TN_REGRESSION_FINDING || is_worse(regression.before, regression.after))
        comparison->regressions[comparison->regression_count++] = regression;
}

static int find_regressions(struct tn_comparison *comparison)
{
    const struct tn_summary_totals *before = &comparison->old_run->summary->totals;
    const struct tn_summary_totals *after = &comparison->new_run->summary->totals;
    size_t room = 2 + comparison->heap_count + comparison->finding_count;
    comparison->regressions = calloc(room, sizeof(comparison->regressions[0]));
    if (comparison->regressions == NULL)
        return -ENOMEM;
    add_regression(comparison, (struct tn_regression){
                                   .kind = TN_REGRESSION_CALLS, before->allocations, after->allocations});
    add_regression(
        comparison,
        (struct tn_regression){.kind = TN_REGRESSION_PEAK, before->peak_live_bytes, after->peak_live_bytes});
    for (size_t i = 0; i < comparison->heap_count; i++) {
        const struct tn_compared_heap *heap = &comparison->heaps[i];
        if (heap->before_bytes != 0 && heap->after_bytes != 0)
            add_regression(comparison, (struct tn_regression){.kind = TN_REGRESSION_HEAP,
                                                              heap->before_bytes,
                                                              heap->after_bytes,
                                                              .policy = heap->policy});
    }
    for (size_t i = 0; i < comparison->finding_count; i++) {
        const struct tn_finding_change *change = &comparison->findings[i];
        if (change->state == TN_CHANGE_NEW && change->after->confidence != TN_CONFIDENCE_WEAK)
            add_regression(comparison,
                           (struct tn_regression){.kind = TN_REGRESSION_FINDING, .finding = change->after});
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- the whole */

int tn_compare(const struct tn_compared_run *old_run, const struct tn_compared_run *new_run,
               const struct tn_compared_heap *heaps, size_t heap_count, struct tn_comparison *ret_comparison)
{
    struct tn_comparison comparison = {
        .old_run = old_run, .new_run = new_run, .heaps = heaps, .heap_count = heap_count};
    size_t count = all_sites(old_run)->count + all_sites(new_run)->count;
    struct site_candidate *candidates = malloc((count + 1) * sizeof(candidates[0]));
    int r = candidates != NULL ? compare_sites(candidates, &comparison) : -ENOMEM;
    if (r == 0)
        r = tn_match_findings(old_run->findings, new_run->findings, candidates, count, &comparison.findings,
                              &comparison.finding_count);
    if (r == 0)
        r = find_regressions(&comparison);
    free(candidates);
    if (r < 0)
        tn_comparison_finish(&comparison);
    else
        *ret_comparison = comparison;
    return r;
}

const char *tn_regression_name(enum tn_regression_kind kind)
{
    static const char *const names[] = {
        [TN_REGRESSION_CALLS] = "calls",
        [TN_REGRESSION_PEAK] = "peak_live_bytes",
        [TN_REGRESSION_HEAP] = "smallest_heap_bytes",
        [TN_REGRESSION_FINDING] = "finding",
    };
    return names[kind];
}

const char *tn_change_state_name(enum tn_change_state state)
{
    static const char *const names[] = {
        [TN_CHANGE_SAME] = "same",
        [TN_CHANGE_CHANGED] = "changed",
        [TN_CHANGE_GONE] = "gone",
        [TN_CHANGE_NEW] = "new",
    };
    return names[state];
}

void tn_comparison_finish(struct tn_comparison *comparison)
{
    if (comparison == NULL)
        return;
    free(comparison->before);
    free(comparison->after);
    free(comparison->sites);
    free(comparison->findings);
    free(comparison->regressions);
    *comparison = (struct tn_comparison){0};
}
