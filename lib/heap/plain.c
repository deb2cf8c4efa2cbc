/* SPDX-License-Identifier: MIT */
#include "plain.h"

int tn_plain_open(struct tn_heap *heap, enum tn_tree_order order, struct tn_error *error)
{
    struct tn_plain *plain = heap->state;
    heap->align = tn_or(heap->options.align_bytes, 1);
    heap->header = tn_or(heap->options.header_bytes, 0);
    uint64_t both = heap->header | heap->align;
    heap->natural = both & (~both + 1);
    plain->tree.order = order;
    plain->least = tn_round_up(tn_or(heap->options.min_block_bytes, 1), heap->align);
    if (plain->least < heap->align)
        plain->least = heap->align;
    uint64_t usable = tn_round_down(heap->space.size, heap->align), least = tn_plain_need(heap, 1);
    if (usable < least)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    tn_holes_give(&plain->tree, &heap->space, heap->space.first);
    return 0;
}

uint64_t tn_plain_need(const struct tn_heap *heap, uint64_t size)
{
    const struct tn_plain *plain = heap->state;
    uint64_t need = tn_round_up(size + heap->header, heap->align);
    return need > plain->least ? need : plain->least;
}

uint32_t tn_plain_take(struct tn_heap *heap, uint32_t hole, uint64_t need)
{
    struct tn_plain *plain = heap->state;
    return hole != 0 ? tn_holes_take(&plain->tree, &heap->space, hole, need, plain->least) : 0;
}

void tn_plain_release(struct tn_heap *heap, uint32_t number)
{
    struct tn_plain *plain = heap->state;
    tn_holes_give(&plain->tree, &heap->space, number);
}

bool tn_plain_resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need)
{
    struct tn_plain *plain = heap->state;
    (void)size;
    return tn_holes_resize(&plain->tree, &heap->space, number, need, plain->least);
}

const char *tn_plain_check(const struct tn_heap *heap)
{
    const struct tn_plain *plain = heap->state;
    return tn_holes_check(&plain->tree, &heap->space);
}
