/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/map.h"

#include <errno.h>

/* A small generator with a fixed seed: the same operations in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void empty_map_finds_nothing(void **state)
{
    (void)state;
    struct tn_map map = {0};
    assert_null(tn_map_find(&map, 1));
    assert_false(tn_map_remove(&map, 1, NULL));
    assert_true(tn_map_is_valid(&map));
    assert_int_equal(tn_map_put(&map, 0, 1), -EINVAL);
    tn_map_finish(&map);
}

static void put_replaces_and_remove_returns(void **state)
{
    (void)state;
    struct tn_map map = {0};
    assert_int_equal(tn_map_put(&map, 7, 1), 0);
    assert_int_equal(tn_map_put(&map, 7, 2), 0);
    assert_int_equal(map.count, 1);
    uint64_t value = 0;
    assert_true(tn_map_remove(&map, 7, &value));
    assert_int_equal(value, 2);
    assert_null(tn_map_find(&map, 7));
    tn_map_finish(&map);
}

/* 500 keys put and removed at random agree with a plain array after every step. */
static void random_operations_agree_with_an_array(void **state)
{
    (void)state;
    enum { KEYS = 500, STEPS = 20000 };
    static uint64_t expected[KEYS];
    struct tn_map map = {0};
    uint64_t seed = 42;
    for (int step = 0; step < STEPS; step++) {
        uint64_t i = next_random(&seed) % KEYS;
        uint64_t key = (i + 1) * 4096;
        if (next_random(&seed) % 2 == 0) {
            expected[i] = next_random(&seed) + 1;
            assert_int_equal(tn_map_put(&map, key, expected[i]), 0);
        } else {
            uint64_t value = 0;
            assert_int_equal(tn_map_remove(&map, key, &value), expected[i] != 0);
            assert_int_equal(value, expected[i]);
            expected[i] = 0;
        }
        if (step % 64 == 0)
            assert_true(tn_map_is_valid(&map));
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t *value = tn_map_find(&map, (i + 1) * 4096);
        assert_int_equal(value != NULL ? *value : 0, expected[i]);
    }
    tn_map_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_map_finds_nothing),
        cmocka_unit_test(put_replaces_and_remove_returns),
        cmocka_unit_test(random_operations_agree_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
