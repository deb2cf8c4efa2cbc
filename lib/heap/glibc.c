/* SPDX-License-Identifier: MIT */
/* glibc 2.36's malloc with one arena and one thread: the thread's cache, then fast bins, small bins, the
 * unsorted list, best fit over all bins, and the top last. Terms are those of malloc.c, so that both can
 * be read side by side: a chunk is a block with its header. The bins are in glibc_bins.c. */
#include "glibc.h"

#include <errno.h>

#define PAGE_BYTES        4096
#define PAD_BYTES         (128 * 1024)       /* M_TOP_PAD */
#define TRIM_BYTES        (128 * 1024)       /* M_TRIM_THRESHOLD */
#define MMAP_MOST         (32 * 1024 * 1024) /* the dynamic threshold's limit */
#define CONSOLIDATE_BYTES (64 * 1024)        /* FASTBIN_CONSOLIDATION_THRESHOLD */
#define CACHE_COUNT       7

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    uint64_t bytes = tn_round_up(size + heap->pointer, heap->align), least = tn_glibc_least_chunk(heap);
    return bytes > least ? bytes : least;
}

static void read_options(struct tn_heap *heap)
{
    struct tn_glibc *glibc = heap->state;
    glibc->page = tn_or(heap->options.page_bytes, PAGE_BYTES);
    glibc->pad = tn_or(heap->options.top_pad_bytes, PAD_BYTES);
    glibc->mmap = tn_or(heap->options.mmap_bytes, 0);
    glibc->cache_count = tn_or(heap->options.tcache_count, CACHE_COUNT);
    glibc->fast_most = tn_or(heap->options.fast_bytes, 16 * heap->pointer);
    glibc->trim = TRIM_BYTES;
    /* Each cached size has a pointer and a 16-bit count. */
    uint64_t cache = TN_GLIBC_CACHES * (heap->pointer + 2);
    heap->control_bytes = glibc->cache_count > 0 ? need(heap, cache) : 0;
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct tn_glibc *glibc = heap->state;
    heap->align = tn_or(heap->options.align_bytes, 2 * heap->pointer);
    if (heap->align < 2 * heap->pointer || heap->align > 16)
        return tn_error_set(error, -EINVAL, "glibc aligns blocks to two words, or to 16 bytes");
    heap->natural = heap->align;
    heap->header = 2 * heap->pointer;
    heap->tail_bytes = tn_glibc_least_chunk(heap); /* the top is never empty */
    read_options(heap);
    if (glibc->fast_most / heap->align >= TN_GLIBC_FASTS)
        return tn_error_set(error, -EINVAL, "glibc has fast bins up to chunks of %d bytes at this alignment",
                            (int)(heap->align * (TN_GLIBC_FASTS - 1)));
    glibc->large.order = TN_TREE_BY_SIZE;
    glibc->rank = UINT64_MAX;
    glibc->last_remainder = UINT64_MAX;
    uint64_t usable = tn_round_down(heap->space.size, heap->align), least = need(heap, 1) + heap->tail_bytes;
    if (usable < least)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(&heap->space, heap->space.size - usable);
    glibc->top = heap->space.first;
    /* The thread's cache is itself the first block of the heap, and moves the break for the first time. */
    if (heap->control_bytes > 0)
        heap->system_bytes = glibc->break_bytes =
            tn_round_up(heap->control_bytes + glibc->pad + tn_glibc_least_chunk(heap), glibc->page);
    return 0;
}

/* Size of the top as the C library sees it: its break moves as if the region had no end. */
static uint64_t system_top_size(const struct tn_heap *heap)
{
    const struct tn_glibc *glibc = heap->state;
    uint64_t offset = tn_extent(&heap->space, glibc->top)->offset + heap->control_bytes;
    return glibc->break_bytes > offset ? glibc->break_bytes - offset : 0;
}

/* Size of the part of the top that lies in the region. */
static uint64_t top_size(const struct tn_heap *heap)
{
    const struct tn_glibc *glibc = heap->state;
    uint64_t size = system_top_size(heap), most = tn_extent(&heap->space, glibc->top)->size;
    return size < most ? size : most;
}

static uint32_t take_list(struct tn_heap *heap, struct tn_list *list, uint32_t number)
{
    tn_list_remove(list, &heap->space, number);
    tn_extent(&heap->space, number)->list = TN_GLIBC_NONE;
    return number;
}

/* The cache of a chunk size; NULL: it is full, or there is none. */
static struct tn_list *cache_with_room(struct tn_heap *heap, uint64_t size)
{
    struct tn_glibc *glibc = heap->state;
    size_t index = tn_glibc_cache_index(heap, size);
    if (glibc->cache_count == 0 || index >= TN_GLIBC_CACHES)
        return NULL;
    return glibc->caches[index].count < glibc->cache_count ? &glibc->caches[index] : NULL;
}

static void put_in_cache(struct tn_heap *heap, struct tn_list *cache, uint32_t number)
{
    tn_extent(&heap->space, number)->list = TN_GLIBC_CACHE;
    tn_list_push_front(cache, &heap->space, number);
}

static uint32_t take_cached(struct tn_heap *heap, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    size_t index = tn_glibc_cache_index(heap, need_bytes);
    if (index >= TN_GLIBC_CACHES || glibc->caches[index].count == 0)
        return 0;
    return take_list(heap, &glibc->caches[index], glibc->caches[index].first);
}

/* Last in, first out; the rest of the bin fills the cache. */
static uint32_t take_fast(struct tn_heap *heap, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    if (need_bytes > glibc->fast_most)
        return 0;
    struct tn_list *bin = &glibc->fasts[need_bytes / heap->align], *cache;
    if (bin->first == 0)
        return 0;
    uint32_t number = take_list(heap, bin, bin->first);
    glibc->fast_count--;
    while (bin->first != 0 && (cache = cache_with_room(heap, need_bytes)) != NULL) {
        put_in_cache(heap, cache, take_list(heap, bin, bin->first));
        glibc->fast_count--;
    }
    return number;
}

/* First in, first out; the rest of the bin fills the cache. */
static uint32_t take_small(struct tn_heap *heap, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    const struct tn_list *bin = &glibc->smalls[need_bytes / heap->align];
    struct tn_list *cache;
    uint32_t number = bin->last;
    if (number == 0)
        return 0;
    tn_glibc_unlink(heap, number);
    while (bin->last != 0 && (cache = cache_with_room(heap, need_bytes)) != NULL) {
        uint32_t more = bin->last;
        tn_glibc_unlink(heap, more);
        put_in_cache(heap, cache, more);
    }
    return number;
}

/* Merge a chunk with both neighbours, into the top or the unsorted list. */
static uint32_t free_merged(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    struct tn_space *space = &heap->space;
    uint32_t before = tn_extent(space, number)->before;
    if (tn_glibc_is_joinable(heap, before)) {
        tn_glibc_unlink(heap, before);
        tn_space_join(space, number, before);
    }
    uint32_t after = tn_extent(space, number)->after;
    if (after != 0 && after == glibc->top) {
        tn_space_join(space, glibc->top, number);
        return glibc->top;
    }
    if (tn_glibc_is_joinable(heap, after)) {
        tn_glibc_unlink(heap, after);
        tn_space_join(space, number, after);
    }
    tn_extent(space, number)->list = TN_GLIBC_UNSORTED;
    tn_list_push_front(&glibc->unsorted, space, number);
    return number;
}

static void consolidate(struct tn_heap *heap)
{
    struct tn_glibc *glibc = heap->state;
    for (size_t i = 0; i < TN_GLIBC_FASTS; i++)
        while (glibc->fasts[i].first != 0) {
            uint32_t number = take_list(heap, &glibc->fasts[i], glibc->fasts[i].first);
            glibc->fast_count--;
            free_merged(heap, number);
        }
}

/* Split a chunk that is in no list; the rest goes to the front of the unsorted list. */
static uint32_t split(struct tn_heap *heap, uint32_t number, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    uint64_t rest_bytes = tn_extent(&heap->space, number)->size - need_bytes;
    if (rest_bytes < tn_glibc_least_chunk(heap))
        return number;
    uint32_t rest = tn_space_cut_high(&heap->space, number, rest_bytes);
    tn_extent(&heap->space, rest)->list = TN_GLIBC_UNSORTED;
    tn_list_push_front(&glibc->unsorted, &heap->space, rest);
    return number;
}

static void note_remainder(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    uint32_t rest = tn_extent(&heap->space, number)->after;
    if (rest != 0 && rest == glibc->unsorted.first)
        glibc->last_remainder = tn_extent(&heap->space, rest)->offset;
}

/* Cut a small request from the last remainder if that is the only unsorted chunk, so that consecutive
 * small requests lie side by side. */
static uint32_t try_remainder(struct tn_heap *heap, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    uint32_t number = glibc->unsorted.last;
    const struct tn_extent *chunk = tn_extent(&heap->space, number);
    if (need_bytes >= tn_glibc_least_large(heap) || glibc->unsorted.count != 1 ||
        chunk->offset != glibc->last_remainder || chunk->size <= need_bytes + tn_glibc_least_chunk(heap))
        return 0;
    tn_glibc_unlink(heap, number);
    split(heap, number, need_bytes);
    note_remainder(heap, number);
    return number;
}

/* Go through the unsorted chunks from the oldest on: take one that fits exactly (or put it into the cache
 * while that has room), and file all others into their bins. */
static uint32_t sort_out(struct tn_heap *heap, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    bool is_cached = false;
    while (glibc->unsorted.last != 0) {
        uint32_t number = try_remainder(heap, need_bytes);
        if (number != 0)
            return number;
        number = glibc->unsorted.last;
        tn_glibc_unlink(heap, number);
        if (tn_extent(&heap->space, number)->size != need_bytes) {
            tn_glibc_file(heap, number);
            continue;
        }
        struct tn_list *cache = cache_with_room(heap, need_bytes);
        if (cache == NULL)
            return number;
        put_in_cache(heap, cache, number);
        is_cached = true;
    }
    return is_cached ? take_cached(heap, need_bytes) : 0;
}

static uint32_t take_bin(struct tn_heap *heap, uint64_t need_bytes)
{
    bool is_large = need_bytes >= tn_glibc_least_large(heap);
    uint32_t number = is_large ? tn_glibc_find_own(heap, need_bytes) : 0;
    bool is_own = number != 0;
    if (!is_own)
        number = tn_glibc_find_above(heap, need_bytes);
    if (number == 0)
        return 0;
    tn_glibc_unlink(heap, number);
    split(heap, number, need_bytes);
    if (!is_large)
        note_remainder(heap, number);
    return number;
}

static uint32_t take_top(struct tn_heap *heap, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    if (top_size(heap) < need_bytes + tn_glibc_least_chunk(heap))
        return 0;
    return tn_space_cut_low(&heap->space, glibc->top, need_bytes);
}

static uint32_t take_system(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    if (glibc->mmap != 0 && need_bytes >= glibc->mmap)
        return tn_space_map(&heap->space, tn_round_up(need_bytes + heap->pointer, glibc->page), size);
    uint64_t least = need_bytes + tn_glibc_least_chunk(heap), have = system_top_size(heap);
    if (have >= least) /* the region is used up, not the break */
        return 0;
    uint64_t bytes = least + glibc->pad - have;
    glibc->break_bytes += tn_round_up(bytes, glibc->page);
    if (glibc->break_bytes > heap->system_bytes)
        heap->system_bytes = glibc->break_bytes;
    return take_top(heap, need_bytes);
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    uint32_t number = glibc->is_moving ? 0 : take_cached(heap, need_bytes);
    glibc->is_moving = false;
    if (number == 0)
        number = take_fast(heap, need_bytes);
    if (number == 0 && need_bytes < tn_glibc_least_large(heap))
        number = take_small(heap, need_bytes);
    if (number != 0)
        return number;
    if (need_bytes >= tn_glibc_least_large(heap) && glibc->fast_count > 0)
        consolidate(heap);
    for (;;) {
        number = sort_out(heap, need_bytes);
        if (number == 0)
            number = take_bin(heap, need_bytes);
        if (number == 0)
            number = take_top(heap, need_bytes);
        if (number != 0)
            return number;
        if (glibc->fast_count == 0)
            return take_system(heap, size, need_bytes);
        consolidate(heap);
    }
}

/* Give the end of the heap back to the system if it is large. */
static void trim(struct tn_heap *heap)
{
    struct tn_glibc *glibc = heap->state;
    uint64_t size = system_top_size(heap), least = tn_glibc_least_chunk(heap);
    if (size < glibc->trim || size <= least + 1 + glibc->pad)
        return;
    glibc->break_bytes -= tn_round_down(size - least - 1 - glibc->pad, glibc->page);
}

/* The mmap threshold grows to the size of mapped blocks that are released. */
static void unmap(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    uint64_t size = tn_extent(&heap->space, number)->size;
    if (size > glibc->mmap && size <= MMAP_MOST) {
        glibc->mmap = size;
        glibc->trim = 2 * size;
    }
    tn_space_unmap(&heap->space, number);
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct tn_glibc *glibc = heap->state;
    if (tn_extent(&heap->space, number)->kind == TN_EXTENT_MAPPED) {
        unmap(heap, number);
        return;
    }
    uint64_t size = tn_extent(&heap->space, number)->size;
    struct tn_list *cache = cache_with_room(heap, size);
    if (cache != NULL) {
        put_in_cache(heap, cache, number);
        return;
    }
    if (size <= glibc->fast_most) {
        tn_extent(&heap->space, number)->list = TN_GLIBC_FAST;
        tn_list_push_front(&glibc->fasts[size / heap->align], &heap->space, number);
        glibc->fast_count++;
        return;
    }
    uint32_t merged = free_merged(heap, number);
    uint64_t merged_bytes =
        merged == glibc->top ? system_top_size(heap) : tn_extent(&heap->space, merged)->size;
    if (merged_bytes < CONSOLIDATE_BYTES)
        return;
    if (glibc->fast_count > 0)
        consolidate(heap);
    trim(heap);
}

/* realloc: shrink, or grow into the top or the next free chunk; release the rest. */
static bool resize_in_place(struct tn_heap *heap, uint32_t number, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    struct tn_space *space = &heap->space;
    uint32_t after = tn_extent(space, number)->after;
    uint64_t have = tn_extent(space, number)->size;
    if (need_bytes > have && after != 0 && after == glibc->top) {
        if (have + top_size(heap) < need_bytes + tn_glibc_least_chunk(heap))
            return false;
        tn_space_widen(space, number, need_bytes - have);
        return true;
    }
    if (need_bytes > have) {
        if (!tn_glibc_is_joinable(heap, after) || have + tn_extent(space, after)->size < need_bytes)
            return false;
        tn_glibc_unlink(heap, after);
        tn_space_widen(space, number, tn_extent(space, after)->size);
    }
    if (tn_extent(space, number)->size - need_bytes >= tn_glibc_least_chunk(heap))
        release(heap, tn_space_trim(space, number, need_bytes));
    return true;
}

static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    struct tn_glibc *glibc = heap->state;
    (void)size;
    glibc->is_moving = !resize_in_place(heap, number, need_bytes);
    return !glibc->is_moving;
}

static void grow(struct tn_heap *heap, uint64_t more)
{
    struct tn_glibc *glibc = heap->state;
    uint32_t new = tn_space_extend(&heap->space, tn_round_up(more, glibc->page));
    if (tn_extent(&heap->space, glibc->top)->after == new) {
        tn_space_join(&heap->space, glibc->top, new);
        return;
    }
    tn_space_fix(&heap->space, glibc->top);
    glibc->top = new;
}

const struct tn_policy tn_policy_glibc = {
    .name = "glibc",
    .summary = "glibc 2.36, one arena: thread's cache, fast bins, unsorted, best fit, top",
    .state_bytes = sizeof(struct tn_glibc),
    .is_one_pass = true,
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .resize = resize,
    .grow = grow,
    .check = tn_glibc_check,
};
