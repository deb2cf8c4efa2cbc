/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_QUANTILE_H
#define TENURE_FINISH_QUANTILE_H

/* Quantiles of 64-bit values in one pass: a histogram with 32 steps in each power of two. Values below 64 are
 * counted exactly; above, a quantile is off by at most 1/64 of itself (half a step). The maximum is exact.
 * Memory: 256 bytes for each power of two that occurs. */

#include <stdint.h>

#define TN_QUANTILE_STEP_BITS 5u
#define TN_QUANTILE_STEPS     (1u << TN_QUANTILE_STEP_BITS)
#define TN_QUANTILE_OCTAVES   (64u - TN_QUANTILE_STEP_BITS + 1)

/* Zeroed is empty. */
struct tn_quantile {
    uint64_t *octaves[TN_QUANTILE_OCTAVES]; /* owned; counts of one power of two's steps, NULL: none */
    uint64_t count;                         /* values added */
    uint64_t max;                           /* largest value, 0 while empty */
};

/* Count a value. Returns 0 or -ENOMEM (nothing changed). Cost: some nanoseconds. */
int tn_quantile_add(struct tn_quantile *quantile, uint64_t value);

/* The value below or at which `percent` of 100 of all values lie: the smallest one with at least that share.
 * 0 while empty; never above max. */
uint64_t tn_quantile_at(const struct tn_quantile *quantile, unsigned percent);

/* Release; empty again. */
void tn_quantile_finish(struct tn_quantile *quantile);

#endif
