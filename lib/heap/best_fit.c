/* SPDX-License-Identifier: MIT */
#include "plain.h"

static int open(struct tn_heap *heap, struct tn_error *error)
{
    return tn_plain_open(heap, TN_TREE_BY_SIZE, error);
}

/* The smallest hole that fits; among equals the lowest. */
static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct tn_plain *plain = heap->state;
    (void)size;
    return tn_plain_take(heap, tn_tree_at_least(&plain->tree, &heap->space, need, 0), need);
}

const struct tn_policy tn_policy_best_fit = {
    .name = "best-fit",
    .summary = "the smallest hole that fits",
    .state_bytes = sizeof(struct tn_plain),
    .is_one_pass = false,
    .open = open,
    .need = tn_plain_need,
    .place = place,
    .release = tn_plain_release,
    .resize = tn_plain_resize,
    .check = tn_plain_check,
};
