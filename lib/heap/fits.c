/* SPDX-License-Identifier: MIT */
/* The textbook allocators: first, best, next and worst fit. They differ only in the hole that they choose. A
 * block takes its size plus the header, rounded up to the alignment, or the smallest block if that is larger;
 * it is cut from the low end of the hole; whatever remains and is large enough for a block stays a hole; free
 * neighbours are merged at once. Header, alignment and smallest block are 0, 1 and 1 by default, as in the
 * paper's example. */
#include "holes.h"

struct fits {
    struct tn_tree tree; /* of the holes: by address for first and next fit, by size for best and worst fit */
    uint64_t least;      /* bytes of the smallest block */
    uint64_t rover;      /* next fit: offset where the next search starts */
};

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    const struct fits *fits = heap->state;
    uint64_t bytes = tn_round_up(size + heap->header, heap->align);
    return bytes > fits->least ? bytes : fits->least;
}

static int open(struct tn_heap *heap, enum tn_tree_order order, struct tn_error *error)
{
    struct fits *fits = heap->state;
    heap->align = tn_or(heap->options.align_bytes, 1);
    heap->header = tn_or(heap->options.header_bytes, 0);
    uint64_t both = heap->header | heap->align;
    heap->natural = both & (~both + 1);
    fits->tree.order = order;
    fits->least = tn_round_up(tn_or(heap->options.min_block_bytes, 1), heap->align);
    if (fits->least < heap->align)
        fits->least = heap->align;
    uint64_t usable = tn_round_down(heap->space.size, heap->align), least = need(heap, 1);
    if (usable < least)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    tn_holes_give(&fits->tree, &heap->space, heap->space.first);
    return 0;
}

static int open_by_address(struct tn_heap *heap, struct tn_error *error)
{
    return open(heap, TN_TREE_BY_ADDRESS, error);
}

static int open_by_size(struct tn_heap *heap, struct tn_error *error)
{
    return open(heap, TN_TREE_BY_SIZE, error);
}

static uint32_t take(struct tn_heap *heap, uint32_t hole, uint64_t need_bytes)
{
    struct fits *fits = heap->state;
    return hole != 0 ? tn_holes_take(&fits->tree, &heap->space, hole, need_bytes, fits->least) : 0;
}

static uint32_t place_first(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    (void)size;
    return take(heap, tn_hole_index_fit(&heap->space, 0, need_bytes), need_bytes);
}

/* Among holes of the same size, the lowest. */
static uint32_t place_best(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct fits *fits = heap->state;
    (void)size;
    return take(heap, tn_tree_at_least(&fits->tree, &heap->space, need_bytes, 0), need_bytes);
}

static uint32_t place_next(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct fits *fits = heap->state;
    (void)size;
    uint32_t hole = tn_hole_index_fit(&heap->space, fits->rover, need_bytes);
    if (hole == 0)
        hole = tn_hole_index_fit(&heap->space, 0, need_bytes);
    uint32_t number = take(heap, hole, need_bytes);
    if (number != 0)
        fits->rover = tn_extent_end(tn_extent(&heap->space, number));
    return number;
}

/* Among the largest holes, the lowest. */
static uint32_t place_worst(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct fits *fits = heap->state;
    (void)size;
    uint32_t last = tn_tree_last(&fits->tree, &heap->space);
    uint64_t largest = last != 0 ? tn_extent(&heap->space, last)->size : 0;
    if (largest < need_bytes)
        return 0;
    return take(heap, tn_tree_at_least(&fits->tree, &heap->space, largest, 0), need_bytes);
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct fits *fits = heap->state;
    tn_holes_give(&fits->tree, &heap->space, number);
}

static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    struct fits *fits = heap->state;
    (void)size;
    return tn_holes_resize(&fits->tree, &heap->space, number, need_bytes, fits->least);
}

static const char *check(const struct tn_heap *heap)
{
    const struct fits *fits = heap->state;
    return tn_holes_check(&fits->tree, &heap->space);
}

const struct tn_policy tn_policy_first_fit = {
    .name = "first-fit",
    .summary = "the lowest hole that fits, holes in address order",
    .state_bytes = sizeof(struct fits),
    .is_one_pass = true,
    .open = open_by_address,
    .need = need,
    .place = place_first,
    .release = release,
    .resize = resize,
    .check = check,
};

const struct tn_policy tn_policy_best_fit = {
    .name = "best-fit",
    .summary = "the smallest hole that fits",
    .state_bytes = sizeof(struct fits),
    .is_one_pass = false,
    .open = open_by_size,
    .need = need,
    .place = place_best,
    .release = release,
    .resize = resize,
    .check = check,
};

const struct tn_policy tn_policy_next_fit = {
    .name = "next-fit",
    .summary = "the next hole that fits, from where the last block ended",
    .state_bytes = sizeof(struct fits),
    .is_one_pass = false,
    .open = open_by_address,
    .need = need,
    .place = place_next,
    .release = release,
    .resize = resize,
    .check = check,
};

const struct tn_policy tn_policy_worst_fit = {
    .name = "worst-fit",
    .summary = "the largest hole",
    .state_bytes = sizeof(struct fits),
    .is_one_pass = false,
    .open = open_by_size,
    .need = need,
    .place = place_worst,
    .release = release,
    .resize = resize,
    .check = check,
};
