/* SPDX-License-Identifier: MIT */
/* Loads the links of a process and sums them up by sites. A site is what the pass takes it for, which may be
 * another one than the log's when the user named wrappers. Asked by kinds at the end. */
#include "tenure/site_links.h"

#include "tenure/event.h"

#include <errno.h>
#include <stdlib.h>

struct link_loading {
    const struct tn_pass *pass;
    struct tn_site_links *links;
    size_t capacity;
};

static uint64_t key_of(uint64_t id, uint32_t moment)
{
    return id * TN_LINK_MOMENT_COUNT + moment;
}

static uint64_t found(const struct tn_map *map, uint64_t key)
{
    const uint64_t *value = tn_map_find(map, key);
    return value != NULL ? *value : 0;
}

static bool is_known(const struct tn_pass *pass, uint64_t stack_id)
{
    return stack_id != 0 && stack_id < pass->node_count;
}

static int see_link(void *context, const struct tn_log_link *link)
{
    struct link_loading *loading = context;
    struct tn_site_links *links = loading->links;
    if (!is_known(loading->pass, link->held_stack_id) ||
        (link->holder_stack_id != 0 && !is_known(loading->pass, link->holder_stack_id)))
        return 0;
    if (links->stack_count == loading->capacity) {
        size_t capacity = loading->capacity * 2 + 64;
        void *stacks = realloc(links->stacks, capacity * sizeof(links->stacks[0]));
        if (stacks == NULL)
            return -ENOMEM;
        links->stacks = stacks;
        loading->capacity = capacity;
    }
    links->stacks[links->stack_count++] =
        (struct tn_link_by_stack){.holder_stack_id = (uint32_t)link->holder_stack_id,
                                  .held_stack_id = (uint32_t)link->held_stack_id,
                                  .moment = link->moment,
                                  .module_id = link->module_id,
                                  .offset_bytes = link->offset_bytes,
                                  .looks = link->looks,
                                  .distinct = link->distinct_held_blocks};
    return 0;
}

static int add(struct tn_map *map, uint64_t key, uint64_t looks)
{
    return tn_map_put(map, key, found(map, key) + looks);
}

static int see_look(void *context, const struct tn_log_look *look)
{
    struct link_loading *loading = context;
    if (!is_known(loading->pass, look->stack_id))
        return 0;
    int r = add(&loading->links->looks, key_of(look->stack_id, look->moment), look->looks);
    return r < 0 ? r
                 : add(&loading->links->site_looks,
                       key_of(loading->pass->nodes[look->stack_id].site, look->moment), look->looks);
}

/* ---------------------------------------------------------------------------------------- by site */

static int compare_count(uint64_t one, uint64_t other)
{
    return one == other ? 0 : one < other ? -1 : 1;
}

static int by_held_stack(const void *a, const void *b)
{
    const struct tn_link_by_stack *one = a, *other = b;
    int order = compare_count(one->held_stack_id, other->held_stack_id);
    if (order == 0)
        order = compare_count(one->moment, other->moment);
    if (order == 0)
        order = compare_count(one->holder_stack_id, other->holder_stack_id);
    return order != 0 ? order : compare_count(one->offset_bytes, other->offset_bytes);
}

static int by_place(const void *a, const void *b)
{
    const struct tn_link_by_site *one = a, *other = b;
    int order = compare_count(one->held, other->held);
    if (order == 0)
        order = compare_count(one->holder, other->holder);
    if (order == 0)
        order = compare_count(one->module_id, other->module_id);
    if (order == 0)
        order = compare_count(one->offset_bytes, other->offset_bytes);
    return order != 0 ? order : compare_count(one->moment, other->moment);
}

/* Add up what differs in stacks only. */
static void merge(struct tn_site_links *links, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tn_link_by_site *last = links->site_count != 0 ? &links->sites[links->site_count - 1] : NULL;
        if (last == NULL || by_place(last, &links->sites[i]) != 0) {
            links->sites[links->site_count++] = links->sites[i];
            continue;
        }
        last->looks += links->sites[i].looks;
        last->distinct += links->sites[i].distinct;
    }
}

static int sum_up(const struct tn_pass *pass, struct tn_site_links *links)
{
    links->sites = calloc(links->stack_count + 1, sizeof(links->sites[0]));
    if (links->sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < links->stack_count; i++) {
        const struct tn_link_by_stack *link = &links->stacks[i];
        uint32_t holder = link->holder_stack_id != 0 ? pass->nodes[link->holder_stack_id].site : 0;
        links->sites[i] = (struct tn_link_by_site){.holder = holder,
                                                   .held = pass->nodes[link->held_stack_id].site,
                                                   .moment = link->moment,
                                                   .module_id = link->module_id,
                                                   .offset_bytes = link->offset_bytes,
                                                   .looks = link->looks,
                                                   .distinct = link->distinct};
    }
    qsort(links->sites, links->stack_count, sizeof(links->sites[0]), by_place);
    merge(links, links->stack_count);
    return 0;
}

/* ---------------------------------------------------------------------------------------- members */

static int see_member(void *context, const struct tn_log_member *member)
{
    struct link_loading *loading = context;
    struct tn_site_links *links = loading->links;
    struct tn_buffer text = {0};
    uint32_t holder = 1;
    while (holder < loading->pass->site_count && loading->pass->sites[holder].site_id != member->site_id)
        holder++;
    if (holder >= loading->pass->site_count)
        return 0;
    void *grown = realloc(links->members, (links->member_count + 1) * sizeof(links->members[0]));
    if (grown == NULL)
        return -ENOMEM;
    links->members = grown;
    int r = tn_buffer_print(&text, "%s%s%s", member->type_name, member->member_name != NULL ? "." : "",
                            member->member_name != NULL ? member->member_name : "");
    if (r < 0)
        return r;
    links->members[links->member_count++] =
        (struct tn_link_member){holder, member->offset_bytes, (char *)text.data};
    return 0;
}

const char *tn_site_links_member(const struct tn_site_links *links, uint32_t holder, uint64_t offset_bytes)
{
    for (size_t i = 0; i < links->member_count; i++)
        if (links->members[i].holder == holder && links->members[i].offset_bytes == offset_bytes)
            return links->members[i].text;
    return NULL;
}

/* ---------------------------------------------------------------------------------------- loading */

int tn_site_links_load(const struct tn_pass *pass, struct tn_site_links *ret_links)
{
    struct link_loading loading = {.pass = pass, .links = ret_links};
    struct sqlite3 *database = tn_log_database(pass->log);
    *ret_links = (struct tn_site_links){0};
    int r = tn_log_each_link(database, pass->process_id, see_link, &loading);
    if (r == 0)
        r = tn_log_each_look(database, pass->process_id, see_look, &loading);
    if (r == 0)
        r = tn_log_each_member(database, see_member, &loading);
    if (r < 0)
        return r == -ENOMEM ? r : tn_pass_refuse(pass, r, "cannot read the links");
    if (ret_links->stack_count == 0)
        return 0;
    qsort(ret_links->stacks, ret_links->stack_count, sizeof(ret_links->stacks[0]), by_held_stack);
    return sum_up(pass, ret_links);
}

void tn_site_links_finish(struct tn_site_links *links)
{
    for (size_t i = 0; i < links->member_count; i++)
        free(links->members[i].text);
    free(links->members);
    free(links->sites);
    free(links->stacks);
    tn_map_finish(&links->looks);
    tn_map_finish(&links->site_looks);
    *links = (struct tn_site_links){0};
}

/* ---------------------------------------------------------------------------------------- questions */

uint64_t tn_site_links_looks(const struct tn_site_links *links, uint32_t stack_id, uint32_t moment)
{
    return found(&links->looks, key_of(stack_id, moment));
}

static uint64_t looks_made(const struct tn_site_links *links, const struct tn_link_by_site *link)
{
    uint32_t site = link->moment == TN_LINK_HOLDER_DEATH ? link->holder : link->held;
    return found(&links->site_looks, key_of(site, link->moment));
}

uint64_t tn_site_links_looks_between(const struct tn_site_links *links, uint32_t holder, uint32_t held)
{
    uint64_t most = found(&links->site_looks, key_of(holder, TN_LINK_HOLDER_DEATH));
    for (uint32_t moment = TN_LINK_EVENT_1; moment < TN_LINK_MOMENT_COUNT; moment++) {
        uint64_t looks = found(&links->site_looks, key_of(held, moment));
        most = looks > most ? looks : most;
    }
    return most;
}

static double part_of(const struct tn_link_share *share)
{
    return share->looks_made != 0 ? (double)share->looks / (double)share->looks_made : 0;
}

/* The first link of a held site. */
static size_t first_of(const struct tn_site_links *links, uint32_t held)
{
    size_t low = 0, high = links->site_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (links->sites[middle].held < held)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool tn_site_links_between(const struct tn_site_links *links, uint32_t holder, uint32_t held,
                           struct tn_link_share *ret_share)
{
    struct tn_link_share best = {0};
    for (size_t i = first_of(links, held); i < links->site_count && links->sites[i].held == held; i++) {
        const struct tn_link_by_site *link = &links->sites[i];
        struct tn_link_share share = {link->looks, looks_made(links, link), link->offset_bytes};
        if (link->holder == holder && link->distinct >= TN_SITE_LINK_DISTINCT_MIN &&
            share.looks_made >= TN_LINK_LOOKS_MIN && part_of(&share) > part_of(&best))
            best = share;
    }
    if (part_of(&best) < TN_SITE_LINK_SHARE_MIN)
        return false;
    *ret_share = best;
    return true;
}

uint32_t tn_site_links_next_holder(const struct tn_site_links *links, uint32_t held, uint32_t after)
{
    for (size_t i = first_of(links, held); i < links->site_count && links->sites[i].held == held; i++)
        if (links->sites[i].holder > after)
            return links->sites[i].holder;
    return 0;
}
