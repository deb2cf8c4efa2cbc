/* SPDX-License-Identifier: MIT */
/* Chooses the sites that are worth a second look at the events: those of which something better could be
 * said, and whose parts differ in what such a statement needs. Called by roles.c. */
#include "roles.h"

#include <errno.h>
#include <stdlib.h>

#define CANDIDATES_MAX 64u
/* A part with less of the process's allocations, or of its peak where it is kept, makes small findings only.
 */
#define SHARE_MIN 0.01
/* Of so many allocations, each look takes a second or more, so that a part must have more to be worth it. */
#define MANY_ALLOCATIONS  2000000u
#define SHARE_MIN_OF_MANY 0.05

/* What is sure of a line is less than what can be said of its calls, where these ask for different sizes. */
#define CALLS_LOSS 0.1

/* What a part may have that the whole site has not. */
enum hint {
    HINT_SIZE = 1u << 0,      /* one size */
    HINT_KEPT = 1u << 1,      /* its blocks are never released */
    HINT_OWNER = 1u << 2,     /* one function that makes and releases its blocks */
    HINT_NEIGHBOUR = 1u << 3, /* its blocks are asked for behind those of one other site */
};

/* The hints that matter, by what is stated of the whole site: where its blocks leave the heap on a condition,
 * a better statement is one without it; where they move into a pool, one by which they leave the heap. */
static unsigned wanted_hints(double value)
{
    if (value >= 0.99)
        return 0;
    if (value >= 0.8)
        return HINT_SIZE | HINT_KEPT;
    return value >= 0.4 ? HINT_KEPT | HINT_OWNER | HINT_NEIGHBOUR
                        : HINT_SIZE | HINT_KEPT | HINT_OWNER | HINT_NEIGHBOUR;
}

/* Blocks that live at once in one call that has them on its stack, at most. More of them are a loop's, which
 * owns nothing: with 64, random churn in one loop was looked at twice, and its report took twice as long. */
#define OWNED_MAX 4u
/* Blocks of one site in one structure: more than the kinds take. */
#define MEMBERS_MAX 8u
/* A member of a structure comes with a tenth of the others at least. */
#define OPTIONAL_MAX 10u

static bool has_owner(const struct tn_stack_profile *profile)
{
    return profile->owner != 0 && profile->owner != TN_PROFILE_MIXED && profile->elsewhere == 0 &&
           profile->peak_live <= OWNED_MAX && profile->births - profile->released <= profile->births / 20;
}

/* Whether the site whose births come before could be another member of one structure: it is another one, and
 * has about as many. Several calls on one line may make members, too. */
static bool has_neighbour(const struct tn_pass *pass, const struct tn_role_split *split,
                          const struct tn_stack_profile *profile)
{
    if (profile->neighbour <= 1 || profile->neighbour == TN_PROFILE_MIXED ||
        (profile->neighbour == split->site + 1 && split->level != TN_ROLE_CALL))
        return false;
    uint64_t others = pass->sites[profile->neighbour - 1].allocations;
    return profile->births <= MEMBERS_MAX * others && others <= OPTIONAL_MAX * profile->births;
}

/* What a part has, as a number that is equal in parts that have the same; 0: it has nothing. */
static uint64_t trait_of(const struct tn_pass *pass, const struct tn_role_split *split,
                         const struct tn_stack_profile *profile, enum hint hint)
{
    switch (hint) {
    case HINT_SIZE:
        return profile->min_size_bytes == profile->max_size_bytes ? profile->max_size_bytes + 1 : 0;
    case HINT_KEPT:
        return profile->released == 0;
    case HINT_OWNER:
        return has_owner(profile) ? profile->owner : 0;
    case HINT_NEIGHBOUR:
        return has_neighbour(pass, split, profile) ? profile->neighbour : 0;
    }
    return 0;
}

/* Whether a finding about a part could be worth another look at all events. */
static bool is_large(const struct tn_pass *pass, const struct tn_stack_profile *profile, enum hint hint)
{
    uint64_t kept = profile->births - profile->released;
    double share = pass->allocation_count < MANY_ALLOCATIONS ? SHARE_MIN : SHARE_MIN_OF_MANY;
    if (hint == HINT_KEPT &&
        (double)(kept * profile->max_size_bytes) >= share * (double)pass->peak_live_bytes)
        return true;
    return profile->births >= pass->options->min_allocations &&
           (double)profile->births >= share * (double)pass->allocation_count;
}

/* Whether a part has what another part lacks. */
static bool differs(const struct tn_pass *pass, const struct tn_role_split *split, enum hint hint)
{
    uint64_t first = trait_of(pass, split, &split->parts[0].profile, hint);
    bool has_any = false, is_same = true;
    for (size_t i = 0; i < split->part_count; i++) {
        const struct tn_stack_profile *profile = &split->parts[i].profile;
        uint64_t trait = trait_of(pass, split, profile, hint);
        has_any = has_any || (trait != 0 && is_large(pass, profile, hint));
        is_same = is_same && trait == first;
    }
    return has_any && !is_same;
}

static bool can_be_told_apart(const struct tn_pass *pass, const struct tn_role_split *split)
{
    unsigned wanted = wanted_hints(split->value);
    if (split->level == TN_ROLE_CALL) /* two calls on one line for two sizes make two things */
        wanted |= HINT_SIZE;
    if (split->part_count < 2)
        return false;
    for (unsigned hint = HINT_SIZE; hint <= HINT_NEIGHBOUR; hint <<= 1)
        if ((wanted & hint) != 0 && differs(pass, split, (enum hint)hint))
            return true;
    return false;
}

int tn_role_candidate_advance(const struct tn_pass *pass, struct tn_role_plan *plan,
                              struct tn_role_split *split)
{
    int r = 0;
    while (++split->level < TN_ROLE_LEVEL_END) {
        r = tn_role_parts_make(pass, plan, split);
        if (r < 0 || can_be_told_apart(pass, split))
            return r;
        if (split->loss > 0)
            split->level = TN_ROLE_LEVEL_END - 1;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- which sites */

static bool is_worth_it(const struct tn_pass *pass, uint32_t site, double value, bool is_sure)
{
    const struct tn_pass_site *own = &pass->sites[site];
    return !own->is_runtime && own->allocations >= pass->options->min_allocations &&
           (wanted_hints(value) == 0) == is_sure;
}

static int by_allocations(const void *a, const void *b)
{
    const struct tn_role_split *left = a, *right = b;
    if (left->allocations != right->allocations)
        return left->allocations > right->allocations ? -1 : 1;
    return left->site < right->site ? -1 : left->site > right->site;
}

/* List sites behind those that are listed, those with most allocations first.
 *
 * is_sure  of which nothing is left to be said but for each call on their lines; else those of which more may
 * be
 *          said */
static void list_sites(const struct tn_pass *pass, const double *values, bool is_sure,
                       struct tn_role_plan *plan)
{
    size_t first = plan->count;
    for (uint32_t site = 1; site < pass->site_count; site++)
        if (is_worth_it(pass, site, values[site], is_sure))
            plan->splits[plan->count++] =
                (struct tn_role_split){.site = site,
                                       .allocations = pass->sites[site].allocations,
                                       .peak_bytes = pass->sites[site].live_bytes_at_peak,
                                       .value = values[site] - (is_sure ? CALLS_LOSS : 0),
                                       .loss = is_sure ? CALLS_LOSS : 0};
    qsort(&plan->splits[first], plan->count - first, sizeof(plan->splits[0]), by_allocations);
    if (plan->count - first > CANDIDATES_MAX)
        plan->count = first + CANDIDATES_MAX;
}

static int list_all(const struct tn_pass *pass, const struct tn_findings *findings, struct tn_role_plan *plan)
{
    double *values = calloc(pass->site_count, sizeof(values[0]));
    plan->splits = calloc(pass->site_count, sizeof(plan->splits[0]));
    plan->part_of_stack = calloc(pass->node_count, sizeof(plan->part_of_stack[0]));
    bool has_all = values != NULL && plan->splits != NULL && plan->part_of_stack != NULL;
    if (has_all) {
        tn_role_values(pass, findings, values);
        list_sites(pass, values, false, plan);
        list_sites(pass, values, true, plan);
    }
    free(values);
    return has_all ? 0 : -ENOMEM;
}

int tn_role_candidates_choose(const struct tn_pass *pass, const struct tn_findings *findings,
                              struct tn_role_plan *plan)
{
    int r = list_all(pass, findings, plan);
    size_t count = plan->count;
    plan->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct tn_role_split split = plan->splits[i];
        r = r == 0 ? tn_role_candidate_advance(pass, plan, &split) : r;
        if (r == 0 && split.level < TN_ROLE_LEVEL_END)
            plan->splits[plan->count++] = split;
        else
            free(split.parts);
    }
    return r;
}
