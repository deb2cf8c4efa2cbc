/* SPDX-License-Identifier: MIT */
/* The kind `combine`: from pairs of sites to groups. Pairs that hold both ways become links; a group is a
 * site with all that are linked to it and to each other, the largest first. Sites in no group may still be
 * embedded in a parent that is the only one of its site. Runs once, at the end. */
#include "combine_links.h"

#include "tenure/analysis.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Windows of deaths that a pair must be seen in, unless its deaths always closely follow each other: whatever
 * is cleaned up together once has just that in common. */
#define EPOCHS_MIN 20u

/* Groups that are enough for a weak statement, if there is no exception: from here on, chance would have to
 * bring both together again and again. */
#define FEW_MIN 5u

/* No structure is smaller: a parent holds a pointer to each child, and something of its own. */
#define PARENT_BYTES_MIN 16u

/* A pair of sites that passed all tests. */
struct link {
    uint32_t first, second;
    uint64_t per_group;
    const struct tn_combine_pair *pair;
    bool is_optional; /* not every block of first has one */
};

struct grouping {
    const struct tn_combine *combine;
    const struct tn_pass *pass;
    double support, confidence, optional_share;
    bool is_few; /* look for few groups without exception */
    uint64_t max_count;
    struct link *links; /* owned; by first */
    size_t link_count, link_capacity;
    bool *is_taken;                  /* owned; by site: it is in a group, or claimed for the stack */
    struct tn_combine_group *groups; /* owned */
    size_t group_count, group_capacity;
};

static uint64_t most_frequent(const struct tn_combine_pair *pair)
{
    uint64_t best = 1;
    for (uint64_t i = 2; i <= TN_COMBINE_MULTIPLE; i++)
        if (pair->multiples[i] > pair->multiples[best])
            best = i;
    return best;
}

/* Whether blocks of the second site are always in a pair, as many to each of the first. */
static bool holds_for_second(const struct grouping *grouping, const struct tn_combine_pair *pair)
{
    const struct tn_combine_site *other = &grouping->combine->sites[pair->second];
    double least = grouping->confidence;
    bool is_constant = (double)pair->multiples[most_frequent(pair)] >= least * (double)pair->count;
    return (is_constant || pair->max_at_once == 1) && (double)pair->blocks >= least * (double)other->deaths &&
           pair->max_at_once <= grouping->max_count &&
           (pair->epochs >= EPOCHS_MIN || (double)pair->tight_count >= least * (double)pair->blocks);
}

/* Whether there are enough of them; of few, each block of both sites must be in one. */
static bool is_supported(const struct grouping *grouping, uint32_t first, const struct tn_combine_pair *pair)
{
    const struct tn_combine_site *one = &grouping->combine->sites[first];
    const struct tn_combine_site *other = &grouping->combine->sites[pair->second];
    if (!grouping->is_few)
        return (double)pair->count >= grouping->support;
    return pair->count >= FEW_MIN && (double)pair->count < grouping->support && pair->count == one->births &&
           pair->count == one->deaths && pair->blocks == other->births && pair->blocks == other->deaths &&
           pair->multiples[most_frequent(pair)] == pair->count;
}

/* Whether it holds both ways: nearly every block of either site is in a pair. */
static bool passes(const struct grouping *grouping, uint32_t first, const struct tn_combine_pair *pair)
{
    double deaths = (double)grouping->combine->sites[first].deaths;
    return holds_for_second(grouping, pair) && is_supported(grouping, first, pair) &&
           (double)pair->count >= grouping->confidence * deaths;
}

static bool is_tiny(const struct grouping *grouping, uint32_t site)
{
    return grouping->combine->sites[site].max_size_bytes < PARENT_BYTES_MIN;
}

/* Whether it holds one way: blocks of the second site are always within one of the first, but not every one
 * of the first has any. */
static bool passes_optionally(const struct grouping *grouping, uint32_t first,
                              const struct tn_combine_pair *pair)
{
    double deaths = (double)grouping->combine->sites[first].deaths;
    return !grouping->is_few && !is_tiny(grouping, first) && holds_for_second(grouping, pair) &&
           is_supported(grouping, first, pair) && (double)pair->count < grouping->confidence * deaths &&
           (double)pair->count >= grouping->optional_share * deaths;
}

static int add_link(struct grouping *grouping, uint32_t first, const struct tn_combine_pair *pair,
                    bool is_optional)
{
    if (grouping->link_count == grouping->link_capacity) {
        size_t capacity = grouping->link_capacity * 2 + 64;
        void *links = realloc(grouping->links, capacity * sizeof(grouping->links[0]));
        if (links == NULL)
            return -ENOMEM;
        grouping->links = links;
        grouping->link_capacity = capacity;
    }
    grouping->links[grouping->link_count++] =
        (struct link){first, pair->second, pair->max_at_once, pair, is_optional};
    return 0;
}

static const struct tn_combine_pair *find_pair(const struct tn_combine *combine, uint32_t first,
                                               uint32_t second)
{
    const struct tn_combine_pair *pairs = combine->sites[first].pairs;
    for (size_t i = 0; pairs != NULL && i < TN_COMBINE_PARTNERS; i++)
        if (pairs[i].second == second)
            return &pairs[i];
    return NULL;
}

/* Where groups are released one after the other, the last block of one and the first of the next look like a
 * pair as well, in the opposite order. The true pair occurs more often, or its births are nearer. */
static bool is_other_way(const struct grouping *grouping, uint32_t first, const struct tn_combine_pair *pair)
{
    const struct tn_combine_pair *back = find_pair(grouping->combine, pair->second, first);
    if (back == NULL || !passes(grouping, pair->second, back))
        return false;
    if (back->count != pair->count)
        return back->count > pair->count;
    if (back->gap_births != pair->gap_births)
        return back->gap_births < pair->gap_births;
    return grouping->pass->sites[pair->second].first_birth_index <
           grouping->pass->sites[first].first_birth_index;
}

static int find_links(struct grouping *grouping)
{
    int r = 0;
    for (uint32_t site = 1; r == 0 && site < grouping->combine->site_count; site++) {
        const struct tn_combine_pair *pairs = grouping->combine->sites[site].pairs;
        for (size_t i = 0; r == 0 && pairs != NULL && i < TN_COMBINE_PARTNERS; i++) {
            if (pairs[i].second == 0 || grouping->is_taken[site] || grouping->is_taken[pairs[i].second])
                continue;
            bool is_optional = passes_optionally(grouping, site, &pairs[i]);
            if ((is_optional || passes(grouping, site, &pairs[i])) &&
                !is_other_way(grouping, site, &pairs[i]))
                r = add_link(grouping, site, &pairs[i], is_optional);
        }
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- groups */

/* Whether all members are roles of one site: that makes a list of them, and no structure. Several calls on
 * one line make several members. */
static bool is_one_site(const struct tn_pass *pass, const struct tn_combine_group *group)
{
    const struct tn_pass_role *first = tn_pass_role(pass, group->sites[0]);
    if (first != NULL && first->call.is_told)
        return false;
    for (size_t i = 1; i < group->member_count; i++)
        if (tn_pass_whole(pass, group->sites[i]) != tn_pass_whole(pass, group->sites[0]))
            return false;
    return true;
}

static int add_group(struct grouping *grouping, const struct tn_combine_group *group)
{
    if (grouping->group_count == grouping->group_capacity) {
        size_t capacity = grouping->group_capacity * 2 + 16;
        void *groups = realloc(grouping->groups, capacity * sizeof(grouping->groups[0]));
        if (groups == NULL)
            return -ENOMEM;
        grouping->groups = groups;
        grouping->group_capacity = capacity;
    }
    grouping->groups[grouping->group_count++] = *group;
    for (size_t i = 0; i < group->member_count; i++)
        grouping->is_taken[group->sites[i]] = true;
    return 0;
}

/* Complete linkage: a new member must be linked to every other one, whichever is born first. Optional members
 * come without each other. */
static bool fits(const struct grouping *grouping, const struct tn_combine_group *group,
                 const struct link *link)
{
    for (size_t i = 1; i < group->member_count; i++) {
        if (group->present[i] < group->present[0])
            continue;
        const struct tn_combine_pair *one = find_pair(grouping->combine, group->sites[i], link->second);
        const struct tn_combine_pair *other = find_pair(grouping->combine, link->second, group->sites[i]);
        uint64_t met = (one != NULL ? one->count : 0) + (other != NULL ? other->count : 0);
        if ((double)met < grouping->confidence * (double)link->pair->count)
            return false;
    }
    return true;
}

static void add_member(struct tn_combine_group *group, const struct link *link, double shared_life)
{
    group->sites[group->member_count] = link->second;
    group->present[group->member_count] = link->is_optional ? link->pair->count : UINT64_MAX;
    group->per_group[group->member_count++] = link->per_group;
    if (!link->is_optional && link->pair->count < group->group_count)
        group->group_count = link->pair->count;
    bool is_replaced = most_frequent(link->pair) > link->per_group;
    if (link->is_optional || is_replaced ||
        (double)link->pair->equal_count < shared_life * (double)link->pair->blocks)
        group->relation = TN_COMBINE_EMBED;
}

static void count_exceptions(const struct grouping *grouping, struct tn_combine_group *group)
{
    group->outside[0] = grouping->combine->sites[group->sites[0]].deaths - group->group_count;
    group->exceptions = group->outside[0];
    for (size_t i = 1; i < group->member_count; i++) {
        const struct tn_combine_pair *pair = find_pair(grouping->combine, group->sites[0], group->sites[i]);
        group->outside[i] = grouping->combine->sites[group->sites[i]].deaths - pair->blocks;
        group->exceptions += group->outside[i];
        group->strays += group->outside[i];
    }
}

/* Sites that are in no group with a site. */
struct strangers {
    uint32_t sites[TN_COMBINE_MEMBERS];
    size_t count;
};

static bool is_among(const struct strangers *strangers, uint32_t site)
{
    for (size_t i = 0; i < strangers->count; i++)
        if (strangers->sites[i] == site)
            return true;
    return false;
}

/* Add those of the links [begin, end) that are optional, or those that are not. */
static void add_members(const struct grouping *grouping, size_t begin, size_t end, bool is_optional,
                        const struct strangers *strangers, struct tn_combine_group *group)
{
    for (size_t i = begin; i < end && group->member_count < TN_COMBINE_MEMBERS; i++)
        if (grouping->links[i].is_optional == is_optional && !grouping->is_taken[grouping->links[i].second] &&
            !is_among(strangers, grouping->links[i].second) && fits(grouping, group, &grouping->links[i]))
            add_member(group, &grouping->links[i], 0.9);
}

/* Make a group of all links [begin, end) of one first site to sites that are free. */
static struct tn_combine_group gather(const struct grouping *grouping, size_t begin, size_t end,
                                      const struct strangers *strangers)
{
    struct tn_combine_group group = {
        .member_count = 1, .group_count = UINT64_MAX, .is_few = grouping->is_few};
    group.sites[0] = grouping->links[begin].first;
    group.per_group[0] = 1;
    group.present[0] = UINT64_MAX;
    add_members(grouping, begin, end, false, strangers, &group);
    add_members(grouping, begin, end, true, strangers, &group);
    if (group.group_count == UINT64_MAX)
        group.group_count = grouping->combine->sites[group.sites[0]].deaths;
    for (size_t i = 0; i < group.member_count; i++)
        if (group.present[i] > group.group_count)
            group.present[i] = group.group_count;
    count_exceptions(grouping, &group);
    return group;
}

/* The same without members that links tell to be strangers; they may be a group of their own. */
static int make_group(const struct grouping *grouping, size_t begin, size_t end,
                      struct tn_combine_group *ret_group)
{
    struct strangers strangers = {.count = 0};
    bool is_stranger[TN_COMBINE_MEMBERS];
    *ret_group = gather(grouping, begin, end, &strangers);
    if (grouping->combine->links.site_count == 0 || ret_group->member_count < 3)
        return 0;
    int r = tn_combine_find_strangers(grouping->combine, grouping->pass, ret_group, is_stranger);
    for (size_t i = 1; i < ret_group->member_count && r == 0; i++)
        if (is_stranger[i])
            strangers.sites[strangers.count++] = ret_group->sites[i];
    if (strangers.count != 0)
        *ret_group = gather(grouping, begin, end, &strangers);
    return r;
}

/* Take the largest group until none is left. Sites have few links, so searching anew is cheap. */
static int make_groups(struct grouping *grouping)
{
    for (;;) {
        struct tn_combine_group best = {0};
        for (size_t begin = 0, end; begin < grouping->link_count; begin = end) {
            for (end = begin + 1; end < grouping->link_count; end++)
                if (grouping->links[end].first != grouping->links[begin].first)
                    break;
            if (grouping->is_taken[grouping->links[begin].first])
                continue;
            struct tn_combine_group group;
            int r = make_group(grouping, begin, end, &group);
            if (r < 0)
                return r;
            bool is_structure = (group.relation != TN_COMBINE_EMBED || !is_tiny(grouping, group.sites[0])) &&
                                !is_one_site(grouping->pass, &group);
            if (is_structure && group.member_count > best.member_count)
                best = group;
        }
        if (best.member_count < 2)
            return 0;
        int r = add_group(grouping, &best);
        if (r < 0)
            return r;
    }
}

/* ---------------------------------------------------------------------------------------- parents */

/* Whether blocks always lie within the only block of another site, most of which have one. With two parents
 * at a time, whose child it is would be a guess. */
static bool is_nested(const struct grouping *grouping, uint32_t site)
{
    const struct tn_combine_site *own = &grouping->combine->sites[site];
    const struct tn_combine_nest *nest = &own->nest;
    if (nest->parent == 0 || grouping->is_taken[site] || grouping->is_taken[nest->parent] ||
        is_tiny(grouping, nest->parent))
        return false;
    const struct tn_combine_site *parent = &grouping->combine->sites[nest->parent];
    uint64_t outside = nest->outside + own->births - nest->births;
    return (double)parent->deaths >= grouping->support &&
           grouping->pass->sites[nest->parent].peak_live_count == 1 &&
           (double)nest->parents_with >= grouping->confidence * (double)parent->births &&
           (double)outside <= (1 - grouping->confidence) * (double)own->births &&
           nest->max_live_count <= grouping->max_count;
}

/* Children of one parent become members of one structure. */
static int make_nests(struct grouping *grouping)
{
    int r = 0;
    for (uint32_t site = 1; r == 0 && site < grouping->combine->site_count; site++) {
        if (!is_nested(grouping, site))
            continue;
        uint32_t parent = grouping->combine->sites[site].nest.parent;
        struct tn_combine_group group = {.relation = TN_COMBINE_EMBED, .member_count = 1, .is_nest = true};
        group.sites[0] = parent;
        group.per_group[0] = 1;
        group.group_count = UINT64_MAX;
        for (uint32_t child = site; child < grouping->combine->site_count; child++) {
            const struct tn_combine_site *own = &grouping->combine->sites[child];
            if (own->nest.parent != parent || !is_nested(grouping, child) ||
                group.member_count == TN_COMBINE_MEMBERS)
                continue;
            group.sites[group.member_count] = child;
            group.present[group.member_count] = own->nest.parents_with;
            group.outside[group.member_count] = own->nest.outside + own->births - own->nest.births;
            group.exceptions += group.outside[group.member_count];
            group.strays += group.outside[group.member_count];
            group.per_group[group.member_count++] = own->nest.max_live_count;
            if (own->nest.parents_with < group.group_count)
                group.group_count = own->nest.parents_with;
        }
        group.outside[0] = grouping->combine->sites[parent].births - group.group_count;
        group.exceptions += group.outside[0];
        for (size_t i = 0; i < group.member_count; i++)
            if (i == 0 || group.present[i] > group.group_count)
                group.present[i] = group.group_count;
        r = is_one_site(grouping->pass, &group) ? 0 : add_group(grouping, &group);
    }
    return r;
}

bool tn_combine_is_taken(const struct tn_findings *findings, uint32_t site)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (strcmp(finding->kind, tn_kind_stack_buffer.name) == 0 &&
            finding->confidence != TN_CONFIDENCE_WEAK && finding->sites[0].index == site)
            return true;
    }
    return false;
}

static struct grouping begin_grouping(const struct tn_combine *combine, const struct tn_pass *pass)
{
    return (struct grouping){.combine = combine,
                             .pass = pass,
                             .support = tn_pass_threshold(pass, "combine.support"),
                             .confidence = tn_pass_threshold(pass, "combine.confidence"),
                             .optional_share = tn_pass_threshold(pass, "combine.optional"),
                             .max_count = (uint64_t)tn_pass_threshold(pass, "combine.max-count")};
}

static int find_groups(struct grouping *grouping, const struct tn_findings *findings)
{
    grouping->is_taken = calloc(grouping->combine->site_count, sizeof(grouping->is_taken[0]));
    if (grouping->is_taken == NULL)
        return -ENOMEM;
    for (uint32_t site = 1; site < grouping->combine->site_count; site++)
        grouping->is_taken[site] = tn_combine_is_taken(findings, site);
    for (size_t i = 0; i < grouping->group_count; i++)
        for (size_t k = 0; k < grouping->groups[i].member_count; k++)
            grouping->is_taken[grouping->groups[i].sites[k]] = true;
    int r = find_links(grouping);
    if (r == 0)
        r = make_groups(grouping);
    return r < 0 || grouping->is_few ? r : make_nests(grouping);
}

int tn_combine_groups(struct tn_combine *combine, const struct tn_pass *pass,
                      const struct tn_findings *findings, struct tn_combine_group **ret_groups,
                      size_t *ret_count)
{
    struct grouping grouping = begin_grouping(combine, pass);
    int r = find_groups(&grouping, findings);
    free(grouping.links);
    free(grouping.is_taken);
    *ret_groups = grouping.groups;
    *ret_count = grouping.group_count;
    return r;
}

int tn_combine_few(const struct tn_combine *combine, const struct tn_pass *pass,
                   const struct tn_findings *findings, struct tn_combine_group **groups, size_t *count)
{
    struct grouping grouping = begin_grouping(combine, pass);
    grouping.is_few = true;
    grouping.groups = *groups;
    grouping.group_count = grouping.group_capacity = *count;
    int r = find_groups(&grouping, findings);
    free(grouping.links);
    free(grouping.is_taken);
    *groups = grouping.groups;
    *count = grouping.group_count;
    return r;
}
