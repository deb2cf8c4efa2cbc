/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rings.h"
#include "thread_rows.h"

#include <errno.h>
#include <stdlib.h>

#define A UINT64_C(0x7f0000001000)
#define B UINT64_C(0x7f0000002000)
#define C UINT64_C(0x7f0000003000)

static void test_reuse(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    for (uint64_t i = 0; i < 1000; i++) {
        rings_birth(&rings, 0, 1000 + 2 * i, A, 24);
        rings_death(&rings, 0, 1001 + 2 * i, A);
    }
    rings_play(&rings, 10000);
    assert_int_equal(rings.fake.births, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(rings.fake.events[2 * i + 1].id, i + 1);
    assert_int_equal(rings.matcher.table.count, 0);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

static void test_sizes(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    uint64_t wide[7] = {tn_event_head(TN_EVENT_BIRTH, 7, TN_FUNCTION_MEMALIGN, TN_EVENT_FLAG_WIDE, 0),
                        1000,
                        A,
                        0,
                        UINT64_C(5) << 32,
                        (UINT64_C(5) << 32) + 4096,
                        4096};
    rings_put(&rings, 0, wide, 7);
    rings_birth(&rings, 0, 1001, B, UINT32_MAX);
    rings_play(&rings, 5000);
    assert_true(rings.fake.events[0].size_bytes == UINT64_C(5) << 32);
    assert_int_equal(rings.fake.events[0].function, TN_FUNCTION_MEMALIGN);
    assert_true(rings.fake.events[1].size_bytes == UINT32_MAX);
    assert_true(rings.totals.birth_bytes == (UINT64_C(5) << 32) + UINT32_MAX);
    rings_finish(&rings);
}

/* A chain of three: each block succeeds the one before, whose death stands at BEGIN's time. */
static void test_realloc_chain(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_realloc_begin(&rings, 0, 1010, A);
    rings_realloc_commit(&rings, 0, 1020, B, 16, 0);
    rings_realloc_begin(&rings, 0, 1030, B);
    rings_realloc_commit(&rings, 0, 1040, B, 32, 0);
    rings_death(&rings, 0, 1050, B);
    rings_play(&rings, 5000);
    const struct fake_event *e = rings.fake.events;
    assert_int_equal(rings.fake.count, 6);
    assert_true(!e[1].is_birth && e[1].id == 1 && e[1].time_ns == 1010 &&
                e[1].function == TN_FUNCTION_REALLOC);
    assert_true(e[2].is_birth && e[2].previous_id == 1 && e[2].time_ns == 1020);
    assert_true(!e[3].is_birth && e[3].id == 2);
    assert_true(e[4].is_birth && e[4].previous_id == 2);
    assert_true(!e[5].is_birth && e[5].id == 3 && e[5].function == TN_FUNCTION_FREE);
    rings_finish(&rings);
}

/* The COMMIT is written so late that the BEGIN is applied without knowing the outcome. */
static void test_realloc_outcome_comes_later(void **state)
{
    (void)state;
    static const uint32_t outcomes[] = {0, TN_EVENT_FLAG_FAILED, TN_EVENT_FLAG_RELEASED};
    for (size_t i = 0; i < 3; i++) {
        struct rings rings;
        rings_begin(&rings, 1);
        rings_birth(&rings, 0, 1000, A, 8);
        rings_realloc_begin(&rings, 0, 1010, A);
        rings_play(&rings, 1015);
        assert_int_equal(rings.fake.deaths, 0);
        rings_realloc_commit(&rings, 0, 1020, B, 16, outcomes[i]);
        rings_birth(&rings, 0, 1030, C, 99);
        rings_play(&rings, 5000);
        assert_int_equal(rings.fake.deaths, outcomes[i] == TN_EVENT_FLAG_FAILED ? 0 : 1);
        assert_int_equal(rings.fake.births, outcomes[i] == 0 ? 3 : 2);
        const struct fake_event *last = &rings.fake.events[rings.fake.count - 1];
        assert_int_equal(last->previous_id, 0);
        if (outcomes[i] == 0)
            assert_int_equal(rings.fake.events[2].previous_id, 1);
        rings_finish(&rings);
    }
}

static void test_realloc_fails(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_realloc_begin(&rings, 0, 1010, A);
    rings_realloc_commit(&rings, 0, 1020, 0, 16, TN_EVENT_FLAG_FAILED);
    rings_death(&rings, 0, 1030, A);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.count, 2);
    assert_int_equal(rings.fake.events[1].function, TN_FUNCTION_FREE);
    assert_int_equal(rings.fake.events[1].time_ns, 1030);
    rings_finish(&rings);
}

static void test_realloc_releases(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_realloc_begin(&rings, 0, 1010, A);
    rings_realloc_commit(&rings, 0, 1020, 0, 0, TN_EVENT_FLAG_RELEASED);
    rings_birth(&rings, 0, 1030, A, 9);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.count, 3);
    assert_int_equal(rings.fake.events[1].time_ns, 1010);
    assert_int_equal(rings.fake.events[2].previous_id, 0);
    rings_finish(&rings);
}

/* Another thread gets the address while realloc still copies: the old block must be dead before the new one.
 */
static void test_realloc_address_reused_meanwhile(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_realloc_begin(&rings, 0, 1010, A);
    rings_play(&rings, 1012);
    rings_birth(&rings, 1, 1015, A, 77);
    rings_play(&rings, 1018);
    assert_int_equal(rings.fake.count, 3);
    assert_false(rings.fake.events[1].is_birth);
    assert_int_equal(rings.fake.events[1].function, TN_FUNCTION_REALLOC);
    assert_int_equal(rings.fake.events[1].thread_id, 1);
    rings_realloc_commit(&rings, 0, 1020, B, 16, 0);
    rings_death(&rings, 1, 1030, A);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.events[3].previous_id, 1);
    assert_int_equal(rings.fake.events[4].id, 2);
    assert_int_equal(rings.totals.unmatched_births, 0);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

/* The program was killed between the two: the block stays live. */
static void test_realloc_cut_short(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings_birth(&rings, 0, 1000, A, 8);
    rings_realloc_begin(&rings, 0, 1010, A);
    rings_play(&rings, 500000);
    assert_int_equal(rings.fake.births - rings.fake.deaths, 1);
    assert_true(tn_stream_is_drained(&rings.stream[0]));
    rings_finish(&rings);
}

/* A realloc in another thread, of a block whose birth bears a later stamp; the COMMIT is there already. */
static void test_realloc_before_birth(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    rings_realloc_begin(&rings, 1, 1000, A);
    rings_realloc_commit(&rings, 1, 1020, B, 16, 0);
    rings_birth(&rings, 0, 1040, A, 8);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.births, 2);
    assert_int_equal(rings.fake.events[2].previous_id, 1);
    assert_int_equal(rings.totals.unmatched_frees, 0);
    assert_int_equal(rings.totals.repaired_orders, 1);
    rings_finish(&rings);
}

static void test_inherited(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings.matcher.is_fork_child = true;
    rings_death(&rings, 0, 1000, A);
    rings_birth(&rings, 0, 1001, A, 8);
    rings_realloc_begin(&rings, 0, 1002, B);
    rings_realloc_commit(&rings, 0, 1003, C, 16, 0);
    rings_realloc_begin(&rings, 0, 1004, B + 64);
    rings_realloc_commit(&rings, 0, 1005, 0, 16, TN_EVENT_FLAG_FAILED);
    rings_death(&rings, 0, 1006, A);
    rings_play(&rings, 5000);
    assert_int_equal(rings.totals.inherited_frees, 2);
    assert_int_equal(rings.totals.unmatched_frees, 0);
    assert_int_equal(rings.fake.births, 2);
    assert_int_equal(rings.fake.deaths, 1);
    assert_int_equal(rings.fake.events[1].previous_id, 0);
    rings_finish(&rings);
}

static void test_unmatched(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings_death(&rings, 0, 1000, A);
    rings_birth(&rings, 0, 1001, B, 1);
    rings_birth(&rings, 0, 1002, B, 2);
    rings_death(&rings, 0, 1003, B);
    rings_play(&rings, 5000);
    assert_int_equal(rings.totals.unmatched_frees, 1);
    assert_int_equal(rings.totals.unmatched_births, 1);
    assert_int_equal(rings.fake.events[2].id, 2);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

static void test_losses_by_reason(void **state)
{
    (void)state;
    static const uint32_t reasons[] = {TN_LOSS_RING_FULL, TN_LOSS_NESTED,  TN_LOSS_NO_SLOT,
                                       TN_LOSS_EARLY,     TN_LOSS_STALLED, TN_LOSS_NO_MEMORY};
    struct rings rings;
    rings_begin(&rings, 1);
    for (uint64_t i = 0; i < 6; i++) {
        uint64_t event[3] = {tn_event_head(TN_EVENT_LOSS, 3, TN_FUNCTION_NONE, reasons[i], 0), 1000 + i,
                             i + 5};
        rings_put(&rings, 0, event, 3);
    }
    rings_play(&rings, 5000);
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(rings.totals.lost[TN_LOSS_BIT(reasons[i])], i + 5);
    assert_int_equal(rings.stream[0].reported_lost_count, 45);
    /* They go to the row of the thread, once, when it ends. */
    assert_int_equal(tn_thread_end(&rings.stream[0], 6000), 0);
    assert_int_equal(rings.fake.lost_events, 45);
    assert_int_equal(tn_thread_end(&rings.stream[0], 6000), 0);
    assert_int_equal(rings.fake.lost_events, 45);
    rings_finish(&rings);
}

static void put_leave(struct rings *rings, uint64_t ticks, uint64_t depth_bytes)
{
    uint64_t event[TN_EVENT_LEAVE_WORDS] = {
        tn_event_head(TN_EVENT_LEAVE, TN_EVENT_LEAVE_WORDS, TN_FUNCTION_NONE, 0, 0), ticks, depth_bytes};
    rings_put(rings, 0, event, TN_EVENT_LEAVE_WORDS);
}

/* The outermost function that was left since the thread's last event goes with its next one, and no further.
 */
static void test_what_was_left_goes_with_the_next_event(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 2);
    put_leave(&rings, 1000, 640);
    put_leave(&rings, 1001, 320);
    put_leave(&rings, 1002, 480);
    rings_birth(&rings, 1, 1003, A, 8);
    rings_birth(&rings, 0, 1004, B, 8);
    rings_death(&rings, 0, 1005, B);
    put_leave(&rings, 1006, 128);
    rings_realloc_begin(&rings, 0, 1007, A);
    rings_realloc_commit(&rings, 0, 1008, A, 16, 0);
    rings_play(&rings, 5000);
    const uint64_t left[] = {0, 320, 0, 128, 0};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(rings.fake.events[i].left_depth_bytes, left[i]);
    assert_false(rings.fake.is_broken);
    rings_finish(&rings);
}

static void test_stack_ids(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    assert_int_equal(tn_match_set_stack(&rings.matcher, 1, 11), 0);
    assert_int_equal(tn_match_set_stack(&rings.matcher, 5000, 12), 0);
    assert_int_equal(tn_match_set_stack(&rings.matcher, 0, 12), -EBADMSG);
    assert_int_equal(tn_match_set_stack(&rings.matcher, UINT32_MAX, 12), -EBADMSG);
    uint64_t event[4] = {tn_event_head(TN_EVENT_BIRTH, 4, TN_FUNCTION_MALLOC, 0, 5000), 1000, A, 8};
    rings_put(&rings, 0, event, 4);
    event[0] = tn_event_head(TN_EVENT_BIRTH, 4, TN_FUNCTION_MALLOC, 0, 4999);
    event[2] = B;
    rings_put(&rings, 0, event, 4);
    rings_play(&rings, 5000);
    assert_int_equal(rings.fake.events[0].stack_id, 12);
    assert_int_equal(rings.fake.events[1].stack_id, 0);
    assert_int_equal(rings.totals.unknown_stacks, 1);
    rings_finish(&rings);
}

/* Random births and deaths over a few addresses, against a plain array. */
static void test_against_model(void **state)
{
    (void)state;
    enum { ADDRESSES = 5000, ROUNDS = 50, EVENTS = 4000 };
    struct rings rings;
    static uint64_t live[ADDRESSES];
    uint64_t seed = 12345, ticks = 1000, births = 0, deaths = 0;
    rings_begin(&rings, 1);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < EVENTS; i++) {
            seed = tn_address_table_hash(seed + 77);
            uint64_t n = seed >> 33;
            uint64_t at = n % ADDRESSES;
            if (live[at] != 0) {
                rings_death(&rings, 0, ++ticks, A + at * 16);
                live[at] = 0;
                deaths++;
            } else {
                rings_birth(&rings, 0, ++ticks, A + at * 16, 8);
                live[at] = ++births;
            }
        }
        rings_play(&rings, ticks + 1);
        assert_true(tn_address_table_is_valid(&rings.matcher.table));
    }
    assert_int_equal(rings.fake.births, births);
    assert_int_equal(rings.fake.deaths, deaths);
    for (uint64_t at = 0; at < ADDRESSES; at++) {
        const struct tn_address_table_entry *entry = tn_address_table_find(&rings.matcher.table, A + at * 16);
        assert_int_equal(entry != NULL ? entry->value & TN_MATCH_ID_MASK : 0, live[at]);
    }
    rings_finish(&rings);
}

/* 40 bytes a live allocation is the promise, at every size, while it grows and after it has shrunk; and notes
 * stay with their entries. */
static void test_table_memory(void **state)
{
    (void)state;
    static struct tn_address_table table;
    enum { COUNT = 400000 };
    for (uint64_t i = 0; i < COUNT; i++) {
        struct tn_address_table_entry *entry = tn_address_table_claim(&table, A + i * 48);
        entry->value = i + 1;
        tn_address_table_set_note(entry, (uint32_t)i, 8 * i);
        if (i > 20000 && i % 1000 == 0)
            assert_true(tn_address_table_bytes(&table) <= 41 * table.count);
    }
    assert_true(tn_address_table_is_valid(&table));
    for (uint64_t i = 0; i < COUNT; i++)
        if (i % 100 != 0)
            tn_address_table_remove(&table, tn_address_table_find(&table, A + i * 48));
    assert_true(tn_address_table_is_valid(&table));
    assert_int_equal(table.count, COUNT / 100);
    assert_true(tn_address_table_bytes(&table) <= 80 * table.count + TN_ADDRESS_TABLE_PARTS * 16 * 16);
    for (uint64_t i = 0; i < COUNT; i += 100) {
        struct tn_address_table_note note = tn_address_table_note(tn_address_table_find(&table, A + i * 48));
        assert_int_equal(note.stack_id, i);
        uint32_t size_bytes = tn_address_table_size_of(note.size_code);
        assert_in_range(size_bytes, 8 * i - i, 8 * i);
        assert_true(8 * i >= 1024 || size_bytes == 8 * i);
    }
    tn_address_table_finish(&table);
}

/* Whatever the number of live blocks, one more and one less again and again moves no part to and fro. */
static void test_table_is_calm(void **state)
{
    (void)state;
    static struct tn_address_table table;
    uint32_t moves = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        struct tn_address_table_part *part =
            &table.parts[tn_address_table_hash(A + i * 48) >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
        tn_address_table_claim(&table, A + i * 48)->value = 1;
        uint32_t buckets = part->bucket_count;
        for (int n = 0; n < 3; n++) {
            tn_address_table_remove(&table, tn_address_table_find(&table, A + i * 48));
            moves += part->bucket_count != buckets;
            buckets = part->bucket_count;
            tn_address_table_claim(&table, A + i * 48)->value = 1;
            moves += part->bucket_count != buckets;
            buckets = part->bucket_count;
        }
    }
    assert_int_equal(moves, 0);
    while (table.count > 1000) {
        uint64_t last = A + (table.count - 1) * 48;
        struct tn_address_table_part *part =
            &table.parts[tn_address_table_hash(last) >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
        tn_address_table_remove(&table, tn_address_table_find(&table, last));
        uint32_t buckets = part->bucket_count;
        tn_address_table_claim(&table, last)->value = 1;
        assert_int_equal(part->bucket_count, buckets);
        tn_address_table_remove(&table, tn_address_table_find(&table, last));
        assert_int_equal(part->bucket_count, buckets);
    }
    tn_address_table_finish(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_realloc_chain),
        cmocka_unit_test(test_realloc_outcome_comes_later),
        cmocka_unit_test(test_realloc_fails),
        cmocka_unit_test(test_realloc_releases),
        cmocka_unit_test(test_realloc_address_reused_meanwhile),
        cmocka_unit_test(test_realloc_cut_short),
        cmocka_unit_test(test_realloc_before_birth),
        cmocka_unit_test(test_inherited),
        cmocka_unit_test(test_unmatched),
        cmocka_unit_test(test_losses_by_reason),
        cmocka_unit_test(test_what_was_left_goes_with_the_next_event),
        cmocka_unit_test(test_stack_ids),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_table_memory),
        cmocka_unit_test(test_table_is_calm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
