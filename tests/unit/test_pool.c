/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool_code.h"
#include "pool_plan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_COUNT 12u
#define LIVE_MAX   400u

/* A made-up history of blocks, and what was live after each event, by size. */
struct history {
    uint64_t random;
    uint64_t sizes_bytes[LIVE_MAX]; /* of live blocks */
    size_t live_count;
};

static uint64_t draw(struct history *history, uint64_t below)
{
    history->random = history->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (history->random >> 33) % below;
}

/* Each size is asked for by itself for a while, so that the peaks fall at different times. */
static uint64_t next_size(struct history *history, unsigned event, uint32_t size_count)
{
    uint64_t favourite = event / 97 % size_count;
    uint64_t size = draw(history, 3) == 0 ? draw(history, size_count) : favourite;
    return 8 * (1 + size * size);
}

/* One event: its size, positive for a birth. Short runs of last in, first out between long-lived ones. */
static int64_t next_event(struct history *history, unsigned event, uint32_t size_count)
{
    bool is_birth = history->live_count == 0 ||
                    (history->live_count < LIVE_MAX && draw(history, 100) < (event / 500 % 2 ? 45u : 55u));
    if (is_birth) {
        uint64_t size_bytes = next_size(history, event, size_count);
        history->sizes_bytes[history->live_count++] = size_bytes;
        return (int64_t)size_bytes;
    }
    size_t victim = draw(history, 2) == 0 ? history->live_count - 1 : draw(history, history->live_count);
    uint64_t size_bytes = history->sizes_bytes[victim];
    history->sizes_bytes[victim] = history->sizes_bytes[--history->live_count];
    return -(int64_t)size_bytes;
}

/* The peaks of all ranges of sizes by their definition: count again after each event. */
struct plain {
    uint64_t sizes_bytes[64];
    uint32_t count;
    uint32_t live[64];
    uint32_t peaks[64][64];
};

static void count_plainly(struct plain *plain, int64_t event)
{
    uint64_t size_bytes = (uint64_t)(event > 0 ? event : -event);
    uint32_t place = 0;
    while (plain->sizes_bytes[place] != size_bytes)
        place++;
    plain->live[place] += event > 0 ? 1 : -1u;
    for (uint32_t first = 0; first < plain->count; first++) {
        uint32_t live = 0;
        for (uint32_t last = first; last < plain->count; last++) {
            live += plain->live[last];
            if (live > plain->peaks[first][last])
                plain->peaks[first][last] = live;
        }
    }
}

static void run(struct tn_pool_bins *bins, struct plain *plain, uint32_t bin_max, uint64_t seed,
                uint32_t size_count, unsigned events)
{
    struct history history = {.random = seed};
    memset(plain, 0, sizeof(*plain));
    plain->count = size_count;
    for (uint32_t i = 0; i < size_count; i++)
        plain->sizes_bytes[i] = 8 * (1 + (uint64_t)i * i);
    assert_int_equal(tn_pool_bins_begin(bins, bin_max), 0);
    for (unsigned i = 0; i < events; i++) {
        int64_t event = next_event(&history, i, size_count);
        if (event > 0)
            tn_pool_bins_birth(bins, (uint64_t)event);
        else
            tn_pool_bins_death(bins, (uint64_t)-event);
        count_plainly(plain, event);
    }
    tn_pool_bins_settle(bins);
}

static void peaks_are_those_of_a_plain_count(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct tn_pool_bins bins;
        struct plain plain;
        run(&bins, &plain, 64, seed, SIZE_COUNT, 5000);
        assert_int_equal(bins.count, SIZE_COUNT);
        assert_int_equal(bins.merged, 0);
        for (uint32_t first = 0; first < SIZE_COUNT; first++)
            for (uint32_t last = first; last < SIZE_COUNT; last++)
                assert_int_equal(tn_pool_bins_peak(&bins, first, last), plain.peaks[first][last]);
        tn_pool_bins_finish(&bins);
    }
}

/* With fewer bins than sizes, each bin holds a run of sizes, and all peaks are those of the sizes in it. */
static void merged_bins_keep_exact_peaks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct tn_pool_bins bins;
        struct plain plain;
        uint32_t firsts[64], lasts[64];
        run(&bins, &plain, 8, seed, 40, 5000);
        assert_true(bins.merged > 0 && bins.count <= 8);
        for (uint32_t bin = 0; bin < bins.count; bin++) {
            for (firsts[bin] = 0; plain.sizes_bytes[firsts[bin]] != bins.low_bytes[bin];)
                firsts[bin]++;
            for (lasts[bin] = 0; plain.sizes_bytes[lasts[bin]] != bins.high_bytes[bin];)
                lasts[bin]++;
        }
        for (uint32_t first = 0; first < bins.count; first++)
            for (uint32_t last = first; last < bins.count; last++)
                assert_int_equal(tn_pool_bins_peak(&bins, first, last),
                                 plain.peaks[firsts[first]][lasts[last]]);
        tn_pool_bins_finish(&bins);
    }
}

/* The fewest bytes of `count` pools, by trying every way to cut the sizes into runs: one bit a cut. */
static uint64_t try_all(const struct plain *plain, uint32_t count)
{
    uint64_t least_bytes = UINT64_MAX;
    for (uint32_t cuts = 0; cuts < 1u << (plain->count - 1); cuts++) {
        if ((uint32_t)__builtin_popcount(cuts) + 1 != count)
            continue;
        uint64_t bytes = 0;
        uint32_t first = 0;
        for (uint32_t last = 0; last < plain->count; last++) {
            if (last + 1 < plain->count && (cuts >> last & 1) == 0)
                continue;
            bytes += plain->sizes_bytes[last] * plain->peaks[first][last];
            first = last + 1;
        }
        if (bytes < least_bytes)
            least_bytes = bytes;
    }
    return least_bytes;
}

static void the_best_set_is_that_of_trying_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct tn_pool_bins bins;
        struct plain plain;
        run(&bins, &plain, 64, seed, SIZE_COUNT, 3000);
        for (uint32_t count = 1; count <= SIZE_COUNT; count++) {
            struct tn_pool_plan plan;
            uint64_t bytes = 0;
            uint32_t next = 0;
            tn_pool_plan_best(&bins, count, &plan);
            assert_int_equal(plan.count, count);
            for (uint32_t i = 0; i < count; i++) {
                const struct tn_pool_choice *pool = &plan.pools[i];
                assert_int_equal(pool->first, next);
                next = pool->last + 1;
                assert_int_equal(pool->block_bytes, plain.sizes_bytes[pool->last]);
                assert_int_equal(pool->block_count, plain.peaks[pool->first][pool->last]);
                bytes += pool->block_bytes * pool->block_count;
            }
            assert_int_equal(next, SIZE_COUNT);
            assert_int_equal(plan.pool_bytes, bytes);
            assert_int_equal(plan.pool_bytes, try_all(&plain, count));
        }
        tn_pool_bins_finish(&bins);
    }
}

/* One pool for two sizes whose peaks fall at different times needs the larger peak, not the sum. */
static void peaks_at_different_times_share_a_pool(void **state)
{
    (void)state;
    struct tn_pool_bins bins;
    struct tn_pool_plan plan;
    assert_int_equal(tn_pool_bins_begin(&bins, 64), 0);
    for (int round = 0; round < 2; round++) {
        uint64_t size_bytes = round == 0 ? 96 : 112;
        int count = round == 0 ? 60 : 50;
        for (int i = 0; i < count; i++)
            tn_pool_bins_birth(&bins, size_bytes);
        for (int i = 0; i < count; i++)
            tn_pool_bins_death(&bins, size_bytes);
    }
    tn_pool_bins_settle(&bins);
    tn_pool_plan_best(&bins, 1, &plan);
    assert_int_equal(plan.pool_bytes, 112 * 60);
    tn_pool_plan_best(&bins, 2, &plan);
    assert_int_equal(plan.pool_bytes, 96 * 60 + 112 * 50);
    tn_pool_bins_finish(&bins);
}

static void usual_classes_are_priced_by_the_same_peaks(void **state)
{
    (void)state;
    struct tn_pool_bins bins;
    struct tn_pool_plan plan;
    uint64_t sizes_bytes[TN_POOL_PLAN_MAX];
    static const uint64_t asked_bytes[] = {8, 40, 72, 200};
    static const uint64_t given_bytes[] = {16, 80};
    assert_int_equal(tn_pool_bins_begin(&bins, 64), 0);
    for (size_t i = 0; i < 4; i++)
        for (size_t n = 0; n <= i; n++)
            tn_pool_bins_birth(&bins, asked_bytes[i]);
    tn_pool_bins_settle(&bins);
    uint32_t count = tn_pool_sizes_power(&bins, sizes_bytes);
    assert_int_equal(count, 6);
    assert_int_equal(sizes_bytes[5], 256);
    tn_pool_plan_sizes(&bins, sizes_bytes, count, &plan);
    assert_int_equal(plan.count, 4);
    assert_int_equal(plan.pool_bytes, 8 * 1 + 64 * 2 + 128 * 3 + 256 * 4);
    assert_int_equal(plan.unserved, 0);
    count = tn_pool_sizes_geometric(&bins, sizes_bytes);
    static const uint64_t geometric_bytes[] = {8, 16, 24, 32, 40, 56, 72, 96, 120, 152, 192, 240};
    assert_int_equal(count, 12);
    assert_memory_equal(sizes_bytes, geometric_bytes, sizeof(geometric_bytes));
    tn_pool_plan_sizes(&bins, sizes_bytes, count, &plan);
    assert_int_equal(plan.pool_bytes, 8 * 1 + 40 * 2 + 72 * 3 + 240 * 4);
    tn_pool_plan_sizes(&bins, given_bytes, 2, &plan);
    assert_int_equal(plan.pool_bytes, 16 * 1 + 80 * 5);
    assert_int_equal(plan.unserved, 4);
    tn_pool_bins_finish(&bins);
}

static void no_blocks_need_no_pools(void **state)
{
    (void)state;
    struct tn_pool_bins bins;
    struct tn_pool_plan plan;
    uint64_t sizes_bytes[TN_POOL_PLAN_MAX];
    assert_int_equal(tn_pool_bins_begin(&bins, 64), 0);
    tn_pool_bins_settle(&bins);
    tn_pool_plan_best(&bins, 3, &plan);
    assert_int_equal(plan.count, 0);
    tn_pool_plan_sizes(&bins, sizes_bytes, tn_pool_sizes_power(&bins, sizes_bytes), &plan);
    assert_int_equal(plan.pool_bytes, 0);
    tn_pool_bins_finish(&bins);
}

static void names_are_identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *function, *name;
    } cases[] = {
        {"node_new", "node_new_24"},
        {"net::Session::open(int, char const*)", "net_session_open_24"},
        {"std::vector<int, A<b> >::grow()", "std_vector_24"},
        {"", "block_24"},
        {"(anonymous namespace)::f", "block_24"},
        {"3way", "n3way_24"},
        {"~Thing", "thing_24"},
        {"_start", "start_24"},
        {"a_name_that_is_so_long_that_it_cannot_be_the_name_of_anything_to_paste",
         "a_name_that_is_so_long_that_it_cannot_24"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[TN_POOL_NAME_BYTES];
        assert_string_equal(tn_pool_name(cases[i].function, 24, name), cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_are_those_of_a_plain_count),
        cmocka_unit_test(merged_bins_keep_exact_peaks),
        cmocka_unit_test(the_best_set_is_that_of_trying_all),
        cmocka_unit_test(peaks_at_different_times_share_a_pool),
        cmocka_unit_test(usual_classes_are_priced_by_the_same_peaks),
        cmocka_unit_test(no_blocks_need_no_pools),
        cmocka_unit_test(names_are_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
