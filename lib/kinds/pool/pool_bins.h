/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_BINS_H
#define TN_KINDS_POOL_BINS_H

/* The highest number of live blocks of every range of sizes, exactly, in one pass. It is what a pool for the
 * range must hold; the sum of the peaks of single sizes is larger.
 *
 * Sizes are kept as bins in ascending order. While there are few enough, each rounded size is a bin; when
 * there are too many, neighbours that differ least are merged, and the peaks of all ranges that remain stay
 * exact, because a merged bin is either wholly in a range or not at all. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_POOL_BINS_MAX  128u
#define TN_POOL_MEMO_SIZE 1024u /* states that are remembered; a power of two */

/* Events that wait at most: the more, the rarer peaks are looked at, and the more ranges may have a new one.
 * One million allocations of mixed sizes, 10,000 live, in 64 bins took 1.63e9 instructions with 16, 1.48e9
 * with 32, 1.52e9 with 64, 1.73e9 with 128, and 2.26e9 where peaks were raised before each death. */
#define TN_POOL_WAITING_MAX 32u

/* All live counts, as a commutative hash of 128 bits: a collision takes some 2^64 states. */
struct tn_pool_state {
    uint64_t low;  /* low half */
    uint64_t high; /* high half */
};

/* An event that peaks do not hold yet. */
struct tn_pool_waiting {
    uint8_t bin;   /* index of its bin */
    bool is_birth; /* else a death */
};

/* Bins in ascending order of size, and the peaks of all their ranges. */
struct tn_pool_bins {
    uint32_t bin_max;                      /* bins at most, 2 to TN_POOL_BINS_MAX */
    uint32_t count;                        /* bins in use */
    uint64_t low_bytes[TN_POOL_BINS_MAX];  /* smallest size of a bin */
    uint64_t high_bytes[TN_POOL_BINS_MAX]; /* largest size of a bin */
    int32_t live[TN_POOL_BINS_MAX];        /* live blocks of a bin */
    uint64_t births[TN_POOL_BINS_MAX];     /* blocks of a bin so far */
    int32_t *peaks; /* owned; [first * TN_POOL_BINS_MAX + last]: most blocks of these bins live at once */
    uint8_t small[1024]; /* 1 + bin of the sizes up to 8 KiB, by size / 8; 0: look it up */
    struct tn_pool_waiting waiting[TN_POOL_WAITING_MAX]; /* events since peaks were last raised, in order */
    uint32_t waiting_count;                              /* in waiting; the first one is a birth */
    struct tn_pool_state state;                          /* hash of live */
    struct tn_pool_state weights[TN_POOL_BINS_MAX];      /* what one block of a bin adds to state */
    struct tn_pool_state *memo;                          /* owned; states for which all peaks were raised */
    uint64_t merged; /* merges so far: 0 means that every size is a bin of its own */
};

/* Begin without blocks. bin_max: see the field. Returns 0 or -ENOMEM; released by tn_pool_bins_finish. */
int tn_pool_bins_begin(struct tn_pool_bins *bins, uint32_t bin_max);

/* Release what it owns. Zeroed is fine. */
void tn_pool_bins_finish(struct tn_pool_bins *bins);

/* A block is born. size_bytes: not 0, rounded up by the caller. Cost 10 to 100 ns. */
void tn_pool_bins_birth(struct tn_pool_bins *bins, uint64_t size_bytes);

/* A block dies. size_bytes: as at its birth. Cost 10 to 100 ns. */
void tn_pool_bins_death(struct tn_pool_bins *bins, uint64_t size_bytes);

/* Raise the peaks that births since the last call made; to be called before peaks are read. */
void tn_pool_bins_settle(struct tn_pool_bins *bins);

/* The highest number of live blocks of the bins first to last, both included. */
static inline uint64_t tn_pool_bins_peak(const struct tn_pool_bins *bins, uint32_t first, uint32_t last)
{
    return (uint64_t)bins->peaks[first * TN_POOL_BINS_MAX + last];
}

#endif
