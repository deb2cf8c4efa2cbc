/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_QUANTILE_H
#define TENURE_FINISH_QUANTILE_H

/* Quantiles of 64-bit values in one pass. Up to 16 values are kept as they are, and their quantiles are
 * exact; more go to a histogram with 32 steps in each power of two. Values below 64 are exact even there;
 * above, a quantile is off by at most 1/64 of itself (half a step). The maximum is always exact. Values are
 * collected in a small array and counted together: most sites release few blocks, and those that release many
 * would miss the cache for each one. Memory: 256 bytes for each power of two that occurs, 480 for the
 * histogram itself. One thread. */

#include <stdint.h>

#define TN_QUANTILE_STEP_BITS 5u
#define TN_QUANTILE_STEPS     (1u << TN_QUANTILE_STEP_BITS)
#define TN_QUANTILE_OCTAVES   (64u - TN_QUANTILE_STEP_BITS + 1)
#define TN_QUANTILE_WAITING   16u

/* Zeroed is empty. */
struct tn_quantile {
    uint64_t waiting[TN_QUANTILE_WAITING]; /* values not in the histogram yet, unsorted */
    uint64_t **octaves; /* owned; counts of the steps of each power of two, NULL inside: none yet. NULL: no
                           histogram so far */
    uint64_t count;     /* values added */
    uint64_t max;       /* largest value, 0 while empty */
    uint32_t waiting_count;
};

/* Add a value.
 *
 * Returns  0; -ENOMEM: the value is lost, all others are kept
 * Cost     a nanosecond, and some ten for every sixteenth value */
int tn_quantile_add(struct tn_quantile *quantile, uint64_t value);

/* Prepare for tn_quantile_at, after the last value. Returns 0 or -ENOMEM. */
int tn_quantile_settle(struct tn_quantile *quantile);

/* The smallest value with at least `percent` (0 to 100) of all values at or below it. 0 while empty; never
 * above max. Only after tn_quantile_settle. */
uint64_t tn_quantile_at(const struct tn_quantile *quantile, unsigned percent);

/* Release; empty again. */
void tn_quantile_finish(struct tn_quantile *quantile);

#endif
