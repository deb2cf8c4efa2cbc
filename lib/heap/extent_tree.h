/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_EXTENT_TREE_H
#define TENURE_HEAP_EXTENT_TREE_H

/* Free extents in order; the links are fields of the extents. By address, they are in the index of their
 * space (hole_index.h), which finds the lowest one that fits: a space has one such tree at most. By size, a
 * balanced tree finds the smallest one that fits; among equal sizes the lowest rank comes first (extent.key,
 * set before the insertion). It is a treap whose priorities are hashed from the extents' numbers, so that the
 * same events give the same tree. */

#include "hole_index.h"

enum tn_tree_order {
    TN_TREE_BY_ADDRESS = 0,
    TN_TREE_BY_SIZE = 1,
};

struct tn_tree {
    enum tn_tree_order order;
    uint32_t root; /* by size; 0: empty */
    uint32_t count;
};

/* Put a free extent in. */
void tn_tree_insert(struct tn_tree *tree, struct tn_space *space, uint32_t number);

/* Take an extent out. */
void tn_tree_remove(struct tn_tree *tree, struct tn_space *space, uint32_t number);

/* By size: the first extent in order that is at least (size, rank), or 0. */
uint32_t tn_tree_at_least(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                          uint64_t rank);

/* By size: the last extent in order that is at most (size, rank), or 0. */
uint32_t tn_tree_at_most(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                         uint64_t rank);

/* By size: the last extent in order, or 0. */
uint32_t tn_tree_last(const struct tn_tree *tree, const struct tn_space *space);

/* By size: the extent behind this one in order, or 0. */
uint32_t tn_tree_after(const struct tn_space *space, uint32_t number);

/* Order, links, counts. Returns NULL, or what is wrong. */
const char *tn_tree_check(const struct tn_tree *tree, const struct tn_space *space);

#endif
