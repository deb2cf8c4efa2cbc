/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "links.h"
#include "mappings.h"
#include "rings.h"

#include "tenure/event_body.h"

#include <stdlib.h>

/* LINKS events in, rows of `link` out: which addresses are those of blocks, and what is counted how often.
 * Stack ids of the shim are rows here. */

#define A     UINT64_C(0x7f0000001000)
#define B     UINT64_C(0x7f0000002000)
#define C     UINT64_C(0x7f0000003000)
#define STACK 40u

static void begin(struct rings *rings)
{
    rings_begin(rings, 2);
    rings->matcher.dead = calloc(1, sizeof(*rings->matcher.dead));
    for (uint32_t id = 1; id < STACK; id++)
        assert_int_equal(tn_match_set_stack(&rings->matcher, id, id), 0);
}

static void finish(struct rings *rings)
{
    free(rings->matcher.dead);
    assert_false(rings->fake.is_broken);
    rings_finish(rings);
}

static void give(struct rings *rings, uint64_t ticks, uint64_t address, uint32_t size_bytes, uint32_t stack)
{
    uint64_t event[4] = {[1] = ticks};
    tn_event_put_narrow(event, tn_event_head(TN_EVENT_BIRTH, 0, TN_FUNCTION_MALLOC, 0, stack), address,
                        size_bytes, 8, 0);
    rings_put(rings, 0, event, 4);
}

/* A look into a dying block that has found one value. */
static void look(struct rings *rings, uint64_t ticks, uint64_t holder, uint32_t offset_bytes, uint64_t value)
{
    uint64_t event[4] = {[1] = ticks}, found = tn_event_found(value, offset_bytes);
    tn_event_put_links(event, 0, holder, TN_LINK_HOLDER_DEATH, &found, 1);
    rings_put(rings, 0, event, 4);
}

/* Play to the end and write what was counted. Returns how many links there are. */
static uint64_t count(struct rings *rings)
{
    rings_play(rings, 1000000);
    assert_int_equal(tn_links_write(&rings->matcher, UINT32_MAX), 0);
    return rings->fake.link_count;
}

static void test_a_member(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    for (uint32_t i = 0; i < 40; i++) {
        give(&rings, 1000 + 10 * i, A, 32, 7);
        give(&rings, 1001 + 10 * i, B, 20, 9);
        if (i % 2 == 0)
            rings_death(&rings, 0, 1002 + 10 * i, B);
        look(&rings, 1003 + 10 * i, A, 8, B);
        rings_death(&rings, 0, 1004 + 10 * i, A);
        if (i % 2 != 0)
            rings_death(&rings, 0, 1005 + 10 * i, B);
    }
    assert_int_equal(count(&rings), 1);
    const struct tn_log_link *link = &rings.fake.links[0];
    assert_int_equal(link->process_id, 1);
    assert_int_equal(link->moment, TN_LINK_HOLDER_DEATH);
    assert_int_equal(link->holder_stack_id, 7);
    assert_int_equal(link->offset_bytes, 8);
    assert_int_equal(link->held_stack_id, 9);
    assert_int_equal(link->inner_offset_bytes, 0);
    assert_int_equal(link->looks, 40);
    assert_int_equal(link->distinct_held_blocks, TN_LINK_HELD_MAX);
    assert_int_equal(link->holder_id, 1);
    assert_int_equal(link->held_id, 2);
    assert_int_equal(rings.fake.look_count, 1);
    assert_int_equal(rings.fake.looks[0].stack_id, 7);
    assert_int_equal(rings.fake.looks[0].looks, 40);
    finish(&rings);
}

/* What no one else holds, and what is only left over. */
static void test_near_misses(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset_bytes;
        uint64_t value;
        uint64_t links;
    } cases[] = {
        {0, B, 1},        {24, B, 1},                /* the last whole word */
        {25, B, 0},       {32, B, 0},                /* beyond the size that was asked for */
        {0, A, 0},        {8, A + 16, 0},            /* its own address */
        {0, B + 8, 1},    {0, B + 64, 1},            /* a pointer into the block */
        {0, B + 72, 0},   {0, B - 8, 0},             /* too far in, and before it */
        {0, C + 8, 1},    {0, C + 16, 0},            /* behind the end of a small one */
        {0, B + 41, 0},   {0, B + 15, 0},            /* where no member can lie */
        {0, B ^ 0x5a, 0}, {0, 0x1000, 0}, {0, 8, 0}, /* other values */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rings rings;
        begin(&rings);
        give(&rings, 1000, A, 32, 7);
        give(&rings, 1001, B, 80, 9);
        give(&rings, 1002, C, 16, 9);
        look(&rings, 1003, A, cases[i].offset_bytes, cases[i].value);
        rings_death(&rings, 0, 1004, A);
        if (count(&rings) != cases[i].links)
            fail_msg("case %zu: %u links", i, (unsigned)rings.fake.link_count);
        assert_int_equal(rings.fake.looks[0].looks, 1);
        finish(&rings);
    }
}

/* A dangling pointer in memory that was released and given away again: the block that it points to died
 * before the holder was born. */
static void test_a_pointer_left_by_an_earlier_life(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    give(&rings, 1000, A, 32, 7);
    give(&rings, 1001, B, 20, 9);
    rings_death(&rings, 0, 1002, B);
    rings_death(&rings, 0, 1003, A);
    give(&rings, 1004, A, 32, 8);
    look(&rings, 1005, A, 8, B);
    rings_death(&rings, 0, 1006, A);
    assert_int_equal(count(&rings), 0);
    finish(&rings);
}

/* What the holder points to died while the holder lived, but with so many births before the holder's death.
 */
static void test_a_pointer_that_was_not_cleared(void **state)
{
    (void)state;
    for (uint32_t births = 64; births <= 65; births++) {
        struct rings rings;
        uint64_t ticks = 1000;
        begin(&rings);
        give(&rings, ticks++, A, 32, 7);
        give(&rings, ticks++, B, 20, 9);
        rings_death(&rings, 0, ticks++, B);
        for (uint32_t i = 0; i < births; i++) {
            give(&rings, ticks++, C, 20, 10);
            rings_death(&rings, 0, ticks++, C);
        }
        look(&rings, ticks++, A, 8, B);
        rings_death(&rings, 0, ticks++, A);
        assert_int_equal(count(&rings), births == 64);
        finish(&rings);
    }
}

/* A block that dies in a realloc, and one that a thread of its own releases, are known as well. */
static void test_deaths_of_all_kinds(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    give(&rings, 1000, A, 32, 7);
    give(&rings, 1001, B, 20, 9);
    give(&rings, 1002, C, 20, 10);
    rings_realloc_begin(&rings, 0, 1003, B);
    rings_realloc_commit(&rings, 0, 1004, B + 0x100, 40, 0);
    rings_death(&rings, 1, 1005, C);
    look(&rings, 1006, A, 0, B);
    look(&rings, 1007, A, 8, C);
    rings_death(&rings, 0, 1008, A);
    assert_int_equal(count(&rings), 2);
    assert_int_equal(rings.fake.links[0].held_stack_id, 9);
    assert_int_equal(rings.fake.links[1].held_stack_id, 10);
    finish(&rings);
}

/* A search for B, which stack `stack` has asked for, that has found its address at a place. */
static void find(struct rings *rings, uint64_t ticks, uint32_t stack, uint64_t place, uint32_t inner_bytes)
{
    uint64_t event[4] = {[1] = ticks}, found = tn_event_found(place, inner_bytes);
    tn_event_put_links(event, stack, B, TN_LINK_EVENT_2, &found, 1);
    rings_put(rings, 0, event, 4);
}

/* Who has a word at the place: a block that lives, a module, or nobody. */
static void test_places_of_an_address(void **state)
{
    (void)state;
    static const struct tn_mapping module = {0x400000, 0x500000, 0x3ff000, 5, 1};
    static const struct tn_mappings mappings = {(struct tn_mapping *)&module, 1, 1};
    static const struct {
        uint64_t place, stack, module, offset;
        uint32_t inner_bytes;
    } cases[] = {
        {A, 7, 0, 0, 0},
        {A + 24, 7, 0, 24, 8},
        {A + 25, 0, 0, 0, 0},            /* half of it lies behind the block */
        {A + 40, 0, 0, 0, 0},            /* freed memory, or another's */
        {A - 8, 0, 0, 0, 0},             /* before every block */
        {A, 0, 0, 0, 80},                /* behind the held block's end */
        {A, 0, 0, 0, 65},                /* too far into it */
        {B, 0, 0, 0, 0},                 /* in the held block itself */
        {C + 0x10000, 8, 0, 0x10000, 0}, /* far into a large block */
        {C + 0x20008, 0, 0, 0, 0},       /* too far for the look */
        {0x400010, 0, 5, 0x1010, 0},
        {0x3ffff8, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rings rings;
        begin(&rings);
        rings.matcher.mappings = &mappings;
        give(&rings, 1000, A, 32, 7);
        give(&rings, 1001, B, 80, 9);
        give(&rings, 1002, C, 1 << 20, 8);
        find(&rings, 1003, 9, cases[i].place, cases[i].inner_bytes);
        uint64_t links = cases[i].stack != 0 || cases[i].module != 0;
        if (count(&rings) != links)
            fail_msg("case %zu: %u links", i, (unsigned)rings.fake.link_count);
        const struct tn_log_link *link = &rings.fake.links[0];
        assert_int_equal(rings.fake.looks[0].stack_id, 9);
        assert_int_equal(rings.fake.looks[0].moment, TN_LINK_EVENT_2);
        assert_int_equal(link->holder_stack_id, cases[i].stack);
        assert_int_equal(link->module_id, cases[i].module);
        assert_int_equal(link->offset_bytes, cases[i].offset);
        assert_int_equal(link->held_stack_id, links * 9);
        assert_int_equal(link->inner_offset_bytes, links * cases[i].inner_bytes);
        finish(&rings);
    }
}

/* The block was released by another thread, and its address may be another's by now. */
static void test_a_sample_that_is_gone(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    give(&rings, 1000, A, 32, 7);
    give(&rings, 1001, B, 80, 9);
    rings_death(&rings, 1, 1002, B);
    find(&rings, 1003, 9, A, 0);
    give(&rings, 1004, B, 80, 10);
    find(&rings, 1005, 9, A, 0);
    find(&rings, 1006, STACK + 1, A, 0);
    find(&rings, 1007, 0, A, 0);
    assert_int_equal(count(&rings), 0);
    assert_int_equal(rings.fake.look_count, 0);
    finish(&rings);
}

/* What has changed is written, once; and beyond the limit it is counted. */
static void test_limits(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    give(&rings, 1000, A, UINT32_MAX, 7);
    give(&rings, 1001, B, 20, 9);
    uint64_t ticks = 1002;
    for (uint32_t offset = 0; offset < TN_LINKS_MAX; offset++) {
        look(&rings, ticks++, A, offset, B);
        if (offset % 4096 == 0)
            rings_play(&rings, ticks);
    }
    assert_int_equal(count(&rings), TN_LINKS_MAX);
    assert_int_equal(rings.fake.link_calls, TN_LINKS_MAX + 1);
    assert_int_equal(count(&rings), TN_LINKS_MAX);
    assert_int_equal(rings.fake.link_calls, TN_LINKS_MAX + 1);
    look(&rings, ticks++, A, 8, B + 8);
    look(&rings, ticks++, A, 8, B);
    rings_play(&rings, 1000000);
    assert_int_equal(rings.totals.links_dropped, 1);
    assert_int_equal(count(&rings), TN_LINKS_MAX);
    assert_int_equal(rings.fake.link_calls, TN_LINKS_MAX + 3);
    finish(&rings);
}

/* Blocks that are not known, stacks that were not taken, and a program that scribbles. */
static void test_odd_events(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    give(&rings, 1000, A, 32, 7);
    give(&rings, 1001, B, 20, 0);
    look(&rings, 1002, A, 0, B);
    look(&rings, 1003, B, 0, A);
    look(&rings, 1004, C, 0, A);
    look(&rings, 1005, 0, 0, A);
    uint64_t event[4] = {[1] = 1006}, found = tn_event_found(A, 0);
    tn_event_put_links(event, 0, A, (enum tn_link_moment)60000, &found, 1);
    rings_put(&rings, 0, event, 4);
    assert_int_equal(count(&rings), 0);
    assert_int_equal(rings.fake.look_count, 1);
    assert_false(rings.stream[0].is_damaged);
    event[0] = tn_event_head(TN_EVENT_LINKS, 2, TN_FUNCTION_NONE, 0, 0);
    event[1] = 1007;
    rings_put(&rings, 0, event, 2);
    assert_int_equal(count(&rings), 0);
    assert_true(rings.stream[0].is_damaged);
    finish(&rings);
}

/* Where no links are wanted, nothing is kept of any block. */
static void test_not_wanted(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    give(&rings, 1000, A, 32, 0);
    give(&rings, 1001, B, 20, 0);
    look(&rings, 1002, A, 0, B);
    rings_death(&rings, 0, 1003, A);
    assert_int_equal(count(&rings), 0);
    assert_null(rings.matcher.links);
    rings_finish(&rings);
}

/* Writing in portions goes on where it stopped, and writes everything once. */
static void test_written_in_portions(void **state)
{
    (void)state;
    struct rings rings;
    begin(&rings);
    for (uint32_t i = 0; i < 10; i++)
        give(&rings, 1000 + i, A + 64 * i, 40, 1 + i);
    for (uint32_t i = 1; i < 10; i++)
        look(&rings, 1100 + i, A + 64 * i, 8, A);
    rings_play(&rings, 2000);
    for (uint32_t portion = 1; portion <= 6; portion++) {
        assert_int_equal(tn_links_write(&rings.matcher, 3), 0);
        assert_int_equal(rings.fake.link_calls, 3 * portion);
    }
    assert_int_equal(tn_links_write(&rings.matcher, UINT32_MAX), 0);
    assert_int_equal(rings.fake.link_count, 9);
    assert_int_equal(rings.fake.look_count, 9);
    finish(&rings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member),
        cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_a_pointer_left_by_an_earlier_life),
        cmocka_unit_test(test_a_pointer_that_was_not_cleared),
        cmocka_unit_test(test_deaths_of_all_kinds),
        cmocka_unit_test(test_written_in_portions),
        cmocka_unit_test(test_places_of_an_address),
        cmocka_unit_test(test_a_sample_that_is_gone),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_odd_events),
        cmocka_unit_test(test_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
