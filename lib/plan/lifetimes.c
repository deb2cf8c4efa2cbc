/* SPDX-License-Identifier: MIT */
/* The rows of lifetimes: one of the process, those of objects and transactions, one of temporaries; and the
 * sums and lines of each. Called by planner.c. */
#include "planning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tn_lifetime *tn_plan_add_row(struct tn_plan *plan, enum tn_lifetime_kind kind)
{
    struct tn_lifetime *rows = realloc(plan->lifetimes, (plan->lifetime_count + 1) * sizeof(rows[0]));
    if (rows == NULL)
        return NULL;
    plan->lifetimes = rows;
    rows[plan->lifetime_count] = (struct tn_lifetime){.kind = kind};
    return &rows[plan->lifetime_count++];
}

int tn_plan_name_site(const struct tn_pass *pass, uint32_t site, struct tn_plan_site *ret_site)
{
    struct tn_finding named;
    int r = tn_finding_begin(pass, pass->kinds[0], &site, 1, &named);
    if (r < 0)
        return r;
    const struct tn_finding_site *own = &named.sites[0];
    const struct tn_finding_line line = {.function = own->function,
                                         .file = own->file,
                                         .line = own->line,
                                         .module = own->module,
                                         .offset_bytes = own->offset_bytes};
    ret_site->site_id = own->site_id;
    r = tn_finding_line_copy(&line, &ret_site->line);
    tn_finding_finish(&named);
    return r;
}

/* Add a row of all stacks of a kind that have none, if there are any. */
static int add_kind(struct tn_planning *planning, struct tn_plan *plan, enum tn_lifetime_kind kind,
                    const char *mechanism)
{
    struct tn_lifetime *row = NULL;
    for (size_t id = 0; id < planning->stack_count; id++) {
        struct tn_plan_stack *stack = &planning->stacks[id];
        if (stack->births == 0 || stack->kind != kind || stack->row != TN_PLAN_NONE)
            continue;
        if (row == NULL)
            row = tn_plan_add_row(plan, kind);
        if (row == NULL)
            return -ENOMEM;
        row->mechanism = mechanism;
        stack->row = (uint32_t)plan->lifetime_count - 1;
        if (kind == TN_LIFETIME_PROCESS) {
            row->count += stack->peak_live_count;
            row->at_once = row->count;
        } else {
            row->count += stack->births;
            row->at_once = stack->peak_live_count > row->at_once ? stack->peak_live_count : row->at_once;
        }
    }
    return 0;
}

/* What one site has in one row. */
struct row_site {
    uint32_t site;
    uint64_t allocations, peak_bytes;
};

static int compare(const void *a, const void *b)
{
    const struct row_site *left = a, *right = b;
    if (left->allocations != right->allocations)
        return left->allocations < right->allocations ? 1 : -1;
    if (left->peak_bytes != right->peak_bytes)
        return left->peak_bytes < right->peak_bytes ? 1 : -1;
    return (left->site > right->site) - (left->site < right->site);
}

/* Sum up one row by sites. Returns how many sites have blocks in it. */
static size_t sum_row(const struct tn_planning *planning, uint32_t row, struct row_site *sites)
{
    size_t count = 0;
    for (uint32_t site = 0; site < planning->pass->site_count; site++) {
        struct row_site own = {.site = site};
        for (size_t i = planning->site_starts[site]; i < planning->site_starts[site + 1]; i++) {
            const struct tn_plan_stack *stack = &planning->stacks[planning->by_site[i]];
            if (stack->row != row)
                continue;
            own.allocations += stack->births;
            own.peak_bytes += stack->peak_bytes;
        }
        if (own.allocations != 0)
            sites[count++] = own;
    }
    qsort(sites, count, sizeof(sites[0]), compare);
    return count;
}

static int fill_row(const struct tn_planning *planning, struct tn_plan *plan, uint32_t index,
                    struct row_site *sites)
{
    struct tn_lifetime *row = &plan->lifetimes[index];
    size_t count = sum_row(planning, index, sites);
    int r = 0;
    row->sites = calloc(TN_PLAN_SITES_MAX, sizeof(row->sites[0]));
    if (row->sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++) {
        row->allocations += sites[i].allocations;
        row->peak_bytes += sites[i].peak_bytes;
        row->line_count += sites[i].site != 0;
        if (sites[i].site == 0 || row->site_count == TN_PLAN_SITES_MAX)
            continue;
        struct tn_plan_site *named = &row->sites[row->site_count++];
        named->allocations = sites[i].allocations;
        named->peak_bytes = sites[i].peak_bytes;
        r = tn_plan_name_site(planning->pass, sites[i].site, named);
    }
    return r;
}

int tn_plan_find_lifetimes(struct tn_planning *planning, struct tn_plan *plan)
{
    tn_plan_classify(planning);
    struct row_site *sites = calloc(planning->pass->site_count + 1, sizeof(sites[0]));
    int r = sites != NULL ? add_kind(planning, plan, TN_LIFETIME_PROCESS, "static") : -ENOMEM;
    if (r == 0)
        r = tn_plan_find_objects(planning, plan);
    if (r == 0)
        r = tn_plan_find_transactions(planning, plan);
    if (r == 0)
        r = add_kind(planning, plan, TN_LIFETIME_TEMPORARY, "stack");
    for (size_t i = 0; i < plan->lifetime_count && r == 0; i++)
        r = fill_row(planning, plan, (uint32_t)i, sites);
    free(sites);
    return r;
}
