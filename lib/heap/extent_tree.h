/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_EXTENT_TREE_H
#define TENURE_HEAP_EXTENT_TREE_H

/* A balanced tree over free extents; its links are fields of the extents. By address, it knows the largest
 * extent below each node, and finds the lowest one that fits in O(log n), where the allocator itself walks
 * a list. By size, it finds the smallest one that fits; among equal sizes the lowest rank comes first
 * (extent.key, set before the insertion). It is a treap whose priorities are hashed from the extents'
 * numbers, so that the same events give the same tree. */

#include "space.h"

enum tn_tree_order {
    TN_TREE_BY_ADDRESS = 0,
    TN_TREE_BY_SIZE = 1,
};

struct tn_tree {
    enum tn_tree_order order;
    uint32_t root; /* 0: empty */
    uint32_t count;
};

/* Put a free extent in. */
void tn_tree_insert(struct tn_tree *tree, struct tn_space *space, uint32_t number);

/* Take an extent out. */
void tn_tree_remove(struct tn_tree *tree, struct tn_space *space, uint32_t number);

/* By address: an extent in the tree has changed its offset or size, but not its order. */
void tn_tree_update(struct tn_tree *tree, struct tn_space *space, uint32_t number);

/* By address: the lowest extent of at least `size` bytes, or 0. */
uint32_t tn_tree_first_fit(const struct tn_tree *tree, const struct tn_space *space, uint64_t size);

/* By address: the lowest extent of at least `size` bytes that begins at `offset` or above, or 0. */
uint32_t tn_tree_fit_from(const struct tn_tree *tree, const struct tn_space *space, uint64_t offset,
                          uint64_t size);

/* By size: the first extent in order that is at least (size, rank), or 0. */
uint32_t tn_tree_at_least(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                          uint64_t rank);

/* By size: the last extent in order that is at most (size, rank), or 0. */
uint32_t tn_tree_at_most(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                         uint64_t rank);

/* The last extent in order, or 0. */
uint32_t tn_tree_last(const struct tn_tree *tree, const struct tn_space *space);

/* The extent behind this one in order, or 0. */
uint32_t tn_tree_after(const struct tn_space *space, uint32_t number);

/* Order, links, largest sizes. Returns NULL, or what is wrong. */
const char *tn_tree_check(const struct tn_tree *tree, const struct tn_space *space);

#endif
