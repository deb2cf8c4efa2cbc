/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_H
#define TENURE_HEAP_H

/* Models of small heaps: a region of bytes, and a placement policy that decides where in it a block goes.
 * The region's memory does not exist: a model only keeps a list of extents. Offsets are those of the pointer
 * that the program would get, relative to the base of the region, which counts as aligned to everything. What
 * each policy does, and which source it follows, is in docs/simulator.md. lib/replay and the analyses use it.
 * One thread at a time on one heap; heaps are independent of each other. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_HEAP_UNLIMITED (UINT64_C(1) << 46) /* heap_bytes of a region that no program fills */
#define TN_HEAP_DEFAULT   UINT64_MAX          /* a parameter that takes the policy's own value */

/* A placement policy. Static, never freed. */
struct tn_policy;

/* Find a policy by its name.
 *
 * name     as documented: "first-fit"
 * Returns  the policy; NULL: there is none of this name
 * Threads  any */
const struct tn_policy *tn_policy_find(const char *name);

/* List all policies, in the order of the documentation.
 *
 * index    from 0
 * Returns  the policy; NULL behind the last one
 * Threads  any */
const struct tn_policy *tn_policy_at(size_t index);

/* Name of a policy, as tn_policy_find takes it. Static string; any thread. */
const char *tn_policy_name(const struct tn_policy *policy);

/* What a policy is, in one line for people. Static string; any thread. */
const char *tn_policy_summary(const struct tn_policy *policy);

/* Whether the policy's placements do not depend on the size of the region, because it prefers low addresses
 * or takes untouched memory last. Then one replay in an unlimited region tells the smallest region. Any
 * thread. */
bool tn_policy_is_one_pass(const struct tn_policy *policy);

/* Whether the policy serves blocks from pools only: tn_heap_open needs a list of pools then. Any thread. */
bool tn_policy_needs_pools(const struct tn_policy *policy);

/* One pool of a heap, as its user configures it. */
struct tn_heap_pool {
    uint64_t block_bytes; /* size of each block, > 0; rounded up to the size of a pointer */
    uint64_t count;       /* number of blocks */
};

/* What a heap is opened with. tn_heap_options_init sets all of it, the caller changes what it wants.
 * TN_HEAP_DEFAULT is the policy's own value; a policy ignores parameters that it does not have. */
struct tn_heap_options {
    uint64_t heap_bytes;              /* size of the region, > 0, at most TN_HEAP_UNLIMITED */
    uint64_t pointer_bytes;           /* of the machine that is modelled: 4 or 8 */
    uint64_t header_bytes;            /* in front of each block, at most 65536: plain policies, buddy */
    uint64_t align_bytes;             /* power of two up to 65536: what sizes and offsets are multiples of */
    uint64_t min_block_bytes;         /* smallest block, header included: plain policies, buddy */
    uint64_t page_bytes;              /* power of two, the break moves in pages: newlib, glibc */
    uint64_t top_pad_bytes;           /* requested beyond need when the break moves: newlib, glibc */
    uint64_t tcache_count;            /* blocks of one size in a thread's cache, 0: no cache: glibc */
    uint64_t fast_bytes;              /* largest chunk of the fast bins, 0: no fast bins: glibc */
    uint64_t mmap_bytes;              /* blocks from this size on lie outside the region, 0: none do: glibc */
    uint64_t regions;                 /* 1 to 1024 equal parts of the region: freertos-heap5 */
    const struct tn_heap_pool *pools; /* borrowed until tn_heap_open returns: pools, pools-spill */
    size_t pool_count;                /* length of pools */
};

/* Set all defaults: an unlimited region, 8-byte pointers, no pools, the policy's own value of the rest. */
void tn_heap_options_init(struct tn_heap_options *options);

/* Set one parameter by its name, as in "glibc:tcache=0".
 *
 * name     header, align, min-block, page, top-pad, tcache, fast, mmap or regions
 * value    a size as tn_parse_bytes reads it, at most TN_HEAP_UNLIMITED
 * Returns  0; -ENOENT: no such parameter; -EINVAL: no such value (options unchanged in both cases) */
int tn_heap_options_set(struct tn_heap_options *options, const char *name, const char *value);

/* A heap model at work. */
struct tn_heap;

/* Lay out an empty region.
 *
 * options  copied, but for the pools
 * Returns  0; -EINVAL: parameters contradict each other, or the region is too small for the policy's own
 *          structures and one block; -ENOMEM; *ret_heap is untouched and error says what failed
 * Owns     the caller owns *ret_heap; tn_heap_close releases it */
int tn_heap_open(const struct tn_policy *policy, const struct tn_heap_options *options,
                 struct tn_heap **ret_heap, struct tn_error *error);

/* Release a heap and all its blocks. NULL is fine. */
void tn_heap_close(struct tn_heap *heap);

/* Place a block.
 *
 * size_bytes       what the program requests
 * alignment_bytes  power of two; 0: the policy's own
 * owner            the caller's number for it, such as a site; tn_heap_walk and tn_heap_find_pins report it
 * ret_block        the block, not 0; valid until it is released or resized
 * Returns          0; -ENOSPC: nothing free is large enough (the heap may have consolidated, as the modelled
 *                  one does); -EINVAL: this policy gives no block of 0 bytes, which is no failure;
 *                  -ENOMEM: this machine has no memory (heap unchanged)
 * Cost             O(log free extents) unless docs/simulator.md says otherwise */
int tn_heap_place(struct tn_heap *heap, uint64_t size_bytes, uint64_t alignment_bytes, uint32_t owner,
                  uint32_t *ret_block);

/* Prefetch what the release of a block reads, some releases before it: first, with is_near false, the block,
 * then its neighbours. Only hints; the block must be live. */
void tn_heap_expect(const struct tn_heap *heap, uint32_t block, bool is_near);

/* Release a block, which must be live.
 *
 * Cost  as tn_heap_place */
void tn_heap_release(struct tn_heap *heap, uint32_t block);

/* Give a block another size: in place where the policy can, else placed anew, and the old one released after.
 * It keeps its owner; an alignment beyond the policy's own is lost, as with realloc.
 *
 * ret_block  may be the same block
 * Returns    as tn_heap_place; on error the old block is as it was
 * Cost       as tn_heap_place */
int tn_heap_resize(struct tn_heap *heap, uint32_t block, uint64_t size_bytes, uint32_t *ret_block);

/* Enlarge the region at its end, as a program break or an added pool does.
 *
 * more_bytes  at least so many; pools add one block of the pool that a request of this size belongs to
 * Returns     0; -ENOMEM (heap unchanged) */
int tn_heap_grow(struct tn_heap *heap, uint64_t more_bytes);

/* Offset of the pointer that the program gets for a live block, in bytes; UINT64_MAX: the block is outside
 * the region (glibc's mmap). */
uint64_t tn_heap_offset(const struct tn_heap *heap, uint32_t block);

/* Bytes of the region that a block of size_bytes takes, header and rounding included; 0: no block of this
 * size is ever given. */
uint64_t tn_heap_need(const struct tn_heap *heap, uint64_t size_bytes);

/* What a heap holds now. used_bytes + free_bytes + fixed_bytes = heap_bytes. Written by tn_heap_state. */
struct tn_heap_state {
    uint64_t heap_bytes;  /* size of the region now */
    uint64_t live_count;  /* live blocks */
    uint64_t live_bytes;  /* what the program requested for them */
    uint64_t used_bytes;  /* what the blocks take, header and rounding included */
    uint64_t free_bytes;  /* not in blocks, and usable */
    uint64_t fixed_bytes; /* the policy's own structures within the region, and what it can never use */
    uint64_t hole_bytes;  /* free, but not in the last extent: external fragmentation */
    uint64_t end_bytes;   /* where the last extent begins if it is free: untouched memory; else its end */
    uint64_t high_water_bytes; /* highest end of a block ever, from the base */
    uint64_t mapped_bytes;     /* blocks outside the region */
    uint64_t system_bytes;     /* highest break ever, control_bytes included: newlib, glibc; else 0 */
    uint64_t control_bytes;    /* RAM of the policy beside the region (TLSF's table, a thread's cache) */
};

/* Read the state.
 *
 * Cost  O(1) */
void tn_heap_state(const struct tn_heap *heap, struct tn_heap_state *ret_state);

/* Size in bytes of the largest free extent that could become a block; 0: nothing is free.
 *
 * Cost  O(extents) */
uint64_t tn_heap_largest_free(const struct tn_heap *heap);

/* Size in bytes of the region that this heap would have needed for everything it placed so far; exact where
 * tn_policy_is_one_pass.
 *
 * Cost  O(1) */
uint64_t tn_heap_smallest(const struct tn_heap *heap);

enum tn_heap_extent_kind {
    TN_HEAP_FREE = 0,
    TN_HEAP_USED = 1,
    TN_HEAP_FIXED = 2, /* the policy's own */
};

/* A stretch of the region, as tn_heap_walk shows it. Extents touch and cover the region. */
struct tn_heap_extent {
    enum tn_heap_extent_kind kind;
    uint64_t offset_bytes; /* of its first byte, header included */
    uint64_t size_bytes;   /* > 0 */
    uint64_t asked_bytes;  /* used: what the program requested; else 0 */
    uint32_t owner;        /* used: as given to tn_heap_place; else 0 */
};

/* Visit the extents in the order of their addresses.
 *
 * visit    called once for each; extent is valid during the call; a result other than 0 ends the walk
 * context  passed to visit
 * Returns  what the last visit returned, 0 at the end
 * Cost     O(extents) */
int tn_heap_walk(const struct tn_heap *heap, int (*visit)(void *context, const struct tn_heap_extent *extent),
                 void *context);

/* What tn_heap_find_pins finds besides. */
struct tn_heap_holes {
    uint64_t hole_count;         /* free extents below untouched memory */
    uint64_t largest_free_bytes; /* largest free extent, untouched memory included; 0: none */
};

/* Find who pins holes: whose blocks alone stand between two holes, which would be one without them.
 *
 * blame      called in the order of addresses for each run of one owner's blocks between two holes, with the
 *            bytes of the holes beside it; a hole between two runs of one owner is told once. A result other
 *            than 0 ends the walk. NULL: only the holes are counted
 * context    passed to blame
 * ret_holes  written unless blame ended the walk; may be NULL
 * Returns    what the last blame returned, 0 at the end
 * Cost       O(extents) */
int tn_heap_find_pins(const struct tn_heap *heap, int (*blame)(void *context, uint32_t owner, uint64_t bytes),
                      void *context, struct tn_heap_holes *ret_holes);

/* What an owner pins over several walks. Zeroed: nothing. Written by tn_heap_pin_add. */
struct tn_heap_pin {
    double byte_ns;      /* pinned bytes x time */
    uint64_t peak_bytes; /* most bytes pinned at one moment */
    uint64_t now_bytes;  /* bytes pinned at the walk of this number */
    uint64_t walk;       /* number of the last walk that found any; 0: none */
};

/* Add what blame was told to an owner's account.
 *
 * walk       number of the walk, from 1, rising
 * bytes      as told to blame
 * weight_ns  for how long the heap has looked like this */
void tn_heap_pin_add(struct tn_heap_pin *pin, uint64_t walk, uint64_t bytes, double weight_ns);

/* Check every invariant: extents touch and cover the region, sums agree, the policy's index holds exactly the
 * free extents that it should. For tests.
 *
 * Returns  0; -EBADMSG, error says which invariant is broken
 * Cost     O(extents log extents) */
int tn_heap_check(const struct tn_heap *heap, struct tn_error *error);

#endif
