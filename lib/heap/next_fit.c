/* SPDX-License-Identifier: MIT */
#include "plain.h"

static int open(struct tn_heap *heap, struct tn_error *error)
{
    return tn_plain_open(heap, TN_TREE_BY_ADDRESS, error);
}

/* The next hole that fits from where the last block ended, around once. */
static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct tn_plain *plain = heap->state;
    (void)size;
    uint32_t hole = tn_tree_fit_from(&plain->tree, &heap->space, plain->rover, need);
    if (hole == 0)
        hole = tn_tree_first_fit(&plain->tree, &heap->space, need);
    uint32_t number = tn_plain_take(heap, hole, need);
    if (number != 0)
        plain->rover = tn_chunk_end(tn_chunk(&heap->space, number));
    return number;
}

const struct tn_policy tn_policy_next_fit = {
    .name = "next-fit",
    .summary = "the next hole that fits, from where the last block ended",
    .state_bytes = sizeof(struct tn_plain),
    .is_one_pass = false,
    .open = open,
    .need = tn_plain_need,
    .place = place,
    .release = tn_plain_release,
    .resize = tn_plain_resize,
    .check = tn_plain_check,
};
