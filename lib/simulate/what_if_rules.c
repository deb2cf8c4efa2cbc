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
    free(rules->sites);
    free(rules->items);
    *rules = (struct tn_what_if_rules){0};
}

/* Entries of a rule that name a site: one for each stack of a role, else as many as it has members. */
static size_t count_entries(const struct tn_finding *finding)
{
    size_t count = 0;
    for (size_t i = 0; i < finding->site_count; i++)
        count +=
            finding->sites[i].stack_count != 0 ? finding->sites[i].stack_count : count_members(finding, i);
    return count;
}

/* Write the entries of one site. Returns how many. */
static size_t list_entries(const struct tn_finding *finding, size_t index, const struct tn_map *roles,
                           uint32_t *ret_entries)
{
    const struct tn_finding_site *site = &finding->sites[index];
    size_t count = 0;
    for (size_t i = 0; i < site->stack_count && roles != NULL; i++) {
        const uint64_t *number = tn_map_find(roles, site->stacks[i]);
        if (number != NULL)
            ret_entries[count++] = TN_REPLAY_ROLE | (uint32_t)*number;
    }
    for (size_t k = count_members(finding, index); k > 0 && site->stack_count == 0; k--)
        ret_entries[count++] = (uint32_t)site->site_id;
    return count;
}

int tn_what_if_rules_make(const struct tn_finding *const *findings, size_t count, const struct tn_map *roles,
                          struct tn_what_if_rules *rules)
{
    rules->items = calloc(count, sizeof(*rules->items));
    rules->sites = calloc(count, sizeof(*rules->sites));
    if (rules->items == NULL || rules->sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct tn_finding *finding = findings[i];
        size_t entry_count = 0;
        uint32_t *sites = calloc(count_entries(finding), sizeof(*sites));
        if (sites == NULL)
            return -ENOMEM;
        rules->sites[rules->count++] = sites;
        for (size_t s = 0; s < finding->site_count; s++)
            entry_count += list_entries(finding, s, roles, &sites[entry_count]);
        rules->items[i] = (struct tn_replay_rule){
            .change = change_of(finding->apply),
            .site_ids = sites,
            .site_count = entry_count,
            .bytes = finding->apply_bytes,
            .count = finding->apply_count,
        };
    }
    return 0;
}
