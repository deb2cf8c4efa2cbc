/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_H
#define TENURE_HEAP_H

/* Models of small heaps: a region of bytes, and a placement policy that decides where in it a block goes.
 * No memory of the region exists: a model keeps extents. Offsets are those of the user's pointer, relative to
 * the base of the region, which is taken to be aligned to everything. What each policy does, and whose source
 * says so, is in docs/simulator.md. A heap belongs to one thread at a time; heaps know nothing of each other.
 */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_HEAP_UNLIMITED (UINT64_C(1) << 46) /* heap_bytes of a region that no program fills */
#define TN_HEAP_DEFAULT   UINT64_MAX          /* a parameter that takes the policy's own value */

/* A placement policy. Static, never freed. */
struct tn_policy;

/* The policy of a name ("first-fit"), or NULL. */
const struct tn_policy *tn_policy_find(const char *name);

/* All policies, in the order of the documentation: index from 0; NULL behind the last. */
const struct tn_policy *tn_policy_at(size_t index);

/* Its name. Static. */
const char *tn_policy_name(const struct tn_policy *policy);

/* What it is, in one line. Static. */
const char *tn_policy_summary(const struct tn_policy *policy);

/* Whether its placements do not depend on the size of the region, so that one replay without a limit tells
 * the smallest region: it takes the lowest address, or untouched memory last. */
bool tn_policy_is_one_pass(const struct tn_policy *policy);

/* Whether it serves from pools, and cannot be opened without knowing them. */
bool tn_policy_needs_pools(const struct tn_policy *policy);

/* One pool: count blocks of block_bytes. */
struct tn_heap_pool {
    uint64_t block_bytes; /* > 0 */
    uint64_t count;       /* blocks */
};

/* What a heap is opened with. tn_heap_options_init sets all of it. TN_HEAP_DEFAULT is the policy's own value;
 * a parameter that a policy does not know is ignored by it. */
struct tn_heap_options {
    uint64_t heap_bytes;              /* size of the region; TN_HEAP_UNLIMITED at most */
    uint64_t pointer_bytes;           /* of the machine that is modelled: 4 or 8 */
    uint64_t header_bytes;            /* in front of each block: plain policies, buddy */
    uint64_t align_bytes;             /* power of two: what block sizes and offsets are a multiple of */
    uint64_t min_block_bytes;         /* smallest block, header included: plain policies, buddy */
    uint64_t page_bytes;              /* the break moves in pages: newlib, glibc */
    uint64_t top_pad_bytes;           /* asked for beyond need when the break moves: newlib, glibc */
    uint64_t tcache_count;            /* blocks of a size that a thread keeps: glibc; 0: none */
    uint64_t fast_bytes;              /* largest chunk of the fast bins: glibc; 0: none */
    uint64_t mmap_bytes;              /* from this size on, blocks lie outside the region: glibc; 0: never */
    uint64_t regions;                 /* the region is cut into so many: freertos-heap5 */
    const struct tn_heap_pool *pools; /* borrowed until tn_heap_open is done; pools, pools-spill */
    size_t pool_count;                /* of pools */
};

/* All defaults: an unlimited region, 8-byte pointers, no pools. */
void tn_heap_options_init(struct tn_heap_options *options);

/* Set one parameter by its name, as in "glibc:tcache=0": header, align, min-block, page, top-pad, tcache,
 * fast, mmap, regions; values are sizes as tn_parse_bytes reads them.
 *
 * Returns  0; -ENOENT: no such parameter; -EINVAL: no such value (options unchanged) */
int tn_heap_options_set(struct tn_heap_options *options, const char *name, const char *value);

/* A model at work. */
struct tn_heap;

/* Lay out an empty region.
 *
 * Returns  0; -EINVAL: the parameters do not go together, or the region cannot hold the policy's control
 *          structure, with the story in error; -ENOMEM
 * Owns     the caller owns *ret_heap; tn_heap_close releases it */
int tn_heap_open(const struct tn_policy *policy, const struct tn_heap_options *options,
                 struct tn_heap **ret_heap, struct tn_error *error);

/* Release a heap. NULL is fine. */
void tn_heap_close(struct tn_heap *heap);

/* Place a block.
 *
 * size_bytes       what the program asks for
 * alignment_bytes  power of two, or 0 for the policy's own
 * owner            the caller's number for it (a site); tn_heap_walk tells it
 * Returns          0; -ENOSPC: no place (the heap may have consolidated, as the modelled one does);
 *                  -EINVAL: the policy gives no block of this size (0 bytes), which is no failure;
 *                  -ENOMEM: this machine has no memory (heap unchanged)
 * Cost             O(log holes) where docs/simulator.md does not say otherwise */
int tn_heap_place(struct tn_heap *heap, uint64_t size_bytes, uint64_t alignment_bytes, uint32_t owner,
                  uint32_t *ret_block);

/* Release a block. */
void tn_heap_release(struct tn_heap *heap, uint32_t block);

/* Give a block another size: in place where the policy can, else placed anew and the old one released after.
 * The block keeps its owner; an alignment beyond the policy's own is lost, as with realloc.
 *
 * Returns  as tn_heap_place; on error the old block is as it was */
int tn_heap_resize(struct tn_heap *heap, uint32_t block, uint64_t size_bytes, uint32_t *ret_block);

/* Enlarge the region at its end by at least more_bytes, as a break or an added pool does. Returns 0 or
 * -ENOMEM. */
int tn_heap_grow(struct tn_heap *heap, uint64_t more_bytes);

/* Offset of the user's pointer; UINT64_MAX for a block outside the region (glibc's mmap). */
uint64_t tn_heap_offset(const struct tn_heap *heap, uint32_t block);

/* Bytes of region that a block of size_bytes takes: header and rounding included. */
uint64_t tn_heap_need(const struct tn_heap *heap, uint64_t size_bytes);

/* What a heap holds now. Every byte of the region is used, free or fixed. */
struct tn_heap_state {
    uint64_t heap_bytes;       /* size of the region now */
    uint64_t live_count;       /* blocks */
    uint64_t live_bytes;       /* what the program asked for */
    uint64_t used_bytes;       /* what the blocks take, header and rounding included */
    uint64_t free_bytes;       /* not in blocks, and usable */
    uint64_t fixed_bytes;      /* the policy's own structures within the region, and what it can never use */
    uint64_t hole_bytes;       /* free, but not in the last extent: external fragmentation */
    uint64_t end_bytes;        /* where the last extent begins if it is free: untouched memory */
    uint64_t high_water_bytes; /* highest end of a block ever, from the base */
    uint64_t mapped_bytes;     /* blocks outside the region */
    uint64_t system_bytes;     /* highest break ever, control_bytes included: newlib, glibc; else 0 */
    uint64_t control_bytes;    /* RAM of the policy beside the region (TLSF's table, a thread's cache) */
};

/* Read the state. Cost O(1). */
void tn_heap_state(const struct tn_heap *heap, struct tn_heap_state *ret_state);

/* Size of the largest free extent, as the policy sees extents. Cost O(extents). */
uint64_t tn_heap_largest_free(const struct tn_heap *heap);

/* Region that this heap would have needed for what it placed so far; exact where the policy is one-pass. */
uint64_t tn_heap_smallest(const struct tn_heap *heap);

enum tn_extent_kind {
    TN_EXTENT_FREE = 0,
    TN_EXTENT_USED = 1,
    TN_EXTENT_FIXED = 2, /* the policy's own */
};

/* A stretch of the region. */
struct tn_extent {
    enum tn_extent_kind kind;
    uint64_t offset_bytes; /* of its first byte, header included */
    uint64_t size_bytes;
    uint64_t asked_bytes; /* used: what the program asked for; else 0 */
    uint32_t owner;       /* used: as placed; else 0 */
};

/* Visit the extents in the order of their addresses.
 *
 * visit    called once for each; a value other than 0 ends the walk
 * Returns  what the last visit returned, 0 at the end */
int tn_heap_walk(const struct tn_heap *heap, int (*visit)(void *context, const struct tn_extent *extent),
                 void *context);

/* Check every invariant: extents touch and cover the region, sums agree, the policy's index holds exactly the
 * free extents that it should. For tests. Cost O(extents log extents).
 *
 * Returns  0; -EBADMSG with the story in error */
int tn_heap_check(const struct tn_heap *heap, struct tn_error *error);

#endif
