/* SPDX-License-Identifier: MIT */
/* A treap over free extents: see extent_tree.h. Called by the policies and holes.c. */
#include "extent_tree.h"

#include <assert.h>

static uint32_t priority(uint32_t number)
{
    uint32_t x = number * UINT32_C(0x9e3779b1);
    x ^= x >> 15;
    return x * UINT32_C(0x85ebca77);
}

static bool is_before(const struct tn_tree *tree, const struct tn_extent *a, const struct tn_extent *b)
{
    if (tree->order == TN_TREE_BY_ADDRESS)
        return a->offset < b->offset;
    return a->size != b->size ? a->size < b->size : a->key < b->key;
}

static uint64_t largest_below(const struct tn_space *space, const struct tn_extent *extent)
{
    uint64_t largest = extent->size;
    if (extent->left != 0 && space->extents[extent->left].key > largest)
        largest = space->extents[extent->left].key;
    if (extent->right != 0 && space->extents[extent->right].key > largest)
        largest = space->extents[extent->right].key;
    return largest;
}

/* Correct the largest sizes from a node upwards. Above the first node that does not change they are right
 * already. */
static void correct_up(const struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    if (tree->order != TN_TREE_BY_ADDRESS)
        return;
    for (; number != 0; number = space->extents[number].parent) {
        uint64_t largest = largest_below(space, &space->extents[number]);
        if (largest == space->extents[number].key)
            return;
        space->extents[number].key = largest;
    }
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
    if (tree->order == TN_TREE_BY_ADDRESS) {
        extent->key = above->key;
        above->key = largest_below(space, above);
    }
}

void tn_tree_insert(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && !extent->is_indexed);
    extent->left = extent->right = extent->parent = 0;
    extent->is_indexed = true;
    if (tree->order == TN_TREE_BY_ADDRESS)
        extent->key = extent->size;
    uint32_t parent = 0;
    bool is_left = false;
    for (uint32_t at = tree->root; at != 0;) {
        parent = at;
        is_left = is_before(tree, extent, tn_extent(space, at));
        at = is_left ? tn_extent(space, at)->left : tn_extent(space, at)->right;
    }
    extent->parent = parent;
    if (parent == 0)
        tree->root = number;
    else if (is_left)
        tn_extent(space, parent)->left = number;
    else
        tn_extent(space, parent)->right = number;
    correct_up(tree, space, parent);
    while (extent->parent != 0 && priority(extent->parent) < priority(number))
        rotate_up(tree, space, number);
    tree->count++;
}

void tn_tree_remove(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->is_indexed);
    while (extent->left != 0 && extent->right != 0)
        rotate_up(tree, space,
                  priority(extent->left) > priority(extent->right) ? extent->left : extent->right);
    uint32_t parent = extent->parent;
    replace_child(tree, space, parent, number, extent->left != 0 ? extent->left : extent->right);
    correct_up(tree, space, parent);
    extent->is_indexed = false;
    extent->left = extent->right = extent->parent = 0;
    tree->count--;
}

void tn_tree_update(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    correct_up(tree, space, number);
}

/* The lowest fit below a node that is known to have one. */
static uint32_t first_fit_below(const struct tn_space *space, uint32_t number, uint64_t size)
{
    for (;;) {
        const struct tn_extent *extent = tn_extent(space, number);
        if (extent->left != 0 && space->extents[extent->left].key >= size)
            number = extent->left;
        else if (extent->size >= size)
            return number;
        else
            number = extent->right;
    }
}

uint32_t tn_tree_first_fit(const struct tn_tree *tree, const struct tn_space *space, uint64_t size)
{
    if (tree->root == 0 || tn_extent(space, tree->root)->key < size)
        return 0;
    return first_fit_below(space, tree->root, size);
}

uint32_t tn_tree_fit_from(const struct tn_tree *tree, const struct tn_space *space, uint64_t offset,
                          uint64_t size)
{
    uint32_t best = 0;
    for (uint32_t at = tree->root; at != 0;) {
        const struct tn_extent *extent = tn_extent(space, at);
        bool is_left = extent->offset >= offset;
        bool has_right = extent->right != 0 && space->extents[extent->right].key >= size;
        if (is_left && (extent->size >= size || has_right))
            best = at;
        at = is_left ? extent->left : extent->right;
    }
    if (best == 0 || tn_extent(space, best)->size >= size)
        return best;
    return first_fit_below(space, tn_extent(space, best)->right, size);
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

static const char *check_node(const struct tn_tree *tree, const struct tn_space *space, uint32_t number,
                              uint32_t before)
{
    const struct tn_extent *extent = tn_extent(space, number);
    if (extent->kind != TN_EXTENT_FREE || !extent->is_indexed)
        return "an extent in the tree is not free";
    if (before != 0 && !is_before(tree, tn_extent(space, before), extent))
        return "the tree is out of order";
    if (extent->left != 0 && tn_extent(space, extent->left)->parent != number)
        return "a left child does not know its parent";
    if (extent->right != 0 && tn_extent(space, extent->right)->parent != number)
        return "a right child does not know its parent";
    if (tree->order == TN_TREE_BY_ADDRESS && extent->key != largest_below(space, extent))
        return "a node does not know the largest extent below it";
    return NULL;
}

const char *tn_tree_check(const struct tn_tree *tree, const struct tn_space *space)
{
    uint32_t at = tree->root, before = 0, count = 0;
    while (at != 0 && tn_extent(space, at)->left != 0)
        at = tn_extent(space, at)->left;
    for (; at != 0; at = tn_tree_after(space, at)) {
        const char *fault = check_node(tree, space, at, before);
        if (fault != NULL)
            return fault;
        before = at;
        count++;
    }
    return count == tree->count ? NULL : "the tree holds another number of extents than it says";
}
