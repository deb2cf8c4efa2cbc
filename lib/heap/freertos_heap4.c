/* SPDX-License-Identifier: MIT */
/* FreeRTOS heap_4: first fit by address, free neighbours are merged; an end marker takes a header of the
 * region. All but the layout is in freertos.c. Reached through the table in policies.c. */
#include "freertos.h"

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct tn_freertos *freertos = heap->state;
    tn_freertos_init(heap);
    heap->tail_bytes = heap->header; /* the end marker */
    uint64_t least = heap->header + tn_freertos_need(heap, 1);
    if (heap->space.size < least)
        return tn_heap_too_small(heap, least, error);
    uint64_t usable = tn_round_down(heap->space.size - heap->header, heap->align);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    tn_tree_insert(&freertos->tree, &heap->space, heap->space.first);
    return 0;
}

const struct tn_policy tn_policy_freertos_heap4 = {
    .name = "freertos-heap4",
    .summary = "FreeRTOS heap_4: first fit by address, neighbours are merged",
    .state_bytes = sizeof(struct tn_freertos),
    .is_one_pass = true,
    .open = open,
    .need = tn_freertos_need,
    .place = tn_freertos_place,
    .release = tn_freertos_release,
    .check = tn_freertos_check,
};
