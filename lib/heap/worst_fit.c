/* SPDX-License-Identifier: MIT */
#include "plain.h"

static int open(struct tn_heap *heap, struct tn_error *error)
{
    return tn_plain_open(heap, TN_TREE_BY_SIZE, error);
}

/* The largest hole; among equals the lowest. */
static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct tn_plain *plain = heap->state;
    (void)size;
    uint32_t last = tn_tree_last(&plain->tree, &heap->space);
    uint64_t largest = last != 0 ? tn_chunk(&heap->space, last)->size : 0;
    if (largest < need)
        return 0;
    return tn_plain_take(heap, tn_tree_at_least(&plain->tree, &heap->space, largest, 0), need);
}

const struct tn_policy tn_policy_worst_fit = {
    .name = "worst-fit",
    .summary = "the largest hole",
    .state_bytes = sizeof(struct tn_plain),
    .is_one_pass = false,
    .open = open,
    .need = tn_plain_need,
    .place = place,
    .release = tn_plain_release,
    .resize = tn_plain_resize,
    .check = tn_plain_check,
};
