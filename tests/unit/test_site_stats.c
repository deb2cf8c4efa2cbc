/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/finish/site_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ *state >> 29;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Against the exact quantile of the same values: never off by more than a 64th. */
static void check_quantiles(uint64_t *values, size_t count)
{
    struct tn_quantile quantile = {0};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(tn_quantile_add(&quantile, values[i]), 0);
    assert_int_equal(tn_quantile_settle(&quantile), 0);
    qsort(values, count, sizeof(values[0]), compare);
    static const unsigned percents[] = {1, 10, 50, 90, 99, 100};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        size_t rank = (count * percents[i] + 99) / 100;
        uint64_t exact = values[rank > 0 ? rank - 1 : 0];
        uint64_t found = tn_quantile_at(&quantile, percents[i]);
        uint64_t error = found > exact ? found - exact : exact - found;
        uint64_t bound = count <= TN_QUANTILE_WAITING ? 0 : exact / 64;
        if (error > bound || found > quantile.max)
            fail_msg("%u %% of %zu: %llu, not %llu", percents[i], count, (unsigned long long)found,
                     (unsigned long long)exact);
    }
    assert_int_equal(quantile.max, values[count - 1]);
    tn_quantile_finish(&quantile);
}

static void quantiles_keep_their_error_bound(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    uint64_t *values = malloc(COUNT * sizeof(values[0]));
    uint64_t random = 1;
    for (unsigned width = 1; width <= 64; width++) {
        for (size_t i = 0; i < COUNT; i++)
            values[i] = next_random(&random) >> (64 - width);
        check_quantiles(values, 1 + next_random(&random) % COUNT);
    }
    for (size_t i = 0; i < COUNT; i++)
        values[i] = next_random(&random) >> (next_random(&random) % 64);
    check_quantiles(values, COUNT);
    /* where the values go over from being kept to being counted */
    for (size_t count = 1; count <= 3 * TN_QUANTILE_WAITING; count++) {
        for (size_t i = 0; i < count; i++)
            values[i] = next_random(&random) >> (next_random(&random) % 64);
        check_quantiles(values, count);
    }
    free(values);
}

static void quantiles_of_few_values(void **state)
{
    (void)state;
    struct tn_quantile quantile = {0};
    assert_int_equal(tn_quantile_at(&quantile, 50), 0);
    assert_int_equal(tn_quantile_add(&quantile, UINT64_MAX), 0);
    assert_int_equal(tn_quantile_settle(&quantile), 0);
    assert_int_equal(tn_quantile_at(&quantile, 1), UINT64_MAX);
    assert_int_equal(tn_quantile_at(&quantile, 99), UINT64_MAX);
    tn_quantile_finish(&quantile);
    for (uint64_t value = 0; value < 64; value++) {
        assert_int_equal(tn_quantile_add(&quantile, value), 0);
        assert_int_equal(tn_quantile_settle(&quantile), 0);
        assert_int_equal(tn_quantile_at(&quantile, 100), value);
    }
    assert_int_equal(tn_quantile_at(&quantile, 50), 31);
    tn_quantile_finish(&quantile);
}

/* A state that can be computed from the number of the event alone. */
static struct tn_timeline_point point_of(uint64_t event, uint64_t time_ns)
{
    uint64_t wave = event % 1000;
    return (struct tn_timeline_point){.time_ns = time_ns,
                                      .live_count = wave < 500 ? wave : 1000 - wave,
                                      .live_bytes = (event * 2654435761u) % 100003,
                                      .allocations = event,
                                      .allocated_bytes = event * 16,
                                      .event = event};
}

/* time_of: when an event happens. */
static void check_timeline(uint64_t event_count, uint64_t (*time_of)(uint64_t event))
{
    struct tn_timeline *timeline = calloc(1, sizeof(*timeline));
    uint64_t peak_bytes = 0, peak_count = 0;
    for (uint64_t event = 1; event <= event_count; event++) {
        struct tn_timeline_point point = point_of(event, time_of(event));
        peak_bytes = point.live_bytes > peak_bytes ? point.live_bytes : peak_bytes;
        peak_count = point.live_count > peak_count ? point.live_count : peak_count;
        tn_timeline_add(timeline, point);
        assert_true(timeline->count <= TN_TIMELINE_POINTS_MAX);
    }
    tn_timeline_complete(timeline);
    assert_true(timeline->count <= TN_TIMELINE_POINTS_MAX);
    assert_true(timeline->count >= (event_count < 2000 ? event_count : 1000));
    bool has_peak_bytes = false, has_peak_count = false;
    for (size_t i = 0; i < timeline->count; i++) {
        struct tn_timeline_point *point = &timeline->points[i];
        struct tn_timeline_point exact = point_of(point->event, time_of(point->event));
        assert_memory_equal(point, &exact, sizeof(exact));
        assert_true(i == 0 || point->event > timeline->points[i - 1].event);
        has_peak_bytes |= point->live_bytes == peak_bytes;
        has_peak_count |= point->live_count == peak_count;
    }
    assert_true(has_peak_bytes && has_peak_count);
    assert_int_equal(timeline->points[0].event, 1);
    assert_int_equal(timeline->points[timeline->count - 1].event, event_count);
    free(timeline);
}

static uint64_t evenly(uint64_t event)
{
    return event * 100;
}

static uint64_t at_once(uint64_t event)
{
    (void)event;
    return 7;
}

/* A burst of a million, then one event a second. */
static uint64_t burst(uint64_t event)
{
    return event < 1000000 ? event : 1000000 + (event - 1000000) * 1000000000;
}

static void timeline_is_bounded_and_exact(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 1500, 4092, 4093, 4094, 4096, 4097, 8192, 100000, 1003000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        check_timeline(counts[i], evenly);
        check_timeline(counts[i], at_once);
        check_timeline(counts[i], burst);
    }
}

/* After the burst each second has its point, though it holds one event only. */
static void timeline_shows_waits(void **state)
{
    (void)state;
    struct tn_timeline *timeline = calloc(1, sizeof(*timeline));
    for (uint64_t event = 1; event <= 1003000; event++)
        tn_timeline_add(timeline, point_of(event, burst(event)));
    tn_timeline_complete(timeline);
    size_t late = 0;
    for (size_t i = 0; i < timeline->count; i++)
        late += timeline->points[i].event > 1000000;
    assert_true(late >= 500);
    assert_true(timeline->count - late >= 10);
    free(timeline);
}

static struct tn_log_event birth(uint64_t id, uint64_t size_bytes, uint64_t time_ns)
{
    return (struct tn_log_event){.is_birth = true,
                                 .allocation_id = id,
                                 .thread_id = 1,
                                 .time_ns = time_ns,
                                 .size_bytes = size_bytes,
                                 .usable_size_bytes = size_bytes + 8};
}

static struct tn_log_event death(uint64_t id, uint64_t thread_id, uint64_t time_ns)
{
    return (struct tn_log_event){.allocation_id = id, .thread_id = thread_id, .time_ns = time_ns};
}

static void give_birth(struct tn_process_stats *process, uint64_t id, uint64_t size_bytes, uint64_t time_ns,
                       uint32_t site_id)
{
    struct tn_log_event event = birth(id, size_bytes, time_ns);
    assert_int_equal(tn_process_stats_birth(process, &event, site_id), 0);
}

static int end(struct tn_process_stats *process, uint64_t id, uint64_t thread_id, uint64_t time_ns)
{
    struct tn_log_event event = death(id, thread_id, time_ns);
    return tn_process_stats_death(process, &event);
}

static void a_site_is_counted_exactly(void **state)
{
    (void)state;
    struct tn_process_stats process;
    assert_int_equal(tn_process_stats_begin(&process, 10), 0);
    give_birth(&process, 1, 100, 10, 5);
    give_birth(&process, 2, 40000, 20, 6);
    give_birth(&process, 3, 200, 30, 5);
    give_birth(&process, 4, 100, 40, 5);
    assert_int_equal(end(&process, 1, 1, 50), 0); /* 40,300 bytes later: not short-lived */
    assert_int_equal(end(&process, 3, 2, 60), 0); /* 100 bytes later, by another thread */
    assert_int_equal(end(&process, 3, 2, 60), -EBADMSG);
    assert_int_equal(end(&process, 9, 2, 60), -EBADMSG);
    assert_int_equal(process.used_count, 2);
    const struct tn_site_stats *stats = &process.sites[0];
    assert_int_equal(stats->site_id, 5);
    assert_int_equal(stats->allocations, 3);
    assert_int_equal(stats->freed, 2);
    assert_int_equal(stats->live_count, 1);
    assert_int_equal(stats->live_bytes, 100);
    assert_int_equal(stats->total_bytes, 400);
    assert_int_equal(stats->usable_bytes, 424);
    assert_int_equal(stats->min_size_bytes, 100);
    assert_int_equal(stats->max_size_bytes, 200);
    assert_int_equal(stats->distinct_sizes, 2);
    assert_int_equal(stats->peak_live_count, 3);
    assert_int_equal(stats->peak_live_bytes, 400);
    assert_int_equal(stats->freed_by_other_thread, 1);
    assert_int_equal(stats->short_lived, 1);
    assert_int_equal(stats->small_short_lived, 1);
    assert_int_equal(stats->first_birth_ns, 10);
    assert_int_equal(stats->last_birth_ns, 40);
    assert_int_equal(stats->lifetime_ns.max, 40);
    assert_int_equal(stats->lifetime_allocations.max, 3);
    assert_int_equal(stats->lifetime_bytes.max, 40300);
    struct tn_timeline_point point = tn_process_stats_point(&process, 60);
    assert_int_equal(point.live_count, 2);
    assert_int_equal(point.live_bytes, 40100);
    assert_int_equal(point.event, 6);
    tn_process_stats_finish(&process);
}

static void memory_follows_live_blocks(void **state)
{
    (void)state;
    struct tn_process_stats process;
    assert_int_equal(tn_process_stats_begin(&process, 10), 0);
    for (uint64_t id = 1; id <= 100000; id++) {
        give_birth(&process, id, id % 7, id, 1 + (uint32_t)(id % 3));
        if (id > 10)
            assert_int_equal(end(&process, id - 10, 1, id), 0);
    }
    assert_true(process.live.page_count <= TN_LIVE_OLD_PAGES);
    assert_true(process.live.stray_capacity <= 1024);
    assert_int_equal(process.allocations - process.frees, 10);
    tn_process_stats_finish(&process);
}

static void initialisation_ends_with_the_last_lasting_early_block(void **state)
{
    (void)state;
    struct tn_process_stats process;
    assert_int_equal(tn_process_stats_begin(&process, 10), 0);
    assert_int_equal(tn_process_stats_initialised_ns(&process), 0);
    /* site 1 allocates early only; its second block does not last. Site 2 goes on for the whole run. */
    give_birth(&process, 1, 10, 100, 1);
    give_birth(&process, 2, 10, 200, 1);
    assert_int_equal(end(&process, 2, 1, 250), 0);
    for (uint64_t id = 3; id <= 100; id++)
        give_birth(&process, id, 10, id * 100, 2);
    assert_int_equal(tn_process_stats_initialised_ns(&process), 100);
    tn_process_stats_finish(&process);
}

static void sizes_are_told_apart_up_to_the_bound(void **state)
{
    (void)state;
    struct tn_process_stats process;
    assert_int_equal(tn_process_stats_begin(&process, 10), 0);
    for (uint64_t id = 1; id <= TN_DISTINCT_SIZES_MAX + 100; id++)
        give_birth(&process, id, id, id, 1);
    assert_int_equal(process.sites[0].distinct_sizes, TN_DISTINCT_SIZES_MAX);
    tn_process_stats_finish(&process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_keep_their_error_bound),
        cmocka_unit_test(quantiles_of_few_values),
        cmocka_unit_test(timeline_is_bounded_and_exact),
        cmocka_unit_test(timeline_shows_waits),
        cmocka_unit_test(a_site_is_counted_exactly),
        cmocka_unit_test(memory_follows_live_blocks),
        cmocka_unit_test(initialisation_ends_with_the_last_lasting_early_block),
        cmocka_unit_test(sizes_are_told_apart_up_to_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
