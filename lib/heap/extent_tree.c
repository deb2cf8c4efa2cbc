/* SPDX-License-Identifier: MIT */
/* A treap over free extents by size, and the way to those by address: see extent_tree.h. Called by the
 * policies and holes.c. */
#include "extent_tree.h"

#include <assert.h>

static uint32_t priority(uint32_t number)
{
    uint32_t x = number * UINT32_C(0x9e3779b1);
    x ^= x >> 15;
    return x * UINT32_C(0x85ebca77);
}

static bool is_before(const struct tn_extent *a, const struct tn_extent *b)
{
    return a->size != b->size ? a->size < b->size : a->key < b->key;
}

static void replace_child(struct tn_tree *tree, struct tn_space *space, uint32_t parent, uint32_t old,
                          uint32_t new)
{
    if (parent == 0)
        tree->root = new;
    else if (space->extents[parent].left == old)
        space->extents[parent].left = new;
    else
        space->extents[parent].right = new;
    if (new != 0)
        space->extents[new].parent = parent;
}

/* Lift a node above its parent. */
static void rotate_up(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_extent *extents = space->extents, *extent = &extents[number];
    uint32_t parent = extent->parent, moved;
    struct tn_extent *above = &extents[parent];
    replace_child(tree, space, above->parent, parent, number);
    if (above->left == number) {
        moved = extent->right;
        above->left = moved;
        extent->right = parent;
    } else {
        moved = extent->left;
        above->right = moved;
        extent->left = parent;
    }
    above->parent = number;
    if (moved != 0)
        extents[moved].parent = parent;
}

static void insert_by_size(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && !extent->is_indexed);
    extent->left = extent->right = extent->parent = 0;
    extent->is_indexed = true;
    uint32_t parent = 0;
    bool is_left = false;
    for (uint32_t at = tree->root; at != 0;) {
        parent = at;
        is_left = is_before(extent, tn_extent(space, at));
        at = is_left ? tn_extent(space, at)->left : tn_extent(space, at)->right;
    }
    extent->parent = parent;
    if (parent == 0)
        tree->root = number;
    else if (is_left)
        tn_extent(space, parent)->left = number;
    else
        tn_extent(space, parent)->right = number;
    while (extent->parent != 0 && priority(extent->parent) < priority(number))
        rotate_up(tree, space, number);
}

void tn_tree_insert(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    if (tree->order == TN_TREE_BY_ADDRESS)
        tn_hole_index_insert(space, number);
    else
        insert_by_size(tree, space, number);
    tree->count++;
}

static void remove_by_size(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->is_indexed);
    while (extent->left != 0 && extent->right != 0)
        rotate_up(tree, space,
                  priority(extent->left) > priority(extent->right) ? extent->left : extent->right);
    replace_child(tree, space, extent->parent, number, extent->left != 0 ? extent->left : extent->right);
    extent->is_indexed = false;
    extent->left = extent->right = extent->parent = 0;
}

void tn_tree_remove(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    if (tree->order == TN_TREE_BY_ADDRESS)
        tn_hole_index_remove(space, number);
    else
        remove_by_size(tree, space, number);
    tree->count--;
}

uint32_t tn_tree_at_least(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                          uint64_t rank)
{
    uint32_t best = 0;
    for (uint32_t at = tree->root; at != 0;) {
        const struct tn_extent *extent = tn_extent(space, at);
        bool is_less = extent->size != size ? extent->size < size : extent->key < rank;
        if (!is_less)
            best = at;
        at = is_less ? extent->right : extent->left;
    }
    return best;
}

uint32_t tn_tree_at_most(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                         uint64_t rank)
{
    uint32_t best = 0;
    for (uint32_t at = tree->root; at != 0;) {
        const struct tn_extent *extent = tn_extent(space, at);
        bool is_more = extent->size != size ? extent->size > size : extent->key > rank;
        if (!is_more)
            best = at;
        at = is_more ? extent->left : extent->right;
    }
    return best;
}

uint32_t tn_tree_last(const struct tn_tree *tree, const struct tn_space *space)
{
    uint32_t at = tree->root;
    while (at != 0 && tn_extent(space, at)->right != 0)
        at = tn_extent(space, at)->right;
    return at;
}

uint32_t tn_tree_after(const struct tn_space *space, uint32_t number)
{
    uint32_t at = tn_extent(space, number)->right;
    if (at != 0) {
        while (tn_extent(space, at)->left != 0)
            at = tn_extent(space, at)->left;
        return at;
    }
    at = tn_extent(space, number)->parent;
    while (at != 0 && tn_extent(space, at)->right == number) {
        number = at;
        at = tn_extent(space, at)->parent;
    }
    return at;
}

static const char *check_node(const struct tn_space *space, uint32_t number, uint32_t before)
{
    const struct tn_extent *extent = tn_extent(space, number);
    if (extent->kind != TN_EXTENT_FREE || !extent->is_indexed)
        return "an extent in the tree is not free";
    if (before != 0 && !is_before(tn_extent(space, before), extent))
        return "the tree is out of order";
    if (extent->left != 0 && tn_extent(space, extent->left)->parent != number)
        return "a left child does not know its parent";
    if (extent->right != 0 && tn_extent(space, extent->right)->parent != number)
        return "a right child does not know its parent";
    return NULL;
}

const char *tn_tree_check(const struct tn_tree *tree, const struct tn_space *space)
{
    if (tree->order == TN_TREE_BY_ADDRESS)
        return tree->count == space->holes.hole_count
                   ? tn_hole_index_check(space)
                   : "the index holds another number of holes than the tree";
    uint32_t at = tree->root, before = 0, count = 0;
    while (at != 0 && tn_extent(space, at)->left != 0)
        at = tn_extent(space, at)->left;
    for (; at != 0; at = tn_tree_after(space, at)) {
        const char *fault = check_node(space, at, before);
        if (fault != NULL)
            return fault;
        before = at;
        count++;
    }
    return count == tree->count ? NULL : "the tree holds another number of extents than it says";
}
