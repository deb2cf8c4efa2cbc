/* SPDX-License-Identifier: MIT */
#include "space.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t take_slot(struct tn_space *space)
{
    uint32_t number = space->spare;
    if (number != 0)
        space->spare = space->chunks[number].after;
    else
        number = space->count++;
    assert(number < space->capacity);
    space->chunks[number] = (struct tn_chunk){0};
    return number;
}

static void drop_slot(struct tn_space *space, uint32_t number)
{
    space->chunks[number] = (struct tn_chunk){.kind = TN_CHUNK_SPARE, .after = space->spare};
    space->spare = number;
}

int tn_space_reserve(struct tn_space *space, uint32_t more)
{
    if (space->capacity - space->count >= more)
        return 0;
    if (space->capacity > UINT32_MAX / 2)
        return -ENOMEM;
    uint32_t capacity = space->capacity != 0 ? space->capacity * 2 : 64;
    struct tn_chunk *chunks = realloc(space->chunks, capacity * sizeof(*chunks));
    if (chunks == NULL)
        return -ENOMEM;
    space->chunks = chunks;
    space->capacity = capacity;
    return 0;
}

int tn_space_open(struct tn_space *space, uint64_t size)
{
    *space = (struct tn_space){.size = size};
    if (tn_space_reserve(space, 2) < 0)
        return -ENOMEM;
    space->chunks[0] = (struct tn_chunk){.kind = TN_CHUNK_SPARE};
    space->count = 1;
    space->first = space->last = take_slot(space);
    space->chunks[space->first].size = size;
    return 0;
}

void tn_space_close(struct tn_space *space)
{
    free(space->chunks);
    *space = (struct tn_space){0};
}

/* Put chunk `number` into the chain behind `before`, which may be 0. */
static void chain_after(struct tn_space *space, uint32_t before, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    chunk->before = before;
    chunk->after = before != 0 ? tn_chunk(space, before)->after : space->first;
    if (before != 0)
        tn_chunk(space, before)->after = number;
    else
        space->first = number;
    if (chunk->after != 0)
        tn_chunk(space, chunk->after)->before = number;
    else
        space->last = number;
}

static void unchain(struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    if (chunk->before != 0)
        tn_chunk(space, chunk->before)->after = chunk->after;
    else
        space->first = chunk->after;
    if (chunk->after != 0)
        tn_chunk(space, chunk->after)->before = chunk->before;
    else
        space->last = chunk->before;
}

uint32_t tn_space_cut_low(struct tn_space *space, uint32_t number, uint64_t size)
{
    uint32_t low = take_slot(space);
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_FREE && size > 0 && size < chunk->size);
    tn_chunk(space, low)->offset = chunk->offset;
    tn_chunk(space, low)->size = size;
    chunk->offset += size;
    chunk->size -= size;
    chain_after(space, chunk->before, low);
    return low;
}

uint32_t tn_space_cut_high(struct tn_space *space, uint32_t number, uint64_t size)
{
    uint32_t high = take_slot(space);
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_FREE && size > 0 && size < chunk->size);
    chunk->size -= size;
    tn_chunk(space, high)->offset = tn_chunk_end(chunk);
    tn_chunk(space, high)->size = size;
    chain_after(space, number, high);
    return high;
}

void tn_space_join(struct tn_space *space, uint32_t keep, uint32_t gone)
{
    struct tn_chunk *kept = tn_chunk(space, keep), *other = tn_chunk(space, gone);
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
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_FREE && !chunk->is_indexed &&
           asked + shift <= chunk->size + TN_CHUNK_OVERLAP);
    chunk->kind = TN_CHUNK_USED;
    chunk->asked = asked;
    chunk->shift = shift;
    space->used += chunk->size;
    space->live_count++;
    space->live_bytes += asked;
    if (tn_chunk_end(chunk) > space->high_water)
        space->high_water = tn_chunk_end(chunk);
}

void tn_space_free(struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_USED);
    space->used -= chunk->size;
    space->live_count--;
    space->live_bytes -= chunk->asked;
    chunk->kind = TN_CHUNK_FREE;
    chunk->asked = 0;
    chunk->shift = 0;
    chunk->owner = 0;
}

void tn_space_fix(struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_FREE && !chunk->is_indexed);
    chunk->kind = TN_CHUNK_FIXED;
    space->fixed += chunk->size;
}

void tn_space_fix_tail(struct tn_space *space, uint64_t size)
{
    if (size > 0)
        tn_space_fix(space, tn_space_cut_high(space, space->last, size));
}

uint32_t tn_space_extend(struct tn_space *space, uint64_t size)
{
    uint32_t number = take_slot(space);
    tn_chunk(space, number)->offset = space->size;
    tn_chunk(space, number)->size = size;
    chain_after(space, space->last, number);
    space->size += size;
    return number;
}

uint32_t tn_space_map(struct tn_space *space, uint64_t size, uint64_t asked)
{
    uint32_t number = take_slot(space);
    *tn_chunk(space, number) = (struct tn_chunk){.size = size, .asked = asked, .kind = TN_CHUNK_MAPPED};
    space->mapped += size;
    space->live_count++;
    space->live_bytes += asked;
    return number;
}

void tn_space_unmap(struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_MAPPED);
    space->mapped -= chunk->size;
    space->live_count--;
    space->live_bytes -= chunk->asked;
    drop_slot(space, number);
}

void tn_space_ask(struct tn_space *space, uint32_t number, uint64_t asked)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    space->live_bytes += asked - chunk->asked;
    chunk->asked = asked;
}

void tn_space_widen(struct tn_space *space, uint32_t number, uint64_t size)
{
    struct tn_chunk *chunk = tn_chunk(space, number), *next = tn_chunk(space, chunk->after);
    assert(next->kind == TN_CHUNK_FREE && size <= next->size);
    chunk->size += size;
    space->used += size;
    if (tn_chunk_end(chunk) > space->high_water)
        space->high_water = tn_chunk_end(chunk);
    next->offset += size;
    next->size -= size;
    if (next->size > 0)
        return;
    assert(!next->is_indexed);
    uint32_t gone = chunk->after;
    unchain(space, gone);
    drop_slot(space, gone);
}

void tn_space_widen_low(struct tn_space *space, uint32_t number)
{
    struct tn_chunk *chunk = tn_chunk(space, number);
    uint32_t gone = chunk->before;
    const struct tn_chunk *before = tn_chunk(space, gone);
    assert(before->kind == TN_CHUNK_FREE && !before->is_indexed);
    chunk->offset = before->offset;
    chunk->size += before->size;
    space->used += before->size;
    unchain(space, gone);
    drop_slot(space, gone);
}

uint32_t tn_space_trim(struct tn_space *space, uint32_t number, uint64_t size)
{
    uint32_t rest = take_slot(space);
    struct tn_chunk *chunk = tn_chunk(space, number);
    assert(chunk->kind == TN_CHUNK_USED && size > 0 && size < chunk->size);
    tn_chunk(space, rest)->offset = chunk->offset + size;
    tn_chunk(space, rest)->size = chunk->size - size;
    space->used -= chunk->size - size;
    chunk->size = size;
    chain_after(space, number, rest);
    return rest;
}

/* One chunk against what came before it. */
static const char *check_chunk(const struct tn_space *space, uint32_t number, uint32_t before,
                               uint64_t offset)
{
    const struct tn_chunk *chunk = tn_chunk(space, number);
    if (chunk->before != before)
        return "a chunk does not know the one before it";
    if (chunk->offset != offset)
        return "two chunks overlap, or there is a gap";
    if (chunk->size == 0)
        return "a chunk is empty";
    if (chunk->kind > TN_CHUNK_FIXED)
        return "a chunk that is in no chain is in the chain";
    if (chunk->kind != TN_CHUNK_FREE && chunk->is_indexed)
        return "the policy holds a chunk as free that is not";
    if (chunk->kind == TN_CHUNK_USED && chunk->shift + chunk->asked > chunk->size + TN_CHUNK_OVERLAP)
        return "a block is larger than its chunk";
    return NULL;
}

const char *tn_space_check(const struct tn_space *space)
{
    uint64_t offset = 0, sums[3] = {0}, live_bytes = 0, live_count = 0;
    uint32_t before = 0;
    for (uint32_t number = space->first; number != 0; number = tn_chunk(space, number)->after) {
        const struct tn_chunk *chunk = tn_chunk(space, number);
        const char *story = check_chunk(space, number, before, offset);
        if (story != NULL)
            return story;
        sums[chunk->kind] += chunk->size;
        live_bytes += chunk->asked;
        live_count += chunk->kind == TN_CHUNK_USED;
        offset += chunk->size;
        before = number;
    }
    for (uint32_t number = 1; number < space->count; number++)
        if (tn_chunk(space, number)->kind == TN_CHUNK_MAPPED) {
            live_bytes += tn_chunk(space, number)->asked;
            live_count++;
        }
    if (space->last != before)
        return "the last chunk is not the last";
    if (offset != space->size)
        return "the chunks do not cover the region";
    if (sums[TN_CHUNK_USED] != space->used || sums[TN_CHUNK_FIXED] != space->fixed)
        return "the bytes in use do not add up";
    if (live_bytes != space->live_bytes || live_count != space->live_count)
        return "the live blocks do not add up";
    return NULL;
}
