/* SPDX-License-Identifier: MIT */
/* How many blocks of any range of sizes were live at once. Events wait; when there are many, or peaks are
 * read, it is asked which ranges can have a new peak at all, and for these the events are gone through one by
 * one. Nothing waits for what leads to a state that was seen before. Called at each event that a general pool
 * could serve. */
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

/* Compilers turn an operation on four numbers into one instruction. A row of peaks is looked at by such
 * lanes; ranges that end before they begin, or behind the last bin, hold nothing. */
#define LANES        4u
#define LANES_VECTOR __attribute__((vector_size(16)))

/* A bit for each bin. */
struct bit_set {
    uint64_t words[2];
};

/* The first bit of a set that is not below `bit`; limit: none. */
static uint32_t next_bit(const struct bit_set *set, uint32_t bit, uint32_t limit)
{
    for (uint32_t word = bit / 64; word < 2; word++) {
        uint64_t bits = set->words[word];
        if (word == bit / 64)
            bits &= ~UINT64_C(0) << (bit % 64);
        if (bits != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return limit;
}

static void set_bit(struct bit_set *set, uint32_t bit)
{
    set->words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* sums[j] is the number of blocks in all bins below j, of those behind the last one as well. */
static void sum_up(const int32_t *counts, uint32_t count, int32_t *ret_sums)
{
    ret_sums[0] = 0;
    for (uint32_t bin = 0; bin < count; bin++)
        ret_sums[bin + 1] = ret_sums[bin] + counts[bin];
    for (uint32_t bin = count; bin % LANES != 0; bin++)
        ret_sums[bin + 1] = ret_sums[count];
}

/* Which lanes of a row have a range of more blocks than its peak, of those that end at `from` or above. Along
 * a row both numbers and peaks only rise: once a peak is at least what all bins from the row's first one
 * hold, so are all behind it. */
static uint32_t find_lanes(const int32_t *row, const int32_t *sums, int32_t before, uint32_t from,
                           uint32_t count)
{
    int32_t most = sums[count] - before;
    uint32_t lanes = 0;
    for (uint32_t last = from; last < count && row[last] < most; last = (last / LANES + 1) * LANES) {
        uint32_t lane = last / LANES;
        int32_t LANES_VECTOR blocks;
        int32_t LANES_VECTOR peak;
        memcpy(&blocks, &sums[lane * LANES + 1], sizeof(blocks));
        memcpy(&peak, &row[lane * LANES], sizeof(peak));
        int32_t LANES_VECTOR is_higher = blocks - before > peak;
        uint64_t halves[2];
        memcpy(halves, &is_higher, sizeof(halves));
        lanes |= (uint32_t)((halves[0] | halves[1]) != 0) << lane;
    }
    return lanes;
}

/* Raise the peaks of some lanes of a row. */
static void raise_row(int32_t *row, const int32_t *sums, int32_t before, uint32_t lanes)
{
    for (; lanes != 0; lanes &= lanes - 1) {
        uint32_t first = (uint32_t)__builtin_ctz(lanes) * LANES;
        int32_t LANES_VECTOR live;
        int32_t LANES_VECTOR peak;
        memcpy(&live, &sums[first + 1], sizeof(live));
        memcpy(&peak, &row[first], sizeof(peak));
        live -= before;
        int32_t LANES_VECTOR is_higher = live > peak;
        peak = (live & is_higher) | (peak & ~is_higher);
        memcpy(&row[first], &peak, sizeof(peak));
    }
}

/* The ranges that may have a new peak. */
struct rising {
    struct bit_set rows;
    uint32_t lanes[TN_POOL_BINS_MAX]; /* of these rows */
};

/* No range held more than it holds now and what died of it meanwhile, and none has a new peak without a
 * birth.
 */
static void find_rising(const struct tn_pool_bins *bins, const struct bit_set *born,
                        struct rising *ret_rising)
{
    int32_t most[TN_POOL_BINS_MAX], sums[TN_POOL_BINS_MAX + 1];
    memcpy(most, bins->live, sizeof(most));
    for (uint32_t i = 0; i < bins->waiting_count; i++)
        most[bins->waiting[i].bin] += !bins->waiting[i].is_birth;
    sum_up(most, bins->count, sums);
    ret_rising->rows = (struct bit_set){{0, 0}};
    for (uint32_t first = 0; first < bins->count; first++) {
        uint32_t last = next_bit(born, first, bins->count);
        if (last >= bins->count)
            break;
        uint32_t lanes = find_lanes(&bins->peaks[first * STRIDE], sums, sums[first], last, bins->count);
        ret_rising->lanes[first] = lanes;
        if (lanes != 0)
            set_bit(&ret_rising->rows, first);
    }
}

/* Raise peaks for one moment, which comes after births. */
static void raise_peaks(struct tn_pool_bins *bins, const struct rising *rising, const struct bit_set *born,
                        const int32_t *live)
{
    int32_t sums[TN_POOL_BINS_MAX + 1];
    sum_up(live, bins->count, sums);
    for (uint32_t first = 0; (first = next_bit(&rising->rows, first, bins->count)) < bins->count; first++) {
        uint32_t last = next_bit(born, first, bins->count);
        if (last >= bins->count)
            break;
        raise_row(&bins->peaks[first * STRIDE], sums, sums[first],
                  rising->lanes[first] & ~UINT32_C(0) << last / LANES);
    }
}

/* Go through the events that wait one by one. */
static void replay(struct tn_pool_bins *bins, const struct rising *rising)
{
    int32_t live[TN_POOL_BINS_MAX];
    struct bit_set born = {{0, 0}};
    memcpy(live, bins->live, sizeof(live));
    for (uint32_t i = 0; i < bins->waiting_count; i++)
        live[bins->waiting[i].bin] -= bins->waiting[i].is_birth ? 1 : -1;
    for (uint32_t i = 0; i < bins->waiting_count; i++) {
        const struct tn_pool_waiting *event = &bins->waiting[i];
        if (event->is_birth) {
            set_bit(&born, event->bin);
        } else if ((born.words[0] | born.words[1]) != 0) {
            raise_peaks(bins, rising, &born, live);
            born = (struct bit_set){{0, 0}};
        }
        live[event->bin] += event->is_birth ? 1 : -1;
    }
    raise_peaks(bins, rising, &born, live);
}

void tn_pool_bins_settle(struct tn_pool_bins *bins)
{
    struct bit_set born = {{0, 0}};
    struct rising rising;
    for (uint32_t i = 0; i < bins->waiting_count; i++)
        if (bins->waiting[i].is_birth)
            set_bit(&born, bins->waiting[i].bin);
    find_rising(bins, &born, &rising);
    if ((rising.rows.words[0] | rising.rows.words[1]) != 0)
        replay(bins, &rising);
    bins->waiting_count = 0;
}

/* Let an event wait; the live count has changed. */
static void wait(struct tn_pool_bins *bins, uint32_t bin, bool is_birth)
{
    bins->waiting[bins->waiting_count++] = (struct tn_pool_waiting){(uint8_t)bin, is_birth};
    if (bins->waiting_count == TN_POOL_WAITING_MAX)
        tn_pool_bins_settle(bins);
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

/* Whether all live counts were the same at some time before. Then all ranges have their peaks once nothing
 * waits. */
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
    if (!is_known_state(bins) || bins->waiting_count != 0)
        wait(bins, bin, true);
}

void tn_pool_bins_death(struct tn_pool_bins *bins, uint64_t size_bytes)
{
    uint32_t bin = find_bin(bins, size_bytes);
    struct tn_pool_state step = bins->weights[bin];
    bins->live[bin]--;
    bins->state.low -= step.low;
    bins->state.high -= step.high;
    if (bins->waiting_count != 0)
        wait(bins, bin, false);
}
