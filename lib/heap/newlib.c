/* SPDX-License-Identifier: MIT */
/* newlib's full malloc, which is dlmalloc 2.6. Its bins hold chunks of equal size first in, first out;
 * small bins have one size, large ones are sorted. So all bins together are one order by size and age, in
 * which the first chunk that fits is taken. Where bins matter is when a chunk may be taken whole before
 * the last remainder is tried. */
#include "extent_tree.h"
#include "policy.h"

#define SMALL_SIZE 504 /* requests below it have bins of one size (MAX_SMALLBIN_SIZE - SMALLBIN_WIDTH) */
#define TRIM_BYTES (128 * 1024)
#define PAGE_BYTES 4096
#define PAGE_SMALL 128 /* SMALL_MEMORY */

struct newlib {
    struct tn_tree bins; /* by size; the rank is the age */
    uint64_t age;
    uint32_t top;            /* the wilderness, and what lies beyond the break; 0: used up */
    uint32_t last_remainder; /* 0: none; in no bin */
    uint64_t break_bytes;
    uint64_t page, pad;
};

static uint64_t least_chunk(const struct tn_heap *heap)
{
    return 4 * heap->pointer;
}

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    uint64_t bytes = tn_round_up(size + heap->pointer, heap->align);
    return bytes > least_chunk(heap) ? bytes : least_chunk(heap);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct newlib *newlib = heap->state;
    heap->align = heap->natural = 2 * heap->pointer;
    heap->header = 2 * heap->pointer;
    newlib->bins.order = TN_TREE_BY_SIZE;
    newlib->page = tn_or(heap->options.page_bytes, heap->pointer == 4 ? PAGE_SMALL : PAGE_BYTES);
    newlib->pad = tn_or(heap->options.top_pad_bytes, 0);
    uint64_t usable = tn_round_down(heap->space.size, heap->align);
    uint64_t least = need(heap, 1) + newlib->pad + least_chunk(heap);
    if (usable < least)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    newlib->top = heap->space.first;
    return 0;
}

/* bin_index of dlmalloc 2.6. */
static unsigned bin_of(uint64_t size)
{
    uint64_t s = size >> 9;
    if (s == 0)
        return (unsigned)(size >> 3);
    if (s <= 4)
        return 56 + (unsigned)(size >> 6);
    if (s <= 20)
        return 91 + (unsigned)(size >> 9);
    if (s <= 84)
        return 110 + (unsigned)(size >> 12);
    if (s <= 340)
        return 119 + (unsigned)(size >> 15);
    if (s <= 1364)
        return 124 + (unsigned)(size >> 18);
    return 126;
}

static void insert(struct tn_heap *heap, uint32_t number)
{
    struct newlib *newlib = heap->state;
    tn_extent(&heap->space, number)->key = ++newlib->age;
    tn_tree_insert(&newlib->bins, &heap->space, number);
}

/* Take a chunk out of its bin, or stop it from being the last remainder. */
static void take_out(struct tn_heap *heap, uint32_t number)
{
    struct newlib *newlib = heap->state;
    if (number == newlib->last_remainder)
        newlib->last_remainder = 0;
    else
        tn_tree_remove(&newlib->bins, &heap->space, number);
}

static uint64_t top_size(const struct tn_heap *heap)
{
    const struct newlib *newlib = heap->state;
    if (newlib->top == 0 || newlib->break_bytes <= tn_extent(&heap->space, newlib->top)->offset)
        return 0;
    return newlib->break_bytes - tn_extent(&heap->space, newlib->top)->offset;
}

static bool move_break(struct tn_heap *heap, uint64_t bytes)
{
    struct newlib *newlib = heap->state;
    if (newlib->top == 0 || newlib->break_bytes + bytes > tn_extent_end(tn_extent(&heap->space, newlib->top)))
        return false;
    newlib->break_bytes += bytes;
    if (newlib->break_bytes > heap->system_bytes)
        heap->system_bytes = newlib->break_bytes;
    return true;
}

/* The first time, the break is moved again, up to the end of a page; it does not matter if that fails. */
static void extend_top(struct tn_heap *heap, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    uint64_t bytes = need_bytes + newlib->pad + least_chunk(heap);
    if (heap->system_bytes > 0) {
        move_break(heap, tn_round_up(bytes, newlib->page));
        return;
    }
    if (move_break(heap, bytes))
        move_break(heap, newlib->page - (bytes & (newlib->page - 1)));
}

static uint32_t take_top(struct tn_heap *heap, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    if (top_size(heap) < need_bytes + least_chunk(heap))
        extend_top(heap, need_bytes);
    if (top_size(heap) < need_bytes + least_chunk(heap))
        return 0;
    return tn_space_cut_low(&heap->space, newlib->top, need_bytes);
}

/* Split a chunk that is in no bin; the rest is the last remainder. */
static uint32_t split(struct tn_heap *heap, uint32_t number, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    uint64_t rest = tn_extent(&heap->space, number)->size - need_bytes;
    newlib->last_remainder = tn_space_cut_high(&heap->space, number, rest);
    return number;
}

/* A chunk of the request's own bin whose rest would be too small for a chunk. */
static uint32_t find_exact(const struct tn_heap *heap, uint64_t need_bytes)
{
    const struct newlib *newlib = heap->state;
    uint32_t number = tn_tree_at_least(&newlib->bins, &heap->space, need_bytes, 0);
    if (number == 0)
        return 0;
    uint64_t size = tn_extent(&heap->space, number)->size;
    if (need_bytes < SMALL_SIZE) /* with an alignment of 8, so would the next bin's */
        return size == need_bytes || (heap->align == 8 && size == need_bytes + 8) ? number : 0;
    return bin_of(size) == bin_of(need_bytes) && size - need_bytes < least_chunk(heap) ? number : 0;
}

static uint32_t try_remainder(struct tn_heap *heap, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    uint32_t number = newlib->last_remainder;
    if (number == 0)
        return 0;
    newlib->last_remainder = 0;
    uint64_t size = tn_extent(&heap->space, number)->size;
    if (size >= need_bytes + least_chunk(heap))
        return split(heap, number, need_bytes);
    if (size >= need_bytes)
        return number;
    insert(heap, number);
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    (void)size;
    uint32_t number = find_exact(heap, need_bytes);
    if (number != 0) {
        take_out(heap, number);
        return number;
    }
    number = try_remainder(heap, need_bytes);
    if (number != 0)
        return number;
    number = tn_tree_at_least(&newlib->bins, &heap->space, need_bytes, 0);
    if (number == 0)
        return take_top(heap, need_bytes);
    take_out(heap, number);
    if (tn_extent(&heap->space, number)->size - need_bytes < least_chunk(heap))
        return number;
    /* There is no last remainder here: it was tried, and filed into its bin. */
    return split(heap, number, need_bytes);
}

/* Give the pages at the end back to the system, all but one. */
static void trim(struct tn_heap *heap)
{
    struct newlib *newlib = heap->state;
    uint64_t size = top_size(heap);
    if (size < TRIM_BYTES)
        return;
    uint64_t pages = (size - newlib->pad - least_chunk(heap) + newlib->page - 1) / newlib->page;
    if (pages > 1)
        newlib->break_bytes -= (pages - 1) * newlib->page;
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct newlib *newlib = heap->state;
    struct tn_space *space = &heap->space;
    uint32_t before = tn_extent(space, number)->before, after = tn_extent(space, number)->after;
    bool is_remainder = false;
    if (tn_extent_is_free(space, before)) {
        is_remainder = before == newlib->last_remainder && after != newlib->top;
        take_out(heap, before);
        tn_space_join(space, number, before);
    }
    if (after != 0 && after == newlib->top) {
        tn_space_join(space, newlib->top, number);
        trim(heap);
        return;
    }
    if (tn_extent_is_free(space, after)) {
        is_remainder = is_remainder || after == newlib->last_remainder;
        take_out(heap, after);
        tn_space_join(space, number, after);
    }
    if (is_remainder)
        newlib->last_remainder = number;
    else
        insert(heap, number);
}

/* Widen a block into the next free chunk, all of it, or by what the request needs into the top. */
static bool widen_high(struct tn_heap *heap, uint32_t number, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    struct tn_space *space = &heap->space;
    uint32_t after = tn_extent(space, number)->after;
    uint64_t have = tn_extent(space, number)->size;
    if (after != 0 && after == newlib->top) {
        if (top_size(heap) + have < need_bytes + least_chunk(heap))
            return false;
        tn_space_widen(space, number, need_bytes - have);
        return true;
    }
    if (!tn_extent_is_free(space, after) || tn_extent(space, after)->size + have < need_bytes)
        return false;
    take_out(heap, after);
    tn_space_widen(space, number, tn_extent(space, after)->size);
    return true;
}

/* Widen a block into the free chunk before it, and into the next one if that makes the request fit. */
static bool widen_low(struct tn_heap *heap, uint32_t number, uint64_t need_bytes)
{
    struct newlib *newlib = heap->state;
    struct tn_space *space = &heap->space;
    uint32_t before = tn_extent(space, number)->before, after = tn_extent(space, number)->after;
    if (!tn_extent_is_free(space, before))
        return false;
    uint64_t both = tn_extent(space, before)->size + tn_extent(space, number)->size;
    bool is_top = after != 0 && after == newlib->top;
    uint64_t behind = is_top                            ? top_size(heap)
                      : tn_extent_is_free(space, after) ? tn_extent(space, after)->size
                                                        : 0;
    uint64_t all_need = need_bytes + (is_top ? least_chunk(heap) : 0);
    bool takes_behind = behind > 0 && both + behind >= all_need;
    if (!takes_behind && both < need_bytes)
        return false;
    take_out(heap, before);
    tn_space_widen_low(space, number);
    if (takes_behind && !is_top) {
        take_out(heap, after);
        tn_space_widen(space, number, tn_extent(space, after)->size);
    }
    if (takes_behind && is_top && both < need_bytes)
        tn_space_widen(space, number, need_bytes - both);
    return true;
}

/* realloc: shrink, else grow up, else grow down. */
static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    (void)size;
    bool fits = tn_extent(&heap->space, number)->size >= need_bytes;
    if (!fits && !widen_high(heap, number, need_bytes) && !widen_low(heap, number, need_bytes))
        return false;
    if (tn_extent(&heap->space, number)->size - need_bytes >= least_chunk(heap))
        release(heap, tn_space_trim(&heap->space, number, need_bytes));
    return true;
}

static void grow(struct tn_heap *heap, uint64_t more)
{
    struct newlib *newlib = heap->state;
    uint32_t new = tn_space_extend(&heap->space, tn_round_up(more, newlib->page));
    if (newlib->top != 0 && tn_extent(&heap->space, newlib->top)->after == new) {
        tn_space_join(&heap->space, newlib->top, new);
        return;
    }
    if (newlib->top != 0)
        tn_space_fix(&heap->space, newlib->top);
    newlib->top = new;
    newlib->break_bytes = tn_extent(&heap->space, new)->offset;
}

static uint64_t smallest(const struct tn_heap *heap)
{
    return heap->system_bytes;
}

static const char *check(const struct tn_heap *heap)
{
    const struct newlib *newlib = heap->state;
    const struct tn_space *space = &heap->space;
    uint32_t count = 0;
    for (uint32_t number = space->first; number != 0; number = tn_extent(space, number)->after) {
        if (!tn_extent_is_free(space, number))
            continue;
        bool is_binned = number != newlib->top && number != newlib->last_remainder;
        if (is_binned != tn_extent(space, number)->is_indexed)
            return "a free chunk is in no bin, or the top is in one";
        if (tn_extent_is_free(space, tn_extent(space, number)->after))
            return "two free chunks touch";
        count += is_binned;
    }
    return count == newlib->bins.count ? tn_tree_check(&newlib->bins, space)
                                       : "the bins do not hold exactly the free chunks";
}

const struct tn_policy tn_policy_newlib = {
    .name = "newlib",
    .summary = "newlib's full malloc (dlmalloc 2.6): best fit in bins, the wilderness last",
    .state_bytes = sizeof(struct newlib),
    .is_one_pass = true,
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .resize = resize,
    .grow = grow,
    .smallest = smallest,
    .check = check,
};
