/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_SPACE_H
#define TENURE_HEAP_SPACE_H

/* The region as a chain of extents that touch each other, from its first byte to its last. Policies decide
 * which extent is taken; here it is cut, joined and accounted for, so that no policy can lose a byte. An
 * extent is known by its number, because the array that holds them moves when it grows. Number 0 means
 * none. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_EXTENT_OVERLAP 8 /* bytes: a block of dlmalloc reaches into the first word of the next chunk */

enum tn_extent_kind {
    TN_EXTENT_FREE = 0,
    TN_EXTENT_USED = 1,
    TN_EXTENT_FIXED = 2,  /* the policy's own, or lost for good */
    TN_EXTENT_MAPPED = 3, /* a block outside the region: not in the chain */
    TN_EXTENT_SPARE = 4,  /* not in use */
};

/* One cache line. */
struct tn_extent {
    uint64_t offset;        /* from the base */
    uint64_t size;          /* bytes */
    uint64_t asked;         /* used: bytes that the program asked for */
    uint64_t key;           /* index by address: the size it knows; tree by size: rank among equals */
    uint32_t before, after; /* neighbours in address order; spare: after is the next spare one */
    uint32_t left, right;   /* in a tree; in a list: previous and next */
    uint32_t parent;        /* in a tree; in the index by address: the slice */
    uint32_t owner;         /* used: the caller's number */
    uint32_t shift;         /* used: user's pointer minus offset */
    uint8_t kind;           /* enum tn_extent_kind */
    bool is_indexed;        /* is in a tree or list of its policy */
    uint16_t list;          /* which list, where the policy has several */
};

#define TN_HOLE_LEVELS_MAX 12u

/* The free extents by address, for policies that search so: hole_index.h. */
struct tn_hole_index {
    uint32_t *heads;                      /* owned; by slice: its first hole; 0: none */
    uint64_t *levels[TN_HOLE_LEVELS_MAX]; /* owned, one block: [0] by slice, the largest hole that begins in
                                             it; [n] the largest of eight of [n - 1]; 0: none */
    size_t slice_count;                   /* a power of two */
    unsigned level_count;                 /* the last one has at most eight numbers */
    unsigned shift;                       /* a slice has 2^shift bytes */
    uint32_t hole_count;
    uint64_t steps; /* holes that were looked at, less those expected; decides when slices become smaller */
};

struct tn_space {
    struct tn_extent *extents; /* owned */
    uint32_t capacity, count;  /* slots, slots ever used */
    uint32_t spare;            /* first spare slot */
    uint32_t first, last;      /* of the chain */
    uint64_t size;             /* of the region */
    uint64_t used, fixed;      /* bytes of such extents */
    uint64_t live_count, live_bytes;
    uint64_t mapped;            /* bytes of blocks outside */
    uint64_t high_water;        /* highest end of a used extent ever */
    struct tn_hole_index holes; /* of policies that search by address; empty with others */
};

/* Start with one free extent that covers size bytes. Returns 0 or -ENOMEM. */
int tn_space_open(struct tn_space *space, uint64_t size);

/* Release all. */
void tn_space_close(struct tn_space *space);

/* Make sure that `more` extents can be created without allocating. Returns 0 or -ENOMEM. */
int tn_space_reserve(struct tn_space *space, uint32_t more);

static inline struct tn_extent *tn_extent(const struct tn_space *space, uint32_t number)
{
    return &space->extents[number];
}

static inline bool tn_extent_is_free(const struct tn_space *space, uint32_t number)
{
    return number != 0 && space->extents[number].kind == TN_EXTENT_FREE;
}

static inline uint64_t tn_extent_end(const struct tn_extent *extent)
{
    return extent->offset + extent->size;
}

/* Cut a free extent: it keeps the high part, the new extent gets the low `size` bytes. Returns the new one.
 */
uint32_t tn_space_cut_low(struct tn_space *space, uint32_t number, uint64_t size);

/* Cut a free extent: it keeps the low part, the new extent gets the high `size` bytes. Returns the new one.
 */
uint32_t tn_space_cut_high(struct tn_space *space, uint32_t number, uint64_t size);

/* Join two free neighbours: `keep` takes the bytes of `gone`, whichever comes first. */
void tn_space_join(struct tn_space *space, uint32_t keep, uint32_t gone);

/* A free extent becomes a block. */
void tn_space_use(struct tn_space *space, uint32_t number, uint64_t asked, uint32_t shift);

/* A block becomes a free extent. */
void tn_space_free(struct tn_space *space, uint32_t number);

/* A free extent becomes the policy's own. */
void tn_space_fix(struct tn_space *space, uint32_t number);

/* The last `size` bytes of the region become the policy's own; the last extent is free and larger. */
void tn_space_fix_tail(struct tn_space *space, uint64_t size);

/* Put a free extent of `size` bytes behind the region. Reserve one first. Returns it. */
uint32_t tn_space_extend(struct tn_space *space, uint64_t size);

/* Create a block outside the region. Reserve one first. Returns it. */
uint32_t tn_space_map(struct tn_space *space, uint64_t size, uint64_t asked);

/* Release a block outside the region. */
void tn_space_unmap(struct tn_space *space, uint32_t number);

/* Note the new size that the program requested of a block which was resized within its extent. */
void tn_space_ask(struct tn_space *space, uint32_t number, uint64_t asked);

/* A block takes `size` bytes of the free extent behind it (all of it: the extent vanishes). */
void tn_space_widen(struct tn_space *space, uint32_t number, uint64_t size);

/* A block takes all of the free extent before it: it begins lower then. */
void tn_space_widen_low(struct tn_space *space, uint32_t number);

/* A block gives up its high part, which becomes a free extent of its own: reserve one first. Returns it. */
uint32_t tn_space_trim(struct tn_space *space, uint32_t number, uint64_t size);

/* The chain's invariants and sums. Returns NULL, or what is wrong. */
const char *tn_space_check(const struct tn_space *space);

#endif
