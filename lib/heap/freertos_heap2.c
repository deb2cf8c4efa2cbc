/* SPDX-License-Identifier: MIT */
/* FreeRTOS heap_2: a list of free blocks in order of size, of which the first that fits is taken; never
 * merged. Among equal sizes the block that came last stands first, because an insertion stops at the first
 * one that is not smaller. */
#include "freertos.h"

struct heap2 {
    struct tn_tree tree; /* by size; the rank falls with every insertion */
    uint64_t rank;
};

static void insert(struct tn_heap *heap, uint32_t number)
{
    struct heap2 *heap2 = heap->state;
    tn_extent(&heap->space, number)->key = --heap2->rank;
    tn_tree_insert(&heap2->tree, &heap->space, number);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct heap2 *heap2 = heap->state;
    tn_freertos_init(heap);
    heap2->tree.order = TN_TREE_BY_SIZE;
    heap2->rank = UINT64_MAX;
    heap->tail_bytes = heap->align;
    uint64_t least = heap->align + tn_freertos_need(heap, 1);
    if (heap->space.size < least)
        return tn_heap_too_small(heap, least, error);
    uint64_t usable = tn_round_down(heap->space.size - heap->align, heap->align);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    insert(heap, heap->space.first);
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct heap2 *heap2 = heap->state;
    struct tn_space *space = &heap->space;
    (void)size;
    uint32_t block = tn_tree_at_least(&heap2->tree, space, need, 0);
    if (block == 0)
        return 0;
    tn_tree_remove(&heap2->tree, space, block);
    if (tn_extent(space, block)->size - need >= tn_freertos_least_rest(heap))
        insert(heap, tn_space_cut_high(space, block, tn_extent(space, block)->size - need));
    return block;
}

static const char *check(const struct tn_heap *heap)
{
    const struct heap2 *heap2 = heap->state;
    uint32_t count = 0;
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after)
        count += tn_extent_is_free(&heap->space, number);
    if (count != heap2->tree.count)
        return "the list does not hold exactly the free blocks";
    return tn_tree_check(&heap2->tree, &heap->space);
}

const struct tn_policy tn_policy_freertos_heap2 = {
    .name = "freertos-heap2",
    .summary = "FreeRTOS heap_2: best fit, free blocks are never merged",
    .state_bytes = sizeof(struct heap2),
    .open = open,
    .need = tn_freertos_need,
    .place = place,
    .release = insert,
    .check = check,
};
