/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_H
#define TN_KINDS_POOL_H

/* What the kind `pool` counts during the pass, for the two statements that it makes of it: a pool for one
 * purpose (pool_purpose.c), and the best set of pools for the whole program (pool_general.c). */

#include "pool_plan.h"

#include "tenure/analysis.h"
#include "tenure/map.h"

#define TN_POOL_NO_GROUP UINT32_MAX
#define TN_POOL_SEVERAL  UINT32_MAX

/* A site, as far as a pool for it is concerned. */
struct tn_pool_site {
    uint32_t group;        /* place in groups, + 1; 0: no block yet; TN_POOL_NO_GROUP: several sizes */
    uint32_t free_site;    /* that released its blocks; 0: none yet; TN_POOL_SEVERAL */
    uint64_t live_count;   /* while in a group */
    uint64_t live_sum;     /* of the number live, over the process's allocations */
    uint64_t summed_index; /* allocations of the process up to which live_sum goes */
    uint64_t resized;      /* blocks that realloc took, or made */
};

/* All sites that asked for nothing but blocks of one size. */
struct tn_pool_group {
    uint64_t size_bytes;
    uint64_t live_count, peak_count;
    uint64_t unsure_count; /* highest peak with blocks of a site that left the group: a bound only */
};

/* Blocks that the set of general pools serves. */
struct tn_pool_covered {
    uint64_t allocations, excluded; /* served; too large, or of a stricter alignment */
    uint64_t live_bytes, peak_live_bytes;
    uint64_t heap_bytes, peak_heap_bytes; /* what the live ones cost a heap, header and rounding included */
};

struct tn_pool_counts {
    struct tn_pool_site *sites;   /* owned; by site */
    struct tn_pool_group *groups; /* owned */
    size_t group_count, group_capacity;
    struct tn_map group_index; /* size + 1 -> place in groups */
    struct tn_pool_bins bins;
    struct tn_pool_covered covered;
    uint64_t alignment_bytes;                     /* of general pools; a power of two */
    uint64_t max_block_bytes;                     /* larger ones are left to the heap */
    uint64_t given_sizes_bytes[TN_POOL_PLAN_MAX]; /* to be priced, ascending */
    uint32_t given_count;
};

/* Rounded up to a multiple of a power of two; an empty block takes one, too. */
static inline uint64_t tn_pool_round(uint64_t size_bytes, uint64_t alignment_bytes)
{
    uint64_t rounded = (size_bytes + alignment_bytes - 1) & ~(alignment_bytes - 1);
    return rounded != 0 ? rounded : alignment_bytes;
}

/* Give a finding what a writer made: the text, ended by a NUL, goes to the field, or is released after an
 * error. Returns r, or -ENOMEM. */
int tn_pool_give(char **field, struct tn_buffer *text, int r);

/* State the purpose pools, or the set of general pools. Return 0 or what ends the pass. */
int tn_pool_purpose(struct tn_pool_counts *counts, const struct tn_pass *pass, struct tn_findings *findings);
int tn_pool_general(struct tn_pool_counts *counts, const struct tn_pass *pass, struct tn_findings *findings);

#endif
