/* SPDX-License-Identifier: MIT */
/* Resolves the addresses of LINKS events and counts what they are. Invariant: `known` and `seen` have exactly
 * the links of `list` and the held blocks that these have counted. Called by match.c and process.c. */
#include "links.h"

#include "link_blocks.h"
#include "mappings.h"
#include "matcher.h"

#include "tenure/event_body.h"
#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

/* A link, and its row in the log. */
struct counted_link {
    struct tn_log_link link;
    uint64_t row; /* 0: not written yet */
    bool is_changed;
};

/* The looks of one stack at one moment. */
struct counted_looks {
    struct tn_log_look look;
    bool is_changed;
};

struct tn_links {
    struct counted_link *list; /* owned */
    struct counted_looks *looks;
    uint32_t count, capacity;
    uint32_t look_count, look_capacity;
    struct tn_map known;     /* hash of what tells links apart -> index in list + 1 */
    struct tn_map seen;      /* held block and link */
    struct tn_map look_rows; /* stack and moment -> index in looks + 1 */
    uint32_t next_written;   /* where the next writing begins, in list, and behind it looks */
    bool is_changed;         /* something of list or looks is */
};

static int open_links(struct tn_matcher *matcher)
{
    if (matcher->links == NULL)
        matcher->links = calloc(1, sizeof(*matcher->links));
    return matcher->links != NULL ? 0 : -ENOMEM;
}

/* ---------------------------------------------------------------------------------------- looks */

static int grow(void **list, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return 0;
    uint32_t larger = *capacity != 0 ? *capacity * 2 : 32;
    void *grown = realloc(*list, larger * item_bytes);
    if (grown == NULL)
        return -ENOMEM;
    *list = grown;
    *capacity = larger;
    return 0;
}

static int count_look(struct tn_matcher *matcher, uint64_t stack_id, enum tn_link_moment moment)
{
    struct tn_links *links = matcher->links;
    uint64_t key = stack_id << 8 | (uint64_t)moment;
    uint64_t *index = tn_map_find(&links->look_rows, key);
    if (index == NULL) {
        int r = grow((void **)&links->looks, links->look_count, &links->look_capacity, sizeof(*links->looks));
        if (r == 0)
            r = tn_map_put(&links->look_rows, key, links->look_count + 1);
        if (r < 0)
            return r;
        links->looks[links->look_count++] =
            (struct counted_looks){{matcher->process_id, stack_id, moment, 0}, false};
        index = tn_map_find(&links->look_rows, key);
    }
    struct counted_looks *looks = &links->looks[*index - 1];
    looks->look.looks++;
    looks->is_changed = links->is_changed = true;
    return 0;
}

/* ---------------------------------------------------------------------------------------- links */

static bool is_same(const struct tn_log_link *a, const struct tn_log_link *b)
{
    return a->moment == b->moment && a->holder_stack_id == b->holder_stack_id &&
           a->module_id == b->module_id && a->offset_bytes == b->offset_bytes &&
           a->held_stack_id == b->held_stack_id && a->inner_offset_bytes == b->inner_offset_bytes;
}

static uint64_t hash_of(const struct tn_log_link *link)
{
    uint64_t hash = tn_mix(link->holder_stack_id << 32 | link->held_stack_id);
    hash = tn_mix(hash ^ link->offset_bytes);
    return tn_mix(hash ^ (link->module_id << 32 | (uint64_t)link->moment << 8 | link->inner_offset_bytes)) |
           1;
}

/* Returns 0; 1: there are too many, and it was not added; -ENOMEM. */
static int add_link(struct tn_links *links, uint64_t key, const struct tn_log_link *link, uint64_t *ret_index)
{
    if (links->count == TN_LINKS_MAX)
        return 1;
    int r = grow((void **)&links->list, links->count, &links->capacity, sizeof(*links->list));
    if (r == 0)
        r = tn_map_put(&links->known, key, links->count + 1);
    if (r < 0)
        return r;
    links->list[links->count] = (struct counted_link){.link = *link};
    *ret_index = links->count++;
    return 0;
}

/* The index of a link, which is added if it is new. Returns as add_link. */
static int find_link(struct tn_links *links, const struct tn_log_link *link, uint64_t *ret_index)
{
    uint64_t key = hash_of(link);
    const uint64_t *there;
    while ((there = tn_map_find(&links->known, key)) != NULL) {
        if (is_same(&links->list[*there - 1].link, link)) {
            *ret_index = *there - 1;
            return 0;
        }
        key = tn_mix(key) | 1;
    }
    return add_link(links, key, link, ret_index);
}

static int count_held(struct tn_links *links, uint64_t index, uint64_t held_id)
{
    struct tn_log_link *link = &links->list[index].link;
    uint64_t key = held_id << 16 | index;
    if (link->distinct_held_blocks == TN_LINK_HELD_MAX || tn_map_find(&links->seen, key) != NULL)
        return 0;
    link->distinct_held_blocks++;
    return tn_map_put(&links->seen, key, 1);
}

/* Count a link of one look; its counts are 0, and its ids those of this look. */
static int count_link(struct tn_matcher *matcher, const struct tn_log_link *link)
{
    struct tn_links *links = matcher->links;
    uint64_t index;
    int r = find_link(links, link, &index);
    if (r != 0) {
        matcher->totals->links_dropped += r == 1;
        return r < 0 ? r : 0;
    }
    links->list[index].link.looks++;
    links->list[index].is_changed = links->is_changed = true;
    return count_held(links, index, link->held_id);
}

/* ---------------------------------------------------------------------------------------- events */

/* The addresses that a dying block holds. */
static int apply_holder(struct tn_stream *stream, uint64_t address)
{
    struct tn_matcher *matcher = stream->matcher;
    struct tn_link_block holder;
    if (!tn_link_block_at(matcher, address, 0, &holder) || holder.stack_id == 0)
        return 0;
    int r = count_look(matcher, holder.stack_id, TN_LINK_HOLDER_DEATH);
    for (uint32_t i = TN_EVENT_LINKS_WORDS; i < stream->words && r == 0; i++) {
        uint64_t word = *(const volatile uint64_t *)(stream->next + i);
        struct tn_link_block held;
        uint32_t offset_bytes = (uint32_t)(word >> 48), inner_bytes;
        if (offset_bytes + sizeof(word) > holder.size_bytes ||
            !tn_link_block_holding(matcher, tn_event_address_of(word), holder.id, &held, &inner_bytes) ||
            held.id == holder.id || held.stack_id == 0)
            continue;
        const struct tn_log_link link = {
            .process_id = matcher->process_id,
            .moment = TN_LINK_HOLDER_DEATH,
            .holder_stack_id = holder.stack_id,
            .offset_bytes = offset_bytes,
            .held_stack_id = held.stack_id,
            .inner_offset_bytes = inner_bytes,
            .holder_id = holder.id,
            .held_id = held.id,
        };
        r = count_link(matcher, &link);
    }
    return r;
}

/* Who has a word at an address: a block, or else a module. Returns whether there is one. */
static bool find_holder(const struct tn_matcher *matcher, uint64_t address, struct tn_log_link *link)
{
    struct tn_link_block holder;
    if (tn_link_block_around(matcher, address, &holder)) {
        link->holder_stack_id = holder.stack_id;
        link->holder_id = holder.id;
        link->offset_bytes = address - holder.address;
        return holder.stack_id != 0 && holder.id != link->held_id;
    }
    const struct tn_mapping *mapping =
        matcher->mappings != NULL ? tn_mappings_find(matcher->mappings, address) : NULL;
    if (mapping == NULL)
        return false;
    link->module_id = mapping->module_id;
    link->offset_bytes = address - mapping->bias;
    return true;
}

/* The places where the address of a block was found. The block may have died in another thread since it was
 * chosen, and its address may be another's: the stack tells. */
static int apply_held(struct tn_stream *stream, uint64_t address, enum tn_link_moment moment)
{
    struct tn_matcher *matcher = stream->matcher;
    struct tn_link_block held;
    uint32_t stack = tn_event_stack_of(stream->head);
    uint64_t row = stack < matcher->stacks.count ? matcher->stacks.rows[stack] : 0;
    if (row == 0 || !tn_link_block_at(matcher, address, 0, &held) || held.stack_id != row)
        return 0;
    int r = count_look(matcher, row, moment);
    for (uint32_t i = TN_EVENT_LINKS_WORDS; i < stream->words && r == 0; i++) {
        uint64_t word = *(const volatile uint64_t *)(stream->next + i);
        struct tn_log_link link = {
            .process_id = matcher->process_id,
            .moment = moment,
            .held_stack_id = row,
            .inner_offset_bytes = (uint32_t)(word >> 48),
            .held_id = held.id,
        };
        bool is_inside = link.inner_offset_bytes == 0 || link.inner_offset_bytes < held.size_bytes;
        if (is_inside && link.inner_offset_bytes <= TN_LINK_INNER_BYTES_MAX &&
            link.inner_offset_bytes % TN_LINK_INNER_UNIT_BYTES == 0 &&
            find_holder(matcher, tn_event_address_of(word), &link))
            r = count_link(matcher, &link);
    }
    return r;
}

int tn_links_apply(struct tn_stream *stream)
{
    uint64_t address;
    uint32_t moment;
    if (!tn_event_get_links(stream->next, stream->words, &address, &moment))
        return -EBADMSG;
    if (stream->matcher->dead == NULL || address == 0)
        return 0;
    if (moment == TN_LINK_NEVER || moment >= TN_LINK_MOMENT_COUNT)
        return 0;
    int r = open_links(stream->matcher);
    if (r < 0)
        return r;
    return moment == TN_LINK_HOLDER_DEATH ? apply_holder(stream, address)
                                          : apply_held(stream, address, (enum tn_link_moment)moment);
}

/* ---------------------------------------------------------------------------------------- the log */

/* Write a link if it has changed, or a stack's looks: all have one sequence of numbers. */
static int write_one(struct tn_matcher *matcher, uint32_t number, uint32_t *rows_left)
{
    struct tn_links *links = matcher->links;
    if (number < links->count) {
        struct counted_link *counted = &links->list[number];
        if (!counted->is_changed)
            return 0;
        counted->is_changed = false;
        --*rows_left;
        return tn_log_set_link(matcher->writer, &counted->link, &counted->row);
    }
    struct counted_looks *looks = &links->looks[number - links->count];
    if (!looks->is_changed)
        return 0;
    looks->is_changed = false;
    --*rows_left;
    return tn_log_set_look(matcher->writer, &looks->look);
}

int tn_links_write(struct tn_matcher *matcher, uint32_t rows_max)
{
    struct tn_links *links = matcher->links;
    int r = 0;
    if (links == NULL || !links->is_changed)
        return 0;
    uint32_t all = links->count + links->look_count, done = 0;
    for (; done < all && rows_max != 0 && r == 0; done++) {
        uint32_t number = links->next_written;
        links->next_written = number + 1 < all ? number + 1 : 0;
        r = write_one(matcher, number, &rows_max);
    }
    links->is_changed = done < all;
    return r;
}

void tn_links_close(struct tn_links *links)
{
    if (links == NULL)
        return;
    tn_map_finish(&links->known);
    tn_map_finish(&links->seen);
    tn_map_finish(&links->look_rows);
    free(links->list);
    free(links->looks);
    free(links);
}
