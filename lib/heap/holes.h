/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_HOLES_H
#define TENURE_HEAP_HOLES_H

/* Holes of allocators that merge neighbours at once: they are in one tree; blocks are cut from their low
 * end. */

#include "extent_tree.h"
#include "policy.h"

/* Take `need` bytes from the low end of a hole. A rest of less than least_rest bytes stays with the block.
 * Returns the extent, which is in no tree. */
uint32_t tn_holes_take(struct tn_tree *tree, struct tn_space *space, uint32_t hole, uint64_t need,
                       uint64_t least_rest);

/* Give a free extent back, joined with its free neighbours. Returns the hole. */
uint32_t tn_holes_give(struct tn_tree *tree, struct tn_space *space, uint32_t number);

/* Resize a block in place: a rest of least_rest bytes or more is given back, or taken from the hole behind.
 * Returns whether it was possible. */
bool tn_holes_resize(struct tn_tree *tree, struct tn_space *space, uint32_t number, uint64_t need,
                     uint64_t least_rest);

/* The tree is right, holds all free extents, and no two of them touch. Returns NULL, or what is wrong. */
const char *tn_holes_check(const struct tn_tree *tree, const struct tn_space *space);

#endif
