/* SPDX-License-Identifier: MIT */
/* The bins of the glibc model: small ones as lists, all large ones in one tree by size and, among equal
 * sizes, by the order in which glibc would take them. Called by glibc.c. */
#include "glibc.h"

size_t tn_glibc_cache_index(const struct tn_heap *heap, uint64_t size)
{
    return (size - tn_glibc_least_chunk(heap) + heap->align - 1) / heap->align;
}

uint64_t tn_glibc_least_chunk(const struct tn_heap *heap)
{
    return tn_round_up(4 * heap->pointer, heap->align);
}

uint64_t tn_glibc_least_large(const struct tn_heap *heap)
{
    /* SMALLBIN_CORRECTION: with an alignment of more than two words, one bin is never used. */
    return (TN_GLIBC_SMALLS - (heap->align > 2 * heap->pointer)) * heap->align;
}

unsigned tn_glibc_large_bin(const struct tn_heap *heap, uint64_t size)
{
    unsigned most = heap->pointer == 8 ? 48 : 38, first = heap->pointer == 8 ? 48 : 56;
    if (size >> 6 <= most)
        return first + (unsigned)(size >> 6);
    if (size >> 9 <= 20)
        return 91 + (unsigned)(size >> 9);
    if (size >> 12 <= 10)
        return 110 + (unsigned)(size >> 12);
    if (size >> 15 <= 4)
        return 119 + (unsigned)(size >> 15);
    if (size >> 18 <= 2)
        return 124 + (unsigned)(size >> 18);
    return 126;
}

/* A chunk of a size that is in the bin already becomes the second of that size: it takes over the rank of
 * the first one, which gets a rank lower than all others. */
static void file_large(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    struct tn_extent *chunk = tn_extent(&heap->space, number);
    uint32_t first = tn_tree_at_least(&glibc->large, &heap->space, chunk->size, 0);
    chunk->key = --glibc->rank;
    if (first != 0 && tn_extent(&heap->space, first)->size == chunk->size) {
        uint64_t rank = tn_extent(&heap->space, first)->key;
        tn_extent(&heap->space, first)->key = chunk->key;
        chunk->key = rank;
    }
    chunk->list = TN_GLIBC_LARGE;
    tn_tree_insert(&glibc->large, &heap->space, number);
}

void tn_glibc_file(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    struct tn_extent *chunk = tn_extent(&heap->space, number);
    if (chunk->size >= tn_glibc_least_large(heap)) {
        file_large(heap, number);
        return;
    }
    size_t bin = chunk->size / heap->align;
    chunk->list = TN_GLIBC_SMALL;
    tn_list_push_front(&glibc->smalls[bin], &heap->space, number);
    glibc->small_map |= UINT64_C(1) << bin;
}

void tn_glibc_unlink(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    struct tn_extent *chunk = tn_extent(&heap->space, number);
    if (chunk->list == TN_GLIBC_LARGE) {
        tn_tree_remove(&glibc->large, &heap->space, number);
    } else if (chunk->list == TN_GLIBC_UNSORTED) {
        tn_list_remove(&glibc->unsorted, &heap->space, number);
    } else {
        size_t bin = chunk->size / heap->align;
        tn_list_remove(&glibc->smalls[bin], &heap->space, number);
        if (glibc->smalls[bin].first == 0)
            glibc->small_map &= ~(UINT64_C(1) << bin);
    }
    chunk->list = TN_GLIBC_NONE;
}

uint32_t tn_glibc_find_own(const struct tn_heap *heap, uint64_t need)
{
    const struct tn_glibc *glibc = heap->state;
    uint32_t number = tn_tree_at_least(&glibc->large, &heap->space, need, 0);
    if (number == 0)
        return 0;
    uint64_t size = tn_extent(&heap->space, number)->size;
    if (tn_glibc_large_bin(heap, size) != tn_glibc_large_bin(heap, need))
        return 0;
    uint32_t second = tn_tree_after(&heap->space, number);
    return second != 0 && tn_extent(&heap->space, second)->size == size ? second : number;
}

uint32_t tn_glibc_find_above(const struct tn_heap *heap, uint64_t need)
{
    const struct tn_glibc *glibc = heap->state;
    if (need < tn_glibc_least_large(heap)) {
        uint64_t above = glibc->small_map & (UINT64_MAX << (need / heap->align) << 1);
        if (above != 0)
            return glibc->smalls[__builtin_ctzll(above)].last;
    }
    uint32_t number = tn_tree_at_least(&glibc->large, &heap->space, need, 0);
    if (number == 0)
        return 0;
    return tn_tree_at_most(&glibc->large, &heap->space, tn_extent(&heap->space, number)->size, UINT64_MAX);
}

bool tn_glibc_is_joinable(const struct tn_heap *heap, uint32_t number)
{
    return tn_extent_is_free(&heap->space, number) &&
           tn_extent(&heap->space, number)->list >= TN_GLIBC_UNSORTED;
}

static const char *check_lists(const struct tn_heap *heap, const struct tn_list *lists, size_t count,
                               enum tn_glibc_list kind, uint32_t *sum)
{
    for (size_t i = 0; i < count; i++) {
        const char *fault = tn_list_check(&lists[i], &heap->space);
        if (fault != NULL)
            return fault;
        for (uint32_t number = lists[i].first; number != 0; number = tn_extent(&heap->space, number)->right)
            if (tn_extent(&heap->space, number)->list != (uint16_t)kind)
                return "a chunk does not know which list it is in";
        *sum += lists[i].count;
    }
    return NULL;
}

static const char *check_chunks(const struct tn_heap *heap, uint32_t sum)
{
    const struct tn_glibc *glibc = heap->state;
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after) {
        const struct tn_extent *chunk = tn_extent(&heap->space, number);
        if (chunk->kind != TN_EXTENT_FREE || number == glibc->top)
            continue;
        if (!chunk->is_indexed)
            return "a free chunk is in no list";
        if (tn_glibc_is_joinable(heap, number) &&
            (tn_glibc_is_joinable(heap, chunk->after) || (chunk->after != 0 && chunk->after == glibc->top)))
            return "two free chunks touch";
        sum--;
    }
    return sum == 0 ? NULL : "the lists hold what is not free";
}

const char *tn_glibc_check(const struct tn_heap *heap)
{
    const struct tn_glibc *glibc = heap->state;
    uint32_t sum = glibc->large.count, fast_sum = 0;
    const char *fault = check_lists(heap, glibc->caches, TN_GLIBC_CACHES, TN_GLIBC_CACHE, &sum);
    if (fault == NULL)
        fault = check_lists(heap, glibc->fasts, TN_GLIBC_FASTS, TN_GLIBC_FAST, &fast_sum);
    if (fault == NULL)
        fault = check_lists(heap, &glibc->unsorted, 1, TN_GLIBC_UNSORTED, &sum);
    if (fault == NULL)
        fault = check_lists(heap, glibc->smalls, TN_GLIBC_SMALLS, TN_GLIBC_SMALL, &sum);
    if (fault == NULL)
        fault = tn_tree_check(&glibc->large, &heap->space);
    if (fault == NULL && fast_sum != glibc->fast_count)
        fault = "the fast bins hold another number of chunks than counted";
    return fault != NULL ? fault : check_chunks(heap, sum + fast_sum);
}
