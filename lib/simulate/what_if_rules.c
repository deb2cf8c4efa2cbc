/* SPDX-License-Identifier: MIT */
/* Which findings a replay can show, and the rule that each becomes: its blocks leave the heap, move into a
 * pool, are allocated larger, or are combined with others. Called by what_if.c. */
#include "what_if_rules.h"

#include "tenure/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

bool tn_what_if_is_folded(const struct tn_finding *finding, const char *own_library)
{
    const char *library = tn_finding_library(finding);
    return library != NULL && (own_library == NULL || strcmp(library, own_library) != 0);
}

size_t tn_what_if_choose(const struct tn_findings *findings, size_t finding_max, const char *own_library,
                         const struct tn_finding **chosen, uint64_t *ret_left)
{
    size_t count = 0;
    uint64_t left = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (finding->confidence == TN_CONFIDENCE_WEAK || !tn_what_if_applies(finding) ||
            tn_what_if_is_folded(finding, own_library))
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
    return apply == TN_APPLY_REMOVE || apply == TN_APPLY_ARENA ? TN_REPLAY_REMOVE : TN_REPLAY_RESERVE;
}

void tn_what_if_rules_finish(struct tn_what_if_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->sites[i]);
    for (size_t i = 0; rules->positions != NULL && i < rules->count; i++)
        free(rules->positions[i]);
    free(rules->sites);
    free(rules->positions);
    free(rules->items);
    *rules = (struct tn_what_if_rules){0};
}

/* Entries of a rule that name a site: one for each stack of a role, each as often as it has members. */
static size_t count_entries(const struct tn_finding *finding)
{
    size_t count = 0;
    for (size_t i = 0; i < finding->site_count; i++) {
        size_t stacks = finding->sites[i].stack_count != 0 ? finding->sites[i].stack_count : 1;
        count += stacks * count_members(finding, i);
    }
    return count;
}

/* The entries of a rule, as they are written. */
struct entries {
    uint32_t *sites;
    uint8_t *positions;
    size_t count;
};

/* Add the members of one site, or of one stack of a role: positions begin at `first`. */
static void add_members(struct entries *entries, uint32_t name, size_t first, size_t members)
{
    for (size_t i = 0; i < members; i++) {
        entries->sites[entries->count] = name;
        entries->positions[entries->count++] = (uint8_t)(first + i);
    }
}

static void list_entries(const struct tn_finding *finding, const struct tn_map *roles,
                         struct entries *entries)
{
    size_t first = 0;
    bool is_structure = finding->apply == TN_APPLY_COMBINE;
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct tn_finding_site *site = &finding->sites[i];
        size_t members = count_members(finding, i);
        for (size_t k = 0; k < site->stack_count && roles != NULL; k++) {
            const uint64_t *number = tn_map_find(roles, site->stacks[k]);
            if (number != NULL)
                add_members(entries, TN_REPLAY_ROLE | (uint32_t)*number, first, members);
        }
        if (site->stack_count == 0)
            add_members(entries, (uint32_t)site->site_id, first, members);
        first += is_structure ? members : 0;
    }
}

static int make_rule(const struct tn_finding *finding, const struct tn_map *roles,
                     struct tn_what_if_rules *rules)
{
    size_t room = count_entries(finding);
    struct entries entries = {calloc(room, sizeof(*entries.sites)), calloc(room, sizeof(*entries.positions)),
                              0};
    if (entries.sites == NULL || entries.positions == NULL) {
        free(entries.sites);
        free(entries.positions);
        return -ENOMEM;
    }
    list_entries(finding, roles, &entries);
    rules->sites[rules->count] = entries.sites;
    rules->positions[rules->count] = entries.positions;
    rules->items[rules->count++] = (struct tn_replay_rule){
        .change = change_of(finding->apply),
        .site_ids = entries.sites,
        .site_count = entries.count,
        .bytes = finding->apply_bytes,
        .count = finding->apply_count,
        .positions = entries.positions,
    };
    return 0;
}

int tn_what_if_rules_make(const struct tn_finding *const *findings, size_t count, const struct tn_map *roles,
                          struct tn_what_if_rules *rules)
{
    rules->items = calloc(count, sizeof(*rules->items));
    rules->sites = calloc(count, sizeof(*rules->sites));
    rules->positions = calloc(count, sizeof(*rules->positions));
    if (rules->items == NULL || rules->sites == NULL || rules->positions == NULL)
        return -ENOMEM;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = make_rule(findings[i], roles, rules);
    return r;
}
