/* SPDX-License-Identifier: MIT */
/* What all policies have in common: opening, placing, releasing and resizing blocks, counters, the walk.
 * It reserves extents before each operation, so that no policy runs out of memory halfway, marks blocks as
 * used and free, and places a block of unusual alignment in a larger one. A policy only chooses the extent
 * (policy.h). */
#include "hole_index.h"
#include "policy.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static bool is_power_of_two(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

int tn_heap_too_small(const struct tn_heap *heap, uint64_t least_bytes, struct tn_error *error)
{
    return tn_error_set(error, -EINVAL,
                        "a heap of %" PRIu64
                        " bytes is too small for %s, whose own structures and first block need %" PRIu64,
                        heap->options.heap_bytes, heap->policy->name, least_bytes);
}

static int check_options(const struct tn_policy *policy, const struct tn_heap_options *options,
                         struct tn_error *error)
{
    if (options->pointer_bytes != 4 && options->pointer_bytes != 8)
        return tn_error_set(error, -EINVAL, "a pointer of %" PRIu64 " bytes: there are 4 and 8",
                            options->pointer_bytes);
    if (options->align_bytes != TN_HEAP_DEFAULT &&
        (!is_power_of_two(options->align_bytes) || options->align_bytes > 65536))
        return tn_error_set(error, -EINVAL,
                            "an alignment of %" PRIu64 " bytes: it is a power of two up to 65536",
                            options->align_bytes);
    if (options->page_bytes != TN_HEAP_DEFAULT && !is_power_of_two(options->page_bytes))
        return tn_error_set(error, -EINVAL, "a page of %" PRIu64 " bytes: it is a power of two",
                            options->page_bytes);
    if (options->header_bytes != TN_HEAP_DEFAULT && options->header_bytes > 65536)
        return tn_error_set(error, -EINVAL, "a header of %" PRIu64 " bytes: at most 65536",
                            options->header_bytes);
    if (options->heap_bytes > TN_HEAP_UNLIMITED)
        return tn_error_set(error, -EINVAL, "a heap of %" PRIu64 " bytes is larger than can be modelled",
                            options->heap_bytes);
    if (policy->needs_pools && options->pool_count == 0)
        return tn_error_set(error, -EINVAL, "%s needs to know its pools", policy->name);
    return 0;
}

int tn_heap_open(const struct tn_policy *policy, const struct tn_heap_options *options,
                 struct tn_heap **ret_heap, struct tn_error *error)
{
    int r = check_options(policy, options, error);
    if (r < 0)
        return r;
    struct tn_heap *heap = calloc(1, sizeof(*heap));
    if (heap == NULL)
        return tn_error_set(error, -ENOMEM, "cannot open a model of %s: out of memory", policy->name);
    heap->policy = policy;
    heap->options = *options;
    heap->pointer = options->pointer_bytes;
    heap->align = heap->natural = 1;
    heap->state = calloc(1, policy->state_bytes);
    if (heap->state == NULL || tn_space_open(&heap->space, options->heap_bytes) < 0 ||
        tn_hole_index_open(&heap->space) < 0 || tn_space_reserve(&heap->space, TN_EXTENTS_PER_STEP) < 0)
        r = tn_error_set(error, -ENOMEM, "cannot open a model of %s: out of memory", policy->name);
    else if (options->heap_bytes == 0)
        r = tn_heap_too_small(heap, 1, error);
    else
        r = policy->open(heap, error);
    if (r < 0) {
        tn_heap_close(heap);
        return r;
    }
    *ret_heap = heap;
    return 0;
}

void tn_heap_close(struct tn_heap *heap)
{
    if (heap == NULL)
        return;
    if (heap->policy->close != NULL && heap->state != NULL)
        heap->policy->close(heap);
    tn_hole_index_close(&heap->space);
    tn_space_close(&heap->space);
    free(heap->state);
    free(heap);
}

/* Bytes from the begin of an extent to the user's pointer. */
static uint32_t shift_of(const struct tn_heap *heap, uint32_t number, uint64_t alignment)
{
    uint64_t shift = heap->policy->shift != NULL ? heap->policy->shift(heap, number) : heap->header;
    if (alignment > heap->natural) {
        uint64_t offset = tn_extent(&heap->space, number)->offset;
        shift = tn_round_up(offset + shift, alignment) - offset;
    }
    return (uint32_t)shift;
}

int tn_heap_place(struct tn_heap *heap, uint64_t size_bytes, uint64_t alignment_bytes, uint32_t owner,
                  uint32_t *ret_block)
{
    struct tn_space *space = &heap->space;
    if (size_bytes >= TN_HEAP_UNLIMITED || alignment_bytes >= UINT32_MAX / 2)
        return -ENOSPC;
    if (tn_space_reserve(space, TN_EXTENTS_PER_STEP) < 0)
        return -ENOMEM;
    /* As programs do where the heap has no function for it: ask for as much more as the pointer may have to
     * move. */
    uint64_t size = size_bytes;
    if (alignment_bytes > heap->natural)
        size += alignment_bytes - heap->natural;
    uint64_t need = heap->policy->need(heap, size);
    if (need == 0)
        return -EINVAL;
    uint32_t number = heap->policy->place(heap, size, need);
    if (number == 0)
        return -ENOSPC;
    if (tn_extent(space, number)->kind == TN_EXTENT_FREE)
        tn_space_use(space, number, size_bytes, shift_of(heap, number, alignment_bytes));
    tn_extent(space, number)->owner = owner;
    *ret_block = number;
    return 0;
}

void tn_heap_expect(const struct tn_heap *heap, uint32_t block, bool is_near)
{
    const struct tn_extent *extent = tn_extent(&heap->space, block);
    if (!is_near) {
        __builtin_prefetch(extent, 1);
        return;
    }
    __builtin_prefetch(tn_extent(&heap->space, extent->before), 1);
    __builtin_prefetch(tn_extent(&heap->space, extent->after), 1);
}

void tn_heap_release(struct tn_heap *heap, uint32_t block)
{
    if (tn_extent(&heap->space, block)->kind == TN_EXTENT_MAPPED) {
        heap->policy->release(heap, block);
        return;
    }
    tn_space_free(&heap->space, block);
    heap->policy->release(heap, block);
}

int tn_heap_resize(struct tn_heap *heap, uint32_t block, uint64_t size_bytes, uint32_t *ret_block)
{
    if (size_bytes >= TN_HEAP_UNLIMITED)
        return -ENOSPC;
    if (tn_space_reserve(&heap->space, TN_EXTENTS_PER_STEP) < 0)
        return -ENOMEM;
    const struct tn_extent *extent = tn_extent(&heap->space, block);
    uint64_t need = heap->policy->need(heap, size_bytes);
    if (need == 0)
        return -EINVAL;
    bool is_plain = extent->kind == TN_EXTENT_USED && extent->shift == shift_of(heap, block, 0);
    if (is_plain && heap->policy->resize != NULL && heap->policy->resize(heap, block, size_bytes, need)) {
        tn_space_ask(&heap->space, block, size_bytes);
        *ret_block = block;
        return 0;
    }
    uint32_t moved = 0;
    int r = tn_heap_place(heap, size_bytes, 0, extent->owner, &moved);
    if (r < 0)
        return r;
    tn_heap_release(heap, block);
    *ret_block = moved;
    return 0;
}

int tn_heap_grow(struct tn_heap *heap, uint64_t more_bytes)
{
    struct tn_space *space = &heap->space;
    if (tn_space_reserve(space, TN_EXTENTS_PER_STEP) < 0)
        return -ENOMEM;
    if (heap->policy->grow != NULL) {
        heap->policy->grow(heap, more_bytes);
        return 0;
    }
    uint64_t unit = heap->align, pad = tn_round_up(space->size, unit) - space->size;
    if (pad > 0)
        tn_space_fix(space, tn_space_extend(space, pad));
    uint32_t number = tn_space_extend(space, tn_round_up(more_bytes, unit));
    heap->policy->release(heap, number);
    return 0;
}

uint64_t tn_heap_offset(const struct tn_heap *heap, uint32_t block)
{
    const struct tn_extent *extent = tn_extent(&heap->space, block);
    return extent->kind == TN_EXTENT_MAPPED ? UINT64_MAX : extent->offset + extent->shift;
}

uint64_t tn_heap_need(const struct tn_heap *heap, uint64_t size_bytes)
{
    return size_bytes < TN_HEAP_UNLIMITED ? heap->policy->need(heap, size_bytes) : size_bytes;
}

void tn_heap_state(const struct tn_heap *heap, struct tn_heap_state *ret_state)
{
    const struct tn_space *space = &heap->space;
    uint32_t last = space->last;
    while (last != 0 && tn_extent(space, last)->kind == TN_EXTENT_FIXED)
        last = tn_extent(space, last)->before;
    uint64_t tail = tn_extent_is_free(space, last) ? tn_extent(space, last)->size : 0;
    uint64_t free_bytes = space->size - space->used - space->fixed;
    *ret_state = (struct tn_heap_state){
        .heap_bytes = space->size,
        .live_count = space->live_count,
        .live_bytes = space->live_bytes,
        .used_bytes = space->used,
        .free_bytes = free_bytes,
        .fixed_bytes = space->fixed,
        .hole_bytes = free_bytes - tail,
        .end_bytes = last != 0 ? tn_extent_end(tn_extent(space, last)) - tail : 0,
        .high_water_bytes = space->high_water,
        .mapped_bytes = space->mapped,
        .system_bytes = heap->system_bytes,
        .control_bytes = heap->control_bytes,
    };
}

uint64_t tn_heap_largest_free(const struct tn_heap *heap)
{
    const struct tn_space *space = &heap->space;
    uint64_t largest = 0;
    if (heap->policy->largest != NULL)
        return heap->policy->largest(heap);
    for (uint32_t number = space->first; number != 0; number = tn_extent(space, number)->after)
        if (tn_extent_is_free(space, number) && tn_extent(space, number)->size > largest)
            largest = tn_extent(space, number)->size;
    return largest;
}

uint64_t tn_heap_smallest(const struct tn_heap *heap)
{
    if (heap->policy->smallest != NULL)
        return heap->policy->smallest(heap);
    return heap->space.high_water + heap->tail_bytes;
}

int tn_heap_walk(const struct tn_heap *heap, int (*visit)(void *context, const struct tn_heap_extent *extent),
                 void *context)
{
    const struct tn_space *space = &heap->space;
    int r = 0;
    for (uint32_t number = space->first; number != 0 && r == 0; number = tn_extent(space, number)->after) {
        const struct tn_extent *extent = tn_extent(space, number);
        struct tn_heap_extent seen = {
            .kind = (enum tn_heap_extent_kind)extent->kind,
            .offset_bytes = extent->offset,
            .size_bytes = extent->size,
            .asked_bytes = extent->asked,
            .owner = extent->owner,
        };
        r = visit(context, &seen);
    }
    return r;
}

int tn_heap_check(const struct tn_heap *heap, struct tn_error *error)
{
    const char *fault = tn_space_check(&heap->space);
    if (fault == NULL)
        fault = heap->policy->check(heap);
    if (fault == NULL)
        return 0;
    return tn_error_set(error, -EBADMSG, "the model of %s is inconsistent: %s", heap->policy->name, fault);
}
