/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rings.h"

#include <string.h>

#define A UINT64_C(0x7f0000001000)
#define B UINT64_C(0x7f0000002000)

static void test_merges_by_stamp(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 3);
    for (uint64_t i = 0; i < 300; i++)
        rings_birth(&rings, (uint32_t)(i * 7 % 3), 1000 + i, A + i * 16, (uint32_t)i);
    assert_int_equal(rings_play(&rings, 1000 + 200), 200);
    assert_int_equal(rings_play(&rings, 1000 + 300), 100);
    for (uint64_t i = 0; i < 300; i++) {
        assert_int_equal(rings.fake.events[i].size_bytes, i);
        assert_int_equal(rings.fake.events[i].time_ns, 1000 + i);
    }
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

static void test_holds_back_at_watermark(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 1000, A, 1);
    rings_birth(&rings, 1, 1001, B, 2);
    assert_int_equal(rings_play(&rings, 1000), 0);
    assert_int_equal(rings_play(&rings, 1001), 1);
    assert_int_equal(rings_play(&rings, 1002), 1);
    rings_finish(&rings);
}

/* Thread 0 allocates, thread 1 frees; the free's stamp was read too early. */
static void test_death_before_birth(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_death(&rings, 1, 1000, A);
    rings_birth(&rings, 0, 1050, A, 8);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.count, 2);
    assert_true(rings.fake.events[0].is_birth);
    assert_false(rings.fake.events[1].is_birth);
    assert_int_equal(rings.fake.events[1].time_ns, 1050);
    assert_int_equal(rings.fake.events[1].thread_id, 2);
    assert_int_equal(rings.totals.repaired_orders, 1);
    assert_int_equal(rings.totals.unmatched_frees, 0);
    rings_finish(&rings);
}

/* The same, but the birth arrives a round later. */
static void test_death_waits_over_rounds(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_death(&rings, 1, 1000, A);
    assert_int_equal(rings_play(&rings, 1020), 0);
    rings_birth(&rings, 0, 1050, A, 8);
    assert_int_equal(rings_play(&rings, 1100), 2);
    assert_int_equal(rings.fake.deaths, 1);
    assert_int_equal(rings.totals.repaired_orders, 1);
    rings_finish(&rings);
}

/* A reuse seen before the release that made it possible: birth, birth, death, death of one address. */
static void test_birth_before_death(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 1000, A, 1);
    rings_birth(&rings, 1, 1100, A, 2);
    rings_death(&rings, 0, 1130, A);
    rings_death(&rings, 1, 1160, A);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.births, 2);
    assert_int_equal(rings.fake.deaths, 2);
    assert_int_equal(rings.fake.events[1].id, 1);
    assert_int_equal(rings.fake.events[1].thread_id, 1);
    assert_int_equal(rings.fake.events[2].size_bytes, 2);
    assert_int_equal(rings.fake.events[3].id, 2);
    assert_int_equal(rings.fake.events[3].thread_id, 2);
    assert_int_equal(rings.totals.unmatched_births, 0);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

/* Birth and death of the second block, both ahead of the first one's death: the order within a ring tells. */
static void test_pair_ahead_of_death(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 1000, A, 1);
    rings_birth(&rings, 1, 1100, A, 2);
    rings_death(&rings, 1, 1110, A);
    rings_death(&rings, 0, 1130, A);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.events[1].thread_id, 1);
    assert_int_equal(rings.fake.events[3].thread_id, 2);
    assert_int_equal(rings.fake.events[3].id, 2);
    assert_int_equal(rings.totals.unmatched_frees, 0);
    rings_finish(&rings);
}

static void test_ties(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 3);
    rings_death(&rings, 2, 1000, A);
    rings_birth(&rings, 1, 1000, A, 2);
    rings_death(&rings, 1, 1000, A);
    rings_birth(&rings, 0, 1000, A, 1);
    rings_play(&rings, 5000);
    rings_play(&rings, 100000);
    assert_int_equal(rings.fake.births, 2);
    assert_int_equal(rings.fake.deaths, 2);
    assert_int_equal(rings.totals.unmatched_frees + rings.totals.unmatched_births, 0);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

/* What does not come within the window is counted, and nothing else waits any longer. */
static void test_gives_up_after_window(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 900, B, 1);
    rings_death(&rings, 1, 1000, A);
    rings_birth(&rings, 1, 1010, A, 5);
    rings_birth(&rings, 0, 1000 + 2 * TN_ORDER_WINDOW_NS, B + 16, 3);
    rings_play(&rings, 1000 + TN_ORDER_WINDOW_NS);
    assert_int_equal(rings.fake.births, 1);
    rings_play(&rings, 1000 + 3 * TN_ORDER_WINDOW_NS);
    assert_int_equal(rings.totals.unmatched_frees, 1);
    assert_int_equal(rings.totals.repaired_orders, 0);
    assert_int_equal(rings.fake.births, 3);
    assert_int_equal(rings.fake.events[1].size_bytes, 5);
    assert_int_equal(rings.fake.events[2].size_bytes, 3);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

/* A ring that has nonsense in it stops; the others do not. */
static void test_damaged_ring_stops_alone(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 1000, A, 1);
    uint64_t nonsense[4] = {0, 0, 0, 0};
    rings_put(&rings, 0, nonsense, 4);
    rings_birth(&rings, 0, 1001, A + 16, 1);
    rings_birth(&rings, 1, 1002, B, 2);
    rings_play(&rings, 5000);
    assert_true(rings.stream[0].is_damaged);
    assert_false(rings.stream[1].is_damaged);
    assert_int_equal(rings.fake.births, 2);
    assert_int_equal(rings.ring[0].tail_words, rings.ring[0].head_words);
    rings_finish(&rings);
}

/* Too short for its kind, or longer than what is there. */
static void test_lengths_are_checked(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {2, 3, 5000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct rings rings;
        rings_begin(&rings, 1);
        uint64_t event[4] = {tn_event_head(TN_EVENT_BIRTH, lengths[i], TN_FUNCTION_MALLOC, 0, 0), 1000, A, 8};
        rings_put(&rings, 0, event, 4);
        rings_play(&rings, 5000);
        assert_true(rings.stream[0].is_damaged);
        assert_int_equal(rings.fake.births, 0);
        rings_finish(&rings);
    }
}

/* A ring that must wait is moved into memory; nothing is lost or changes its place, over many laps. */
static void test_spill_keeps_sequence(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    uint64_t births = 0;
    for (uint64_t lap = 0; lap < 40; lap++) {
        for (uint64_t i = 0; i < 3000; i++, births++)
            rings_birth(&rings, 0, 10000 + births, A + births * 16, (uint32_t)births);
        rings_play(&rings, lap % 4 == 3 ? 10000 + births - 5000 : 0);
        if (lap % 3 != 0)
            assert_true(tn_stream_spill(&rings.stream[0]) != 0);
        assert_true(births * 4 < rings.ring[0].tail_words + RINGS_WORDS);
    }
    rings_play(&rings, UINT64_MAX);
    assert_int_equal(rings.fake.births, births);
    for (uint64_t i = 0; i < births; i++)
        assert_int_equal(rings.fake.events[i].size_bytes, i);
    assert_true(tn_stream_is_drained(&rings.stream[0]));
    rings_finish(&rings);
}

/* Room is given back at once, but a producer that sleeps is not woken for a little of it. */
static void test_producer_is_woken_for_half_a_ring(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    struct tn_ring *ring = &rings.ring[0];
    const uint64_t births = RINGS_WORDS / 4 / 8 * 7;
    for (uint64_t i = 0; i < births; i++)
        rings_birth(&rings, 0, 10000 + i, A + i * 16, 8);
    ring->is_waiting = 1;
    uint64_t tail_words = ring->tail_words;
    rings_play(&rings, 10000 + births / 4);
    assert_true(ring->tail_words >= tail_words + births / 4 * 4);
    assert_int_equal(ring->is_waiting, 1);
    rings_play(&rings, 10000 + births / 2);
    assert_int_equal(ring->is_waiting, 0);
    rings_finish(&rings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_by_stamp),
        cmocka_unit_test(test_holds_back_at_watermark),
        cmocka_unit_test(test_death_before_birth),
        cmocka_unit_test(test_death_waits_over_rounds),
        cmocka_unit_test(test_birth_before_death),
        cmocka_unit_test(test_pair_ahead_of_death),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_gives_up_after_window),
        cmocka_unit_test(test_damaged_ring_stops_alone),
        cmocka_unit_test(test_lengths_are_checked),
        cmocka_unit_test(test_spill_keeps_sequence),
        cmocka_unit_test(test_producer_is_woken_for_half_a_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
