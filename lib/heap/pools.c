/* SPDX-License-Identifier: MIT */
/* Pools of blocks of one size each, side by side in ascending order of size. A released block goes to the
 * front of its pool's list; blocks have no header and are never merged. `pools` fails when the smallest pool
 * that fits is empty, `pools-spill` goes on to the next larger one. */
#include "extent_list.h"
#include "hole_index.h"
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tn_pool {
    uint64_t block;      /* bytes */
    uint64_t left;       /* blocks never given out yet: what `untouched` holds */
    uint32_t untouched;  /* extent of them; 0: none */
    struct tn_list list; /* blocks that came back */
};

struct pools {
    struct tn_pool *pools; /* owned; by block size */
    size_t count;
};

static int compare_pools(const void *a, const void *b)
{
    const struct tn_pool *x = a, *y = b;
    return x->block < y->block ? -1 : x->block > y->block;
}

/* Block sizes are rounded up to a word, as every pool allocator demands. */
static int copy_pools(struct tn_heap *heap, uint64_t *ret_total)
{
    struct pools *pools = heap->state;
    pools->count = heap->options.pool_count;
    pools->pools = calloc(pools->count, sizeof(*pools->pools));
    if (pools->pools == NULL)
        return -ENOMEM;
    uint64_t total = 0;
    for (size_t i = 0; i < pools->count; i++) {
        const struct tn_heap_pool *given = &heap->options.pools[i];
        uint64_t block = tn_round_up(given->block_bytes, heap->align);
        if (block == 0 || given->block_bytes > TN_HEAP_UNLIMITED || given->count > TN_HEAP_UNLIMITED / block)
            return -EINVAL;
        pools->pools[i].block = block;
        pools->pools[i].left = given->count;
        total += block * given->count;
    }
    qsort(pools->pools, pools->count, sizeof(*pools->pools), compare_pools);
    *ret_total = total;
    return total <= TN_HEAP_UNLIMITED ? 0 : -EINVAL;
}

/* Lay the pools out. If the region is too small for all of them, the last ones get fewer blocks. */
static int lay_out(struct tn_heap *heap, uint64_t total)
{
    struct pools *pools = heap->state;
    struct tn_space *space = &heap->space;
    uint64_t size = heap->options.heap_bytes == TN_HEAP_UNLIMITED ? total : space->size;
    tn_hole_index_close(space);
    tn_space_close(space);
    if (size == 0 || tn_space_open(space, size) < 0 || tn_hole_index_open(space) < 0 ||
        tn_space_reserve(space, (uint32_t)pools->count + TN_EXTENTS_PER_STEP) < 0)
        return -ENOMEM;
    uint32_t rest = space->first;
    for (size_t i = 0; i < pools->count && rest != 0; i++) {
        struct tn_pool *pool = &pools->pools[i];
        uint64_t most = tn_extent(space, rest)->size / pool->block;
        pool->left = pool->left < most ? pool->left : most;
        uint64_t bytes = pool->left * pool->block;
        bool is_all = bytes == tn_extent(space, rest)->size;
        if (bytes > 0)
            pool->untouched = is_all ? rest : tn_space_cut_low(space, rest, bytes);
        if (is_all)
            rest = 0;
    }
    if (rest != 0)
        tn_space_fix(space, rest);
    return 0;
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    uint64_t total = 0;
    heap->align = heap->natural = heap->pointer;
    int r = copy_pools(heap, &total);
    if (r == 0)
        r = lay_out(heap, total);
    if (r == -EINVAL)
        return tn_error_set(error, r, "the pools are larger than can be modelled");
    if (r < 0)
        return tn_error_set(error, r, "cannot open a model of %s: out of memory", heap->policy->name);
    heap->tail_bytes = total; /* for smallest() */
    const struct pools *pools = heap->state;
    if (pools->pools[0].left == 0)
        return tn_heap_too_small(heap, pools->pools[0].block, error);
    return 0;
}

static void close(struct tn_heap *heap)
{
    struct pools *pools = heap->state;
    free(pools->pools);
}

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    const struct pools *pools = heap->state;
    for (size_t i = 0; i < pools->count; i++)
        if (pools->pools[i].block >= size)
            return pools->pools[i].block;
    return tn_round_up(size, heap->align);
}

static uint32_t take_from(struct tn_space *space, struct tn_pool *pool)
{
    uint32_t number = pool->list.first;
    if (number != 0) {
        tn_list_remove(&pool->list, space, number);
        return number;
    }
    if (pool->left == 0)
        return 0;
    number = pool->untouched;
    if (--pool->left > 0)
        return tn_space_cut_low(space, number, pool->block);
    pool->untouched = 0;
    return number;
}

/* A block of the first pool that is large enough; with may_spill, of the first such pool that has one. */
static uint32_t take(struct tn_heap *heap, uint64_t size, bool may_spill)
{
    struct pools *pools = heap->state;
    for (size_t i = 0; i < pools->count; i++) {
        struct tn_pool *pool = &pools->pools[i];
        if (pool->block < size)
            continue;
        uint32_t number = take_from(&heap->space, pool);
        if (number != 0) {
            tn_extent(&heap->space, number)->list = (uint16_t)i;
            return number;
        }
        /* Pools of one block size are one pool in two parts. */
        bool has_equal = i + 1 < pools->count && pools->pools[i + 1].block == pool->block;
        if (!may_spill && !has_equal)
            return 0;
    }
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    (void)need_bytes;
    return take(heap, size, false);
}

static uint32_t place_or_spill(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    (void)need_bytes;
    return take(heap, size, true);
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct pools *pools = heap->state;
    tn_list_push_front(&pools->pools[tn_extent(&heap->space, number)->list].list, &heap->space, number);
}

static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    (void)need_bytes;
    return tn_extent(&heap->space, number)->size >= size;
}

/* One more block of the pool that the request belongs to. */
static void grow(struct tn_heap *heap, uint64_t more)
{
    struct pools *pools = heap->state;
    for (size_t i = 0; i < pools->count; i++) {
        if (pools->pools[i].block < more && i + 1 < pools->count)
            continue;
        uint32_t number = tn_space_extend(&heap->space, pools->pools[i].block);
        tn_extent(&heap->space, number)->list = (uint16_t)i;
        release(heap, number);
        return;
    }
}

static uint64_t smallest(const struct tn_heap *heap)
{
    return heap->tail_bytes;
}

static uint64_t largest(const struct tn_heap *heap)
{
    const struct pools *pools = heap->state;
    for (size_t i = pools->count; i > 0; i--)
        if (pools->pools[i - 1].left > 0 || pools->pools[i - 1].list.count > 0)
            return pools->pools[i - 1].block;
    return 0;
}

static const char *check_pool(const struct tn_space *space, const struct tn_pool *pool, uint64_t *free_bytes)
{
    const char *fault = tn_list_check(&pool->list, space);
    if (fault != NULL)
        return fault;
    for (uint32_t number = pool->list.first; number != 0; number = tn_extent(space, number)->right)
        if (tn_extent(space, number)->size != pool->block)
            return "a block has not the size of its pool";
    uint64_t untouched = pool->untouched != 0 ? tn_extent(space, pool->untouched)->size : 0;
    if (untouched != pool->left * pool->block)
        return "a pool has another number of blocks left than it says";
    *free_bytes += untouched + pool->list.count * pool->block;
    return NULL;
}

static const char *check(const struct tn_heap *heap)
{
    const struct pools *pools = heap->state;
    uint64_t free_bytes = 0;
    for (size_t i = 0; i < pools->count; i++) {
        const char *fault = check_pool(&heap->space, &pools->pools[i], &free_bytes);
        if (fault != NULL)
            return fault;
    }
    return free_bytes == heap->space.size - heap->space.used - heap->space.fixed
               ? NULL
               : "a free block is in no pool";
}

const struct tn_policy tn_policy_pools = {
    .name = "pools",
    .summary = "pools: a block of the smallest that fits, or none",
    .state_bytes = sizeof(struct pools),
    .is_one_pass = true,
    .needs_pools = true,
    .open = open,
    .close = close,
    .need = need,
    .place = place,
    .release = release,
    .resize = resize,
    .grow = grow,
    .smallest = smallest,
    .largest = largest,
    .check = check,
};

const struct tn_policy tn_policy_pools_spill = {
    .name = "pools-spill",
    .summary = "pools: the next larger one serves where one is empty",
    .state_bytes = sizeof(struct pools),
    .is_one_pass = true,
    .needs_pools = true,
    .open = open,
    .close = close,
    .need = need,
    .place = place_or_spill,
    .release = release,
    .resize = resize,
    .grow = grow,
    .smallest = smallest,
    .largest = largest,
    .check = check,
};
