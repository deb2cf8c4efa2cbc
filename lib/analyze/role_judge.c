/* SPDX-License-Identifier: MIT */
/* What findings say of sites and of their roles, compared: as a number, to decide which sites are split, and
 * finding by finding, so that what is true of a whole site is not told of its parts. Called by roles.c. */
#include "roles.h"

#include "tenure/kind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A condition is something to read in the source, and a finding that only warns leaves everything to do. That
 * a pool has a condition is no reason for two pools: these need more memory than one. */
#define CONDITIONAL_LOSS 0.15
#define POOL_LOSS        0.01
#define WARNING_VALUE    0.6
/* A finding about more sites than this says that they are alike, and nothing of a part of one of them. */
#define ROLE_SITES_MAX 8u
/* Kinds that count for less than this in the order of findings are no reason to split a site. */
#define WEIGHT_MIN 0.5

static double value_of(const struct tn_pass *pass, const struct tn_finding *finding)
{
    const struct tn_kind *kind = tn_kind_find(pass->kinds, finding->kind);
    if (kind == NULL || finding->has_given_way || finding->confidence == TN_CONFIDENCE_WEAK ||
        kind->weight < WEIGHT_MIN)
        return 0;
    double value = kind->is_never_minor ? WARNING_VALUE : kind->weight * (1 - finding->discount);
    if (finding->confidence == TN_CONFIDENCE_CONDITIONAL)
        value -= value > WEIGHT_MIN ? CONDITIONAL_LOSS : POOL_LOSS;
    return value;
}

void tn_role_values(const struct tn_pass *pass, const struct tn_findings *findings, double *ret_values)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct tn_finding *finding = &findings->items[i];
        double value = value_of(pass, finding);
        for (size_t s = 0; s < finding->site_count; s++) {
            const struct tn_finding_site *site = &finding->sites[s];
            uint64_t all = pass->sites[site->index].allocations;
            if (tn_pass_role(pass, site->index) != NULL && finding->site_count > ROLE_SITES_MAX)
                continue;
            double own = all > site->allocations ? value * (double)site->allocations / (double)all : value;
            if (own > ret_values[site->index])
                ret_values[site->index] = own;
        }
    }
}

double tn_role_part_share(const struct tn_pass *pass, const struct tn_role_split *split,
                          const struct tn_role_part *part)
{
    const struct tn_pass_site *own = &pass->sites[part->site];
    double share = (double)own->allocations / (double)split->allocations;
    if (split->peak_bytes == 0)
        return share;
    return (share + (double)own->live_bytes_at_peak / (double)split->peak_bytes) / 2;
}

/* ---------------------------------------------------------------------------------------- merging */

/* The split of a whole site; NULL: it is not split. */
static const struct tn_role_split *find_split(const struct tn_role_plan *plan, uint32_t site)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->splits[i].site == site)
            return &plan->splits[i];
    return NULL;
}

static bool is_about_split(const struct tn_role_plan *plan, const struct tn_finding *finding)
{
    for (size_t i = 0; i < finding->site_count; i++)
        if (find_split(plan, finding->sites[i].index) != NULL)
            return true;
    return false;
}

static bool has_index(const struct tn_finding *finding, uint32_t index)
{
    for (size_t i = 0; i < finding->site_count; i++)
        if (finding->sites[i].index == index)
            return true;
    return false;
}

/* Whether a finding about sites and roles is about nothing but what one about whole sites is about. */
static bool is_within(const struct tn_pass *pass, const struct tn_finding *part,
                      const struct tn_finding *whole)
{
    if (part->has_given_way || strcmp(part->kind, whole->kind) != 0 || part->site_count == 0)
        return false;
    for (size_t i = 0; i < part->site_count; i++)
        if (!has_index(whole, tn_pass_whole(pass, part->sites[i].index)))
            return false;
    return true;
}

/* Whether one of the findings that lie within the whole one is about a site of the pass. */
static bool is_covered(const struct tn_pass *pass, const struct tn_findings *split,
                       const struct tn_finding *whole, uint32_t index)
{
    for (size_t i = 0; i < split->count; i++)
        if (is_within(pass, &split->items[i], whole) && has_index(&split->items[i], index))
            return true;
    return false;
}

static bool covers_all(const struct tn_pass *pass, const struct tn_role_plan *plan,
                       const struct tn_findings *split, const struct tn_finding *whole)
{
    for (size_t i = 0; i < whole->site_count; i++) {
        const struct tn_role_split *own = find_split(plan, whole->sites[i].index);
        if (own == NULL && !is_covered(pass, split, whole, whole->sites[i].index))
            return false;
        for (size_t p = 0; own != NULL && p < own->part_count; p++)
            if (pass->sites[own->parts[p].site].allocations != 0 &&
                !is_covered(pass, split, whole, own->parts[p].site))
                return false;
    }
    return true;
}

/* Whether the whole finding is as sure as any about its parts, saves as many calls, and needs no more
 * changes.
 */
static bool is_as_good(const struct tn_pass *pass, const struct tn_findings *split,
                       const struct tn_finding *whole)
{
    uint64_t saved = 0;
    for (size_t i = 0; i < split->count; i++) {
        const struct tn_finding *part = &split->items[i];
        if (!is_within(pass, part, whole))
            continue;
        if (part->confidence > whole->confidence || part->discount < whole->discount)
            return false;
        saved += part->saving.allocations_removed;
    }
    return saved <= whole->saving.allocations_removed;
}

/* The whole finding comes in the place of those about its parts. There is room: at least one goes. */
static void replace(const struct tn_pass *pass, struct tn_findings *split, struct tn_finding *whole)
{
    size_t kept = 0;
    for (size_t i = 0; i < split->count; i++) {
        if (is_within(pass, &split->items[i], whole))
            tn_finding_finish(&split->items[i]);
        else
            split->items[kept++] = split->items[i];
    }
    split->items[kept++] = *whole;
    split->count = kept;
    *whole = (struct tn_finding){0};
}

void tn_role_merge(const struct tn_pass *pass, const struct tn_role_plan *plan, struct tn_findings *whole,
                   struct tn_findings *split)
{
    for (size_t i = 0; i < whole->count; i++) {
        struct tn_finding *finding = &whole->items[i];
        if (!finding->has_given_way && is_about_split(plan, finding) &&
            covers_all(pass, plan, split, finding) && is_as_good(pass, split, finding))
            replace(pass, split, finding);
    }
}
