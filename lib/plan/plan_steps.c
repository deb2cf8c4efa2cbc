/* SPDX-License-Identifier: MIT */
/* The steps: findings are chosen one after the other, each for what it changes beside those before it; those
 * that do the same to the same sort of blocks are one step; of the steps, those that change most stay. */
#include "planning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORTH_MIN      0.005 /* of a finding: half a percent of the calls, or of the peak */
#define CHOSEN_MAX     40    /* findings */
#define PARTS_MAX      12    /* of a step */
#define CALLS_SHARE    0.02  /* of a step: share of the calls, at least, ... */
#define CALLS_MIN      50    /* ... and as many; */
#define PEAK_SHARE     0.05  /* or share of the peak that leaves the heap, ... */
#define PEAK_BYTES_MIN 1024  /* ... and as many bytes */
#define STEPS_TRIED    24    /* drafts: more mechanisms and lifetimes do not exist, but for arenas */

/* Findings that do the same to the same sort of blocks. */
struct draft {
    const char *mechanism;
    enum tn_lifetime_kind kind;
    struct tn_plan_candidate *parts[PARTS_MAX]; /* borrowed; in the order of the choice */
    size_t part_count;
    double worth, allocations, peak_bytes;
};

struct steps {
    struct tn_planning *planning;
    struct tn_plan_candidate *candidates; /* owned */
    size_t count;                         /* in candidates */
    struct draft drafts[STEPS_TRIED];
    size_t draft_count; /* in drafts */
};

/* ---------------------------------------------------------------------------------------- choice */

/* An arena is a step of its own, since each belongs to another function. Pools of objects and of what
 * transactions need are two matters; what else is alike is one. */
static bool is_same_step(const struct draft *draft, const struct tn_plan_candidate *candidate)
{
    if (strcmp(draft->mechanism, candidate->mechanism) != 0 || draft->part_count == PARTS_MAX ||
        strcmp(draft->mechanism, "arena") == 0)
        return false;
    return draft->kind == candidate->kind || strcmp(draft->mechanism, "pool") != 0;
}

static void add_to_draft(struct steps *steps, struct tn_plan_candidate *candidate, double worth)
{
    size_t at = 0;
    while (at < steps->draft_count && !is_same_step(&steps->drafts[at], candidate))
        at++;
    if (at == STEPS_TRIED)
        return;
    struct draft *draft = &steps->drafts[at];
    if (at == steps->draft_count) {
        steps->draft_count++;
        *draft = (struct draft){.mechanism = candidate->mechanism, .kind = candidate->kind};
    }
    draft->parts[draft->part_count++] = candidate;
    draft->worth += worth;
    draft->allocations += candidate->allocations;
    draft->peak_bytes += candidate->peak_bytes;
    candidate->step = at;
    tn_plan_take(steps->planning, candidate);
}

static void choose(struct steps *steps)
{
    for (size_t chosen = 0; chosen < CHOSEN_MAX; chosen++) {
        struct tn_plan_candidate *best = NULL;
        double most = WORTH_MIN;
        for (size_t i = 0; i < steps->count; i++) {
            double worth = tn_plan_weigh(steps->planning, &steps->candidates[i]);
            if (steps->candidates[i].step != SIZE_MAX || worth < most)
                continue;
            most = worth;
            best = &steps->candidates[i];
        }
        if (best == NULL)
            return;
        tn_plan_weigh(steps->planning, best);
        add_to_draft(steps, best, most);
        if (best->step == SIZE_MAX)
            return;
    }
}

/* ---------------------------------------------------------------------------------------- order */

static bool is_worth_it(const struct tn_planning *planning, const struct draft *draft)
{
    const struct tn_pass *pass = planning->pass;
    return (draft->allocations >= CALLS_MIN &&
            draft->allocations >= CALLS_SHARE * (double)pass->allocation_count) ||
           (draft->peak_bytes >= PEAK_BYTES_MIN &&
            draft->peak_bytes >= PEAK_SHARE * (double)pass->peak_live_bytes);
}

static int compare(const void *a, const void *b)
{
    const struct draft *left = a, *right = b;
    return (left->worth < right->worth) - (left->worth > right->worth);
}

/* The steps that stay, most worth first; the others are as if nobody had found them. */
static void put_in_order(struct steps *steps)
{
    size_t kept = 0;
    qsort(steps->drafts, steps->draft_count, sizeof(steps->drafts[0]), compare);
    for (size_t i = 0; i < steps->draft_count; i++)
        if (kept < TN_PLAN_STEPS_MAX && is_worth_it(steps->planning, &steps->drafts[i]))
            steps->drafts[kept++] = steps->drafts[i];
    steps->draft_count = kept;
    for (size_t id = 0; id < steps->planning->stack_count; id++) {
        steps->planning->stacks[id].is_taken = false;
        steps->planning->stacks[id].left = 1;
    }
}

/* ---------------------------------------------------------------------------------------- words */

/* The title of a finding without its condition, which the report tells beside it. */
static int base_title(const struct tn_finding *finding, char **ret_title)
{
    const char *condition = finding->condition.text;
    size_t length = strlen(finding->title), end = condition != NULL ? strlen(condition) + strlen(", if ") : 0;
    if (end > length || end == 0 || strcmp(finding->title + length - end + strlen(", if "), condition) != 0)
        end = 0;
    return tn_finding_set(ret_title, "%.*s", (int)(length - end), finding->title);
}

static size_t count_kind(const struct draft *draft, const char *kind, size_t end)
{
    size_t count = 0;
    for (size_t i = 0; i < end; i++)
        count += strcmp(draft->parts[i]->finding->kind, kind) == 0;
    return count;
}

/* " (5 pool, 4 preallocate)": what is in a step whose findings are of several kinds, since a pool that is
 * filled at start-up is not made like one that is not; else "". The caller frees *ret_text, also after an
 * error. */
static int print_kinds(const struct draft *draft, char **ret_text)
{
    bool is_alike = count_kind(draft, draft->parts[0]->finding->kind, draft->part_count) == draft->part_count;
    int r = tn_finding_set(ret_text, "%s", is_alike ? "" : " (");
    for (size_t i = 0; i < draft->part_count && r == 0 && !is_alike; i++) {
        const char *kind = draft->parts[i]->finding->kind;
        if (count_kind(draft, kind, i) == 0)
            r = tn_finding_set(ret_text, "%s%s%zu %s", *ret_text, i == 0 ? "" : ", ",
                               count_kind(draft, kind, draft->part_count), kind);
    }
    return r == 0 && !is_alike ? tn_finding_set(ret_text, "%s)", *ret_text) : r;
}

static int set_joint_title(const struct draft *draft, const char *kinds, char **ret_title)
{
    char place[256];
    size_t lines = 0;
    tn_finding_place(&draft->parts[0]->finding->sites[0], place, sizeof(place));
    for (size_t i = 0; i < draft->part_count; i++)
        lines += draft->parts[i]->finding->site_count;
    if (strcmp(draft->mechanism, "structure") == 0)
        return tn_finding_set(ret_title, "Merge blocks into %zu structures, that of %s first",
                              draft->part_count, place);
    if (strcmp(draft->mechanism, "stack") == 0)
        return tn_finding_set(ret_title, "Use local buffers for %zu lines, %s first", lines, place);
    if (strcmp(draft->mechanism, "static") == 0)
        return tn_finding_set(ret_title, "Make the blocks of %zu lines static%s, %s first", lines, kinds,
                              place);
    if (strcmp(draft->mechanism, "pool") == 0)
        return tn_finding_set(ret_title, "Give %zu lines %zu pools of fixed blocks%s, %s first", lines,
                              draft->part_count, kinds, place);
    return tn_finding_set(ret_title, "Start %zu buffers with their capacity, that of %s first",
                          draft->part_count, place);
}

static int set_title(const struct draft *draft, char **ret_title)
{
    char *kinds = NULL;
    if (draft->part_count == 1)
        return base_title(draft->parts[0]->finding, ret_title);
    int r = print_kinds(draft, &kinds);
    if (r == 0)
        r = set_joint_title(draft, kinds, ret_title);
    free(kinds);
    return r;
}

/* ---------------------------------------------------------------------------------------- steps */

static int fill_step(struct steps *steps, size_t index, struct tn_plan_step *step)
{
    struct draft *draft = &steps->drafts[index];
    double allocations = 0, peak_bytes = 0;
    step->letter = (char)('A' + index);
    step->mechanism = draft->mechanism;
    step->parts = calloc(draft->part_count, sizeof(step->parts[0]));
    if (step->parts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < draft->part_count; i++) {
        struct tn_plan_candidate *part = draft->parts[i];
        tn_plan_weigh(steps->planning, part);
        tn_plan_take(steps->planning, part);
        allocations += part->allocations;
        peak_bytes += part->peak_bytes;
        step->parts[step->part_count++] =
            (struct tn_plan_part){.rank = part->finding->rank,
                                  .key = part->finding->key,
                                  .is_conditional = part->finding->confidence == TN_CONFIDENCE_CONDITIONAL};
    }
    step->allocations_removed = (uint64_t)(allocations + 0.5);
    step->peak_bytes_moved = (uint64_t)(peak_bytes + 0.5);
    return set_title(draft, &step->title);
}

/* What one site still has on the heap. */
struct rest_site {
    uint32_t site;
    double allocations, peak_bytes;
};

static int compare_rest(const void *a, const void *b)
{
    const struct rest_site *left = a, *right = b;
    if (left->allocations != right->allocations)
        return left->allocations < right->allocations ? 1 : -1;
    return (left->site > right->site) - (left->site < right->site);
}

static size_t sum_rest(const struct tn_planning *planning, struct rest_site *sites)
{
    size_t count = 0;
    for (uint32_t site = 0; site < planning->pass->site_count; site++) {
        struct rest_site own = {.site = site};
        for (size_t i = planning->site_starts[site]; i < planning->site_starts[site + 1]; i++) {
            const struct tn_plan_stack *stack = &planning->stacks[planning->by_site[i]];
            own.allocations += stack->left * (double)stack->births;
            own.peak_bytes += stack->left * (double)stack->peak_bytes;
        }
        if (own.allocations >= 0.5 || own.peak_bytes >= 0.5)
            sites[count++] = own;
    }
    qsort(sites, count, sizeof(sites[0]), compare_rest);
    return count;
}

static int find_rest(const struct tn_planning *planning, struct tn_plan *plan)
{
    struct rest_site *sites = calloc(planning->pass->site_count + 1, sizeof(sites[0]));
    double allocations = 0, peak_bytes = 0;
    int r = 0;
    plan->rest = calloc(TN_PLAN_SITES_MAX, sizeof(plan->rest[0]));
    if (sites == NULL || plan->rest == NULL)
        r = -ENOMEM;
    size_t count = r == 0 ? sum_rest(planning, sites) : 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        allocations += sites[i].allocations;
        peak_bytes += sites[i].peak_bytes;
        if (sites[i].site == 0 || plan->rest_count == TN_PLAN_SITES_MAX)
            continue;
        struct tn_plan_site *named = &plan->rest[plan->rest_count++];
        named->allocations = (uint64_t)(sites[i].allocations + 0.5);
        named->peak_bytes = (uint64_t)(sites[i].peak_bytes + 0.5);
        r = tn_plan_name_site(planning->pass, sites[i].site, named);
    }
    plan->rest_allocations = (uint64_t)(allocations + 0.5);
    plan->rest_peak_bytes = (uint64_t)(peak_bytes + 0.5);
    free(sites);
    return r;
}

int tn_plan_find_steps(struct tn_planning *planning, struct tn_plan *plan)
{
    struct steps steps = {.planning = planning};
    int r = tn_plan_list_candidates(planning, &steps.candidates, &steps.count);
    plan->steps = calloc(TN_PLAN_STEPS_MAX, sizeof(plan->steps[0]));
    if (plan->steps == NULL)
        r = -ENOMEM;
    if (r == 0) {
        choose(&steps);
        put_in_order(&steps);
    }
    for (size_t i = 0; i < steps.draft_count && r == 0; i++)
        r = fill_step(&steps, i, &plan->steps[plan->step_count++]);
    if (r == 0)
        r = find_rest(planning, plan);
    tn_plan_candidates_finish(steps.candidates, steps.count);
    return r;
}
