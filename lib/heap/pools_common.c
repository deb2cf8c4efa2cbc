/* SPDX-License-Identifier: MIT */
#include "pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_pools(const void *a, const void *b)
{
    const struct tn_pool *x = a, *y = b;
    return x->block < y->block ? -1 : x->block > y->block;
}

/* Blocks are a multiple of a word, as every allocator of blocks asks for. */
static int copy_pools(struct tn_heap *heap, uint64_t *ret_total)
{
    struct tn_pools *pools = heap->state;
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

/* Lay the pools out. A region that is too small for all of them has fewer blocks, of the last ones. */
static int lay_out(struct tn_heap *heap, uint64_t total)
{
    struct tn_pools *pools = heap->state;
    struct tn_space *space = &heap->space;
    uint64_t size = heap->options.heap_bytes == TN_HEAP_UNLIMITED ? total : space->size;
    tn_space_close(space);
    if (size == 0 || tn_space_open(space, size) < 0 ||
        tn_space_reserve(space, (uint32_t)pools->count + TN_CHUNKS_PER_STEP) < 0)
        return -ENOMEM;
    uint32_t rest = space->first;
    for (size_t i = 0; i < pools->count && rest != 0; i++) {
        struct tn_pool *pool = &pools->pools[i];
        uint64_t most = tn_chunk(space, rest)->size / pool->block;
        pool->left = pool->left < most ? pool->left : most;
        uint64_t bytes = pool->left * pool->block;
        bool is_all = bytes == tn_chunk(space, rest)->size;
        if (bytes > 0)
            pool->untouched = is_all ? rest : tn_space_cut_low(space, rest, bytes);
        if (is_all)
            rest = 0;
    }
    if (rest != 0)
        tn_space_fix(space, rest);
    return 0;
}

int tn_pools_open(struct tn_heap *heap, struct tn_error *error)
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
    heap->tail_bytes = total; /* for tn_pools_smallest */
    const struct tn_pools *pools = heap->state;
    if (pools->pools[0].left == 0)
        return tn_heap_too_small(heap, pools->pools[0].block, error);
    return 0;
}

void tn_pools_close(struct tn_heap *heap)
{
    struct tn_pools *pools = heap->state;
    free(pools->pools);
}

uint64_t tn_pools_need(const struct tn_heap *heap, uint64_t size)
{
    const struct tn_pools *pools = heap->state;
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

uint32_t tn_pools_take(struct tn_heap *heap, uint64_t size, bool may_spill)
{
    struct tn_pools *pools = heap->state;
    for (size_t i = 0; i < pools->count; i++) {
        struct tn_pool *pool = &pools->pools[i];
        if (pool->block < size)
            continue;
        uint32_t number = take_from(&heap->space, pool);
        if (number != 0) {
            tn_chunk(&heap->space, number)->list = (uint16_t)i;
            return number;
        }
        /* Pools of one size are one pool in two places. */
        bool has_equal = i + 1 < pools->count && pools->pools[i + 1].block == pool->block;
        if (!may_spill && !has_equal)
            return 0;
    }
    return 0;
}

void tn_pools_release(struct tn_heap *heap, uint32_t number)
{
    struct tn_pools *pools = heap->state;
    tn_list_push_front(&pools->pools[tn_chunk(&heap->space, number)->list].list, &heap->space, number);
}

bool tn_pools_resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need)
{
    (void)need;
    return tn_chunk(&heap->space, number)->size >= size;
}

/* One more block of the pool that the request belongs to. */
void tn_pools_grow(struct tn_heap *heap, uint64_t more)
{
    struct tn_pools *pools = heap->state;
    for (size_t i = 0; i < pools->count; i++) {
        if (pools->pools[i].block < more && i + 1 < pools->count)
            continue;
        uint32_t number = tn_space_extend(&heap->space, pools->pools[i].block);
        tn_chunk(&heap->space, number)->list = (uint16_t)i;
        tn_pools_release(heap, number);
        return;
    }
}

uint64_t tn_pools_smallest(const struct tn_heap *heap)
{
    return heap->tail_bytes;
}

uint64_t tn_pools_largest(const struct tn_heap *heap)
{
    const struct tn_pools *pools = heap->state;
    for (size_t i = pools->count; i > 0; i--)
        if (pools->pools[i - 1].left > 0 || pools->pools[i - 1].list.count > 0)
            return pools->pools[i - 1].block;
    return 0;
}

static const char *check_pool(const struct tn_space *space, const struct tn_pool *pool, uint64_t *free_bytes)
{
    const char *story = tn_list_check(&pool->list, space);
    if (story != NULL)
        return story;
    for (uint32_t number = pool->list.first; number != 0; number = tn_chunk(space, number)->right)
        if (tn_chunk(space, number)->size != pool->block)
            return "a block has not the size of its pool";
    uint64_t untouched = pool->untouched != 0 ? tn_chunk(space, pool->untouched)->size : 0;
    if (untouched != pool->left * pool->block)
        return "a pool has another number of blocks left than it says";
    *free_bytes += untouched + pool->list.count * pool->block;
    return NULL;
}

const char *tn_pools_check(const struct tn_heap *heap)
{
    const struct tn_pools *pools = heap->state;
    uint64_t free_bytes = 0;
    for (size_t i = 0; i < pools->count; i++) {
        const char *story = check_pool(&heap->space, &pools->pools[i], &free_bytes);
        if (story != NULL)
            return story;
    }
    return free_bytes == heap->space.size - heap->space.used - heap->space.fixed
               ? NULL
               : "a free block is in no pool";
}
