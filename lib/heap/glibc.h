/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_GLIBC_H
#define TENURE_HEAP_GLIBC_H

/* The bins of the glibc model (glibc_bins.c), as the algorithm in glibc.c uses them. */

#include "extent_list.h"
#include "extent_tree.h"
#include "policy.h"

#define TN_GLIBC_CACHES 64 /* sizes that a thread's cache keeps */
#define TN_GLIBC_SMALLS 64 /* bins of one size */
#define TN_GLIBC_FASTS  16 /* more than global_max_fast needs */

/* Where a free chunk is (tn_extent.list). Chunks in caches and fast bins are not merged with their
 * neighbours. */
enum tn_glibc_list {
    TN_GLIBC_NONE = 0,
    TN_GLIBC_CACHE,
    TN_GLIBC_FAST,
    TN_GLIBC_UNSORTED,
    TN_GLIBC_SMALL,
    TN_GLIBC_LARGE,
};

struct tn_glibc {
    struct tn_list caches[TN_GLIBC_CACHES]; /* last in, first out */
    struct tn_list fasts[TN_GLIBC_FASTS];   /* last in, first out */
    struct tn_list unsorted;                /* in at the front, looked through from the back */
    struct tn_list smalls[TN_GLIBC_SMALLS]; /* first in, first out */
    uint64_t small_map;                     /* small bins that are not empty */
    struct tn_tree large;                   /* by size; rank: see tn_glibc_file_large */
    uint64_t rank;
    uint32_t fast_count;            /* chunks in all fast bins */
    uint32_t top;                   /* the wilderness, and what lies beyond the break */
    uint64_t last_remainder;        /* offset, may be stale as in the original; UINT64_MAX: none */
    uint64_t break_bytes;           /* from the heap's begin, the thread's cache before the region included */
    uint64_t page, pad, trim, mmap; /* bytes; mmap 0: never */
    uint64_t cache_count, fast_most; /* limits; fast_most: chunk size */
    bool is_moving;                  /* a realloc is about to move: it does not ask the thread's cache */
};

/* Index of a chunk size in the caches. */
size_t tn_glibc_cache_index(const struct tn_heap *heap, uint64_t size);

/* Smallest chunk, and smallest size that has no small bin of its own. */
uint64_t tn_glibc_least_chunk(const struct tn_heap *heap);
uint64_t tn_glibc_least_large(const struct tn_heap *heap);

/* largebin_index. */
unsigned tn_glibc_large_bin(const struct tn_heap *heap, uint64_t size);

/* Put a chunk that is in no list into its small or large bin. */
void tn_glibc_file(struct tn_heap *heap, uint32_t number);

/* Take a chunk out of the unsorted list or its bin. */
void tn_glibc_unlink(struct tn_heap *heap, uint32_t number);

/* The chunk that a large request takes from its own bin: the smallest that fits, the second one of equal
 * sizes; 0: none. */
uint32_t tn_glibc_find_own(const struct tn_heap *heap, uint64_t need);

/* The chunk that a request takes from larger bins: the last one of the smallest size that fits; 0: none. */
uint32_t tn_glibc_find_above(const struct tn_heap *heap, uint64_t need);

/* Whether a chunk is merged with neighbours that become free. */
bool tn_glibc_is_joinable(const struct tn_heap *heap, uint32_t number);

/* All lists: NULL, or what is wrong. */
const char *tn_glibc_check(const struct tn_heap *heap);

#endif
