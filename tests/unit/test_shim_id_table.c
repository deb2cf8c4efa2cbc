/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "id_table.h"

#include <pthread.h>

/* Keys as return addresses are: close together, never 0. */
static uint64_t key_of(uint64_t i)
{
    return UINT64_C(0x555555554000) + i * 5;
}

static void unknown_keys_are_zero(void **state)
{
    (void)state;
    struct tn_id_table table = {NULL};
    assert_int_equal(tn_id_table_open(&table, 16), 0);
    assert_int_equal(tn_id_table_find(&table, 1), 0);
    assert_int_equal(tn_id_table_count(&table), 0);
}

static void table_grows_and_keeps_all(void **state)
{
    (void)state;
    struct tn_id_table table = {NULL};
    assert_int_equal(tn_id_table_open(&table, 16), 0);
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(tn_id_table_put(&table, key_of(i), i + 1), 0);
    assert_int_equal(tn_id_table_count(&table), 20000);
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(tn_id_table_find(&table, key_of(i)), i + 1);
    assert_int_equal(tn_id_table_find(&table, key_of(20000)), 0);
}

static void put_replaces(void **state)
{
    (void)state;
    struct tn_id_table table = {NULL};
    assert_int_equal(tn_id_table_open(&table, 16), 0);
    assert_int_equal(tn_id_table_put(&table, 7, 1), 0);
    assert_int_equal(tn_id_table_put(&table, 7, 2), 0);
    assert_int_equal(tn_id_table_count(&table), 1);
    assert_int_equal(tn_id_table_find(&table, 7), 2);
}

static void forgotten_values_are_unknown_and_can_be_learned_again(void **state)
{
    (void)state;
    struct tn_id_table table = {NULL};
    assert_int_equal(tn_id_table_open(&table, 64), 0);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(tn_id_table_put(&table, key_of(i), 9), 0);
    tn_id_table_forget(&table);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(tn_id_table_find(&table, key_of(i)), 0);
    assert_int_equal(tn_id_table_put(&table, key_of(3), 4), 0);
    assert_int_equal(tn_id_table_find(&table, key_of(3)), 4);
}

#define SHARED_COUNT 50000u

static void *read_all(void *context)
{
    struct tn_id_table *table = context;
    /* What can be found has its own value, whatever the writer is doing; the last key ends the test. */
    while (tn_id_table_find(table, key_of(SHARED_COUNT)) == 0)
        for (uint64_t i = 0; i < SHARED_COUNT; i += 97) {
            uint64_t value = tn_id_table_find(table, key_of(i));
            if (value != 0 && value != i + 1)
                return context;
        }
    return NULL;
}

static void readers_see_whole_pairs(void **state)
{
    (void)state;
    struct tn_id_table table = {NULL};
    pthread_t reader;
    void *wrong = NULL;
    assert_int_equal(tn_id_table_open(&table, 16), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, &table), 0);
    for (uint64_t i = 0; i <= SHARED_COUNT; i++)
        assert_int_equal(tn_id_table_put(&table, key_of(i), i + 1), 0);
    assert_int_equal(pthread_join(reader, &wrong), 0);
    assert_null(wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_are_zero),
        cmocka_unit_test(table_grows_and_keeps_all),
        cmocka_unit_test(put_replaces),
        cmocka_unit_test(forgotten_values_are_unknown_and_can_be_learned_again),
        cmocka_unit_test(readers_see_whole_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
