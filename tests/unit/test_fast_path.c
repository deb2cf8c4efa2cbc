/* SPDX-License-Identifier: MIT */

/* The short way for plain events: nothing but the time that it takes may tell it from the long one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fast_path.h"
#include "rings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define A UINT64_C(0x7f0000001000)
#define B UINT64_C(0x7f0000002000)

static void put(struct rings *rings, enum tn_event_kind kind, uint64_t ticks, uint64_t word_2,
                uint64_t word_3, uint32_t stack)
{
    uint64_t event[4] = {tn_event_head(kind, 4, TN_FUNCTION_MALLOC, 0, stack), ticks, word_2, word_3};
    rings_put(rings, 0, event, 4);
}

/* A birth where a block lives already: the old one is given up and counted, the pair is a pair all the same.
 */
static void test_pair_at_a_live_address(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_birth(&rings, 0, 1010, A, 16);
    rings_death(&rings, 0, 1020, A);
    rings_birth(&rings, 0, 1030, A, 24);
    rings_death(&rings, 0, 1040, A);
    rings_play(&rings, 5000);
    assert_int_equal(rings.totals.unmatched_births, 1);
    assert_int_equal(rings.totals.births, 3);
    assert_int_equal(rings.totals.deaths, 2);
    const uint64_t ids[] = {1, 2, 2, 3, 3};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(rings.fake.events[i].id, ids[i]);
    assert_int_equal(rings.matcher.table.count, 0);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

/* Another ring's event stands between the two of a pair: the bound holds for both. */
static void test_pair_across_the_bound(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_death(&rings, 0, 1020, A);
    rings_birth(&rings, 1, 1010, B, 8);
    assert_int_equal(rings_play(&rings, 1005), 1);
    assert_int_equal(rings.matcher.table.count, 1);
    assert_int_equal(rings_play(&rings, 5000), 2);
    const uint64_t times[] = {1000, 1010, 1020};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rings.fake.events[i].time_ns, times[i]);
    assert_int_equal(rings.fake.events[2].id, 1);
    assert_int_equal(rings.matcher.table.count, 1);
    rings_finish(&rings);
}

/* Over many laps of a ring, with spills to our memory: a birth ends a span, or a round, again and again. */
static void test_pairs_across_spans(void **state)
{
    (void)state;
    struct rings rings;
    uint64_t ticks = 1000, births = 0;
    rings_begin(&rings, 1);
    uint64_t other[3] = {tn_event_head(TN_EVENT_LOSS, 3, TN_FUNCTION_NONE, TN_LOSS_RING_FULL, 0), ++ticks, 1};
    rings_put(&rings, 0, other, 3);
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t pairs = 400 + round % 7;
        for (uint32_t i = 0; i < pairs; i++, births++) {
            rings_birth(&rings, 0, ++ticks, A, (uint32_t)births % 100);
            if (i == pairs / 2) {
                tn_stream_read_head(&rings.stream[0]);
                if (round % 2 != 0)
                    tn_stream_spill(&rings.stream[0]);
                else
                    rings_play(&rings, ticks + 1);
            }
            rings_death(&rings, 0, ++ticks, A);
        }
        rings_play(&rings, ticks + 1);
    }
    assert_int_equal(rings.fake.births, births);
    assert_int_equal(rings.fake.deaths, births);
    for (uint64_t i = 0; i < births; i++) {
        assert_int_equal(rings.fake.events[2 * i].size_bytes, i % 100);
        assert_int_equal(rings.fake.events[2 * i + 1].id, i + 1);
    }
    assert_int_equal(rings.totals.unmatched_births + rings.totals.unmatched_frees, 0);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

/* What is too short, or has no address, ends its ring; what stood before it is in the log. */
static void test_damage_in_a_run(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct rings rings;
        rings_begin(&rings, 1);
        rings_birth(&rings, 0, 1000, A, 8);
        rings_birth(&rings, 0, 1010, B, 8);
        uint32_t words = way == 0 ? 3 : 4;
        uint64_t event[4] = {tn_event_head(TN_EVENT_BIRTH, words, TN_FUNCTION_MALLOC, 0, 0), 1020,
                             way == 1 ? 0 : A + 64, 8};
        if (way == 2)
            event[0] = 0;
        rings_put(&rings, 0, event, words);
        rings_death(&rings, 0, 1030, A);
        rings_play(&rings, 5000);
        assert_true(rings.stream[0].is_damaged);
        assert_int_equal(rings.fake.count, 2);
        assert_int_equal(rings.matcher.table.count, 2);
        rings_finish(&rings);
    }
}

/* ---------------------------------------------------------------------------------------- both ways */

/* One random event, plain or not, that makes sense or not. */
static void put_random(struct rings *rings, uint64_t *seed, uint64_t ticks)
{
    *seed = tn_address_table_hash(*seed + 77);
    uint64_t n = *seed >> 20, address = A + (n >> 10) % 40 * 16;
    uint32_t stack = (uint32_t)(n >> 24) % 6;
    uint64_t rest = (n & 1023) << 32 | (n >> 5 & 255);
    uint64_t commit = address | UINT64_C(8) << 48;
    switch (n % 16) {
    case 0:
        put(rings, TN_EVENT_REALLOC_BEGIN, ticks, address, rest, stack);
        rings_realloc_commit(rings, 0, ticks + 1, commit, 99, n & 32 ? 0 : TN_EVENT_FLAG_FAILED);
        break;
    case 1:
        put(rings, TN_EVENT_REALLOC_BEGIN, ticks, address, rest, stack);
        break;
    case 2: {
        uint64_t leave[3] = {tn_event_head(TN_EVENT_LEAVE, 3, TN_FUNCTION_NONE, 0, 0), ticks, 320};
        rings_put(rings, 0, leave, 3);
        break;
    }
    case 3: {
        uint64_t wide[7] = {tn_event_head(TN_EVENT_BIRTH, 7, TN_FUNCTION_VALLOC, TN_EVENT_FLAG_WIDE, stack),
                            ticks,
                            address,
                            rest,
                            1 << 20,
                            1 << 20,
                            64};
        rings_put(rings, 0, wide, 7);
        break;
    }
    case 4:
    case 5:
        put(rings, TN_EVENT_BIRTH, ticks, address | UINT64_C(8) << 48, rest, stack);
        put(rings, TN_EVENT_DEATH, ticks + 1, address, rest, stack);
        break;
    default:
        put(rings, (n & 1024) != 0 ? TN_EVENT_BIRTH : TN_EVENT_DEATH, ticks, commit, rest, stack);
    }
}

/* The long way: each event by itself. */
static void play_alone(struct rings *rings)
{
    struct tn_stream *stream = &rings->stream[0];
    tn_stream_read_head(stream);
    while (tn_stream_peek(stream)) {
        assert_int_equal(tn_match_apply(stream, false), TN_VERDICT_DONE);
        tn_stream_advance(stream);
    }
    tn_stream_release(stream);
}

static void assert_same(const struct rings *one, const struct rings *other)
{
    assert_int_equal(one->fake.count, other->fake.count);
    for (size_t i = 0; i < one->fake.count; i++) {
        const struct fake_event *a = &one->fake.events[i], *b = &other->fake.events[i];
        assert_true(a->is_birth == b->is_birth && a->id == b->id && a->time_ns == b->time_ns &&
                    a->address == b->address && a->size_bytes == b->size_bytes &&
                    a->thread_id == b->thread_id && a->stack_id == b->stack_id &&
                    a->previous_id == b->previous_id && a->left_depth_bytes == b->left_depth_bytes &&
                    a->function == b->function);
    }
    assert_memory_equal(&one->totals, &other->totals, sizeof(one->totals));
    assert_int_equal(one->matcher.last_ns, other->matcher.last_ns);
    assert_int_equal(one->matcher.table.count, other->matcher.table.count);
}

static void test_same_as_one_by_one(void **state)
{
    (void)state;
    struct rings fused, alone;
    uint64_t seed = 4711, ticks = 1000;
    struct tn_dead_blocks *dead = calloc(2, sizeof(*dead));
    rings_begin(&fused, 1);
    rings_begin(&alone, 1);
    fused.matcher.dead = &dead[0];
    alone.matcher.dead = &dead[1];
    for (uint32_t stack = 1; stack < 5; stack++) {
        assert_int_equal(tn_match_set_stack(&fused.matcher, stack, stack * 10), 0);
        assert_int_equal(tn_match_set_stack(&alone.matcher, stack, stack * 10), 0);
    }
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 1000; i++, ticks += 2) {
            uint64_t same = seed;
            put_random(&fused, &seed, ticks);
            put_random(&alone, &same, ticks);
        }
        rings_play(&fused, ticks);
        play_alone(&alone);
    }
    assert_same(&fused, &alone);
    assert_memory_equal(&dead[0], &dead[1], sizeof(dead[0]));
    free(dead);
    assert_true(fused.totals.unmatched_births > 1000 && fused.totals.unmatched_frees > 1000);
    assert_true(fused.totals.unknown_stacks > 1000);
    assert_true(tn_address_table_is_valid(&fused.matcher.table));
    assert_false(fused.fake.is_broken);
    rings_finish(&fused);
    rings_finish(&alone);
}

/* Two processes write in turn: ids are given in the order of all events, whoever flushes when. */
static void test_two_processes(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    struct tn_matcher other = rings.matcher;
    memset(&other.table, 0, sizeof(other.table));
    rings.stream[1].matcher = &other;
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t ring = i / 3 % 2;
        rings_birth(&rings, ring, 1000 + 2 * i, A + i * 16, (uint32_t)i);
        if (i % 5 == 0)
            rings_death(&rings, ring, 1001 + 2 * i, A + i * 16);
    }
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.births, 1000);
    uint64_t births = 0;
    for (size_t i = 0; i < rings.fake.count; i++) {
        const struct fake_event *event = &rings.fake.events[i];
        if (event->is_birth)
            assert_int_equal(event->size_bytes, births++);
        assert_int_equal(event->id, births);
        assert_int_equal(event->thread_id, 1 + (births - 1) / 3 % 2);
    }
    assert_false(rings.fake.is_broken);
    tn_match_finish(&other);
    rings_finish(&rings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_at_a_live_address), cmocka_unit_test(test_pair_across_the_bound),
        cmocka_unit_test(test_pairs_across_spans),     cmocka_unit_test(test_damage_in_a_run),
        cmocka_unit_test(test_same_as_one_by_one),     cmocka_unit_test(test_two_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
