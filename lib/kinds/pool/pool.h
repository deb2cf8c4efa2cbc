/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_H
#define TN_KINDS_POOL_H

/* What the kind `pool` counts during the pass, for the two statements that it makes of it: a pool for one
 * purpose (pool_purpose.c), and the best set of pools for the whole program (pool_general.c). */

#include "pool_plan.h"
#include "pool_threads.h"

#include "tenure/analysis.h"
#include "tenure/map.h"

#define TN_POOL_NO_GROUP UINT32_MAX /* the site asks for several sizes */
#define TN_POOL_SEVERAL  UINT32_MAX /* several sites released its blocks */

/* A site, as far as a pool for it is concerned. */
struct tn_pool_site {
    uint32_t group;        /* 1 + index in groups; 0: no block yet; or TN_POOL_NO_GROUP */
    uint32_t free_site;    /* index of the site that released its blocks; 0: none yet; or TN_POOL_SEVERAL */
    uint64_t live_count;   /* of its blocks while it is in a group */
    uint64_t live_sum;     /* sum of live blocks on the clock of allocations */
    uint64_t summed_index; /* allocations of the process up to which live_sum goes */
    uint64_t resized;      /* blocks that realloc took, or made */
    struct tn_pool_threads threads; /* that allocate or release its blocks while it is in a group */
};

/* All sites that asked for nothing but blocks of one size. */
struct tn_pool_group {
    uint64_t size_bytes;   /* asked for */
    uint64_t live_count;   /* of all its sites */
    uint64_t peak_count;   /* highest live_count since a site last left the group */
    uint64_t unsure_count; /* highest one before, with blocks of sites that left: an upper bound */
};

/* Blocks that the set of general pools serves. */
struct tn_pool_covered {
    uint64_t allocations;     /* served */
    uint64_t excluded;        /* not served: too large, or of a stricter alignment */
    uint64_t live_bytes;      /* asked for, of the served blocks that live */
    uint64_t peak_live_bytes; /* highest live_bytes */
    uint64_t heap_bytes;      /* what these blocks cost a heap, header and rounding included */
    uint64_t peak_heap_bytes; /* highest heap_bytes */
};

/* State of the kind. */
struct tn_pool_counts {
    struct tn_pool_site *sites;                   /* owned; by site */
    size_t site_count;                            /* in sites */
    struct tn_pool_group *groups;                 /* owned */
    size_t group_count;                           /* in groups */
    size_t group_capacity;                        /* room in groups */
    struct tn_map group_index;                    /* size + 1 -> index in groups */
    struct tn_worker *worker;                     /* owned; has bins until the end of the events */
    struct tn_pool_bins bins;                     /* owned; of what general pools serve */
    struct tn_pool_covered covered;               /* the same, summed up */
    uint64_t alignment_bytes;                     /* of general pools; a power of two */
    uint64_t max_block_bytes;                     /* larger ones are left to the heap */
    uint64_t given_sizes_bytes[TN_POOL_PLAN_MAX]; /* sizes that the user wants priced, ascending */
    uint32_t given_count;                         /* in given_sizes_bytes */
};

/* size_bytes rounded up to a multiple of a power of two; an empty block takes one as well. */
static inline uint64_t tn_pool_round(uint64_t size_bytes, uint64_t alignment_bytes)
{
    uint64_t rounded = (size_bytes + alignment_bytes - 1) & ~(alignment_bytes - 1);
    return rounded != 0 ? rounded : alignment_bytes;
}

/* Move a text into a finding's field, ended by a NUL.
 *
 * text     empty afterwards
 * r        of the writer; below 0, the text is released instead
 * Returns  r, or -ENOMEM */
int tn_pool_give(char **field, struct tn_buffer *text, int r);

/* State the pools for one purpose. Returns 0 or a negative errno, which ends the pass. */
int tn_pool_purpose(struct tn_pool_counts *counts, const struct tn_pass *pass, struct tn_findings *findings);

/* State the set of general pools. Returns 0 or a negative errno, which ends the pass. */
int tn_pool_general(struct tn_pool_counts *counts, const struct tn_pass *pass, struct tn_findings *findings);

#endif
