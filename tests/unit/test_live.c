/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/log/live.h"

#include <stdlib.h>

#define IDS 200000

static uint64_t random_state = 5;

static uint64_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 20;
}

static void add(struct tn_live *live, uint64_t id)
{
    struct tn_live_block *block;
    assert_int_equal(tn_live_add(live, id, &block), 0);
    assert_int_equal(block->id, id);
    block->size_bytes = id * 3;
}

static void take(struct tn_live *live, uint64_t id)
{
    const struct tn_live_block *block = tn_live_take(live, id);
    assert_non_null(block);
    assert_int_equal(block->id, id);
    assert_int_equal(block->size_bytes, id * 3);
    assert_null(tn_live_take(live, id));
}

/* Blocks come in the order of their ids and go at random; most go soon, some stay. */
static void test_births_and_deaths(void **state)
{
    (void)state;
    struct tn_live live = {0};
    static uint64_t there[IDS];
    size_t count = 0;
    uint64_t id = 0;
    for (size_t i = 0; i < IDS; i++) {
        id += 1 + (next_random() % 50 == 0 ? next_random() % 5000 : 0);
        add(&live, id);
        there[count++] = id;
        while (count > 0 && next_random() % 2 == 0) {
            size_t which = next_random() % 10 == 0 ? next_random() % count : count - 1;
            take(&live, there[which]);
            there[which] = there[--count];
        }
        assert_int_equal(live.count, count);
    }
    uint64_t *ids = NULL;
    assert_int_equal(tn_live_list(&live, &ids), 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || ids[i] > ids[i - 1]);
        take(&live, ids[i]);
    }
    free(ids);
    assert_int_equal(live.count, 0);
    assert_int_equal(live.page_indices.count, 0);
    tn_live_finish(&live);
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    struct tn_live live = {0};
    assert_null(tn_live_take(&live, 1));
    add(&live, 64);
    assert_null(tn_live_take(&live, 63));
    assert_null(tn_live_take(&live, 65));
    assert_null(tn_live_take(&live, 64 + 64 * TN_LIVE_CACHE_SIZE));
    take(&live, 64);
    add(&live, 64); /* its page was given back and is taken again */
    take(&live, 64);
    tn_live_finish(&live);
}

/* Memory follows what lives, not what was ever born. */
static void test_memory_is_given_back(void **state)
{
    (void)state;
    struct tn_live live = {0};
    for (uint64_t id = 1; id <= IDS; id++) {
        add(&live, id);
        if (id > 100)
            take(&live, id - 100);
    }
    assert_true(live.block_capacity <= 256);
    assert_true(live.page_capacity <= 256);
    tn_live_finish(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_births_and_deaths),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_memory_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
