/* SPDX-License-Identifier: MIT */
/* FreeRTOS heap_1: a block is the next bytes of the array, and nothing ever comes back: what is released
 * becomes fixed. Reached through the table in policies.c. */
#include "freertos.h"

struct heap1 {
    uint32_t top; /* extent that was never given out */
};

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct heap1 *heap1 = heap->state;
    tn_freertos_init(heap);
    heap->header = 0;
    /* The heap is aligned within its array, and the last byte is never reached: next + size < size of heap.
     */
    heap->tail_bytes = heap->align + 1;
    if (heap->space.size < 2 * heap->align + 1)
        return tn_heap_too_small(heap, 2 * heap->align + 1, error);
    tn_space_fix_tail(&heap->space, heap->align);
    heap1->top = heap->space.first;
    return 0;
}

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    return tn_round_up(size, heap->align);
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct heap1 *heap1 = heap->state;
    (void)size;
    if (tn_extent(&heap->space, heap1->top)->size <= need_bytes)
        return 0;
    return tn_space_cut_low(&heap->space, heap1->top, need_bytes);
}

/* A released block is lost. Neighbours are joined, so that the model does not grow with the number of
 * events. */
static void release(struct tn_heap *heap, uint32_t number)
{
    struct tn_space *space = &heap->space;
    tn_space_fix(space, number);
    uint32_t before = tn_extent(space, number)->before;
    if (before != 0 && tn_extent(space, before)->kind == TN_EXTENT_FIXED) {
        tn_space_join(space, before, number);
        number = before;
    }
    uint32_t after = tn_extent(space, number)->after;
    if (after != 0 && tn_extent(space, after)->kind == TN_EXTENT_FIXED)
        tn_space_join(space, number, after);
}

static void grow(struct tn_heap *heap, uint64_t more)
{
    struct heap1 *heap1 = heap->state;
    uint32_t new = tn_space_extend(&heap->space, tn_round_up(more, heap->align) + heap->align);
    tn_space_fix(&heap->space, heap1->top);
    heap1->top = new;
}

static const char *check(const struct tn_heap *heap)
{
    const struct heap1 *heap1 = heap->state;
    uint32_t count = 0;
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after)
        count += tn_extent_is_free(&heap->space, number);
    return count == 1 && tn_extent_is_free(&heap->space, heap1->top) ? NULL
                                                                     : "something is free below the top";
}

const struct tn_policy tn_policy_freertos_heap1 = {
    .name = "freertos-heap1",
    .summary = "FreeRTOS heap_1: the next bytes, nothing is ever released",
    .state_bytes = sizeof(struct heap1),
    .is_one_pass = true,
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .grow = grow,
    .check = check,
};
