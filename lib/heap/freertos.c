/* SPDX-License-Identifier: MIT */
/* What the models of heap_2, heap_4 and heap_5 share; see freertos.h. */
#include "freertos.h"

#define ALIGN_DEFAULT 8 /* portBYTE_ALIGNMENT of nearly every port */

void tn_freertos_init(struct tn_heap *heap)
{
    heap->align = heap->natural = tn_or(heap->options.align_bytes, ALIGN_DEFAULT);
    heap->header = tn_round_up(2 * heap->pointer, heap->align);
}

uint64_t tn_freertos_need(const struct tn_heap *heap, uint64_t size)
{
    return size > 0 ? tn_round_up(size + heap->header, heap->align) : 0;
}

uint64_t tn_freertos_least_rest(const struct tn_heap *heap)
{
    return 2 * heap->header + 1;
}

uint32_t tn_freertos_place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct tn_freertos *freertos = heap->state;
    (void)size;
    uint32_t hole = tn_hole_index_fit(&heap->space, 0, need);
    if (hole == 0)
        return 0;
    return tn_holes_take(&freertos->tree, &heap->space, hole, need, tn_freertos_least_rest(heap));
}

void tn_freertos_release(struct tn_heap *heap, uint32_t number)
{
    struct tn_freertos *freertos = heap->state;
    tn_holes_give(&freertos->tree, &heap->space, number);
}

const char *tn_freertos_check(const struct tn_heap *heap)
{
    const struct tn_freertos *freertos = heap->state;
    return tn_holes_check(&freertos->tree, &heap->space);
}
