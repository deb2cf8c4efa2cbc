/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_SIZES_H
#define TN_ANALYZE_SIZES_H

/* How often each size occurred. Exact up to TN_SIZES_MAX different sizes; further ones are rounded up by at
 * most a 64th. The last size is counted apart: most sites ask for one size again and again, and then nothing
 * else is kept. */

#include "tenure/map.h"

#include <stdint.h>

#define TN_SIZES_MAX 32768u

/* Zeroed is empty. */
struct tn_sizes {
    struct tn_map counts; /* size + 1 -> times, without the last */
    uint64_t last_size_bytes, last_count;
    uint64_t total; /* sizes counted */
};

/* Count a size times more; times may be the complement of a number, to take as many back. Returns 0 or
 * -ENOMEM. */
int tn_sizes_add(struct tn_sizes *sizes, uint64_t size_bytes, uint64_t times);

/* A size and how often it occurred. */
struct tn_size_count {
    uint64_t size_bytes, count;
};

/* All sizes in rising order, without those that were all taken back.
 *
 * ret_list  owned by the caller (free)
 * Returns   0 or -ENOMEM */
int tn_sizes_list(struct tn_sizes *sizes, struct tn_size_count **ret_list, size_t *ret_count);

/* The smallest size that at least `permille` of 1,000 do not exceed; 0 of an empty list. */
uint64_t tn_sizes_quantile(const struct tn_size_count *list, size_t count, uint64_t permille);

/* Release; empty again. */
void tn_sizes_finish(struct tn_sizes *sizes);

#endif
