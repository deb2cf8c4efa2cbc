/* SPDX-License-Identifier: MIT */
/* Chooses the sizes of k pools that need fewest bytes, exactly, by dynamic programming over the peaks of
 * ranges; and prices sets of sizes that are given. For pool_general.c. */
#include "pool_plan.h"

#include <string.h>

static uint64_t range_bytes(const struct tn_pool_bins *bins, uint32_t first, uint32_t last)
{
    return bins->high_bytes[last] * tn_pool_bins_peak(bins, first, last);
}

static void append_pool(const struct tn_pool_bins *bins, uint32_t first, uint32_t last, uint64_t block_bytes,
                        struct tn_pool_plan *plan)
{
    struct tn_pool_choice *pool = &plan->pools[plan->count++];
    *pool = (struct tn_pool_choice){.first = first,
                                    .last = last,
                                    .block_bytes = block_bytes,
                                    .block_count = tn_pool_bins_peak(bins, first, last)};
    plan->pool_bytes += pool->block_bytes * pool->block_count;
}

/* cost[q][j] is the fewest bytes of q + 1 pools for the bins 0 to j: the last pool begins at some bin i, the
 * others serve the bins below, and the least over all i counts. start[q][j] is that i. */
void tn_pool_plan_best(const struct tn_pool_bins *bins, uint32_t count, struct tn_pool_plan *ret_plan)
{
    uint64_t cost[TN_POOL_BINS_MAX], next[TN_POOL_BINS_MAX];
    uint8_t start[TN_POOL_PLAN_MAX][TN_POOL_BINS_MAX];
    *ret_plan = (struct tn_pool_plan){0};
    if (bins->count == 0)
        return;
    if (count > bins->count)
        count = bins->count;
    for (uint32_t last = 0; last < bins->count; last++)
        cost[last] = range_bytes(bins, 0, last);
    memset(start[0], 0, sizeof(start[0]));
    for (uint32_t pools = 1; pools < count; pools++) {
        for (uint32_t last = pools; last < bins->count; last++) {
            next[last] = UINT64_MAX;
            for (uint32_t first = pools; first <= last; first++) {
                uint64_t bytes = cost[first - 1] + range_bytes(bins, first, last);
                if (bytes >= next[last])
                    continue;
                next[last] = bytes;
                start[pools][last] = (uint8_t)first;
            }
        }
        memcpy(&cost[pools], &next[pools], (bins->count - pools) * sizeof(cost[0]));
    }
    uint32_t firsts[TN_POOL_PLAN_MAX + 1];
    firsts[count] = bins->count;
    for (uint32_t pool = count; pool-- > 0;)
        firsts[pool] = start[pool][firsts[pool + 1] - 1];
    for (uint32_t pool = 0; pool < count; pool++)
        append_pool(bins, firsts[pool], firsts[pool + 1] - 1, bins->high_bytes[firsts[pool + 1] - 1],
                    ret_plan);
}

void tn_pool_plan_sizes(const struct tn_pool_bins *bins, const uint64_t *sizes_bytes, uint32_t size_count,
                        struct tn_pool_plan *ret_plan)
{
    uint32_t first = 0;
    *ret_plan = (struct tn_pool_plan){0};
    for (uint32_t size = 0; size < size_count; size++) {
        uint32_t end = first;
        while (end < bins->count && bins->high_bytes[end] <= sizes_bytes[size])
            end++;
        if (end > first)
            append_pool(bins, first, end - 1, sizes_bytes[size], ret_plan);
        first = end;
    }
    for (; first < bins->count; first++)
        ret_plan->unserved += bins->births[first];
}

uint32_t tn_pool_sizes_power(const struct tn_pool_bins *bins, uint64_t *ret_sizes_bytes)
{
    uint64_t most_bytes = bins->count != 0 ? bins->high_bytes[bins->count - 1] : 0;
    uint32_t count = 0;
    for (uint64_t bytes = 8; count < 56; bytes *= 2) {
        ret_sizes_bytes[count++] = bytes;
        if (bytes >= most_bytes)
            break;
    }
    return count;
}

uint32_t tn_pool_sizes_geometric(const struct tn_pool_bins *bins, uint64_t *ret_sizes_bytes)
{
    uint64_t most_bytes = bins->count != 0 ? bins->high_bytes[bins->count - 1] : 0;
    uint32_t count = 0;
    for (uint64_t bytes = 8; count < TN_POOL_PLAN_MAX; bytes = (bytes + bytes / 4 + 7) / 8 * 8) {
        ret_sizes_bytes[count++] = bytes;
        if (bytes >= most_bytes)
            break;
    }
    return count;
}
