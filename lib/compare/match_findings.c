/* SPDX-License-Identifier: MIT */
#include "match_findings.h"

#include "match_sites.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A finding that looks for its counterpart. */
struct finding_candidate {
    const struct tn_finding *finding;  /* borrowed */
    uint32_t *groups;                  /* owned; of its sites, ascending, each once; UINT32_MAX: not known */
    size_t group_count;                /* in groups; 0: about the whole program */
    uint32_t first_group;              /* of the site to change first; 0: about the whole program */
    struct finding_candidate *partner; /* NULL: none yet */
};

struct finding_side {
    struct finding_candidate *items; /* owned */
    size_t count;
};

/* ---------------------------------------------------------------------------------------- groups */

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool is_site(const struct tn_summary_site *site, const struct tn_finding_site *other)
{
    return site->line == other->line && site->offset_bytes == other->offset_bytes &&
           strcmp(site->function, other->function) == 0 && strcmp(site->file, other->file) == 0 &&
           strcmp(site->module, other->module) == 0 && strcmp(site->via, other->via) == 0;
}

/* The group of a finding's site. Sites without an id, and those that a report's own --wrapper made, are
 * looked up by what they are. */
static uint32_t group_of(const struct tn_finding_site *wanted, const struct tn_map *by_id, bool is_new,
                         const struct site_candidate *sites, size_t site_count)
{
    const uint64_t *found = wanted->site_id != 0 ? tn_map_find(by_id, 2 * wanted->site_id + is_new) : NULL;
    if (found != NULL)
        return (uint32_t)*found;
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].is_new == is_new && is_site(sites[i].site, wanted))
            return sites[i].group;
    return UINT32_MAX;
}

static int map_sites(const struct site_candidate *sites, size_t site_count, struct tn_map *by_id)
{
    int r = 0;
    for (size_t i = 0; i < site_count && r == 0; i++)
        if (sites[i].site->site_id != 0)
            r = tn_map_put(by_id, 2 * sites[i].site->site_id + sites[i].is_new, sites[i].group);
    return r;
}

static int take_groups(struct finding_candidate *candidate, const struct tn_map *by_id, bool is_new,
                       const struct site_candidate *sites, size_t site_count)
{
    const struct tn_finding *finding = candidate->finding;
    candidate->groups = malloc((finding->site_count + 1) * sizeof(candidate->groups[0]));
    if (candidate->groups == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < finding->site_count; i++)
        candidate->groups[i] = group_of(&finding->sites[i], by_id, is_new, sites, site_count);
    if (finding->site_count == 0)
        return 0;
    candidate->first_group = candidate->groups[0];
    qsort(candidate->groups, finding->site_count, sizeof(candidate->groups[0]), compare_numbers);
    candidate->group_count = 1;
    for (size_t i = 1; i < finding->site_count; i++)
        if (candidate->groups[i] != candidate->groups[candidate->group_count - 1])
            candidate->groups[candidate->group_count++] = candidate->groups[i];
    return 0;
}

/* What a trial has refuted in the old recording is found in the new one as well, and is not new there. */
static int open_side(const struct tn_findings *findings, const struct tn_map *by_id, bool is_new,
                     const struct site_candidate *sites, size_t site_count, struct finding_side *side)
{
    size_t count = findings != NULL ? findings->count : 0;
    size_t own = count;
    count += findings != NULL && !is_new ? findings->refuted_count : 0;
    side->items = calloc(count + 1, sizeof(side->items[0]));
    if (side->items == NULL)
        return -ENOMEM;
    side->count = count;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        side->items[i].finding = i < own ? &findings->items[i] : &findings->refuted[i - own];
        r = take_groups(&side->items[i], by_id, is_new, sites, site_count);
    }
    return r;
}

static void close_side(struct finding_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        free(side->items[i].groups);
    free(side->items);
}

/* ---------------------------------------------------------------------------------------- matching */

static bool has_same_groups(const struct finding_candidate *left, const struct finding_candidate *right)
{
    return left->group_count == right->group_count &&
           memcmp(left->groups, right->groups, left->group_count * sizeof(left->groups[0])) == 0;
}

static size_t count_common(const struct finding_candidate *left, const struct finding_candidate *right)
{
    size_t count = 0;
    for (size_t i = 0, k = 0; i < left->group_count && k < right->group_count;) {
        count += left->groups[i] == right->groups[k] && left->groups[i] != UINT32_MAX;
        if (left->groups[i] < right->groups[k])
            i++;
        else
            k++;
    }
    return count;
}

/* Whether a finding has sites that the summary does not. */
static bool has_unknown(const struct finding_candidate *candidate)
{
    return candidate->group_count != 0 && candidate->groups[candidate->group_count - 1] == UINT32_MAX;
}

/* How alike two findings of a kind are; 0: they are not the same one. The same sites, the same first site, or
 * most of the sites. Keys tell lines apart by their order alone, so they decide only where sites cannot. */
static size_t likeness_of(const struct finding_candidate *left, const struct finding_candidate *right)
{
    if (strcmp(left->finding->kind, right->finding->kind) != 0)
        return 0;
    if (left->group_count == 0 || right->group_count == 0)
        return left->group_count == right->group_count ? SIZE_MAX : 0;
    size_t common = count_common(left, right);
    if (common == 0)
        return has_unknown(left) && has_unknown(right) && left->finding->key == right->finding->key ? 1 : 0;
    if (has_same_groups(left, right))
        return SIZE_MAX;
    bool is_led_alike = left->first_group == right->first_group;
    bool is_most = 2 * common > left->group_count && 2 * common > right->group_count;
    return is_led_alike || is_most ? 2 * common + is_led_alike : 0;
}

/* The best counterpart; of equals the one of the better rank. */
static struct finding_candidate *find_counterpart(const struct finding_candidate *of,
                                                  const struct finding_side *in)
{
    struct finding_candidate *best = NULL;
    size_t best_likeness = 0;
    for (size_t i = 0; i < in->count; i++) {
        struct finding_candidate *other = &in->items[i];
        size_t like = other->partner == NULL ? likeness_of(of, other) : 0;
        if (like > best_likeness) {
            best = other;
            best_likeness = like;
        }
    }
    return best;
}

/* Each the other's best, until nothing changes. */
static void match_sides(struct finding_side *before, struct finding_side *after)
{
    for (bool has_found = true; has_found;) {
        has_found = false;
        for (size_t i = 0; i < before->count; i++) {
            struct finding_candidate *old = &before->items[i];
            struct finding_candidate *other = old->partner == NULL ? find_counterpart(old, after) : NULL;
            if (other == NULL || find_counterpart(other, before) != old)
                continue;
            old->partner = other;
            other->partner = old;
            has_found = true;
        }
    }
}

/* ---------------------------------------------------------------------------------------- changes */

static bool is_near(double before, double after)
{
    double larger = before > after ? before : after, smaller = before > after ? after : before;
    double size = larger > -smaller ? larger : -smaller;
    return larger - smaller <= 0.05 * size;
}

static enum tn_change_state state_of(const struct finding_candidate *before,
                                     const struct finding_candidate *after)
{
    const struct tn_finding_saving *old = &before->finding->saving, *other = &after->finding->saving;
    bool is_same = has_same_groups(before, after) &&
                   before->finding->confidence == after->finding->confidence &&
                   is_near((double)old->allocations_removed, (double)other->allocations_removed) &&
                   is_near((double)old->bytes_removed, (double)other->bytes_removed) &&
                   is_near((double)old->peak_bytes_delta, (double)other->peak_bytes_delta);
    return is_same ? TN_CHANGE_SAME : TN_CHANGE_CHANGED;
}

/* Append the changes of one state, in the order of the side. */
static void add_state(const struct finding_side *side, bool is_after, enum tn_change_state wanted,
                      struct tn_finding_change *changes, size_t *count)
{
    for (size_t i = 0; i < side->count; i++) {
        const struct finding_candidate *item = &side->items[i];
        const struct finding_candidate *before = is_after ? item->partner : item;
        const struct finding_candidate *after = is_after ? item : item->partner;
        enum tn_change_state state = before == NULL  ? TN_CHANGE_NEW
                                     : after == NULL ? TN_CHANGE_GONE
                                                     : state_of(before, after);
        if (state == wanted)
            changes[(*count)++] = (struct tn_finding_change){state, before != NULL ? before->finding : NULL,
                                                             after != NULL ? after->finding : NULL};
    }
}

static int add_states(const struct finding_side *before, const struct finding_side *after,
                      struct tn_finding_change **ret_changes, size_t *ret_count)
{
    struct tn_finding_change *changes = malloc((before->count + after->count + 1) * sizeof(changes[0]));
    if (changes == NULL)
        return -ENOMEM;
    size_t count = 0;
    add_state(after, true, TN_CHANGE_NEW, changes, &count);
    add_state(after, true, TN_CHANGE_CHANGED, changes, &count);
    add_state(before, false, TN_CHANGE_GONE, changes, &count);
    add_state(after, true, TN_CHANGE_SAME, changes, &count);
    *ret_changes = changes;
    *ret_count = count;
    return 0;
}

int tn_match_findings(const struct tn_findings *before, const struct tn_findings *after,
                      const struct site_candidate *sites, size_t site_count,
                      struct tn_finding_change **ret_changes, size_t *ret_count)
{
    struct tn_map by_id = {0};
    struct finding_side sides[2] = {0};
    int r = map_sites(sites, site_count, &by_id);
    if (r == 0)
        r = open_side(before, &by_id, false, sites, site_count, &sides[0]);
    if (r == 0)
        r = open_side(after, &by_id, true, sites, site_count, &sides[1]);
    if (r == 0) {
        match_sides(&sides[0], &sides[1]);
        r = add_states(&sides[0], &sides[1], ret_changes, ret_count);
    }
    close_side(&sides[0]);
    close_side(&sides[1]);
    tn_map_finish(&by_id);
    return r;
}
