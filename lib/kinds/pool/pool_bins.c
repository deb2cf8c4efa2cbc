/* SPDX-License-Identifier: MIT */
/* How many blocks of any range of sizes were live at once. A birth only marks its bin; peaks are raised
 * before the next death or reading, for marked ranges alone, and not at all for a state that was seen before.
 * Called at each event that a general pool could serve. */
#include "pool_bins.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STRIDE      TN_POOL_BINS_MAX
#define SMALL_BYTES 8u
#define SMALL_COUNT 1024u

int tn_pool_bins_begin(struct tn_pool_bins *bins, uint32_t bin_max)
{
    memset(bins, 0, sizeof(*bins));
    bins->bin_max = bin_max;
    for (uint32_t bin = 0; bin < TN_POOL_BINS_MAX; bin++) {
        bins->weights[bin].low = tn_mix(2 * bin + UINT64_C(0x9e3779b97f4a7c15)) | 1;
        bins->weights[bin].high = tn_mix(2 * bin + UINT64_C(0xc2b2ae3d27d4eb4f)) | 1;
    }
    bins->peaks = calloc((size_t)STRIDE * STRIDE, sizeof(bins->peaks[0]));
    bins->memo = calloc(TN_POOL_MEMO_SIZE, sizeof(bins->memo[0]));
    if (bins->peaks == NULL || bins->memo == NULL) {
        tn_pool_bins_finish(bins);
        return -ENOMEM;
    }
    return 0;
}

void tn_pool_bins_finish(struct tn_pool_bins *bins)
{
    free(bins->peaks);
    free(bins->memo);
    bins->peaks = NULL;
    bins->memo = NULL;
}

/* ---------------------------------------------------------------------------------------- noting peaks */

/* The first pending bin that is `bin` or above; count: none. */
static uint32_t next_pending(const struct tn_pool_bins *bins, uint32_t bin)
{
    for (uint32_t word = bin / 64; word < 2; word++) {
        uint64_t bits = bins->pending[word];
        if (word == bin / 64)
            bits &= ~UINT64_C(0) << (bin % 64);
        if (bits != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return bins->count;
}

/* Compilers turn an operation on four numbers into one instruction. */
#define LANES_VECTOR __attribute__((vector_size(16)))
#define LANES        4u

/* Raise the peaks of the ranges that begin at one bin and end at `from` or above. sums[j] is the number of
 * live blocks in all bins below j. Along a row both live counts and peaks only rise: once a peak is at least
 * what all bins from the row's first one hold, so are all behind it. */
static void raise_row(int32_t *row, const int32_t *sums, int32_t before, uint32_t from, uint32_t count)
{
    int32_t most = sums[count] - before;
    uint32_t last = from;
    for (; last + LANES <= count && row[last] < most; last += LANES) {
        int32_t LANES_VECTOR live;
        int32_t LANES_VECTOR peak;
        memcpy(&live, &sums[last + 1], sizeof(live));
        memcpy(&peak, &row[last], sizeof(peak));
        live -= before;
        int32_t LANES_VECTOR is_higher = live > peak;
        peak = (live & is_higher) | (peak & ~is_higher);
        memcpy(&row[last], &peak, sizeof(peak));
    }
    for (; last < count && row[last] < most; last++) {
        int32_t live = sums[last + 1] - before;
        row[last] = live > row[last] ? live : row[last];
    }
}

/* A range has a new peak only if one of its bins had a birth. */
void tn_pool_bins_settle(struct tn_pool_bins *bins)
{
    if ((bins->pending[0] | bins->pending[1]) == 0)
        return;
    int32_t sums[TN_POOL_BINS_MAX + 1];
    sums[0] = 0;
    for (uint32_t bin = 0; bin < bins->count; bin++)
        sums[bin + 1] = sums[bin] + bins->live[bin];
    uint32_t last = next_pending(bins, 0);
    for (uint32_t first = 0; first < bins->count; first++) {
        if (last < first)
            last = next_pending(bins, first);
        if (last >= bins->count)
            break;
        raise_row(&bins->peaks[first * STRIDE], sums, sums[first], last, bins->count);
    }
    bins->pending[0] = bins->pending[1] = 0;
}

/* ---------------------------------------------------------------------------------------- states seen before
 */

static void forget_states(struct tn_pool_bins *bins)
{
    memset(bins->memo, 0, TN_POOL_MEMO_SIZE * sizeof(bins->memo[0]));
    bins->state = (struct tn_pool_state){0};
    for (uint32_t bin = 0; bin < bins->count; bin++) {
        struct tn_pool_state step = bins->weights[bin];
        bins->state.low += step.low * (uint64_t)bins->live[bin];
        bins->state.high += step.high * (uint64_t)bins->live[bin];
    }
}

/* Whether all live counts were the same at some time before. Then all ranges have their peaks: what left that
 * state was a death, before which peaks are raised, or a birth, whose raising covers it. */
static bool is_known_state(struct tn_pool_bins *bins)
{
    struct tn_pool_state *seen = &bins->memo[bins->state.low >> 40 & (TN_POOL_MEMO_SIZE - 1)];
    if (seen->low == bins->state.low && seen->high == bins->state.high)
        return true;
    *seen = bins->state;
    return false;
}

/* ---------------------------------------------------------------------------------------- bins */

/* The first bin whose largest size is at least size_bytes; count: none. */
static uint32_t find_index(const struct tn_pool_bins *bins, uint64_t size_bytes)
{
    uint32_t low = 0, high = bins->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (bins->high_bytes[middle] < size_bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void move_bins(struct tn_pool_bins *bins, uint32_t to, uint32_t from)
{
    size_t moved = bins->count - from;
    memmove(&bins->low_bytes[to], &bins->low_bytes[from], moved * sizeof(bins->low_bytes[0]));
    memmove(&bins->high_bytes[to], &bins->high_bytes[from], moved * sizeof(bins->high_bytes[0]));
    memmove(&bins->live[to], &bins->live[from], moved * sizeof(bins->live[0]));
    memmove(&bins->births[to], &bins->births[from], moved * sizeof(bins->births[0]));
}

/* Insert an empty bin: a range that begins or ends at it holds what the range without it does. */
static void insert_bin(struct tn_pool_bins *bins, uint32_t index, uint64_t size_bytes)
{
    move_bins(bins, index + 1, index);
    bins->low_bytes[index] = bins->high_bytes[index] = size_bytes;
    bins->live[index] = 0;
    bins->births[index] = 0;
    bins->count++;
    for (uint32_t first = bins->count; first-- > 0;) {
        uint32_t old_first = first > index ? first - 1 : first;
        int32_t *row = &bins->peaks[first * STRIDE];
        const int32_t *old = &bins->peaks[old_first * STRIDE];
        for (uint32_t last = bins->count; last-- > first;) {
            if (first == index && last == index)
                row[last] = 0;
            else
                row[last] = old[last < index ? last : last - 1];
        }
    }
}

/* Join a bin with the next one. Ranges that would part them disappear. */
static void merge_bin(struct tn_pool_bins *bins, uint32_t bin)
{
    bins->low_bytes[bin + 1] = bins->low_bytes[bin];
    bins->live[bin + 1] += bins->live[bin];
    bins->births[bin + 1] += bins->births[bin];
    move_bins(bins, bin, bin + 1);
    uint32_t count = --bins->count;
    for (uint32_t first = 0; first < count; first++) {
        int32_t *row = &bins->peaks[first * STRIDE];
        const int32_t *old = &bins->peaks[(first > bin ? first + 1 : first) * STRIDE];
        for (uint32_t last = first; last < count; last++)
            row[last] = old[last < bin ? last : last + 1];
    }
    bins->merged++;
}

/* The bin that costs least to join with the next: rounding added to a block, times the blocks of the smaller
 * bin. */
static uint32_t find_cheapest_merge(const struct tn_pool_bins *bins)
{
    uint32_t cheapest = 0;
    double least = -1;
    for (uint32_t bin = 0; bin + 1 < bins->count; bin++) {
        double peak = (double)tn_pool_bins_peak(bins, bin, bin);
        double cost = (double)(bins->high_bytes[bin + 1] - bins->high_bytes[bin]) * (peak + 1);
        if (least >= 0 && cost >= least)
            continue;
        least = cost;
        cheapest = bin;
    }
    return cheapest;
}

static uint32_t add_bin(struct tn_pool_bins *bins, uint64_t size_bytes)
{
    tn_pool_bins_settle(bins);
    if (bins->count == bins->bin_max)
        merge_bin(bins, find_cheapest_merge(bins));
    uint32_t index = find_index(bins, size_bytes);
    if (index == bins->count || bins->low_bytes[index] > size_bytes)
        insert_bin(bins, index, size_bytes);
    memset(bins->small, 0, sizeof(bins->small));
    forget_states(bins);
    return index;
}

static uint32_t find_bin(struct tn_pool_bins *bins, uint64_t size_bytes)
{
    uint64_t cell = size_bytes / SMALL_BYTES;
    if (cell < SMALL_COUNT && size_bytes % SMALL_BYTES == 0 && bins->small[cell] != 0)
        return bins->small[cell] - 1u;
    uint32_t bin = find_index(bins, size_bytes);
    if (bin == bins->count || bins->low_bytes[bin] > size_bytes)
        bin = add_bin(bins, size_bytes);
    if (cell < SMALL_COUNT && size_bytes % SMALL_BYTES == 0)
        bins->small[cell] = (uint8_t)(bin + 1);
    return bin;
}

void tn_pool_bins_birth(struct tn_pool_bins *bins, uint64_t size_bytes)
{
    uint32_t bin = find_bin(bins, size_bytes);
    struct tn_pool_state step = bins->weights[bin];
    bins->live[bin]++;
    bins->births[bin]++;
    bins->state.low += step.low;
    bins->state.high += step.high;
    if (is_known_state(bins))
        bins->pending[0] = bins->pending[1] = 0;
    else
        bins->pending[bin / 64] |= UINT64_C(1) << (bin % 64);
}

void tn_pool_bins_death(struct tn_pool_bins *bins, uint64_t size_bytes)
{
    tn_pool_bins_settle(bins);
    uint32_t bin = find_bin(bins, size_bytes);
    struct tn_pool_state step = bins->weights[bin];
    bins->live[bin]--;
    bins->state.low -= step.low;
    bins->state.high -= step.high;
}
