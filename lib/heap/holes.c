/* SPDX-License-Identifier: MIT */
/* Holes for policies that merge at once: in one tree, taken from the low end, merged with both neighbours
 * when they come back. Called by fits.c, the FreeRTOS models, lwip.c and newlib_nano.c. */
#include "holes.h"

/* A hole may change its offset and size while it is in a tree by address, whose order they keep; not in
 * one by size. */
static void before_change(struct tn_tree *tree, struct tn_space *space, uint32_t hole)
{
    if (tree->order == TN_TREE_BY_SIZE)
        tn_tree_remove(tree, space, hole);
}

static void after_change(struct tn_tree *tree, struct tn_space *space, uint32_t hole)
{
    if (tree->order == TN_TREE_BY_ADDRESS) {
        tn_hole_index_update(space, hole);
        return;
    }
    tn_extent(space, hole)->key = tn_extent(space, hole)->offset;
    tn_tree_insert(tree, space, hole);
}

/* Memory beyond newlib's break is free, but no hole. */
static bool is_hole(const struct tn_space *space, uint32_t number)
{
    return tn_extent_is_free(space, number) && tn_extent(space, number)->is_indexed;
}

static void add(struct tn_tree *tree, struct tn_space *space, uint32_t hole)
{
    tn_extent(space, hole)->key = tn_extent(space, hole)->offset;
    tn_tree_insert(tree, space, hole);
}

uint32_t tn_holes_take(struct tn_tree *tree, struct tn_space *space, uint32_t hole, uint64_t need,
                       uint64_t least_rest)
{
    uint64_t rest = tn_extent(space, hole)->size - need;
    if (rest == 0 || rest < least_rest) {
        tn_tree_remove(tree, space, hole);
        return hole;
    }
    before_change(tree, space, hole);
    uint32_t low = tn_space_cut_low(space, hole, need);
    after_change(tree, space, hole);
    return low;
}

uint32_t tn_holes_give(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    uint32_t before = tn_extent(space, number)->before, after = tn_extent(space, number)->after;
    bool joins_before = is_hole(space, before), joins_after = is_hole(space, after);
    if (!joins_before && !joins_after) {
        add(tree, space, number);
        return number;
    }
    uint32_t hole = joins_before ? before : after;
    before_change(tree, space, hole);
    tn_space_join(space, hole, number);
    if (joins_before && joins_after) {
        tn_tree_remove(tree, space, after);
        tn_space_join(space, hole, after);
    }
    after_change(tree, space, hole);
    return hole;
}

bool tn_holes_resize(struct tn_tree *tree, struct tn_space *space, uint32_t number, uint64_t need,
                     uint64_t least_rest)
{
    uint64_t size = tn_extent(space, number)->size;
    uint32_t after = tn_extent(space, number)->after;
    bool is_after_free = is_hole(space, after);
    if (need <= size) {
        uint64_t rest = size - need;
        if (rest > 0 && (rest >= least_rest || is_after_free))
            tn_holes_give(tree, space, tn_space_trim(space, number, need));
        return true;
    }
    if (!is_after_free || size + tn_extent(space, after)->size < need)
        return false;
    uint64_t rest = size + tn_extent(space, after)->size - need;
    if (rest == 0 || rest < least_rest) {
        tn_tree_remove(tree, space, after);
        tn_space_widen(space, number, tn_extent(space, after)->size);
        return true;
    }
    before_change(tree, space, after);
    tn_space_widen(space, number, need - size);
    after_change(tree, space, after);
    return true;
}

const char *tn_holes_check(const struct tn_tree *tree, const struct tn_space *space)
{
    uint32_t count = 0;
    for (uint32_t number = space->first; number != 0; number = tn_extent(space, number)->after) {
        const struct tn_extent *extent = tn_extent(space, number);
        if (extent->kind != TN_EXTENT_FREE)
            continue;
        if (!extent->is_indexed)
            return "a hole is not in the tree";
        if (tn_extent_is_free(space, extent->after))
            return "two holes touch";
        count++;
    }
    if (count != tree->count)
        return "the tree holds what is no hole";
    return tn_tree_check(tree, space);
}
