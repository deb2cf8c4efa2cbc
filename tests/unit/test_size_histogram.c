/* SPDX-License-Identifier: MIT */
/* Histograms of sizes against an array of counts: few sizes and many, small and large ones, sizes that are
 * taken back before and after they came, and more different sizes than are told apart. */
#include "tenure/size_histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIZES_MAX 65536u

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void compare(struct tn_size_histogram *sizes, const uint64_t *counts)
{
    struct tn_size_count *list = NULL;
    size_t count = 0, at = 0;
    assert_int_equal(tn_size_histogram_list(sizes, &list, &count), 0);
    for (uint64_t size = 0; size < SIZES_MAX; size++) {
        if (counts[size] == 0)
            continue;
        assert_true(at < count);
        assert_int_equal(list[at].size_bytes, size);
        assert_int_equal(list[at++].count, counts[size]);
    }
    assert_int_equal(at, count);
    free(list);
}

static void run(uint64_t largest, unsigned steps)
{
    struct tn_size_histogram sizes = {0};
    uint64_t *counts = calloc(SIZES_MAX, sizeof(counts[0]));
    uint64_t seed = 88172645463325252u + largest, before = 0;
    assert_non_null(counts);
    for (unsigned step = 0; step < steps; step++) {
        uint64_t size = next_random(&seed) % largest;
        if (step % 7 == 6) { /* a block that grew: its last size no longer counts */
            assert_int_equal(tn_size_histogram_add(&sizes, before, UINT64_MAX), 0);
            counts[before]--;
        }
        assert_int_equal(tn_size_histogram_add(&sizes, size, 1), 0);
        counts[size]++;
        before = size;
        if (step == 40 || step == 400)
            compare(&sizes, counts);
    }
    compare(&sizes, counts);
    free(counts);
    tn_size_histogram_finish(&sizes);
}

static void counts_as_an_array_does(void **state)
{
    (void)state;
    run(1, 1000);
    run(47, 1000);
    run(60, 1000);
    run(1024, 5000);
    run(1026, 5000);
    run(30000, 60000);
}

/* A size may be taken back that was put there by another histogram's count: then it comes later. */
static void taken_back_first(void **state)
{
    (void)state;
    struct tn_size_histogram sizes = {0};
    struct tn_size_count *list = NULL;
    size_t count = 0;
    for (uint64_t size = 0; size < 200; size++)
        assert_int_equal(tn_size_histogram_add(&sizes, size, UINT64_MAX), 0);
    for (uint64_t size = 0; size < 200; size++)
        assert_int_equal(tn_size_histogram_add(&sizes, size, size == 150 ? 2 : 1), 0);
    assert_int_equal(tn_size_histogram_list(&sizes, &list, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].size_bytes, 150);
    assert_int_equal(list[0].count, 1);
    free(list);
    tn_size_histogram_finish(&sizes);
}

static void more_sizes_than_are_told_apart(void **state)
{
    (void)state;
    struct tn_size_histogram sizes = {0};
    struct tn_size_count *list = NULL;
    size_t count = 0;
    uint64_t total = 0;
    for (uint64_t size = 0; size < 2 * TN_SIZE_HISTOGRAM_MAX; size++)
        assert_int_equal(tn_size_histogram_add(&sizes, size, 1), 0);
    assert_int_equal(tn_size_histogram_list(&sizes, &list, &count), 0);
    for (size_t i = 0; i < count; i++)
        total += list[i].count;
    assert_true(count >= TN_SIZE_HISTOGRAM_MAX && count < TN_SIZE_HISTOGRAM_MAX + 200);
    assert_int_equal(total, 2 * TN_SIZE_HISTOGRAM_MAX);
    free(list);
    tn_size_histogram_finish(&sizes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_as_an_array_does),
        cmocka_unit_test(taken_back_first),
        cmocka_unit_test(more_sizes_than_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
