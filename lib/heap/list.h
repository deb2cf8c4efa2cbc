/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_LIST_H
#define TENURE_HEAP_LIST_H

/* Lists of free chunks, woven into them: left is the previous, right the next. */

#include "space.h"

#include <assert.h>

struct tn_list {
    uint32_t first, last; /* 0: empty */
    uint32_t count;
};

/* Put a chunk in behind `before`; 0: at the front. */
static inline void tn_list_insert(struct tn_list *list, struct tn_space *space, uint32_t before,
                                  uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_FREE && !chunk->is_indexed);
    chunk->is_indexed = true;
    chunk->left = before;
    chunk->right = before != 0 ? tn_chunk(space, before)->right : list->first;
    if (chunk->left != 0)
        tn_chunk(space, chunk->left)->right = number;
    else
        list->first = number;
    if (chunk->right != 0)
        tn_chunk(space, chunk->right)->left = number;
    else
        list->last = number;
    list->count++;
}

static inline void tn_list_push_front(struct tn_list *list, struct tn_space *space, uint32_t number)
{
    tn_list_insert(list, space, 0, number);
}

static inline void tn_list_push_back(struct tn_list *list, struct tn_space *space, uint32_t number)
{
    tn_list_insert(list, space, list->last, number);
}

static inline void tn_list_remove(struct tn_list *list, struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->is_indexed);
    if (chunk->left != 0)
        tn_chunk(space, chunk->left)->right = chunk->right;
    else
        list->first = chunk->right;
    if (chunk->right != 0)
        tn_chunk(space, chunk->right)->left = chunk->left;
    else
        list->last = chunk->left;
    chunk->left = chunk->right = 0;
    chunk->is_indexed = false;
    list->count--;
}

/* Links agree, all are free. Returns NULL, or what is wrong. */
static inline const char *tn_list_check(const struct tn_list *list, const struct tn_space *space)
{
    uint32_t count = 0, before = 0;
    for (uint32_t number = list->first; number != 0; number = tn_chunk(space, number)->right) {
        const struct tn_chunk *chunk = tn_chunk(space, number);
        if (chunk->kind != TN_CHUNK_FREE || !chunk->is_indexed)
            return "a chunk in a list is not free";
        if (chunk->left != before || ++count > list->count)
            return "a list is broken";
        before = number;
    }
    return before == list->last && count == list->count ? NULL : "a list is broken";
}

/* Free chunks of the region that are in some index. */
static inline uint32_t tn_list_count_indexed(const struct tn_space *space)
{
    uint32_t count = 0;
    for (uint32_t number = space->first; number != 0; number = tn_chunk(space, number)->after)
        count += tn_chunk(space, number)->is_indexed;
    return count;
}

#endif
