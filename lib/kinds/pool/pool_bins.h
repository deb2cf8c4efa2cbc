/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_BINS_H
#define TN_KINDS_POOL_BINS_H

/* How many blocks of a range of sizes are live at once, at most: exactly, for every range between two sizes
 * that occurred, in one pass. What a pool for a range must hold is this peak, not the sum of the peaks of the
 * sizes in it.
 *
 * Sizes are kept as bins in ascending order. While there are few enough, each rounded size is a bin; when
 * there are too many, neighbours that differ least are merged, and the peaks of all ranges that remain stay
 * exact, because a merged bin is either wholly in a range or not at all. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_POOL_BINS_MAX  128u
#define TN_POOL_MEMO_SIZE 1024u /* states remembered, a power of two */

/* A state of live counts, as a commutative hash of 128 bits: a collision would need 2^64 states. */
struct tn_pool_state {
    uint64_t low, high;
};

struct tn_pool_bins {
    uint32_t bin_max; /* 2 .. TN_POOL_BINS_MAX */
    uint32_t count;
    uint64_t low_bytes[TN_POOL_BINS_MAX], high_bytes[TN_POOL_BINS_MAX]; /* sizes of a bin, both included */
    int32_t live[TN_POOL_BINS_MAX];
    uint64_t births[TN_POOL_BINS_MAX];
    int32_t *peaks; /* owned; [first * TN_POOL_BINS_MAX + last]: most blocks of these bins live at once */
    uint8_t small[1024];        /* bin + 1 of the sizes up to 8 KiB, by size / 8; 0: look it up */
    uint64_t pending[2];        /* bins with births whose peaks are not noted yet, a bit each */
    struct tn_pool_state state; /* of live */
    struct tn_pool_state weights[TN_POOL_BINS_MAX]; /* what one block of a bin adds to state */
    struct tn_pool_state *memo;                     /* owned; states whose peaks are noted */
    uint64_t merged; /* merges so far: 0 means that every size is a bin of its own */
};

/* Returns 0 or -ENOMEM. */
int tn_pool_bins_begin(struct tn_pool_bins *bins, uint32_t bin_max);

void tn_pool_bins_finish(struct tn_pool_bins *bins);

/* A block is born, or dies. size_bytes is rounded up by the caller, the same way both times, and not 0. Cost
 * 10 to 100 ns. */
void tn_pool_bins_birth(struct tn_pool_bins *bins, uint64_t size_bytes);
void tn_pool_bins_death(struct tn_pool_bins *bins, uint64_t size_bytes);

/* Note what is pending; before peaks are read. */
void tn_pool_bins_settle(struct tn_pool_bins *bins);

/* Most blocks of the bins first to last (both included) live at once. */
static inline uint64_t tn_pool_bins_peak(const struct tn_pool_bins *bins, uint32_t first, uint32_t last)
{
    return (uint64_t)bins->peaks[first * TN_POOL_BINS_MAX + last];
}

#endif
