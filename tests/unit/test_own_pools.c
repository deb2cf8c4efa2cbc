/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "own_pools.h"
#include "rings.h"

#include "tenure/event_pool.h"

#include <string.h>

/* POOL events in, rows of `pool`, `pool_size` and `pool_block` out. */

#define POOL  UINT64_C(0x500000)
#define OTHER UINT64_C(0x600000)
#define A     UINT64_C(0x7f0000001000)
#define B     UINT64_C(0x7f0000002000)

static void hand_out(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t pool, uint64_t address,
                     uint64_t size_bytes)
{
    uint64_t event[TN_EVENT_POOL_BIRTH_WORDS] = {[1] = ticks};
    tn_event_put_pool_birth(event, 0, pool, address, size_bytes);
    rings_put(rings, ring, event, TN_EVENT_POOL_BIRTH_WORDS);
}

static void take_back(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t pool, uint64_t address)
{
    uint64_t event[TN_EVENT_POOL_DEATH_WORDS] = {[1] = ticks};
    enum tn_event_kind kind = address != 0 ? TN_EVENT_POOL_DEATH : TN_EVENT_POOL_RESET;
    tn_event_put_pool_death(event, kind, 0, pool, address);
    rings_put(rings, ring, event, TN_EVENT_POOL_DEATH_WORDS);
}

static void name(struct rings *rings, uint64_t ticks, uint64_t pool, const char *text)
{
    uint64_t event[TN_EVENT_POOL_NAME_WORDS + 8] = {[1] = ticks};
    tn_event_put_pool_name(event, pool, text, (uint32_t)strlen(text));
    rings_put(rings, 0, event, TN_EVENT_POOL_NAME_WORDS + tn_event_text_words((uint32_t)strlen(text)));
}

static void play(struct rings *rings)
{
    rings_play(rings, 100000000);
    assert_int_equal(tn_pools_write(&rings->matcher), 0);
}

static void finish(struct rings *rings)
{
    assert_false(rings->fake.is_broken);
    rings_finish(rings);
}

static void test_use_is_counted(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    hand_out(&rings, 0, 1000, POOL, A, 64);
    hand_out(&rings, 0, 1010, POOL, B, 16);
    take_back(&rings, 0, 1020, POOL, A);
    hand_out(&rings, 0, 1030, POOL, A, 16);
    hand_out(&rings, 0, 1040, OTHER, A, 8);
    name(&rings, 1050, POOL, "first");
    name(&rings, 1060, POOL, "nodes");
    play(&rings);
    assert_int_equal(rings.fake.pool_count, 2);
    const struct tn_log_pool *pool = &rings.fake.pools[0];
    assert_int_equal(pool->process_id, 1);
    assert_int_equal(pool->address, POOL);
    assert_string_equal(rings.fake.pool_names[0], "nodes");
    assert_string_equal(rings.fake.pool_names[1], "");
    assert_int_equal(pool->allocations, 3);
    assert_int_equal(pool->frees, 1);
    assert_int_equal(pool->total_bytes, 96);
    assert_int_equal(pool->live_count, 2);
    assert_int_equal(pool->live_bytes, 32);
    assert_int_equal(pool->peak_live_count, 2);
    assert_int_equal(pool->peak_live_bytes, 80);
    assert_int_equal(pool->unknown_frees + pool->unseen_frees + pool->blocks_left_out, 0);
    assert_int_equal(rings.fake.pool_size_count, 3);
    const struct tn_log_pool_size *small = &rings.fake.pool_sizes[1];
    assert_int_equal(small->size_bytes, 16);
    assert_int_equal(small->allocations, 2);
    assert_int_equal(small->peak_live_count, 2);
    assert_int_equal(rings.fake.pool_block_count, 4);
    assert_int_not_equal(rings.fake.pool_deaths[0], 0);
    assert_int_equal(rings.fake.pool_deaths[1], 0);
    assert_int_equal(rings.fake.births + rings.fake.deaths, 0); /* the heap's record has none of it */
    finish(&rings);
}

static void test_a_reset_ends_its_pool_only(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    for (uint64_t i = 0; i < 5; i++)
        hand_out(&rings, 0, 1000 + i, POOL, A + 64 * i, 64);
    hand_out(&rings, 0, 1010, OTHER, B, 8);
    take_back(&rings, 0, 1020, POOL, A + 128);
    take_back(&rings, 0, 1030, POOL, 0);
    take_back(&rings, 0, 1040, POOL, 0);
    hand_out(&rings, 0, 1050, POOL, A, 64);
    play(&rings);
    const struct tn_log_pool *pool = &rings.fake.pools[0];
    assert_int_equal(pool->frees, 5);
    assert_int_equal(pool->resets, 2);
    assert_int_equal(pool->live_count, 1);
    assert_int_equal(pool->peak_live_count, 5);
    assert_int_equal(rings.fake.pools[1].live_count, 1);
    assert_int_equal(rings.fake.pools[1].frees, 0);
    finish(&rings);
}

/* The release of one thread stands in another ring than the birth that follows it, with a later stamp: the
 * two are put right, and nothing is counted as unseen. */
static void test_swapped_stamps(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    hand_out(&rings, 0, 1000, POOL, A, 64);
    hand_out(&rings, 1, 2000, POOL, A, 64);
    take_back(&rings, 0, 2001, POOL, A);
    play(&rings);
    const struct tn_log_pool *pool = &rings.fake.pools[0];
    assert_int_equal(pool->allocations, 2);
    assert_int_equal(pool->frees, 1);
    assert_int_equal(pool->unseen_frees + pool->unknown_frees, 0);
    assert_int_equal(pool->peak_live_count, 1);
    finish(&rings);
}

static void test_what_does_not_match(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    take_back(&rings, 0, 1000, POOL, A);
    hand_out(&rings, 0, 1010, POOL, A, 64);
    hand_out(&rings, 0, 1020, POOL, A, 32);
    take_back(&rings, 0, 1030, OTHER, A);
    play(&rings);
    const struct tn_log_pool *pool = &rings.fake.pools[0];
    assert_int_equal(pool->unknown_frees, 1);
    assert_int_equal(pool->unseen_frees, 1);
    assert_int_equal(pool->allocations, 2);
    assert_int_equal(pool->frees, 0);
    assert_int_equal(pool->live_bytes, 32);
    assert_int_equal(rings.fake.pools[1].unknown_frees, 1);
    finish(&rings);
}

/* A pool without a row costs a count, not the recording; and a damaged event ends its ring. */
static void test_limits(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    for (uint64_t i = 0; i < TN_POOLS_MAX + 3; i++)
        hand_out(&rings, 0, 1000 + i, POOL + 64 * i, A, 8);
    play(&rings);
    assert_int_equal(rings.fake.pool_count, TN_POOLS_MAX);
    assert_int_equal(rings.totals.pool_events_dropped, 3);
    rings.totals.pool_blocks = TN_POOL_BLOCKS_MAX;
    hand_out(&rings, 0, 90000, POOL, B, 8);
    take_back(&rings, 0, 90001, POOL, B);
    play(&rings);
    assert_int_equal(rings.fake.pools[0].blocks_left_out, 1);
    assert_int_equal(rings.fake.pools[0].allocations, 2);
    assert_int_equal(rings.fake.pools[0].frees, 1);
    assert_false(rings.stream[0].is_damaged);
    hand_out(&rings, 0, 91000, 0, B, 8);
    play(&rings);
    assert_true(rings.stream[0].is_damaged);
    finish(&rings);
}

static void test_names_that_do_not_fit(void **state)
{
    (void)state;
    uint64_t event[TN_EVENT_POOL_NAME_WORDS + 1] = {0}, pool;
    const char *text;
    uint32_t text_bytes;
    tn_event_put_pool_name(event, POOL, "12345678", 8);
    uint32_t words = tn_event_words_of(event[0]);
    assert_true(tn_event_get_pool_name(event, words, &pool, &text, &text_bytes));
    assert_int_equal(text_bytes, 8);
    assert_false(tn_event_get_pool_name(event, words - 1, &pool, &text, &text_bytes));
    event[2] = 9;
    assert_false(tn_event_get_pool_name(event, words, &pool, &text, &text_bytes));
    event[2] = UINT64_MAX;
    assert_false(tn_event_get_pool_name(event, words, &pool, &text, &text_bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_use_is_counted), cmocka_unit_test(test_a_reset_ends_its_pool_only),
        cmocka_unit_test(test_swapped_stamps), cmocka_unit_test(test_what_does_not_match),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_names_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
