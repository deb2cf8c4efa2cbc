/* SPDX-License-Identifier: MIT */
/* newlib's small malloc (nano-mallocr.c): first fit by address; a block is cut from the high end of a
 * hole. If no hole is large enough, the break moves by what the whole block needs, even if the last hole
 * ends at the break. */
#include "holes.h"

#define USER_ALIGN 8 /* CHUNK_ALIGN's least: what malloc's result is aligned to */

struct nano {
    struct tn_tree tree;
    uint32_t top; /* memory beyond the break; 0: used up */
};

static uint64_t padding(const struct tn_heap *heap)
{
    return heap->pointer < USER_ALIGN ? USER_ALIGN - heap->pointer : 0;
}

/* The smallest chunk: size word, padding, one word. */
static uint64_t least_chunk(const struct tn_heap *heap)
{
    return 2 * heap->pointer + padding(heap);
}

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    uint64_t bytes = tn_round_up(size, heap->pointer) + padding(heap) + heap->pointer;
    return bytes > least_chunk(heap) ? bytes : least_chunk(heap);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct nano *nano = heap->state;
    heap->align = heap->pointer;
    heap->natural = USER_ALIGN;
    heap->header = heap->pointer;
    uint64_t usable = tn_round_down(heap->space.size, heap->align), least = need(heap, 1);
    if (usable < least)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    nano->top = heap->space.first;
    return 0;
}

static uint32_t take_hole(struct tn_heap *heap, uint32_t hole, uint64_t need_bytes)
{
    struct nano *nano = heap->state;
    uint64_t rest = tn_extent(&heap->space, hole)->size - need_bytes;
    if (rest < least_chunk(heap)) {
        tn_tree_remove(&nano->tree, &heap->space, hole);
        return hole;
    }
    uint32_t high = tn_space_cut_high(&heap->space, hole, need_bytes);
    tn_hole_index_update(&heap->space, hole);
    return high;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct nano *nano = heap->state;
    (void)size;
    uint32_t hole = tn_hole_index_fit(&heap->space, 0, need_bytes);
    if (hole != 0)
        return take_hole(heap, hole, need_bytes);
    uint32_t top = nano->top;
    if (top == 0 || tn_extent(&heap->space, top)->size < need_bytes)
        return 0;
    if (tn_extent(&heap->space, top)->size > need_bytes)
        return tn_space_cut_low(&heap->space, top, need_bytes);
    nano->top = 0;
    return top;
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct nano *nano = heap->state;
    tn_holes_give(&nano->tree, &heap->space, number);
}

/* realloc stays in place if the chunk has room, and gives nothing back. */
static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    const struct tn_extent *chunk = tn_extent(&heap->space, number);
    (void)need_bytes;
    return chunk->shift + size <= chunk->size;
}

static uint32_t shift(const struct tn_heap *heap, uint32_t number)
{
    uint64_t offset = tn_extent(&heap->space, number)->offset;
    return (uint32_t)(tn_round_up(offset + heap->pointer, USER_ALIGN) - offset);
}

static void grow(struct tn_heap *heap, uint64_t more)
{
    struct nano *nano = heap->state;
    uint32_t new = tn_space_extend(&heap->space, tn_round_up(more, heap->align));
    if (nano->top != 0 && tn_extent(&heap->space, nano->top)->after == new)
        tn_space_join(&heap->space, nano->top, new);
    else
        nano->top = new;
}

/* Rounded up to malloc's alignment, as a region's size is. */
static uint64_t smallest(const struct tn_heap *heap)
{
    return tn_round_up(heap->space.high_water, USER_ALIGN);
}

static const char *check(const struct tn_heap *heap)
{
    const struct nano *nano = heap->state;
    if (nano->top != 0 && tn_extent(&heap->space, nano->top)->is_indexed)
        return "what lies beyond the break is in the free list";
    uint32_t count = 0;
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after)
        count += tn_extent_is_free(&heap->space, number) && number != nano->top;
    return count == nano->tree.count ? tn_tree_check(&nano->tree, &heap->space)
                                     : "the free list does not hold exactly the holes";
}

const struct tn_policy tn_policy_newlib_nano = {
    .name = "newlib-nano",
    .summary = "newlib's small malloc: first fit by address, from the high end",
    .state_bytes = sizeof(struct nano),
    .is_one_pass = true,
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .resize = resize,
    .shift = shift,
    .grow = grow,
    .smallest = smallest,
    .check = check,
};
