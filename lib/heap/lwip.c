/* SPDX-License-Identifier: MIT */
/* lwIP's mem.c: first fit by address. MEM_SIZE bytes hold the blocks; two more headers lie behind them, whose
 * size depends on that of the region. Reached through the table in policies.c. */
#include "holes.h"

#define NARROW_MAX  64000 /* MEM_SIZE up to which mem_size_t has 16 bits */
#define LEAST_BYTES 12    /* MIN_SIZE */

struct lwip {
    struct tn_tree tree;
    uint64_t least; /* MIN_SIZE_ALIGNED */
};

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    const struct lwip *lwip = heap->state;
    uint64_t bytes = tn_round_up(size, heap->align);
    if (size == 0)
        return 0;
    return heap->header + (bytes > lwip->least ? bytes : lwip->least);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct lwip *lwip = heap->state;
    heap->align = heap->natural = tn_or(heap->options.align_bytes, heap->pointer);
    lwip->least = tn_round_up(LEAST_BYTES, heap->align);
    uint64_t narrow = tn_round_up(6, heap->align), wide = tn_round_up(12, heap->align);
    heap->header = heap->space.size <= NARROW_MAX + 2 * narrow ? narrow : wide;
    heap->tail_bytes = 2 * heap->header;
    uint64_t least = heap->tail_bytes + need(heap, 1);
    if (heap->space.size < least)
        return tn_heap_too_small(heap, least, error);
    uint64_t usable = tn_round_down(heap->space.size - heap->tail_bytes, heap->align);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    tn_tree_insert(&lwip->tree, &heap->space, heap->space.first);
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct lwip *lwip = heap->state;
    (void)size;
    uint32_t hole = tn_hole_index_fit(&heap->space, 0, need_bytes);
    if (hole == 0)
        return 0;
    return tn_holes_take(&lwip->tree, &heap->space, hole, need_bytes, heap->header + lwip->least);
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct lwip *lwip = heap->state;
    tn_holes_give(&lwip->tree, &heap->space, number);
}

static const char *check(const struct tn_heap *heap)
{
    const struct lwip *lwip = heap->state;
    return tn_holes_check(&lwip->tree, &heap->space);
}

const struct tn_policy tn_policy_lwip = {
    .name = "lwip",
    .summary = "lwIP's mem.c: first fit by address",
    .state_bytes = sizeof(struct lwip),
    .is_one_pass = true,
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .check = check,
};
