/* SPDX-License-Identifier: MIT */
#include "tenure/replay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A trace as data: a source over an array. */
struct trace {
    const struct tn_replay_event *events;
    size_t count, position;
};

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct trace *trace = state;
    (void)error;
    if (trace->position == trace->count)
        return 0;
    *ret_event = trace->events[trace->position++];
    return 1;
}

static int go_back(void *state, struct tn_error *error)
{
    struct trace *trace = state;
    (void)error;
    trace->position = 0;
    return 0;
}

/* Versions 14 and 19 of clang-format do not agree on braces in macros. */
/* clang-format off */
#define A(block, size, site, thread) \
    {.kind = TN_REPLAY_PLACE, .id = block, .size_bytes = size, .site_id = site, .thread_id = thread}
#define R(block, size) {.kind = TN_REPLAY_RESIZE, .id = block, .size_bytes = size, .thread_id = 1}
#define G(block, size, site) \
    {.kind = TN_REPLAY_RESIZE, .id = block, .size_bytes = size, .site_id = site, .thread_id = 1}
#define F(block)       {.kind = TN_REPLAY_RELEASE, .id = block, .thread_id = 1}
/* clang-format on */

struct expected {
    enum tn_replay_kind kind;
    uint64_t id, size_bytes; /* id 0: not looked at */
};

/* Play a trace with rules, twice (a source can be rewound), and compare what comes out. */
static void play(const struct tn_replay_event *events, size_t count, const struct tn_replay_rule *rules,
                 size_t rule_count, const struct expected *expected, size_t expected_count,
                 struct tn_replay_effect *ret_effects)
{
    struct trace trace = {events, count, 0};
    struct tn_replay_source source = {.state = &trace, .next = next, .rewind = go_back};
    struct tn_replay_plan *plan = NULL;
    struct tn_error error;
    assert_int_equal(tn_replay_plan_open(&source, rules, rule_count, &plan, &error), 0);
    struct tn_replay_source edited = tn_replay_plan_source(plan);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(edited.rewind(edited.state, &error), 0);
        struct tn_replay_event event;
        for (size_t i = 0; i < expected_count; i++) {
            assert_int_equal(edited.next(edited.state, &event, &error), 1);
            assert_int_equal(event.kind, expected[i].kind);
            if (expected[i].id != 0)
                assert_int_equal(event.id, expected[i].id);
            if (event.kind != TN_REPLAY_RELEASE)
                assert_int_equal(event.size_bytes, expected[i].size_bytes);
        }
        assert_int_equal(edited.next(edited.state, &event, &error), 0);
    }
    for (size_t i = 0; i < rule_count; i++)
        ret_effects[i] = tn_replay_plan_effect(plan, i);
    tn_replay_plan_close(plan);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void removed_blocks_never_reach_the_heap(void **state)
{
    static const struct tn_replay_event events[] = {
        A(1, 10, 5, 1), A(2, 20, 6, 1), R(1, 50), A(3, 30, 5, 1), F(1), F(2), A(1, 7, 6, 1), F(3)};
    static const struct expected expected[] = {
        {TN_REPLAY_PLACE, 2, 20}, {TN_REPLAY_RELEASE, 2, 0}, {TN_REPLAY_PLACE, 1, 7}};
    static const uint32_t sites[] = {5};
    const struct tn_replay_rule rule = {TN_REPLAY_REMOVE, sites, 1, 0, 0, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 3);
    assert_int_equal(effect.outside_peak_bytes, 80);
}

static void a_pool_takes_what_fits_and_has_room(void **state)
{
    static const struct tn_replay_event events[] = {A(1, 10, 5, 1), A(2, 16, 5, 1), A(3, 10, 5, 1), F(1),
                                                    A(4, 12, 5, 1), A(5, 17, 5, 1), F(3),           F(4)};
    static const struct expected expected[] = {
        {TN_REPLAY_PLACE, 3, 10}, {TN_REPLAY_PLACE, 5, 17}, {TN_REPLAY_RELEASE, 3, 0}};
    static const uint32_t sites[] = {5};
    const struct tn_replay_rule rule = {TN_REPLAY_MOVE, sites, 1, 16, 2, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 3);
    assert_int_equal(effect.outside_peak_bytes, 32);
}

static void reserved_blocks_are_resized_beyond_only(void **state)
{
    static const struct tn_replay_event events[] = {A(1, 10, 5, 1), R(1, 50), R(1, 100),       R(1, 120),
                                                    R(1, 30),       F(1),     A(2, 200, 5, 1), F(2)};
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 1, 100},
                                               {TN_REPLAY_RESIZE, 1, 120},
                                               {TN_REPLAY_RELEASE, 1, 0},
                                               {TN_REPLAY_PLACE, 2, 200},
                                               {TN_REPLAY_RELEASE, 2, 0}};
    static const uint32_t sites[] = {5};
    const struct tn_replay_rule rule = {TN_REPLAY_RESERVE, sites, 1, 100, 0, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 3);
    assert_int_equal(effect.outside_peak_bytes, 0);
}

/* A block of another site begins to grow at the rule's: from there on it has the room, and each call is
 * saved. One that outgrows the rule at once is left alone. */
static void growth_that_begins_elsewhere_is_reserved(void **state)
{
    static const struct tn_replay_event events[] = {
        A(1, 10, 6, 1), G(1, 50, 5),  G(1, 80, 5), G(1, 30, 9), F(1),
        A(2, 10, 6, 1), G(2, 101, 5), G(2, 40, 9), F(2),
    };
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 1, 10},   {TN_REPLAY_RESIZE, 1, 100},
                                               {TN_REPLAY_RELEASE, 1, 0},  {TN_REPLAY_PLACE, 2, 10},
                                               {TN_REPLAY_RESIZE, 2, 101}, {TN_REPLAY_RESIZE, 2, 40},
                                               {TN_REPLAY_RELEASE, 2, 0}};
    static const uint32_t sites[] = {5};
    const struct tn_replay_rule rule = {TN_REPLAY_RESERVE, sites, 1, 100, 0, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 3);
}

/* Two transactions of three blocks on two threads, interleaved, and a half one. */
static void members_become_one_block(void **state)
{
    static const struct tn_replay_event events[] = {
        A(1, 48, 5, 1), A(11, 48, 5, 2), A(2, 8, 6, 1), A(12, 9, 6, 2), A(3, 30, 7, 1),  A(99, 1, 8, 1),
        F(1),           F(12),           F(2),          F(3),           A(21, 48, 5, 1), F(21),
        F(11),
    };
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 0, 96}, {TN_REPLAY_PLACE, 0, 96},
                                               {TN_REPLAY_PLACE, 99, 1}, {TN_REPLAY_RELEASE, 0, 0},
                                               {TN_REPLAY_PLACE, 0, 96}, {TN_REPLAY_RELEASE, 0, 0},
                                               {TN_REPLAY_RELEASE, 0, 0}};
    static const uint32_t sites[] = {5, 6, 7};
    const struct tn_replay_rule rule = {TN_REPLAY_COMBINE, sites, 3, 96, 0, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 3);
}

/* A second block of the same site begins another transaction. */
static void a_site_is_in_a_group_once(void **state)
{
    static const struct tn_replay_event events[] = {A(1, 48, 5, 1), A(2, 48, 5, 1), A(3, 8, 6, 1),
                                                    F(1),           F(2),           F(3)};
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 0, 56},
                                               {TN_REPLAY_PLACE, 0, 56},
                                               {TN_REPLAY_RELEASE, 0, 0},
                                               {TN_REPLAY_RELEASE, 0, 0}};
    static const uint32_t sites[] = {5, 6};
    const struct tn_replay_rule rule = {TN_REPLAY_COMBINE, sites, 2, 56, 0, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 1);
}

/* Site 6 has two places, which are taken again when their blocks are gone; what finds both taken, or no
 * structure at all, stays as it is. */
static void a_site_has_the_places_it_is_named_for(void **state)
{
    static const struct tn_replay_event events[] = {
        A(9, 8, 6, 1), A(1, 48, 5, 1), A(2, 8, 6, 1), A(3, 8, 6, 1), F(2), A(4, 8, 6, 1),
        A(5, 8, 6, 1), F(5),           F(1),          F(3),          F(4), F(9),
    };
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 9, 8},   {TN_REPLAY_PLACE, 0, 64},
                                               {TN_REPLAY_PLACE, 5, 8},   {TN_REPLAY_RELEASE, 5, 0},
                                               {TN_REPLAY_RELEASE, 0, 0}, {TN_REPLAY_RELEASE, 9, 0}};
    static const uint32_t sites[] = {5, 6, 6};
    const struct tn_replay_rule rule = {TN_REPLAY_COMBINE, sites, 3, 64, 0, NULL};
    struct tn_replay_effect effect;
    (void)state;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 3);
}

static void the_first_rule_has_the_site(void **state)
{
    static const struct tn_replay_event events[] = {A(1, 10, 5, 1), A(2, 10, 6, 1), F(1), F(2)};
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 2, 64}, {TN_REPLAY_RELEASE, 2, 0}};
    static const uint32_t sites[] = {5, 6};
    const struct tn_replay_rule rules[] = {{TN_REPLAY_REMOVE, sites, 1, 0, 0, NULL},
                                           {TN_REPLAY_RESERVE, sites, 2, 64, 0, NULL}};
    struct tn_replay_effect effects[2];
    (void)state;
    play(events, COUNT(events), rules, 2, expected, COUNT(expected), effects);
    assert_int_equal(effects[0].allocations_removed, 1);
    assert_int_equal(effects[1].allocations_removed, 0);
}

/* A rule for a role takes the blocks of that role; those of the rest of the site belong to the rule for the
 * site. */
static void a_role_is_a_part_of_its_site(void **state)
{
    struct tn_replay_event events[] = {A(1, 10, 5, 1), A(2, 10, 5, 1), A(3, 10, 5, 1), F(1), F(2), F(3)};
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 3, 64}, {TN_REPLAY_RELEASE, 3, 0}};
    static const uint32_t role[] = {TN_REPLAY_ROLE | 1}, site[] = {5};
    const struct tn_replay_rule rules[] = {{TN_REPLAY_REMOVE, role, 1, 0, 0, NULL},
                                           {TN_REPLAY_RESERVE, site, 1, 64, 0, NULL}};
    struct tn_replay_effect effects[2];
    (void)state;
    events[0].role = events[1].role = 1;
    events[2].role = 2;
    play(events, COUNT(events), rules, 2, expected, COUNT(expected), effects);
    assert_int_equal(effects[0].allocations_removed, 2);
    assert_int_equal(effects[0].outside_peak_bytes, 20);
}

/* Two call paths are one member of a structure: whichever a block came by, it takes the place, and there is
 * one. */
static void roles_can_be_one_member(void **state)
{
    struct tn_replay_event events[] = {A(1, 10, 5, 1), A(2, 10, 6, 1), A(3, 10, 6, 1), A(4, 10, 6, 1),
                                       F(1),           F(2),           A(5, 10, 5, 1), A(6, 10, 6, 1),
                                       F(3),           F(4),           F(5),           F(6)};
    static const struct expected expected[] = {{TN_REPLAY_PLACE, 0, 64},  {TN_REPLAY_PLACE, 3, 10},
                                               {TN_REPLAY_PLACE, 4, 10},  {TN_REPLAY_RELEASE, 0, 0},
                                               {TN_REPLAY_PLACE, 0, 64},  {TN_REPLAY_RELEASE, 3, 0},
                                               {TN_REPLAY_RELEASE, 4, 0}, {TN_REPLAY_RELEASE, 0, 0}};
    static const uint32_t sites[] = {5, TN_REPLAY_ROLE | 1, TN_REPLAY_ROLE | 2};
    static const uint8_t positions[] = {0, 1, 1};
    const struct tn_replay_rule rule = {TN_REPLAY_COMBINE, sites, 3, 64, 0, positions};
    struct tn_replay_effect effect;
    (void)state;
    events[1].role = 1;
    events[2].role = 2;
    events[3].role = 3;
    events[7].role = 2;
    play(events, COUNT(events), &rule, 1, expected, COUNT(expected), &effect);
    assert_int_equal(effect.allocations_removed, 2);
}

/* Ids of a trace are small and used again; everything else is as the source has it, as often as it is read.
 * What happens to a block that was never placed happens to no other block. */
static void a_trace_gives_the_same_events_again(void **state)
{
    static const struct tn_replay_event events[] = {
        A(UINT64_C(1) << 63, 10, 5, 1), F(77),          A(70000000, 20, 6, 2), R(UINT64_C(1) << 63, 12),
        F(UINT64_C(1) << 63),           A(3, 30, 7, 1),
    };
    struct trace trace = {events, COUNT(events), 0};
    struct tn_replay_source source = {.state = &trace, .next = next, .rewind = go_back};
    struct tn_replay_trace *kept = NULL;
    struct tn_error error;
    (void)state;
    assert_int_equal(tn_replay_trace_read(&source, COUNT(events) - 1, &kept, &error), -E2BIG);
    assert_string_equal(error.text, "more events than can be kept in memory");
    assert_null(kept);
    assert_int_equal(tn_replay_trace_read(&source, COUNT(events), &kept, &error), 0);
    assert_int_equal(tn_replay_trace_count(kept), COUNT(events));
    struct tn_replay_source again = tn_replay_trace_source(kept);
    for (int round = 0; round < 2; round++) {
        struct tn_replay_event found[COUNT(events) + 1];
        assert_int_equal(again.rewind(again.state, &error), 0);
        for (size_t i = 0; i < COUNT(events); i++) {
            assert_int_equal(again.next(again.state, &found[i], &error), 1);
            assert_int_equal(found[i].kind, events[i].kind);
            assert_int_equal(found[i].size_bytes, events[i].size_bytes);
            assert_int_equal(found[i].site_id, events[i].site_id);
            assert_int_equal(found[i].thread_id, events[i].thread_id);
            assert_true(found[i].id != 0 && found[i].id < 8);
        }
        assert_int_equal(again.next(again.state, &found[COUNT(events)], &error), 0);
        assert_int_equal(found[3].id, found[0].id);
        assert_int_equal(found[4].id, found[0].id);
        assert_int_equal(found[5].id, found[0].id);
        assert_int_not_equal(found[2].id, found[0].id);
        assert_true(found[1].id != found[0].id && found[1].id != found[2].id);
    }
    tn_replay_trace_close(kept);
}

static void impossible_rules_are_refused(void **state)
{
    static uint32_t sites[65];
    struct trace trace = {NULL, 0, 0};
    struct tn_replay_source source = {.state = &trace, .next = next, .rewind = go_back};
    const struct tn_replay_rule rules[] = {{TN_REPLAY_REMOVE, sites, 0, 0, 0, NULL},
                                           {TN_REPLAY_COMBINE, sites, 65, 8, 0, NULL}};
    struct tn_replay_plan *plan = NULL;
    struct tn_error error;
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(tn_replay_plan_open(&source, &rules[i], 1, &plan, &error), -EINVAL);
    assert_null(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed_blocks_never_reach_the_heap),
        cmocka_unit_test(a_pool_takes_what_fits_and_has_room),
        cmocka_unit_test(reserved_blocks_are_resized_beyond_only),
        cmocka_unit_test(growth_that_begins_elsewhere_is_reserved),
        cmocka_unit_test(members_become_one_block),
        cmocka_unit_test(a_site_is_in_a_group_once),
        cmocka_unit_test(a_site_has_the_places_it_is_named_for),
        cmocka_unit_test(the_first_rule_has_the_site),
        cmocka_unit_test(a_role_is_a_part_of_its_site),
        cmocka_unit_test(roles_can_be_one_member),
        cmocka_unit_test(a_trace_gives_the_same_events_again),
        cmocka_unit_test(impossible_rules_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
