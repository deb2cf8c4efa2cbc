/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"

#include <stdbool.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

/* A machine: 3 GHz, and a true clock whose rate changes and that may step. */
static struct tn_clock_pair pair_at(double seconds, double rate, int64_t step_ns)
{
    return (struct tn_clock_pair){
        .ticks = UINT64_C(5000000000) + (uint64_t)(seconds * 3e9),
        .monotonic_ns = UINT64_C(70000000000) + (uint64_t)((int64_t)(seconds * 1e9 * rate) + step_ns),
    };
}

static void begin(struct tn_clock_map *map)
{
    struct tn_clock_pair first = pair_at(0, 1, 0), second = pair_at(0.002, 1, 700);
    tn_clock_begin(map, TN_CLOCK_TSC, first, second, first.ticks - 3000000);
}

static void test_starts_at_zero(void **state)
{
    (void)state;
    struct tn_clock_map map;
    begin(&map);
    assert_int_equal(tn_clock_ns(&map, UINT64_C(5000000000) - 3000000), 0);
    assert_int_equal(tn_clock_ns(&map, 1000), 0);
    assert_in_range(tn_clock_ns(&map, UINT64_C(5000000000)), 999000, 1001000);
    assert_in_range(tn_clock_span_ticks(&map, 20000), 59000, 61000);
}

/* The first slope comes from 2 ms and is off by 0.035 %; after some seconds nothing of that is left. */
static void test_converges(void **state)
{
    (void)state;
    struct tn_clock_map map;
    begin(&map);
    uint64_t error_ns = 0;
    for (int second = 1; second <= 10; second++) {
        struct tn_clock_pair pair = pair_at(second, 1, 0);
        uint64_t before = tn_clock_ns(&map, pair.ticks);
        tn_clock_adjust(&map, pair);
        error_ns = (uint64_t)llabs((long long)(before - (pair.monotonic_ns - map.zero_ns)));
    }
    assert_in_range(error_ns, 0, 200);
}

/* Across every adjustment, and for stamps from before it: never falls. Also when the true clock steps. */
static void test_never_falls(void **state)
{
    (void)state;
    static const int64_t steps[] = {0, 5000, -8000, 3000000000, 0, -2000000000, 0, 0};
    struct tn_clock_map map;
    begin(&map);
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct tn_clock_pair pair = pair_at((double)i + 1, 1.0001, steps[i]);
        for (uint64_t t = pair.ticks - 2900000000; t < pair.ticks; t += 7777777) {
            uint64_t ns = tn_clock_ns(&map, t);
            assert_true(ns >= last);
            last = ns;
        }
        uint64_t before = tn_clock_ns(&map, pair.ticks - 1);
        tn_clock_adjust(&map, pair);
        assert_true(tn_clock_ns(&map, pair.ticks - 1) <= tn_clock_ns(&map, pair.ticks));
        assert_int_equal(tn_clock_ns(&map, pair.ticks - 1), before);
        last = before;
    }
}

static void test_monotonic_is_taken_as_it_is(void **state)
{
    (void)state;
    struct tn_clock_map map;
    struct tn_clock_pair pair = tn_clock_read(TN_CLOCK_MONOTONIC);
    tn_clock_begin(&map, TN_CLOCK_MONOTONIC, pair, pair, pair.ticks);
    tn_clock_adjust(&map, (struct tn_clock_pair){pair.ticks + 50, pair.ticks + 99});
    assert_int_equal(tn_clock_ns(&map, pair.ticks + 12345678901), 12345678901);
}

/* The recorder refuses a program that counts by a clock that is none of this machine's. */
static void test_other_machines_have_no_clock_here(void **state)
{
    (void)state;
    assert_true(tn_clock_ticks(TN_CLOCK_MONOTONIC) != 0);
    assert_true(tn_clock_ticks(TN_CLOCK_TSC) == 0 || tn_clock_ticks(TN_CLOCK_COUNTER) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_at_zero),
        cmocka_unit_test(test_converges),
        cmocka_unit_test(test_never_falls),
        cmocka_unit_test(test_monotonic_is_taken_as_it_is),
        cmocka_unit_test(test_other_machines_have_no_clock_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
