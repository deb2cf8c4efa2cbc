/* SPDX-License-Identifier: MIT */
/* FreeRTOS heap_5: heap_4 over several regions, each with an end marker that keeps its last block from
 * being merged with the first one of the next region. Here the regions are of one size and lie side by
 * side. */
#include "freertos.h"

#include <errno.h>

#define REGIONS_MAX 1024

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct tn_freertos *freertos = heap->state;
    struct tn_space *space = &heap->space;
    tn_freertos_init(heap);
    heap->tail_bytes = heap->header;
    uint64_t regions = tn_or(heap->options.regions, 1);
    if (regions == 0 || regions > REGIONS_MAX)
        return tn_error_set(error, -EINVAL, "freertos-heap5 has 1 to %d regions", REGIONS_MAX);
    if (tn_space_reserve(space, 2 * (uint32_t)regions + TN_EXTENTS_PER_STEP) < 0)
        return tn_error_set(error, -ENOMEM, "cannot open a model of freertos-heap5: out of memory");
    uint64_t least = heap->header + tn_freertos_need(heap, 1);
    uint64_t region = tn_round_down(space->size / regions, heap->align);
    if (region < least)
        return tn_heap_too_small(heap, regions * least, error);
    uint64_t usable = tn_round_down(space->size - heap->header, heap->align);
    tn_space_fix_tail(space, space->size - usable);
    uint32_t rest = space->first;
    for (uint64_t i = 1; i < regions; i++) {
        tn_tree_insert(&freertos->tree, space, tn_space_cut_low(space, rest, region - heap->header));
        tn_space_fix(space, tn_space_cut_low(space, rest, heap->header));
    }
    tn_tree_insert(&freertos->tree, space, rest);
    return 0;
}

const struct tn_policy tn_policy_freertos_heap5 = {
    .name = "freertos-heap5",
    .summary = "FreeRTOS heap_5: heap_4 over several regions (regions=N)",
    .state_bytes = sizeof(struct tn_freertos),
    .is_one_pass = true,
    .open = open,
    .need = tn_freertos_need,
    .place = tn_freertos_place,
    .release = tn_freertos_release,
    .check = tn_freertos_check,
};
