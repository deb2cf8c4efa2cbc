/* SPDX-License-Identifier: MIT */
/* Follows the blocks of pools that programs describe. Invariants: `live` has exactly the blocks in use, by
 * pool and address; each is in its pool's list, too, by which a reset finds them; of each pool and each size,
 * what is counted as in use is what is in `live`. Called by match.c, process.c and record.c. */
#include "own_pools.h"

#include "matcher.h"

#include "tenure/event_pool.h"
#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A block in use. Freed entries are a list by `next`. */
struct pool_block {
    uint64_t address, size_bytes;
    uint64_t row;            /* in the log; 0: it has none */
    uint32_t size;           /* index in sizes + 1; 0: its size has no row */
    uint32_t next, previous; /* indexes in blocks + 1, of the same pool; 0: the end */
};

struct own_pool {
    struct tn_log_pool counts;
    char *name;     /* owned; NULL: none */
    uint64_t row;   /* in the log */
    uint32_t first; /* index in blocks + 1 of its newest block in use; 0: none */
    bool is_changed;
};

struct pool_size {
    struct tn_log_pool_size counts;
    bool is_changed;
};

struct tn_pools {
    struct own_pool *list; /* owned */
    struct pool_size *sizes;
    struct pool_block *blocks;
    uint32_t count, capacity;
    uint32_t size_count, size_capacity;
    uint32_t block_count, block_capacity;
    uint32_t free_block;      /* index in blocks + 1 of a freed entry; 0: none */
    struct tn_map by_address; /* what names a pool -> index in list + 1 */
    struct tn_map by_size;    /* pool and size -> index in sizes + 1 */
    struct tn_map live;       /* pool and address -> index in blocks + 1 */
    bool is_changed;          /* something of list or sizes is */
};

/* The event at hand, decoded. */
struct pool_event {
    struct tn_matcher *matcher;
    struct tn_pools *pools;
    uint64_t thread_id, stack_id, time_ns;
    uint64_t address, size_bytes;
    uint32_t pool; /* index in list + 1 */
    bool can_wait;
};

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

static uint64_t live_key(uint32_t pool, uint64_t address)
{
    return (uint64_t)pool << 48 | address;
}

static struct own_pool *pool_of(const struct pool_event *event)
{
    struct own_pool *pool = &event->pools->list[event->pool - 1];
    pool->is_changed = event->pools->is_changed = true;
    return pool;
}

/* ---------------------------------------------------------------------------------------- pools and sizes */

static int add_pool(struct pool_event *event, uint64_t named_by)
{
    struct tn_pools *pools = event->pools;
    int r = grow((void **)&pools->list, pools->count, &pools->capacity, sizeof(pools->list[0]));
    if (r == 0)
        r = tn_map_put(&pools->by_address, named_by, pools->count + 1);
    if (r < 0)
        return r;
    struct own_pool *pool = &pools->list[pools->count++];
    *pool = (struct own_pool){.counts = {.process_id = event->matcher->process_id,
                                         .address = named_by,
                                         .first_ns = event->time_ns}};
    event->pool = pools->count;
    return tn_log_set_pool(event->matcher->writer, &pool->counts, &pool->row);
}

/* Find the pool, or make it. event->pool is 0 afterwards where there are too many. */
static int find_pool(struct pool_event *event, uint64_t named_by)
{
    const uint64_t *there = tn_map_find(&event->pools->by_address, named_by);
    if (there != NULL) {
        event->pool = (uint32_t)*there;
        return 0;
    }
    if (event->pools->count < TN_POOLS_MAX)
        return add_pool(event, named_by);
    event->matcher->totals->pool_events_dropped++;
    return 0;
}

/* Index + 1 of a size of the pool, which is added if it is new; 0: there are too many. */
static int find_size(struct pool_event *event, uint32_t *ret_size)
{
    struct tn_pools *pools = event->pools;
    *ret_size = 0;
    if (event->size_bytes > TN_ADDRESS_MASK)
        return 0;
    uint64_t key = live_key(event->pool, event->size_bytes);
    const uint64_t *there = tn_map_find(&pools->by_size, key);
    if (there != NULL) {
        *ret_size = (uint32_t)*there;
        return 0;
    }
    if (pools->size_count == TN_POOL_SIZES_MAX)
        return 0;
    int r = grow((void **)&pools->sizes, pools->size_count, &pools->size_capacity, sizeof(pools->sizes[0]));
    if (r == 0)
        r = tn_map_put(&pools->by_size, key, pools->size_count + 1);
    if (r < 0)
        return r;
    pools->sizes[pools->size_count++] = (struct pool_size){
        .counts = {.pool_id = pools->list[event->pool - 1].row, .size_bytes = event->size_bytes}};
    *ret_size = pools->size_count;
    return 0;
}

/* ---------------------------------------------------------------------------------------- blocks */

static int take_entry(struct tn_pools *pools, uint32_t *ret_block)
{
    if (pools->free_block != 0) {
        *ret_block = pools->free_block;
        pools->free_block = pools->blocks[pools->free_block - 1].next;
        return 0;
    }
    int r =
        grow((void **)&pools->blocks, pools->block_count, &pools->block_capacity, sizeof(pools->blocks[0]));
    if (r == 0)
        *ret_block = ++pools->block_count;
    return r;
}

/* The block leaves its pool. Its counts of frees are the caller's. */
static void unlink_block(struct pool_event *event, uint32_t index)
{
    struct tn_pools *pools = event->pools;
    struct own_pool *pool = pool_of(event);
    struct pool_block *block = &pools->blocks[index - 1];
    tn_map_remove(&pools->live, live_key(event->pool, block->address), NULL);
    if (block->previous != 0)
        pools->blocks[block->previous - 1].next = block->next;
    else
        pool->first = block->next;
    if (block->next != 0)
        pools->blocks[block->next - 1].previous = block->previous;
    pool->counts.live_count--;
    pool->counts.live_bytes -= block->size_bytes;
    if (block->size != 0) {
        pools->sizes[block->size - 1].counts.live_count--;
        pools->sizes[block->size - 1].is_changed = true;
    }
    block->next = pools->free_block;
    pools->free_block = index;
}

/* The program has said that the block is taken back. */
static int end_block(struct pool_event *event, uint32_t index)
{
    uint64_t row = event->pools->blocks[index - 1].row;
    unlink_block(event, index);
    pool_of(event)->counts.frees++;
    return row == 0 ? 0
                    : tn_log_end_pool_block(event->matcher->writer, row, event->thread_id, event->stack_id,
                                            event->time_ns);
}

static void count_size(struct tn_pools *pools, uint32_t index)
{
    if (index == 0)
        return;
    struct pool_size *size = &pools->sizes[index - 1];
    size->is_changed = true;
    size->counts.allocations++;
    if (++size->counts.live_count > size->counts.peak_live_count)
        size->counts.peak_live_count = size->counts.live_count;
}

static void count_birth(struct tn_log_pool *counts, uint64_t size_bytes, uint64_t time_ns)
{
    counts->allocations++;
    counts->total_bytes += size_bytes;
    counts->live_bytes += size_bytes;
    if (++counts->live_count > counts->peak_live_count)
        counts->peak_live_count = counts->live_count;
    if (counts->live_bytes > counts->peak_live_bytes) {
        counts->peak_live_bytes = counts->live_bytes;
        counts->peak_ns = time_ns;
    }
}

/* The row of a block that is born; 0 where there are too many. */
static int add_row(struct pool_event *event, struct own_pool *pool, uint64_t *ret_row)
{
    *ret_row = 0;
    if (event->matcher->totals->pool_blocks == TN_POOL_BLOCKS_MAX) {
        pool->counts.blocks_left_out++;
        return 0;
    }
    event->matcher->totals->pool_blocks++;
    const struct tn_log_pool_block block = {
        .pool_id = pool->row,
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .address = event->address,
        .size_bytes = event->size_bytes,
        .birth_ns = event->time_ns,
    };
    return tn_log_add_pool_block(event->matcher->writer, &block, ret_row);
}

static int add_block(struct pool_event *event)
{
    struct tn_pools *pools = event->pools;
    struct own_pool *pool = pool_of(event);
    struct pool_block block = {.address = event->address, .size_bytes = event->size_bytes};
    uint32_t index;
    int r = find_size(event, &block.size);
    if (r == 0)
        r = take_entry(pools, &index);
    if (r == 0)
        r = tn_map_put(&pools->live, live_key(event->pool, event->address), index);
    if (r < 0)
        return r;
    block.next = pool->first;
    if (pool->first != 0)
        pools->blocks[pool->first - 1].previous = index;
    pool->first = index;
    count_size(pools, block.size);
    count_birth(&pool->counts, event->size_bytes, event->time_ns);
    r = add_row(event, pool, &block.row);
    pools->blocks[index - 1] = block;
    return r;
}

/* ---------------------------------------------------------------------------------------- events */

static int apply_birth(struct pool_event *event)
{
    const uint64_t *there = tn_map_find(&event->pools->live, live_key(event->pool, event->address));
    if (there != NULL) {
        if (event->can_wait)
            return TN_POOLS_WAIT;
        unlink_block(event, (uint32_t)*there);
        pool_of(event)->counts.unseen_frees++;
    }
    return add_block(event);
}

static int apply_death(struct pool_event *event)
{
    const uint64_t *there = tn_map_find(&event->pools->live, live_key(event->pool, event->address));
    if (there != NULL)
        return end_block(event, (uint32_t)*there);
    if (event->can_wait)
        return TN_POOLS_WAIT;
    pool_of(event)->counts.unknown_frees++;
    return 0;
}

static int apply_reset(struct pool_event *event)
{
    struct own_pool *pool = pool_of(event);
    int r = 0;
    pool->counts.resets++;
    while (pool->first != 0 && r == 0)
        r = end_block(event, pool->first);
    return r;
}

static int apply_name(struct pool_event *event, const char *text, uint32_t text_bytes)
{
    struct own_pool *pool = pool_of(event);
    char *name = malloc(text_bytes + 1);
    if (name == NULL)
        return -ENOMEM;
    memcpy(name, text, text_bytes);
    name[text_bytes] = '\0';
    free(pool->name);
    pool->name = name;
    pool->counts.name = name;
    return 0;
}

static int apply_use(const struct tn_stream *stream, struct pool_event *event)
{
    uint64_t named_by;
    uint32_t kind = tn_event_kind_of(stream->head);
    if (!tn_event_get_pool(stream->next, stream->head, stream->words, &named_by, &event->address,
                           &event->size_bytes) ||
        named_by == 0 || (event->address == 0) != (kind == TN_EVENT_POOL_RESET))
        return -EBADMSG;
    int r = find_pool(event, named_by);
    if (r < 0 || event->pool == 0)
        return r;
    if (kind == TN_EVENT_POOL_RESET)
        return apply_reset(event);
    return kind == TN_EVENT_POOL_BIRTH ? apply_birth(event) : apply_death(event);
}

static int apply_naming(const struct tn_stream *stream, struct pool_event *event)
{
    const char *text;
    uint32_t text_bytes;
    uint64_t named_by;
    if (!tn_event_get_pool_name(stream->next, stream->words, &named_by, &text, &text_bytes) || named_by == 0)
        return -EBADMSG;
    int r = find_pool(event, named_by);
    return r < 0 || event->pool == 0 ? r : apply_name(event, text, text_bytes);
}

int tn_pools_apply(struct tn_stream *stream, uint64_t stack_id, bool can_wait)
{
    struct tn_matcher *matcher = stream->matcher;
    if (matcher->pools == NULL)
        matcher->pools = calloc(1, sizeof(*matcher->pools));
    if (matcher->pools == NULL)
        return -ENOMEM;
    struct pool_event event = {
        .matcher = matcher,
        .pools = matcher->pools,
        .thread_id = stream->thread_id,
        .stack_id = stack_id,
        .time_ns = tn_clock_ns(matcher->clock, stream->stamp),
        .can_wait = can_wait,
    };
    return tn_event_kind_of(stream->head) == TN_EVENT_POOL_NAME ? apply_naming(stream, &event)
                                                                : apply_use(stream, &event);
}

/* ---------------------------------------------------------------------------------------- the log */

int tn_pools_write(struct tn_matcher *matcher)
{
    struct tn_pools *pools = matcher->pools;
    int r = 0;
    if (pools == NULL || !pools->is_changed)
        return 0;
    for (uint32_t i = 0; i < pools->count && r == 0; i++) {
        struct own_pool *pool = &pools->list[i];
        if (pool->is_changed)
            r = tn_log_set_pool(matcher->writer, &pool->counts, &pool->row);
        pool->is_changed = false;
    }
    for (uint32_t i = 0; i < pools->size_count && r == 0; i++) {
        struct pool_size *size = &pools->sizes[i];
        if (size->is_changed)
            r = tn_log_set_pool_size(matcher->writer, &size->counts);
        size->is_changed = false;
    }
    pools->is_changed = false;
    return r;
}

void tn_pools_close(struct tn_pools *pools)
{
    if (pools == NULL)
        return;
    for (uint32_t i = 0; i < pools->count; i++)
        free(pools->list[i].name);
    tn_map_finish(&pools->by_address);
    tn_map_finish(&pools->by_size);
    tn_map_finish(&pools->live);
    free(pools->list);
    free(pools->sizes);
    free(pools->blocks);
    free(pools);
}
