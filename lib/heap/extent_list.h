/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_EXTENT_LIST_H
#define TENURE_HEAP_EXTENT_LIST_H

/* Lists of free extents; the links are fields of the extents: left is the previous one, right the next. */

#include "space.h"

#include <assert.h>

struct tn_list {
    uint32_t first, last; /* 0: empty */
    uint32_t count;
};

/* Insert an extent behind `before`; 0: at the front. */
static inline void tn_list_insert(struct tn_list *list, struct tn_space *space, uint32_t before,
                                  uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && !extent->is_indexed);
    extent->is_indexed = true;
    extent->left = before;
    extent->right = before != 0 ? tn_extent(space, before)->right : list->first;
    if (extent->left != 0)
        tn_extent(space, extent->left)->right = number;
    else
        list->first = number;
    if (extent->right != 0)
        tn_extent(space, extent->right)->left = number;
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
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->is_indexed);
    if (extent->left != 0)
        tn_extent(space, extent->left)->right = extent->right;
    else
        list->first = extent->right;
    if (extent->right != 0)
        tn_extent(space, extent->right)->left = extent->left;
    else
        list->last = extent->left;
    extent->left = extent->right = 0;
    extent->is_indexed = false;
    list->count--;
}

/* Links agree, all are free. Returns NULL, or what is wrong. */
static inline const char *tn_list_check(const struct tn_list *list, const struct tn_space *space)
{
    uint32_t count = 0, before = 0;
    for (uint32_t number = list->first; number != 0; number = tn_extent(space, number)->right) {
        const struct tn_extent *extent = tn_extent(space, number);
        if (extent->kind != TN_EXTENT_FREE || !extent->is_indexed)
            return "an extent in a list is not free";
        if (extent->left != before || ++count > list->count)
            return "a list is broken";
        before = number;
    }
    return before == list->last && count == list->count ? NULL : "a list is broken";
}

/* Free extents of the region that are in some index. */
static inline uint32_t tn_list_count_indexed(const struct tn_space *space)
{
    uint32_t count = 0;
    for (uint32_t number = space->first; number != 0; number = tn_extent(space, number)->after)
        count += tn_extent(space, number)->is_indexed;
    return count;
}

#endif
