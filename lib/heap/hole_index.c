/* SPDX-License-Identifier: MIT */
/* Free extents by address: see hole_index.h. Called by the policies that search for the lowest hole, and by
 * extent_tree.c, which tells trees by address from those by size. */
#include "hole_index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAN             8u /* numbers below one: a cache line */
#define SLICES_MIN      64u
#define SLICES_MAX      (UINT32_C(1) << 28)
#define SHIFT_MIN       6u
#define SLICES_PER_HOLE 4u  /* a heap that grows gets more slices up to here, and larger ones then */
#define SLICES_MOST     16u /* the same where holes lie close together in one part of the heap */
#define STEPS_EXPECTED  4u  /* holes of one list that an event looks at */

/* ---------------------------------------------------------------------------------------- slices */

static int allocate(struct tn_hole_index *index, size_t slice_count)
{
    size_t numbers = 0, offset = 0;
    unsigned levels = 0;
    for (size_t count = slice_count;; count = (count + FAN - 1) / FAN) {
        numbers += count < FAN ? FAN : count;
        levels++;
        if (count <= FAN)
            break;
    }
    uint64_t *sizes = calloc(numbers, sizeof(sizes[0]));
    uint32_t *heads = calloc(slice_count, sizeof(heads[0]));
    if (sizes == NULL || heads == NULL) {
        free(sizes);
        free(heads);
        return -ENOMEM;
    }
    free(index->heads);
    free(index->levels[0]);
    index->heads = heads;
    index->slice_count = slice_count;
    index->level_count = levels;
    for (unsigned i = 0; i < levels; i++, slice_count = (slice_count + FAN - 1) / FAN) {
        index->levels[i] = sizes + offset;
        offset += slice_count < FAN ? FAN : slice_count;
    }
    return 0;
}

int tn_hole_index_open(struct tn_space *space)
{
    struct tn_hole_index *index = &space->holes;
    *index = (struct tn_hole_index){.shift = SHIFT_MIN};
    return allocate(index, SLICES_MIN);
}

void tn_hole_index_close(struct tn_space *space)
{
    struct tn_hole_index *index = &space->holes;
    free(index->heads);
    free(index->levels[0]);
    *index = (struct tn_hole_index){0};
}

/* ---------------------------------------------------------------------------------------- numbers */

static uint64_t largest_of(const uint64_t *numbers)
{
    uint64_t largest = 0;
    for (unsigned i = 0; i < FAN; i++)
        largest = numbers[i] > largest ? numbers[i] : largest;
    return largest;
}

static void raise_sizes(struct tn_hole_index *index, size_t at, uint64_t size)
{
    for (unsigned level = 0; level < index->level_count && index->levels[level][at] < size; level++) {
        index->levels[level][at] = size;
        at /= FAN;
    }
}

/* The largest hole of a slice has gone, or has become smaller. Above the first number that stays, all are
 * right. */
static void lower_sizes(struct tn_space *space, size_t at)
{
    struct tn_hole_index *index = &space->holes;
    uint64_t largest = 0;
    for (uint32_t number = index->heads[at]; number != 0; number = tn_extent(space, number)->right) {
        if (tn_extent(space, number)->key > largest)
            largest = tn_extent(space, number)->key;
        index->steps++;
    }
    for (unsigned level = 0; index->levels[level][at] != largest; level++) {
        index->levels[level][at] = largest;
        if (level + 1 == index->level_count)
            return;
        at /= FAN;
        largest = largest_of(&index->levels[level][at * FAN]);
    }
}

/* ---------------------------------------------------------------------------------------- lists */

static void link_hole(struct tn_space *space, uint32_t number)
{
    struct tn_hole_index *index = &space->holes;
    struct tn_extent *extent = tn_extent(space, number);
    size_t at = (size_t)(extent->offset >> index->shift);
    uint32_t head = index->heads[at];
    extent->parent = (uint32_t)at;
    extent->key = extent->size;
    extent->left = 0;
    extent->right = head;
    if (head != 0)
        tn_extent(space, head)->left = number;
    index->heads[at] = number;
    raise_sizes(index, at, extent->size);
}

static void unlink_hole(struct tn_space *space, uint32_t number)
{
    struct tn_hole_index *index = &space->holes;
    const struct tn_extent *extent = tn_extent(space, number);
    if (extent->left != 0)
        tn_extent(space, extent->left)->right = extent->right;
    else
        index->heads[extent->parent] = extent->right;
    if (extent->right != 0)
        tn_extent(space, extent->right)->left = extent->left;
    if (index->levels[0][extent->parent] == extent->key)
        lower_sizes(space, extent->parent);
}

/* All holes as one list, by `right`. */
static uint32_t gather(struct tn_space *space)
{
    const struct tn_hole_index *index = &space->holes;
    uint32_t first = 0;
    for (size_t at = 0; at < index->slice_count; at++)
        for (uint32_t number = index->heads[at], next; number != 0; number = next) {
            next = tn_extent(space, number)->right;
            tn_extent(space, number)->right = first;
            first = number;
        }
    return first;
}

static void clear(struct tn_hole_index *index)
{
    size_t count = index->slice_count;
    memset(index->heads, 0, count * sizeof(index->heads[0]));
    for (unsigned i = 0; i < index->level_count; i++, count = (count + FAN - 1) / FAN)
        memset(index->levels[i], 0, count * sizeof(index->levels[i][0]));
}

/* Divide the heap otherwise. Where there is no memory for more slices, they become larger. */
static void divide(struct tn_space *space, size_t slice_count, unsigned shift)
{
    struct tn_hole_index *index = &space->holes;
    uint32_t number = gather(space);
    if (slice_count == index->slice_count) {
        clear(index);
    } else if (allocate(index, slice_count) < 0) {
        clear(index);
        for (; slice_count > index->slice_count; slice_count /= 2)
            shift++;
    }
    index->shift = shift;
    index->steps = 0;
    for (uint32_t next; number != 0; number = next) {
        next = tn_extent(space, number)->right;
        link_hole(space, number);
    }
}

static bool may_have_slices(const struct tn_hole_index *index, size_t slice_count, size_t per_hole)
{
    return slice_count <= per_hole * index->hole_count && slice_count <= SLICES_MAX;
}

/* Let an offset lie in a slice. */
static void reach(struct tn_space *space, uint64_t offset)
{
    const struct tn_hole_index *index = &space->holes;
    size_t slice_count = index->slice_count;
    unsigned shift = index->shift;
    while (offset >> shift >= slice_count) {
        if (may_have_slices(index, slice_count * 2, SLICES_PER_HOLE))
            slice_count *= 2;
        else
            shift++;
    }
    if (slice_count != index->slice_count || shift != index->shift)
        divide(space, slice_count, shift);
}

/* Long lists have cost more than new ones will. */
static void refine(struct tn_space *space)
{
    struct tn_hole_index *index = &space->holes;
    index->steps -= index->steps < STEPS_EXPECTED ? index->steps : STEPS_EXPECTED;
    if (index->steps <= index->slice_count || index->shift <= SHIFT_MIN)
        return;
    if (may_have_slices(index, index->slice_count * 2, SLICES_MOST))
        divide(space, index->slice_count * 2, index->shift - 1);
    index->steps = 0;
}

/* ---------------------------------------------------------------------------------------- changes */

void tn_hole_index_insert(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && !extent->is_indexed);
    refine(space);
    reach(space, extent->offset);
    extent->is_indexed = true;
    link_hole(space, number);
    space->holes.hole_count++;
}

void tn_hole_index_remove(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->is_indexed);
    unlink_hole(space, number);
    extent->is_indexed = false;
    extent->left = extent->right = extent->parent = 0;
    space->holes.hole_count--;
}

void tn_hole_index_update(struct tn_space *space, uint32_t number)
{
    struct tn_hole_index *index = &space->holes;
    struct tn_extent *extent = tn_extent(space, number);
    uint64_t size = extent->size, before = extent->key;
    reach(space, extent->offset);
    if (extent->offset >> index->shift != extent->parent) {
        unlink_hole(space, number);
        link_hole(space, number);
        return;
    }
    extent->key = size;
    if (size > before)
        raise_sizes(index, extent->parent, size);
    else if (size < before && index->levels[0][extent->parent] == before)
        lower_sizes(space, extent->parent);
}

/* ---------------------------------------------------------------------------------------- questions */

/* The first of eight numbers, from `from` on, that is large enough; FAN: none. */
static unsigned first_of(const uint64_t *numbers, unsigned from, uint64_t size)
{
    unsigned fits = 0;
    for (unsigned i = 0; i < FAN; i++)
        fits |= (unsigned)(numbers[i] >= size) << i;
    fits &= ~0u << from;
    return fits != 0 ? (unsigned)__builtin_ctz(fits) : FAN;
}

static uint32_t lowest_in(struct tn_space *space, size_t at, uint64_t offset, uint64_t size)
{
    struct tn_hole_index *index = &space->holes;
    uint32_t best = 0;
    uint64_t best_offset = UINT64_MAX;
    for (uint32_t number = index->heads[at]; number != 0; number = tn_extent(space, number)->right) {
        const struct tn_extent *extent = tn_extent(space, number);
        index->steps++;
        if (extent->key < size || extent->offset < offset || extent->offset >= best_offset)
            continue;
        best = number;
        best_offset = extent->offset;
    }
    return best;
}

/* The lowest fit below number `at` of a level, which is large enough. */
static uint32_t descend(struct tn_space *space, unsigned level, size_t at, uint64_t size)
{
    const struct tn_hole_index *index = &space->holes;
    while (level-- > 0)
        at = at * FAN + first_of(&index->levels[level][at * FAN], 0, size);
    return lowest_in(space, at, 0, size);
}

uint32_t tn_hole_index_fit(struct tn_space *space, uint64_t offset, uint64_t size)
{
    const struct tn_hole_index *index = &space->holes;
    if (offset == 0) {
        unsigned top = index->level_count - 1, first = first_of(index->levels[top], 0, size);
        return first < FAN ? descend(space, top, first, size) : 0;
    }
    if (offset >> index->shift >= index->slice_count)
        return 0;
    size_t at = (size_t)(offset >> index->shift);
    uint32_t best = lowest_in(space, at, offset, size);
    for (unsigned level = 0; best == 0 && level < index->level_count; level++) {
        size_t group = at / FAN * FAN;
        unsigned from = (unsigned)(at % FAN) + 1;
        unsigned next = from < FAN ? first_of(&index->levels[level][group], from, size) : FAN;
        if (next < FAN)
            best = descend(space, level, group + next, size);
        at /= FAN;
    }
    return best;
}

/* ---------------------------------------------------------------------------------------- check */

static const char *check_slice(const struct tn_space *space, size_t at, uint32_t *count)
{
    const struct tn_hole_index *index = &space->holes;
    uint64_t largest = 0;
    uint32_t before = 0;
    for (uint32_t number = index->heads[at]; number != 0; number = tn_extent(space, number)->right) {
        const struct tn_extent *extent = tn_extent(space, number);
        if (extent->kind != TN_EXTENT_FREE || !extent->is_indexed)
            return "an extent in the index is not free";
        if (extent->left != before || ++*count > index->hole_count)
            return "a list of holes does not hang together";
        if (extent->parent != at || extent->offset >> index->shift != at)
            return "a hole is in the wrong slice";
        if (extent->key != extent->size)
            return "the index knows another size of a hole";
        largest = extent->size > largest ? extent->size : largest;
        before = number;
    }
    return index->levels[0][at] == largest ? NULL : "a slice does not know its largest hole";
}

const char *tn_hole_index_check(const struct tn_space *space)
{
    const struct tn_hole_index *index = &space->holes;
    const char *fault = NULL;
    uint32_t count = 0;
    for (size_t at = 0; at < index->slice_count && fault == NULL; at++)
        fault = check_slice(space, at, &count);
    size_t below = index->slice_count;
    for (unsigned level = 1; level < index->level_count && fault == NULL;
         level++, below = (below + FAN - 1) / FAN)
        for (size_t at = 0; at < (below + FAN - 1) / FAN && fault == NULL; at++)
            if (index->levels[level][at] != largest_of(&index->levels[level - 1][at * FAN]))
                fault = "a number above the slices is not the largest below it";
    if (fault == NULL && count != index->hole_count)
        fault = "the index holds another number of holes than it says";
    return fault;
}
