/* SPDX-License-Identifier: MIT */
/* Which lines make one object: a connection with its buffers, a resource with its name. A line belongs to the
 * one that holds the address of its blocks, or that comes and goes at the same time. */
#include "planning.h"

#include "tenure/releases.h"
#include "tenure/site_links.h"

#include <errno.h>
#include <stdlib.h>

#define ROWS_MAX  5
#define RATIO_MAX 4    /* blocks of a member for each of the object, at most: more are objects of their own */
#define EQUAL     0.95 /* parts of the births or of those at once that still count as equal */
#define LINK_MIN  0.5  /* share of looks that found the address in the holder */
#define ALIKE_MIN 3    /* births that are alike: fewer may be chance */
#define NEAR      64   /* allocations between the births of one object's blocks, at most */
#define SHARE_MIN 0.01 /* of the allocations, or of the peak, where an object gets a row of its own */

/* Blocks of one site that are objects, or parts of one. */
struct object_site {
    uint32_t site;
    uint64_t births, peak_live_count, peak_bytes;
    uint64_t first_index, last_index; /* births of the process up to and with its first and last one */
    size_t parent; /* index of the site whose object it is a part of; its own: it is the object */
    double share;  /* of allocations and peak, with all its parts; the object's */
};

struct objects {
    struct tn_planning *planning;
    struct object_site *items; /* owned */
    size_t count;              /* in items */
    size_t *by_site;           /* owned; by site: 1 + index in items */
};

/* ---------------------------------------------------------------------------------------- sites */

static void add_stack(struct object_site *own, const struct tn_plan_stack *stack)
{
    if (own->births == 0 || stack->first_index < own->first_index)
        own->first_index = stack->first_index;
    if (stack->last_index > own->last_index)
        own->last_index = stack->last_index;
    own->births += stack->births;
    own->peak_live_count += stack->peak_live_count;
    own->peak_bytes += stack->peak_bytes;
}

/* Where all blocks of a site are objects, they were counted together. */
static void add_site(struct objects *objects, uint32_t site)
{
    const struct tn_planning *planning = objects->planning;
    uint64_t site_id = planning->pass->sites[site].site_id;
    struct object_site own = {.site = site, .parent = objects->count};
    uint64_t births = 0;
    for (size_t i = planning->site_starts[site]; i < planning->site_starts[site + 1]; i++) {
        const struct tn_plan_stack *stack = &planning->stacks[planning->by_site[i]];
        births += stack->births;
        if (stack->kind == TN_LIFETIME_OBJECT)
            add_stack(&own, stack);
    }
    if (own.births == 0)
        return;
    if (own.births == births && site_id != 0)
        own.peak_live_count = planning->counts[site_id].peak_live_count;
    objects->items[objects->count++] = own;
    objects->by_site[site] = objects->count;
}

static int list_sites(struct objects *objects)
{
    const struct tn_pass *pass = objects->planning->pass;
    objects->items = calloc(pass->site_count + 1, sizeof(objects->items[0]));
    objects->by_site = calloc(pass->site_count + 1, sizeof(objects->by_site[0]));
    if (objects->items == NULL || objects->by_site == NULL)
        return -ENOMEM;
    for (uint32_t site = 1; site < pass->site_count; site++)
        add_site(objects, site);
    return 0;
}

/* ---------------------------------------------------------------------------------------- parts */

static size_t root_of(const struct objects *objects, size_t index)
{
    while (objects->items[index].parent != index)
        index = objects->items[index].parent;
    return index;
}

/* The object is what there are fewest of; of as many, what comes first. */
static bool is_before(const struct object_site *one, const struct object_site *other)
{
    return one->births != other->births ? one->births < other->births : one->first_index < other->first_index;
}

static void join(struct objects *objects, size_t one, size_t other)
{
    size_t a = root_of(objects, one), b = root_of(objects, other);
    if (a == b)
        return;
    if (is_before(&objects->items[a], &objects->items[b]))
        objects->items[b].parent = a;
    else
        objects->items[a].parent = b;
}

static bool is_about(uint64_t one, uint64_t other)
{
    return (double)one >= EQUAL * (double)other && (double)other >= EQUAL * (double)one;
}

/* Whether blocks of one site could be parts of objects of the other: about as many or some times as many. */
static bool may_be_part(const struct object_site *part, const struct object_site *whole)
{
    return is_about(part->births, whole->births) ||
           (part->births > whole->births && part->births <= RATIO_MAX * whole->births);
}

/* The address of the part lies in the whole. */
static int join_linked(struct objects *objects)
{
    const uint32_t *same = objects->planning->same_site;
    struct tn_site_links links = {0};
    int r = tn_site_links_load(objects->planning->pass, &links);
    for (size_t i = 0; r == 0 && i < links.site_count; i++) {
        const struct tn_link_by_site *link = &links.sites[i];
        size_t holder = objects->by_site[same[link->holder]], held = objects->by_site[same[link->held]];
        struct tn_link_share share;
        if (holder == 0 || held == 0 || holder == held ||
            !may_be_part(&objects->items[held - 1], &objects->items[holder - 1]) ||
            !tn_site_links_between(&links, link->holder, link->held, &share))
            continue;
        if (share.looks_made != 0 && (double)share.looks >= LINK_MIN * (double)share.looks_made)
            join(objects, holder - 1, held - 1);
    }
    tn_site_links_finish(&links);
    return r;
}

static bool is_near(uint64_t one, uint64_t other)
{
    return one > other ? one - other <= NEAR : other - one <= NEAR;
}

static bool is_alike(const struct object_site *part, const struct object_site *whole)
{
    return part->births >= ALIKE_MIN && is_about(part->births, whole->births) &&
           is_about(part->peak_live_count, whole->peak_live_count) &&
           is_near(part->first_index, whole->first_index) && is_near(part->last_index, whole->last_index);
}

/* As many, as many at once, from about the same moments on. */
static void join_alike(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        for (size_t k = 0; k < i; k++)
            if (is_alike(&objects->items[i], &objects->items[k]))
                join(objects, i, k);
}

/* ---------------------------------------------------------------------------------------- rows */

static double share_of(const struct tn_pass *pass, uint64_t births, uint64_t peak_bytes)
{
    return (double)births / (double)(pass->allocation_count + 1) +
           (double)peak_bytes / (double)(pass->peak_live_bytes + 1);
}

static void sum_up(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        objects->items[root_of(objects, i)].share +=
            share_of(objects->planning->pass, objects->items[i].births, objects->items[i].peak_bytes);
}

/* All indices in tn_pass.sites that stand for a site. The caller frees the list; NULL: out of memory. */
static uint32_t *list_same(const struct tn_planning *planning, uint32_t site, size_t *ret_count)
{
    uint32_t *list = calloc(planning->pass->site_count + 1, sizeof(list[0]));
    *ret_count = 0;
    for (uint32_t i = 0; list != NULL && i < planning->pass->site_count; i++)
        if (planning->same_site[i] == site)
            list[(*ret_count)++] = i;
    return list;
}

/* The line that makes an object, and the one that releases most of its blocks, where there is one. */
static int find_ends(const struct tn_planning *planning, uint32_t site, struct tn_lifetime *row)
{
    const struct tn_pass *pass = planning->pass;
    struct tn_finding named = {.site_count = 0};
    size_t count;
    uint32_t *list = list_same(planning, site, &count);
    const struct tn_release_sites sites = {.items = list, .own_count = count, .count = count};
    int r = list != NULL ? tn_finding_begin(pass, pass->kinds[0], &site, 1, &named) : -ENOMEM;
    if (r == 0) {
        const struct tn_finding_site *own = &named.sites[0];
        const struct tn_finding_line line = {.function = own->function,
                                             .file = own->file,
                                             .line = own->line,
                                             .module = own->module,
                                             .offset_bytes = own->offset_bytes};
        r = tn_finding_line_copy(&line, &row->begin);
    }
    if (r == 0)
        r = tn_pass_add_releases(pass, &sites, (struct tn_release_range){0}, &named);
    if (r == 0 && named.release_count != 0)
        r = tn_finding_line_copy(&named.releases[0].line, &row->end);
    tn_finding_finish(&named);
    free(list);
    return r;
}

/* Put the stacks of a site that are objects into a row. */
static void put_stacks(struct tn_planning *planning, uint32_t site, uint32_t row)
{
    for (size_t i = planning->site_starts[site]; i < planning->site_starts[site + 1]; i++) {
        struct tn_plan_stack *stack = &planning->stacks[planning->by_site[i]];
        if (stack->kind == TN_LIFETIME_OBJECT)
            stack->row = row;
    }
}

static int add_object(struct objects *objects, size_t root, struct tn_plan *plan)
{
    const struct object_site *own = &objects->items[root];
    struct tn_lifetime *row = tn_plan_add_row(plan, TN_LIFETIME_OBJECT);
    if (row == NULL)
        return -ENOMEM;
    row->mechanism = own->peak_live_count <= 1 ? "static" : "pool";
    row->count = own->births;
    row->at_once = own->peak_live_count;
    for (size_t i = 0; i < objects->count; i++)
        if (root_of(objects, i) == root)
            put_stacks(objects->planning, objects->items[i].site, (uint32_t)plan->lifetime_count - 1);
    return find_ends(objects->planning, own->site, row);
}

/* What is left is told together. */
static int add_others(struct objects *objects, struct tn_plan *plan)
{
    struct tn_planning *planning = objects->planning;
    struct tn_lifetime *row = NULL;
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->items[root_of(objects, i)].share < 0)
            continue;
        if (row == NULL)
            row = tn_plan_add_row(plan, TN_LIFETIME_OBJECT);
        if (row == NULL)
            return -ENOMEM;
        row->mechanism = "pool";
        row->count += objects->items[i].births;
        put_stacks(planning, objects->items[i].site, (uint32_t)plan->lifetime_count - 1);
    }
    return 0;
}

/* The largest object that has no row yet; TN_PLAN_NONE: there is none that is worth one. */
static size_t find_largest(const struct objects *objects)
{
    size_t best = TN_PLAN_NONE;
    for (size_t i = 0; i < objects->count; i++)
        if (objects->items[i].parent == i && objects->items[i].share >= SHARE_MIN &&
            (best == TN_PLAN_NONE || objects->items[i].share > objects->items[best].share))
            best = i;
    return best;
}

int tn_plan_find_objects(struct tn_planning *planning, struct tn_plan *plan)
{
    struct objects objects = {.planning = planning};
    int r = list_sites(&objects);
    if (r == 0)
        r = join_linked(&objects);
    if (r == 0) {
        join_alike(&objects);
        sum_up(&objects);
    }
    for (unsigned rows = 0; r == 0 && rows < ROWS_MAX; rows++) {
        size_t root = find_largest(&objects);
        if (root == TN_PLAN_NONE)
            break;
        r = add_object(&objects, root, plan);
        objects.items[root].share = -1; /* has its row */
    }
    if (r == 0)
        r = add_others(&objects, plan);
    free(objects.items);
    free(objects.by_site);
    return r;
}
