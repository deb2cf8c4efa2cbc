/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIZE_HISTOGRAM_H
#define TENURE_SIZE_HISTOGRAM_H

/* How often each size occurred at a site. Exact up to TN_SIZE_HISTOGRAM_MAX different sizes; further ones are
 * rounded up by at most a 64th. The last size is counted apart: most sites ask for one size again and again,
 * and then nothing else is kept. One thread at a time on one histogram. */

#include "tenure/map.h"

#include <stddef.h>
#include <stdint.h>

#define TN_SIZE_HISTOGRAM_MAX 32768u

/* Zeroed is empty. */
struct tn_size_histogram {
    struct tn_map counts;     /* size + 1 -> times, without those in last_count */
    uint64_t last_size_bytes; /* added last; valid where last_count is not 0 */
    uint64_t last_count;      /* times that it was added in a row */
    uint64_t total;           /* sizes counted */
};

/* A size and how often it occurred. */
struct tn_size_count {
    uint64_t size_bytes; /* above TN_SIZE_HISTOGRAM_MAX different ones: rounded up */
    uint64_t count;      /* above 0 */
};

/* Count a size.
 *
 * times    how often more; 2^64 - n takes back n
 * Returns  0; -ENOMEM, and the size is not counted */
int tn_size_histogram_add(struct tn_size_histogram *sizes, uint64_t size_bytes, uint64_t times);

/* All sizes in rising order, without those that were taken back.
 *
 * ret_list   the caller frees it
 * ret_count  entries in it
 * Returns    0 or -ENOMEM
 * Cost       n log n for n different sizes */
int tn_size_histogram_list(struct tn_size_histogram *sizes, struct tn_size_count **ret_list,
                           size_t *ret_count);

/* The smallest size that at least `permille` of 1,000 do not exceed, 0 to 1000; 0 of an empty list. */
uint64_t tn_size_histogram_quantile(const struct tn_size_count *list, size_t count, uint64_t permille);

/* Release; empty again. */
void tn_size_histogram_finish(struct tn_size_histogram *sizes);

#endif
