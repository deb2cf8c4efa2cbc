/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_PLAN_H
#define TN_KINDS_POOL_PLAN_H

/* Which pools a whole program needs: sets of block sizes, each pool as large as the peak of the blocks that
 * it serves, and what they cost. A request takes a block of the smallest pool that fits. */

#include "pool_bins.h"

#define TN_POOL_PLAN_MAX 64u

/* One pool: the bins first to last. */
struct tn_pool_choice {
    uint32_t first;       /* smallest bin that it serves */
    uint32_t last;        /* largest bin that it serves */
    uint64_t block_bytes; /* size of its blocks */
    uint64_t block_count; /* blocks, as many as its bins had live at once */
};

/* A set of pools. */
struct tn_pool_plan {
    struct tn_pool_choice pools[TN_POOL_PLAN_MAX]; /* by block size, ascending */
    uint32_t count;                                /* in pools */
    uint64_t pool_bytes;                           /* of all blocks of all pools */
    uint64_t unserved; /* allocations that are larger than the largest pool's blocks */
};

/* The set of pools that needs fewest bytes, exactly.
 *
 * bins   settled
 * count  pools, 1 to TN_POOL_PLAN_MAX; with fewer bins, as many as these
 * Cost   count x bins^2 */
void tn_pool_plan_best(const struct tn_pool_bins *bins, uint32_t count, struct tn_pool_plan *ret_plan);

/* The pools of given block sizes; sizes that serve nothing are left out. A bin belongs to the smallest size
 * that holds all of it.
 *
 * bins         settled
 * sizes_bytes  ascending
 * size_count   at most TN_POOL_PLAN_MAX */
void tn_pool_plan_sizes(const struct tn_pool_bins *bins, const uint64_t *sizes_bytes, uint32_t size_count,
                        struct tn_pool_plan *ret_plan);

/* Sizes 8, 16, 32... up to the first that holds all bins. Returns how many, at most TN_POOL_PLAN_MAX. */
uint32_t tn_pool_sizes_power(const struct tn_pool_bins *bins, uint64_t *ret_sizes_bytes);

/* Sizes that grow by a factor of 1.25, rounded up to 8, as memcached's do. Returns how many, at most
 * TN_POOL_PLAN_MAX. */
uint32_t tn_pool_sizes_geometric(const struct tn_pool_bins *bins, uint64_t *ret_sizes_bytes);

#endif
