/* SPDX-License-Identifier: MIT */
#include "plain.h"

static int open(struct tn_heap *heap, struct tn_error *error)
{
    return tn_plain_open(heap, TN_TREE_BY_ADDRESS, error);
}

/* The lowest hole that fits. */
static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct tn_plain *plain = heap->state;
    (void)size;
    return tn_plain_take(heap, tn_tree_first_fit(&plain->tree, &heap->space, need), need);
}

const struct tn_policy tn_policy_first_fit = {
    .name = "first-fit",
    .summary = "the lowest hole that fits, holes in address order",
    .state_bytes = sizeof(struct tn_plain),
    .is_one_pass = true,
    .open = open,
    .need = tn_plain_need,
    .place = place,
    .release = tn_plain_release,
    .resize = tn_plain_resize,
    .check = tn_plain_check,
};
