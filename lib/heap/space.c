/* SPDX-License-Identifier: MIT */
/* The chain of extents: cutting, joining, and the sums that make the heap's state O(1). Extents that are
 * gone form a list of spare ones. Called by the policies and heap.c. */
#include "space.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t take_slot(struct tn_space *space)
{
    uint32_t number = space->spare;
    if (number != 0)
        space->spare = space->extents[number].after;
    else
        number = space->count++;
    assert(number < space->capacity);
    space->extents[number] = (struct tn_extent){0};
    return number;
}

static void drop_slot(struct tn_space *space, uint32_t number)
{
    space->extents[number] = (struct tn_extent){.kind = TN_EXTENT_SPARE, .after = space->spare};
    space->spare = number;
}

int tn_space_reserve(struct tn_space *space, uint32_t more)
{
    if (space->capacity - space->count >= more)
        return 0;
    uint32_t capacity = space->capacity != 0 ? space->capacity : 64;
    while (capacity - space->count < more) {
        if (capacity > UINT32_MAX / 2)
            return -ENOMEM;
        capacity *= 2;
    }
    struct tn_extent *extents = realloc(space->extents, capacity * sizeof(*extents));
    if (extents == NULL)
        return -ENOMEM;
    space->extents = extents;
    space->capacity = capacity;
    return 0;
}

int tn_space_open(struct tn_space *space, uint64_t size)
{
    *space = (struct tn_space){.size = size};
    if (tn_space_reserve(space, 2) < 0)
        return -ENOMEM;
    space->extents[0] = (struct tn_extent){.kind = TN_EXTENT_SPARE};
    space->count = 1;
    space->first = space->last = take_slot(space);
    space->extents[space->first].size = size;
    return 0;
}

void tn_space_close(struct tn_space *space)
{
    free(space->extents);
    *space = (struct tn_space){0};
}

/* Put extent `number` into the chain behind `before`, which may be 0. */
static void chain_after(struct tn_space *space, uint32_t before, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    extent->before = before;
    extent->after = before != 0 ? tn_extent(space, before)->after : space->first;
    if (before != 0)
        tn_extent(space, before)->after = number;
    else
        space->first = number;
    if (extent->after != 0)
        tn_extent(space, extent->after)->before = number;
    else
        space->last = number;
}

static void unchain(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    if (extent->before != 0)
        tn_extent(space, extent->before)->after = extent->after;
    else
        space->first = extent->after;
    if (extent->after != 0)
        tn_extent(space, extent->after)->before = extent->before;
    else
        space->last = extent->before;
}

uint32_t tn_space_cut_low(struct tn_space *space, uint32_t number, uint64_t size)
{
    uint32_t low = take_slot(space);
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && size > 0 && size < extent->size);
    tn_extent(space, low)->offset = extent->offset;
    tn_extent(space, low)->size = size;
    extent->offset += size;
    extent->size -= size;
    chain_after(space, extent->before, low);
    return low;
}

uint32_t tn_space_cut_high(struct tn_space *space, uint32_t number, uint64_t size)
{
    uint32_t high = take_slot(space);
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && size > 0 && size < extent->size);
    extent->size -= size;
    tn_extent(space, high)->offset = tn_extent_end(extent);
    tn_extent(space, high)->size = size;
    chain_after(space, number, high);
    return high;
}

void tn_space_join(struct tn_space *space, uint32_t keep, uint32_t gone)
{
    struct tn_extent *kept = tn_extent(space, keep), *other = tn_extent(space, gone);
    assert(kept->kind == other->kind && (kept->after == gone || kept->before == gone));
    assert(!other->is_indexed);
    if (other->offset < kept->offset)
        kept->offset = other->offset;
    kept->size += other->size;
    unchain(space, gone);
    drop_slot(space, gone);
}

void tn_space_use(struct tn_space *space, uint32_t number, uint64_t asked, uint32_t shift)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && !extent->is_indexed &&
           asked + shift <= extent->size + TN_EXTENT_OVERLAP);
    extent->kind = TN_EXTENT_USED;
    extent->asked = asked;
    extent->shift = shift;
    space->used += extent->size;
    space->live_count++;
    space->live_bytes += asked;
    if (tn_extent_end(extent) > space->high_water)
        space->high_water = tn_extent_end(extent);
}

void tn_space_free(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_USED);
    space->used -= extent->size;
    space->live_count--;
    space->live_bytes -= extent->asked;
    extent->kind = TN_EXTENT_FREE;
    extent->asked = 0;
    extent->shift = 0;
    extent->owner = 0;
}

void tn_space_fix(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_FREE && !extent->is_indexed);
    extent->kind = TN_EXTENT_FIXED;
    space->fixed += extent->size;
}

void tn_space_fix_tail(struct tn_space *space, uint64_t size)
{
    if (size > 0)
        tn_space_fix(space, tn_space_cut_high(space, space->last, size));
}

uint32_t tn_space_extend(struct tn_space *space, uint64_t size)
{
    uint32_t number = take_slot(space);
    tn_extent(space, number)->offset = space->size;
    tn_extent(space, number)->size = size;
    chain_after(space, space->last, number);
    space->size += size;
    return number;
}

uint32_t tn_space_map(struct tn_space *space, uint64_t size, uint64_t asked)
{
    uint32_t number = take_slot(space);
    *tn_extent(space, number) = (struct tn_extent){.size = size, .asked = asked, .kind = TN_EXTENT_MAPPED};
    space->mapped += size;
    space->live_count++;
    space->live_bytes += asked;
    return number;
}

void tn_space_unmap(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_MAPPED);
    space->mapped -= extent->size;
    space->live_count--;
    space->live_bytes -= extent->asked;
    drop_slot(space, number);
}

void tn_space_ask(struct tn_space *space, uint32_t number, uint64_t asked)
{
    struct tn_extent *extent = tn_extent(space, number);
    space->live_bytes += asked - extent->asked;
    extent->asked = asked;
}

void tn_space_widen(struct tn_space *space, uint32_t number, uint64_t size)
{
    struct tn_extent *extent = tn_extent(space, number), *next = tn_extent(space, extent->after);
    assert(next->kind == TN_EXTENT_FREE && size <= next->size);
    extent->size += size;
    space->used += size;
    if (tn_extent_end(extent) > space->high_water)
        space->high_water = tn_extent_end(extent);
    next->offset += size;
    next->size -= size;
    if (next->size > 0)
        return;
    assert(!next->is_indexed);
    uint32_t gone = extent->after;
    unchain(space, gone);
    drop_slot(space, gone);
}

void tn_space_widen_low(struct tn_space *space, uint32_t number)
{
    struct tn_extent *extent = tn_extent(space, number);
    uint32_t gone = extent->before;
    const struct tn_extent *before = tn_extent(space, gone);
    assert(before->kind == TN_EXTENT_FREE && !before->is_indexed);
    extent->offset = before->offset;
    extent->size += before->size;
    space->used += before->size;
    unchain(space, gone);
    drop_slot(space, gone);
}

uint32_t tn_space_trim(struct tn_space *space, uint32_t number, uint64_t size)
{
    uint32_t rest = take_slot(space);
    struct tn_extent *extent = tn_extent(space, number);
    assert(extent->kind == TN_EXTENT_USED && size > 0 && size < extent->size);
    tn_extent(space, rest)->offset = extent->offset + size;
    tn_extent(space, rest)->size = extent->size - size;
    space->used -= extent->size - size;
    extent->size = size;
    chain_after(space, number, rest);
    return rest;
}

/* One extent against what came before it. */
static const char *check_extent(const struct tn_space *space, uint32_t number, uint32_t before,
                                uint64_t offset)
{
    const struct tn_extent *extent = tn_extent(space, number);
    if (extent->before != before)
        return "an extent does not know the one before it";
    if (extent->offset != offset)
        return "two extents overlap, or there is a gap";
    if (extent->size == 0)
        return "an extent is empty";
    if (extent->kind > TN_EXTENT_FIXED)
        return "an extent that is in no chain is in the chain";
    if (extent->kind != TN_EXTENT_FREE && extent->is_indexed)
        return "the policy holds an extent as free that is not";
    if (extent->kind == TN_EXTENT_USED && extent->shift + extent->asked > extent->size + TN_EXTENT_OVERLAP)
        return "a block is larger than its extent";
    return NULL;
}

const char *tn_space_check(const struct tn_space *space)
{
    uint64_t offset = 0, sums[3] = {0}, live_bytes = 0, live_count = 0;
    uint32_t before = 0;
    for (uint32_t number = space->first; number != 0; number = tn_extent(space, number)->after) {
        const struct tn_extent *extent = tn_extent(space, number);
        const char *fault = check_extent(space, number, before, offset);
        if (fault != NULL)
            return fault;
        sums[extent->kind] += extent->size;
        live_bytes += extent->asked;
        live_count += extent->kind == TN_EXTENT_USED;
        offset += extent->size;
        before = number;
    }
    for (uint32_t number = 1; number < space->count; number++)
        if (tn_extent(space, number)->kind == TN_EXTENT_MAPPED) {
            live_bytes += tn_extent(space, number)->asked;
            live_count++;
        }
    if (space->last != before)
        return "the last extent is not the last";
    if (offset != space->size)
        return "the extents do not cover the region";
    if (sums[TN_EXTENT_USED] != space->used || sums[TN_EXTENT_FIXED] != space->fixed)
        return "the bytes in use do not add up";
    if (live_bytes != space->live_bytes || live_count != space->live_count)
        return "the live blocks do not add up";
    return NULL;
}
