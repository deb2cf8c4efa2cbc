/* SPDX-License-Identifier: MIT */
/* The findings that a step may have: what each changes, by stacks, and what of it is left when others were
 * chosen before it. */
#include "planning.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_LINES_MIN                                                                                      \
    4 /* an arena that gave way is one change in the place of several, from so many lines on */
#define MOVED_WEIGHT   0.2 /* of bytes that leave the heap for elsewhere: the memory is needed all the same */
#define STRUCTURE_COST 2   /* of bytes that structures take more: each of them does, and there may be many */
#define ELSEWHERE      0.5 /* of calls that are served from elsewhere, as in the order of findings */
#define CONDITIONAL    0.9 /* of what has to be read in the source first */

/* Where the blocks go; NULL: no step is made of it. */
static const char *mechanism_of(const struct tn_finding *finding)
{
    switch (finding->apply) {
    case TN_APPLY_REMOVE:
    case TN_APPLY_POOL:
    case TN_APPLY_ARENA:
        return finding->saving.outside;
    case TN_APPLY_COMBINE:
        return "structure";
    case TN_APPLY_PRESIZE:
        return "capacity";
    case TN_APPLY_FIXED:
    case TN_APPLY_NONE:
        break;
    }
    return NULL;
}

/* What one gave way to says the same of fewer lines at a time. */
static bool may_be_part(const struct tn_finding *finding)
{
    bool is_arena = finding->apply == TN_APPLY_ARENA && finding->site_count >= ARENA_LINES_MIN;
    return finding->confidence != TN_CONFIDENCE_WEAK && finding->site_count != 0 &&
           mechanism_of(finding) != NULL && (!finding->has_given_way || is_arena);
}

/* ---------------------------------------------------------------------------------------- libraries */

#define LIBRARIES_MAX 32u

/* What findings about one library speak of. */
struct library {
    const char *name; /* borrowed from a finding */
    uint64_t allocations;
};

/* Which finding about a library names a site first: row of `site` -> index in the findings. Returns 0 or
 * -ENOMEM. */
static int map_sites(const struct tn_findings *findings, struct tn_map *map)
{
    int r = 0;
    for (size_t i = 0; i < findings->count; i++)
        for (size_t k = 0;
             tn_finding_library(&findings->items[i]) != NULL && k < findings->items[i].site_count; k++) {
            uint64_t site_id = findings->items[i].sites[k].site_id;
            if (r == 0 && site_id != 0 && tn_map_find(map, site_id) == NULL)
                r = tn_map_put(map, site_id, i);
        }
    return r;
}

static void count_for(struct library *libraries, const char *name, uint64_t allocations)
{
    size_t at = 0;
    while (at < LIBRARIES_MAX && libraries[at].name != NULL && strcmp(libraries[at].name, name) != 0)
        at++;
    if (at == LIBRARIES_MAX)
        return;
    libraries[at].name = name;
    libraries[at].allocations += allocations;
}

/* The library for which the program exists: more than half of the allocations are made at its lines, as far
 * as findings speak of them. NULL: there is none.
 *
 * Returns  0 or -ENOMEM */
static int find_own_library(const struct tn_planning *planning, const char **ret_name)
{
    const struct tn_pass *pass = planning->pass;
    struct library libraries[LIBRARIES_MAX] = {{0}};
    struct tn_map map = {0};
    int r = map_sites(planning->findings, &map);
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++) {
        uint64_t site_id = pass->sites[site].site_id;
        const uint64_t *index = site_id != 0 ? tn_map_find(&map, site_id) : NULL;
        if (index != NULL)
            count_for(libraries, tn_finding_library(&planning->findings->items[*index]),
                      pass->sites[site].allocations);
    }
    tn_map_finish(&map);
    *ret_name = NULL;
    for (size_t i = 0; i < LIBRARIES_MAX; i++)
        if (libraries[i].allocations > pass->allocation_count / 2)
            *ret_name = libraries[i].name;
    return r;
}

static bool is_folded(const struct tn_finding *finding, const char *own_library)
{
    const char *library = tn_finding_library(finding);
    return library != NULL && (own_library == NULL || strcmp(library, own_library) != 0);
}

/* ---------------------------------------------------------------------------------------- stacks */

static size_t count_stacks(const struct tn_planning *planning, const struct tn_finding_site *site,
                           uint32_t index)
{
    return site->stack_count != 0 ? site->stack_count
                                  : planning->site_starts[index + 1] - planning->site_starts[index];
}

/* The index of a finding's site in the pass; 0: it has none. */
static uint32_t index_of(const struct tn_pass *pass, const struct tn_finding_site *site)
{
    for (uint32_t i = 1; i < pass->site_count && site->site_id != 0; i++)
        if (pass->sites[i].site_id == site->site_id)
            return i;
    return 0;
}

static void add_stacks(const struct tn_planning *planning, const struct tn_finding_site *site, uint32_t index,
                       struct tn_plan_candidate *candidate)
{
    const uint32_t *stacks =
        site->stack_count != 0 ? site->stacks : &planning->by_site[planning->site_starts[index]];
    size_t count = count_stacks(planning, site, index);
    for (size_t i = 0; i < count; i++) {
        candidate->births += planning->stacks[stacks[i]].births;
        candidate->stacks[candidate->stack_count++] = stacks[i];
    }
}

/* Of most of its births. */
static enum tn_lifetime_kind find_kind(const struct tn_planning *planning,
                                       const struct tn_plan_candidate *candidate)
{
    uint64_t births[TN_LIFETIME_TEMPORARY + 1] = {0};
    enum tn_lifetime_kind best = TN_LIFETIME_PROCESS;
    for (size_t i = 0; i < candidate->stack_count; i++) {
        const struct tn_plan_stack *stack = &planning->stacks[candidate->stacks[i]];
        births[stack->kind] += stack->births;
    }
    for (int kind = 0; kind <= TN_LIFETIME_TEMPORARY; kind++)
        if (births[kind] > births[best])
            best = (enum tn_lifetime_kind)kind;
    return best;
}

static int fill_candidate(const struct tn_planning *planning, const struct tn_finding *finding,
                          struct tn_plan_candidate *candidate)
{
    size_t count = 0;
    for (size_t i = 0; i < finding->site_count; i++)
        count += count_stacks(planning, &finding->sites[i], index_of(planning->pass, &finding->sites[i]));
    *candidate = (struct tn_plan_candidate){
        .finding = finding,
        .mechanism = mechanism_of(finding),
        .stacks = calloc(count + 1, sizeof(candidate->stacks[0])),
        .leaves_heap = finding->apply == TN_APPLY_REMOVE || finding->apply == TN_APPLY_POOL ||
                       finding->apply == TN_APPLY_ARENA,
        .step = SIZE_MAX,
    };
    if (candidate->stacks == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < finding->site_count; i++) {
        uint32_t index = index_of(planning->pass, &finding->sites[i]);
        if (index != 0)
            add_stacks(planning, &finding->sites[i], index, candidate);
    }
    double removed = (double)finding->saving.allocations_removed / ((double)candidate->births + 1e-9);
    candidate->removed = removed < 1 ? removed : 1;
    candidate->kind = find_kind(planning, candidate);
    return 0;
}

int tn_plan_list_candidates(const struct tn_planning *planning, struct tn_plan_candidate **ret_candidates,
                            size_t *ret_count)
{
    const struct tn_findings *findings = planning->findings;
    struct tn_plan_candidate *candidates = calloc(findings->count + 1, sizeof(candidates[0]));
    int r = candidates != NULL ? 0 : -ENOMEM;
    const char *own_library = NULL;
    *ret_candidates = candidates;
    *ret_count = 0;
    if (r == 0)
        r = find_own_library(planning, &own_library);
    for (size_t i = 0; i < findings->count && r == 0; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (may_be_part(finding) && !is_folded(finding, own_library))
            r = fill_candidate(planning, finding, &candidates[(*ret_count)++]);
    }
    return r;
}

void tn_plan_candidates_finish(struct tn_plan_candidate *candidates, size_t count)
{
    for (size_t i = 0; candidates != NULL && i < count; i++)
        free(candidates[i].stacks);
    free(candidates);
}

/* ---------------------------------------------------------------------------------------- weights */

double tn_plan_weigh(const struct tn_planning *planning, struct tn_plan_candidate *candidate)
{
    const struct tn_pass *pass = planning->pass;
    const struct tn_finding *finding = candidate->finding;
    double births = 0, peak_bytes = 0;
    for (size_t i = 0; i < candidate->stack_count; i++) {
        const struct tn_plan_stack *stack = &planning->stacks[candidate->stacks[i]];
        births += stack->is_taken ? 0 : (double)stack->births;
        peak_bytes += stack->is_taken ? 0 : (double)stack->peak_bytes;
    }
    candidate->allocations = candidate->removed * births;
    candidate->peak_bytes = candidate->leaves_heap ? candidate->removed * peak_bytes : 0;
    candidate->cost_bytes =
        candidate->births != 0 ? (double)finding->saving.peak_bytes_delta * births / (double)candidate->births
                               : 0;
    bool is_elsewhere = finding->apply == TN_APPLY_POOL || finding->apply == TN_APPLY_PRESIZE;
    double calls =
        candidate->allocations / (double)(pass->allocation_count + 1) * (is_elsewhere ? ELSEWHERE : 1);
    double cost_bytes =
        (finding->apply == TN_APPLY_COMBINE && candidate->cost_bytes > 0 ? STRUCTURE_COST : 1) *
        candidate->cost_bytes;
    double bytes = MOVED_WEIGHT * candidate->peak_bytes - cost_bytes;
    double worth = calls + bytes / (double)(pass->peak_live_bytes + 1);
    return finding->confidence == TN_CONFIDENCE_CONDITIONAL && worth > 0 ? CONDITIONAL * worth : worth;
}

/* Of a structure the block of the first line stays. */
static void take_structure(struct tn_planning *planning, const struct tn_plan_candidate *candidate)
{
    uint32_t first = index_of(planning->pass, &candidate->finding->sites[0]);
    double kept = (1 - candidate->removed) * (double)candidate->births, of_first = 0;
    for (size_t i = 0; i < candidate->stack_count; i++)
        if (tn_plan_site_of(planning, candidate->stacks[i]) == first)
            of_first += (double)planning->stacks[candidate->stacks[i]].births;
    double left_of_first = of_first > kept ? kept / of_first : 1;
    double others = (double)candidate->births - of_first;
    double left_of_others = others > 0 ? (kept - left_of_first * of_first) / others : 0;
    for (size_t i = 0; i < candidate->stack_count; i++) {
        struct tn_plan_stack *stack = &planning->stacks[candidate->stacks[i]];
        bool is_first = tn_plan_site_of(planning, candidate->stacks[i]) == first;
        if (!stack->is_taken)
            stack->left = is_first ? left_of_first : left_of_others;
        stack->is_taken = true;
    }
}

void tn_plan_take(struct tn_planning *planning, const struct tn_plan_candidate *candidate)
{
    if (candidate->finding->apply == TN_APPLY_COMBINE) {
        take_structure(planning, candidate);
        return;
    }
    for (size_t i = 0; i < candidate->stack_count; i++) {
        struct tn_plan_stack *stack = &planning->stacks[candidate->stacks[i]];
        if (!stack->is_taken)
            stack->left = 1 - candidate->removed;
        stack->is_taken = true;
    }
}
