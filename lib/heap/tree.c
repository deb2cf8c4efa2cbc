/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <assert.h>

static uint32_t priority(uint32_t number)
{
    uint32_t x = number * UINT32_C(0x9e3779b1);
    x ^= x >> 15;
    return x * UINT32_C(0x85ebca77);
}

static bool is_before(const struct tn_tree *tree, const struct tn_chunk *a, const struct tn_chunk *b)
{
    if (tree->order == TN_TREE_BY_ADDRESS)
        return a->offset < b->offset;
    return a->size != b->size ? a->size < b->size : a->key < b->key;
}

static uint64_t largest_below(const struct tn_space *space, const struct tn_chunk *chunk)
{
    uint64_t largest = chunk->size;
    if (chunk->left != 0 && space->chunks[chunk->left].key > largest)
        largest = space->chunks[chunk->left].key;
    if (chunk->right != 0 && space->chunks[chunk->right].key > largest)
        largest = space->chunks[chunk->right].key;
    return largest;
}

/* Correct the largest sizes from a node up. They are right above the first node that does not change. */
static void correct_up(const struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    if (tree->order != TN_TREE_BY_ADDRESS)
        return;
    for (; number != 0; number = space->chunks[number].parent) {
        uint64_t largest = largest_below(space, &space->chunks[number]);
        if (largest == space->chunks[number].key)
            return;
        space->chunks[number].key = largest;
    }
}

static void replace_child(struct tn_tree *tree, struct tn_space *space, uint32_t parent, uint32_t old,
                          uint32_t new)
{
    if (parent == 0)
        tree->root = new;
    else if (space->chunks[parent].left == old)
        space->chunks[parent].left = new;
    else
        space->chunks[parent].right = new;
    if (new != 0)
        space->chunks[new].parent = parent;
}

/* Lift a node above its parent. */
static void rotate_up(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunks = space->chunks, *chunk = &chunks[number];
    uint32_t parent = chunk->parent, moved;
    struct tn_chunk *above = &chunks[parent];
    replace_child(tree, space, above->parent, parent, number);
    if (above->left == number) {
        moved = chunk->right;
        above->left = moved;
        chunk->right = parent;
    } else {
        moved = chunk->left;
        above->right = moved;
        chunk->left = parent;
    }
    above->parent = number;
    if (moved != 0)
        chunks[moved].parent = parent;
    if (tree->order == TN_TREE_BY_ADDRESS) {
        chunk->key = above->key;
        above->key = largest_below(space, above);
    }
}

void tn_tree_insert(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_FREE && !chunk->is_indexed);
    chunk->left = chunk->right = chunk->parent = 0;
    chunk->is_indexed = true;
    if (tree->order == TN_TREE_BY_ADDRESS)
        chunk->key = chunk->size;
    uint32_t parent = 0;
    bool is_left = false;
    for (uint32_t at = tree->root; at != 0;) {
        parent = at;
        is_left = is_before(tree, chunk, tn_chunk(space, at));
        at = is_left ? tn_chunk(space, at)->left : tn_chunk(space, at)->right;
    }
    chunk->parent = parent;
    if (parent == 0)
        tree->root = number;
    else if (is_left)
        tn_chunk(space, parent)->left = number;
    else
        tn_chunk(space, parent)->right = number;
    correct_up(tree, space, parent);
    while (chunk->parent != 0 && priority(chunk->parent) < priority(number))
        rotate_up(tree, space, number);
    tree->count++;
}

void tn_tree_remove(struct tn_tree *tree, struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->is_indexed);
    while (chunk->left != 0 && chunk->right != 0)
        rotate_up(tree, space, priority(chunk->left) > priority(chunk->right) ? chunk->left : chunk->right);
    uint32_t parent = chunk->parent;
    replace_child(tree, space, parent, number, chunk->left != 0 ? chunk->left : chunk->right);
    correct_up(tree, space, parent);
    chunk->is_indexed = false;
    chunk->left = chunk->right = chunk->parent = 0;
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
        const struct tn_chunk *chunk = tn_chunk(space, number);
        if (chunk->left != 0 && space->chunks[chunk->left].key >= size)
            number = chunk->left;
        else if (chunk->size >= size)
            return number;
        else
            number = chunk->right;
    }
}

uint32_t tn_tree_first_fit(const struct tn_tree *tree, const struct tn_space *space, uint64_t size)
{
    if (tree->root == 0 || tn_chunk(space, tree->root)->key < size)
        return 0;
    return first_fit_below(space, tree->root, size);
}

uint32_t tn_tree_fit_from(const struct tn_tree *tree, const struct tn_space *space, uint64_t offset,
                          uint64_t size)
{
    uint32_t best = 0;
    for (uint32_t at = tree->root; at != 0;) {
        const struct tn_chunk *chunk = tn_chunk(space, at);
        bool is_left = chunk->offset >= offset;
        bool has_right = chunk->right != 0 && space->chunks[chunk->right].key >= size;
        if (is_left && (chunk->size >= size || has_right))
            best = at;
        at = is_left ? chunk->left : chunk->right;
    }
    if (best == 0 || tn_chunk(space, best)->size >= size)
        return best;
    return first_fit_below(space, tn_chunk(space, best)->right, size);
}

uint32_t tn_tree_at_least(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                          uint64_t rank)
{
    uint32_t best = 0;
    for (uint32_t at = tree->root; at != 0;) {
        const struct tn_chunk *chunk = tn_chunk(space, at);
        bool is_less = chunk->size != size ? chunk->size < size : chunk->key < rank;
        if (!is_less)
            best = at;
        at = is_less ? chunk->right : chunk->left;
    }
    return best;
}

uint32_t tn_tree_at_most(const struct tn_tree *tree, const struct tn_space *space, uint64_t size,
                         uint64_t rank)
{
    uint32_t best = 0;
    for (uint32_t at = tree->root; at != 0;) {
        const struct tn_chunk *chunk = tn_chunk(space, at);
        bool is_more = chunk->size != size ? chunk->size > size : chunk->key > rank;
        if (!is_more)
            best = at;
        at = is_more ? chunk->left : chunk->right;
    }
    return best;
}

uint32_t tn_tree_last(const struct tn_tree *tree, const struct tn_space *space)
{
    uint32_t at = tree->root;
    while (at != 0 && tn_chunk(space, at)->right != 0)
        at = tn_chunk(space, at)->right;
    return at;
}

uint32_t tn_tree_after(const struct tn_space *space, uint32_t number)
{
    uint32_t at = tn_chunk(space, number)->right;
    if (at != 0) {
        while (tn_chunk(space, at)->left != 0)
            at = tn_chunk(space, at)->left;
        return at;
    }
    at = tn_chunk(space, number)->parent;
    while (at != 0 && tn_chunk(space, at)->right == number) {
        number = at;
        at = tn_chunk(space, at)->parent;
    }
    return at;
}

static const char *check_node(const struct tn_tree *tree, const struct tn_space *space, uint32_t number,
                              uint32_t before)
{
    const struct tn_chunk *chunk = tn_chunk(space, number);
    if (chunk->kind != TN_CHUNK_FREE || !chunk->is_indexed)
        return "a chunk in the tree is not free";
    if (before != 0 && !is_before(tree, tn_chunk(space, before), chunk))
        return "the tree is out of order";
    if (chunk->left != 0 && tn_chunk(space, chunk->left)->parent != number)
        return "a left child does not know its parent";
    if (chunk->right != 0 && tn_chunk(space, chunk->right)->parent != number)
        return "a right child does not know its parent";
    if (tree->order == TN_TREE_BY_ADDRESS && chunk->key != largest_below(space, chunk))
        return "a node does not know the largest chunk below it";
    return NULL;
}

const char *tn_tree_check(const struct tn_tree *tree, const struct tn_space *space)
{
    uint32_t at = tree->root, before = 0, count = 0;
    while (at != 0 && tn_chunk(space, at)->left != 0)
        at = tn_chunk(space, at)->left;
    for (; at != 0; at = tn_tree_after(space, at)) {
        const char *story = check_node(tree, space, at, before);
        if (story != NULL)
            return story;
        before = at;
        count++;
    }
    return count == tree->count ? NULL : "the tree holds another number of chunks than it says";
}
