/* SPDX-License-Identifier: MIT */
/* Mbed TLS's memory_buffer_alloc.c: first fit in a list. A released block goes to the front of the list,
 * unless it is merged with a free neighbour: the merged block stays where that neighbour is. */
#include "extent_list.h"
#include "policy.h"

#define ALIGN_DEFAULT 4 /* MBEDTLS_MEMORY_ALIGN_MULTIPLE */
#define HEADER_WORDS  8 /* magic, size, alloc, prev, next, prev_free, next_free, magic */

struct mbedtls {
    struct tn_list list;
};

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    return size > 0 ? heap->header + tn_round_up(size, heap->align) : 0;
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct mbedtls *mbedtls = heap->state;
    heap->align = heap->natural = tn_or(heap->options.align_bytes, ALIGN_DEFAULT);
    heap->header = HEADER_WORDS * heap->pointer;
    uint64_t usable = tn_round_down(heap->space.size, heap->align), least = need(heap, 1);
    if (usable < least)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    tn_list_push_front(&mbedtls->list, &heap->space, heap->space.first);
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct mbedtls *mbedtls = heap->state;
    struct tn_space *space = &heap->space;
    (void)size;
    uint32_t number = mbedtls->list.first;
    while (number != 0 && tn_extent(space, number)->size < need_bytes)
        number = tn_extent(space, number)->right;
    if (number == 0)
        return 0;
    /* The rest stays in the list where the whole block was. */
    if (tn_extent(space, number)->size - need_bytes >= heap->header + heap->align)
        return tn_space_cut_low(space, number, need_bytes);
    tn_list_remove(&mbedtls->list, space, number);
    return number;
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct mbedtls *mbedtls = heap->state;
    struct tn_space *space = &heap->space;
    uint32_t before = tn_extent(space, number)->before, after = tn_extent(space, number)->after;
    bool joins_before = tn_extent_is_free(space, before), joins_after = tn_extent_is_free(space, after);
    if (joins_before)
        tn_space_join(space, before, number);
    if (joins_before && joins_after) {
        /* Both are in the list: the merged block stays where the one behind is. */
        tn_list_remove(&mbedtls->list, space, before);
        tn_space_join(space, after, before);
    } else if (joins_after) {
        tn_space_join(space, after, number);
    } else if (!joins_before) {
        tn_list_push_front(&mbedtls->list, space, number);
    }
}

static const char *check(const struct tn_heap *heap)
{
    const struct mbedtls *mbedtls = heap->state;
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after) {
        if (!tn_extent_is_free(&heap->space, number))
            continue;
        if (!tn_extent(&heap->space, number)->is_indexed)
            return "a hole is not in the list";
        if (tn_extent_is_free(&heap->space, tn_extent(&heap->space, number)->after))
            return "two holes touch";
    }
    if (tn_list_count_indexed(&heap->space) != mbedtls->list.count)
        return "the list holds what is no hole";
    return tn_list_check(&mbedtls->list, &heap->space);
}

const struct tn_policy tn_policy_mbedtls = {
    .name = "mbedtls",
    .summary = "Mbed TLS's buffer allocator: first fit in a list of last-released blocks",
    .state_bytes = sizeof(struct mbedtls),
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .check = check,
};
