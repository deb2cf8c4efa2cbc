/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "erlang.h"
#include "tenure/size_histogram.h"

#include <math.h>
#include <stdlib.h>

static void counts_are_those_of_the_tables(void **state)
{
    (void)state;
    assert_int_equal(tn_erlang_count(2, 1, 1e-9), 16);
    assert_int_equal(tn_erlang_count(5, 1, 1e-9), 24);
    assert_int_equal(tn_erlang_count(20, 1, 1e-9), 53);
    assert_int_equal(tn_erlang_count(0, 1, 1e-9), 0);
}

/* B(load, servers) as a sum of Poisson terms. */
static double by_definition(double load, int servers)
{
    double term = 1, sum = 1;
    for (int k = 1; k <= servers; k++) {
        term *= load / k;
        sum += term;
    }
    return term / sum;
}

static void whole_numbers_follow_the_definition(void **state)
{
    (void)state;
    for (int servers = 0; servers <= 40; servers++)
        for (double load = 0.25; load < 30; load *= 1.7)
            assert_true(fabs(tn_erlang_b(load, servers) / by_definition(load, servers) - 1) < 1e-9);
}

/* Between two whole numbers the continuation falls, and keeps the recursion. */
static void fractions_continue_the_whole_numbers(void **state)
{
    (void)state;
    for (double load = 0.05; load < 50; load *= 1.5)
        for (double servers = 0; servers < 20; servers += 0.25) {
            double here = tn_erlang_b(load, servers), next = tn_erlang_b(load, servers + 1);
            assert_true(tn_erlang_b(load, servers + 0.25) < here);
            assert_true(fabs(next / (load * here / (servers + 1 + load * here)) - 1) < 1e-9);
        }
    assert_true(fabs(tn_erlang_b(3, 1.0001) / tn_erlang_b(3, 1) - 1) < 1e-3);
    assert_true(fabs(tn_erlang_b(3, 0.9999) / tn_erlang_b(3, 1) - 1) < 1e-3);
}

static void bursts_need_more(void **state)
{
    (void)state;
    uint64_t smooth = tn_erlang_count(10, 1, 1e-6), last = smooth;
    for (double z = 1.5; z < 6; z += 0.5) {
        uint64_t count = tn_erlang_count(10, z, 1e-6);
        assert_true(count > last);
        assert_true(tn_erlang_b(10 / z, (double)count / z) <= 1e-6);
        assert_true(tn_erlang_b(10 / z, (double)(count - 1) / z) > 1e-6);
        last = count;
    }
    assert_int_equal(tn_erlang_count(10, 0.2, 1e-6), smooth);
}

static void sizes_are_counted_and_taken_back(void **state)
{
    (void)state;
    struct tn_size_histogram sizes = {0};
    struct tn_size_count *list;
    size_t count;
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(tn_size_histogram_add(&sizes, i % 10, 1), 0);
    assert_int_equal(tn_size_histogram_add(&sizes, 3, UINT64_MAX), 0);
    assert_int_equal(tn_size_histogram_add(&sizes, 500, 7), 0);
    assert_int_equal(tn_size_histogram_add(&sizes, 0, (uint64_t)-100), 0);
    assert_int_equal(tn_size_histogram_list(&sizes, &list, &count), 0);
    assert_int_equal(sizes.total, 906);
    assert_int_equal(count, 10);
    assert_int_equal(list[0].size_bytes, 1);
    assert_int_equal(list[2].count, 99);
    assert_int_equal(list[9].count, 7);
    assert_int_equal(tn_size_histogram_quantile(list, count, 500), 5);
    assert_int_equal(tn_size_histogram_quantile(list, count, 1000), 500);
    assert_int_equal(tn_size_histogram_quantile(list, count, 990), 9);
    assert_int_equal(tn_size_histogram_quantile(list, 0, 500), 0);
    free(list);
    tn_size_histogram_finish(&sizes);
}

/* Beyond the limit sizes are rounded up by at most a 64th, and none is lost. */
static void many_sizes_are_rounded(void **state)
{
    (void)state;
    struct tn_size_histogram sizes = {0};
    struct tn_size_count *list;
    size_t count;
    for (uint64_t i = 1; i <= 100000; i++)
        assert_int_equal(tn_size_histogram_add(&sizes, 1000 * i, 1), 0);
    assert_int_equal(tn_size_histogram_list(&sizes, &list, &count), 0);
    assert_true(count < TN_SIZE_HISTOGRAM_MAX + 1000);
    assert_int_equal(sizes.total, 100000);
    uint64_t median = tn_size_histogram_quantile(list, count, 500);
    assert_true(median >= 50000000 && median <= 50000000 / 64 * 65);
    free(list);
    tn_size_histogram_finish(&sizes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_the_tables),
        cmocka_unit_test(whole_numbers_follow_the_definition),
        cmocka_unit_test(fractions_continue_the_whole_numbers),
        cmocka_unit_test(bursts_need_more),
        cmocka_unit_test(sizes_are_counted_and_taken_back),
        cmocka_unit_test(many_sizes_are_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
