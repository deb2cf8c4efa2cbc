/* SPDX-License-Identifier: MIT */
/* Binary buddies: blocks of powers of two, at multiples of their size. A block is cut by halving the
 * lowest of the smallest free ones that are large enough, and merged with its buddy as long as that is
 * free. A region that is no power of two is divided into the largest ones that it is the sum of. Source:
 * docs/simulator.md. */
#include "extent_tree.h"
#include "policy.h"

#define LEAST_DEFAULT 16

struct buddy {
    struct tn_tree tree; /* by size, then by address */
    uint64_t least;      /* bytes of the smallest block, a power of two */
};

static void insert(struct tn_heap *heap, uint32_t number)
{
    struct buddy *buddy = heap->state;
    tn_extent(&heap->space, number)->key = tn_extent(&heap->space, number)->offset;
    tn_tree_insert(&buddy->tree, &heap->space, number);
}

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    const struct buddy *buddy = heap->state;
    uint64_t bytes = size + heap->header;
    if (bytes <= buddy->least)
        return buddy->least;
    return UINT64_C(2) << tn_log2(bytes - 1);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct buddy *buddy = heap->state;
    uint64_t least = tn_or(heap->options.min_block_bytes, LEAST_DEFAULT);
    uint64_t align = tn_or(heap->options.align_bytes, 1);
    buddy->tree.order = TN_TREE_BY_SIZE;
    least = least > align ? least : align;
    buddy->least = least > 1 ? UINT64_C(2) << tn_log2(least - 1) : 1;
    heap->header = tn_or(heap->options.header_bytes, 0);
    uint64_t both = heap->header | buddy->least;
    heap->align = buddy->least;
    heap->natural = both & (~both + 1);
    if (heap->space.size < need(heap, 1))
        return tn_heap_too_small(heap, need(heap, 1), error);
    uint64_t usable = tn_round_down(heap->space.size, buddy->least);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    uint32_t rest = heap->space.first;
    while (usable > 0) {
        uint64_t size = UINT64_C(1) << tn_log2(usable);
        insert(heap, size < usable ? tn_space_cut_low(&heap->space, rest, size) : rest);
        usable -= size;
    }
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct buddy *buddy = heap->state;
    struct tn_space *space = &heap->space;
    (void)size;
    uint32_t number = tn_tree_at_least(&buddy->tree, space, need_bytes, 0);
    if (number == 0)
        return 0;
    tn_tree_remove(&buddy->tree, space, number);
    while (tn_extent(space, number)->size > need_bytes)
        insert(heap, tn_space_cut_high(space, number, tn_extent(space, number)->size / 2));
    return number;
}

/* The other half of the block that this one was split from, if it is whole and free; else 0. */
static uint32_t buddy_of(const struct tn_space *space, uint32_t number)
{
    const struct tn_extent *extent = tn_extent(space, number);
    uint32_t other = (extent->offset & extent->size) != 0 ? extent->before : extent->after;
    if (!tn_extent_is_free(space, other) || tn_extent(space, other)->size != extent->size)
        return 0;
    return tn_extent(space, other)->offset == (extent->offset ^ extent->size) ? other : 0;
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct buddy *buddy = heap->state;
    for (uint32_t other; (other = buddy_of(&heap->space, number)) != 0;) {
        tn_tree_remove(&buddy->tree, &heap->space, other);
        tn_space_join(&heap->space, number, other);
    }
    insert(heap, number);
}

static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    (void)size;
    return tn_extent(&heap->space, number)->size >= need_bytes;
}

static void grow(struct tn_heap *heap, uint64_t more)
{
    struct tn_space *space = &heap->space;
    uint64_t size = more > heap->align ? UINT64_C(2) << tn_log2(more - 1) : heap->align;
    uint64_t pad = tn_round_up(space->size, size) - space->size;
    if (pad > 0)
        tn_space_fix(space, tn_space_extend(space, pad));
    release(heap, tn_space_extend(space, size));
}

static const char *check_extent(const struct tn_space *space, uint32_t number)
{
    const struct tn_extent *extent = tn_extent(space, number);
    if ((extent->size & (extent->size - 1)) != 0 || (extent->offset & (extent->size - 1)) != 0)
        return "a block is no power of two, or not at a multiple of its size";
    if (extent->kind != TN_EXTENT_FREE)
        return NULL;
    if (!extent->is_indexed)
        return "a free block is in no list";
    return buddy_of(space, number) != 0 ? "two free buddies were not merged" : NULL;
}

static const char *check(const struct tn_heap *heap)
{
    const struct buddy *buddy = heap->state;
    uint32_t count = 0;
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after) {
        if (tn_extent(&heap->space, number)->kind == TN_EXTENT_FIXED)
            continue;
        const char *fault = check_extent(&heap->space, number);
        if (fault != NULL)
            return fault;
        count += tn_extent_is_free(&heap->space, number);
    }
    return count == buddy->tree.count ? tn_tree_check(&buddy->tree, &heap->space)
                                      : "the lists hold what is not free";
}

const struct tn_policy tn_policy_buddy = {
    .name = "buddy",
    .summary = "binary buddies: powers of two, the lowest of the smallest that does",
    .state_bytes = sizeof(struct buddy),
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .resize = resize,
    .grow = grow,
    .check = check,
};
