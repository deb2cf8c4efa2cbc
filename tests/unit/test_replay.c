/* SPDX-License-Identifier: MIT */
#include "tenure/replay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tn_replay_script *parse(const char *text)
{
    struct tn_replay_script *script = NULL;
    struct tn_error error = {0};
    if (tn_replay_script_parse("test", text, strlen(text), &script, &error) < 0)
        fail_msg("%s", error.text);
    return script;
}

static struct tn_replay_options options_for(const char *policy, uint64_t heap_bytes)
{
    struct tn_replay_options options;
    tn_replay_options_init(&options, tn_policy_find(policy));
    assert_non_null(options.policy);
    options.heap.heap_bytes = heap_bytes;
    options.wants_offsets = true;
    return options;
}

/* Replay a text; the result is the caller's. */
static struct tn_replay_result replay(const char *text, const struct tn_replay_options *options)
{
    struct tn_replay_script *script = parse(text);
    struct tn_replay_source source = tn_replay_script_source(script);
    struct tn_replay_result result = {0};
    struct tn_error error = {0};
    if (tn_replay_run(&source, options, &result, &error) < 0)
        fail_msg("%s", error.text);
    tn_replay_script_close(script);
    return result;
}

static void bad_scripts_name_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"A 1\n", "line 1"},
        {"# nothing\n\n  \n", "no event"},
        {"A 1 10\nX 1 10\n", "line 2"},
        {"A 1 10\nA 1 10\n", "placed twice"},
        {"A 1 10\nF 2\n", "'2' is not live"},
        {"A 1 10\nF 1\nF 1\n", "line 3"},
        {"R 1 10\n", "'1' is not live"},
        {"A 1 ten\n", "'ten' is no size"},
        {"A 1 -5\n", "'-5' is no size"},
        {"A 1 99999999999999999999999\n", "no size"},
        {"A 1 10 3\n", "power of two"},
        {"A 1 10 8 9\n", "line 1"},
        {"F 1 2\n", "line 1"},
        {"A 1 2 4 5 6 7 8\n", "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tn_replay_script *script = NULL;
        struct tn_error error = {0};
        assert_int_equal(tn_replay_script_parse("test", bad[i].text, strlen(bad[i].text), &script, &error),
                         -EBADMSG);
        assert_null(script);
        if (strstr(error.text, bad[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", error.text, bad[i].says);
    }
    struct tn_error error = {0};
    struct tn_replay_script *script = NULL;
    assert_int_equal(tn_replay_script_parse("test", "A \0 5\n", 6, &script, &error), -EBADMSG);
}

static void scripts_bear_what_people_write(void **state)
{
    (void)state;
    struct tn_replay_options options = options_for("first-fit", 4096);
    struct tn_replay_result result = replay(
        "  # a comment\r\nA one 1K # 1024\n\tA  two\t16 64\n\nR one 10\nF one\nA one 5\nF two", &options);
    assert_true(result.has_survived);
    assert_int_equal(result.events, 6);
    assert_int_equal(result.offset_count, 4);
    assert_int_equal(result.offsets[0], 0);
    assert_int_equal(result.offsets[1], 1024);
    assert_int_equal(result.offsets[2], 0);
    assert_int_equal(result.offsets[3], 0);
    tn_replay_result_finish(&result);
}

static const char full[] = "A 0 600\nA 1 600\nF 1\nA 2 300\nR 2 900\nF 0\nA 3 500\n";

static void stop_ends_at_the_first_failure(void **state)
{
    (void)state;
    struct tn_replay_options options = options_for("first-fit", 1000);
    struct tn_replay_result result = replay(full, &options);
    assert_false(result.has_survived);
    assert_int_equal(result.failures, 1);
    assert_int_equal(result.events, 2);
    assert_int_equal(result.failure.event, 2);
    assert_int_equal(result.failure.class, TN_REPLAY_CAPACITY);
    assert_int_equal(result.failure.free_bytes, 400);
    tn_replay_result_finish(&result);
}

/* The block does not exist, its release does nothing; a resize that fails leaves the block as it was. */
static void skip_goes_on_without_the_block(void **state)
{
    (void)state;
    struct tn_replay_options options = options_for("first-fit", 1000);
    options.after = TN_REPLAY_SKIP;
    struct tn_replay_result result = replay(full, &options);
    assert_int_equal(result.failures, 2);
    assert_int_equal(result.events, 7);
    const uint64_t expected[] = {0, UINT64_MAX, 600, UINT64_MAX, 0};
    assert_int_equal(result.offset_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(result.offsets[i], expected[i]);
    assert_int_equal(result.peak_live_bytes, 900);
    tn_replay_result_finish(&result);
}

static void grow_goes_on_in_a_larger_heap(void **state)
{
    (void)state;
    struct tn_replay_options options = options_for("first-fit", 1000);
    options.after = TN_REPLAY_GROW;
    struct tn_replay_result result = replay(full, &options);
    assert_false(result.has_survived);
    assert_int_equal(result.failures, 1);
    assert_int_equal(result.events, 7);
    assert_int_equal(result.heap_bytes, 1000);
    assert_true(result.end_heap_bytes >= 1600);
    assert_int_equal(result.offsets[1], 600);
    tn_replay_result_finish(&result);
}

/* 0 bytes are refused by some: no failure. */
static void refused_blocks_are_no_failure(void **state)
{
    (void)state;
    struct tn_replay_options options = options_for("freertos-heap4", 4096);
    struct tn_replay_result result = replay("A 0 0\nA 1 5\nF 0\nF 1\n", &options);
    assert_true(result.has_survived);
    assert_int_equal(result.refused, 1);
    assert_int_equal(result.offsets[0], UINT64_MAX);
    tn_replay_result_finish(&result);
}

struct edits {
    unsigned steps, failures;
};

/* Blocks of 1500 bytes go to the stack, others get twice their size. */
static bool edit(void *context, struct tn_replay_event *event)
{
    (void)context;
    event->size_bytes *= 2;
    return event->size_bytes != 3000;
}

static void observe(void *context, const struct tn_replay_step *step)
{
    struct edits *edits = context;
    edits->steps++;
    edits->failures += step->has_failed;
    assert_int_equal(step->number, edits->steps);
}

static void an_edited_trace_is_replayed_as_edited(void **state)
{
    (void)state;
    struct edits edits = {0};
    struct tn_replay_options options = options_for("first-fit", 4096);
    options.edit = edit;
    options.observe = observe;
    options.context = &edits;
    struct tn_replay_result result =
        replay("A 0 100\nA 1 1500\nA 2 100\nA 3 1500\nF 1\nA 4 100\nA 5 1500\n", &options);
    assert_true(result.has_survived);
    assert_int_equal(edits.steps, 7);
    assert_int_equal(edits.failures, 0);
    assert_int_equal(result.dropped, 3);
    assert_int_equal(result.allocations, 3);
    assert_int_equal(result.peak_live_bytes, 600);
    assert_int_equal(result.high_water_bytes, 600);
    tn_replay_result_finish(&result);
}

/* Two holes of 100 bytes around one block for 10 of 20 ns, then nothing. */
static void fragmentation_is_told_over_time(void **state)
{
    (void)state;
    struct tn_replay_options options = options_for("first-fit", 4096);
    options.heap.header_bytes = 8;
    options.wants_samples = options.wants_pins = true;
    struct tn_replay_result result = replay(
        "A a 92\nA b 12\nA c 92\nA d 12\nF a\nF c\n"
        "A 1 4000\nF b\n",
        &options);
    /* The request at event 7 fails and stops: so far the means are over 6 ns. */
    assert_int_equal(result.failure.event, 7);
    assert_int_equal(result.failure.class, TN_REPLAY_FRAGMENTATION);
    assert_int_equal(result.fragmentation.internal_max_bytes, 32);
    assert_int_equal(result.fragmentation.external_max_bytes, 200);
    assert_int_equal(result.fragmentation.internal_at_peak_bytes, 32);
    /* live 92, 104, 196, 208, 116, 24 for 1 ns each */
    assert_int_equal((int)(result.fragmentation.live_mean_bytes * 6 + 0.5), 740);
    assert_int_equal((int)(result.fragmentation.external_mean_bytes * 6 + 0.5), 300);
    assert_int_equal(result.sample_count, 7);
    assert_int_equal(result.samples[5].hole_count, 2);
    assert_int_equal(result.samples[5].external_bytes, 200);
    assert_int_equal(result.pin_count, 1);
    assert_int_equal(result.pins[0].pin.peak_bytes, 200);
    tn_replay_result_finish(&result);
}

/* Samples stay few and even however long the trace is. */
static void long_traces_are_sampled_evenly(void **state)
{
    (void)state;
    char *text = malloc(1 << 20), *end = text;
    assert_non_null(text);
    for (int i = 0; i < 20000; i++)
        end += sprintf(end, "A %d 10\nF %d\n", i, i);
    struct tn_replay_options options = options_for("tlsf", 4096);
    options.wants_samples = true;
    struct tn_replay_result result = replay(text, &options);
    free(text);
    assert_int_equal(result.events, 40000);
    assert_in_range(result.sample_count, 100, 256);
    for (size_t i = 2; i + 1 < result.sample_count; i++)
        assert_int_equal(result.samples[i].event - result.samples[i - 1].event,
                         result.samples[i - 1].event - result.samples[i - 2].event);
    assert_int_equal(result.samples[result.sample_count - 1].event, 40000);
    tn_replay_result_finish(&result);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static struct tn_replay_script *random_script(uint64_t seed, unsigned events)
{
    char *text = malloc(64 * (size_t)events), *end = text;
    bool is_live[60] = {false};
    assert_non_null(text);
    for (unsigned i = 0; i < events; i++) {
        unsigned slot = (unsigned)(next_random(&seed) % 60), size = 1 + (unsigned)(next_random(&seed) % 400);
        bool is_resize = is_live[slot] && next_random(&seed) % 4 == 0;
        if (is_resize)
            end += sprintf(end, "R %u %u\n", slot, size);
        else if (is_live[slot])
            end += sprintf(end, "F %u\n", slot);
        else
            end += sprintf(end, "A %u %u\n", slot, size);
        is_live[slot] = !is_live[slot] || is_resize;
    }
    struct tn_replay_script *script = parse(text);
    free(text);
    return script;
}

static bool survives(const struct tn_replay_source *source, struct tn_replay_options options,
                     uint64_t heap_bytes)
{
    struct tn_replay_result result = {0};
    struct tn_error error;
    options.heap.heap_bytes = heap_bytes;
    options.wants_offsets = false;
    int r = tn_replay_run(source, &options, &result, &error);
    bool has_survived = r == 0 && result.has_survived;
    tn_replay_result_finish(&result);
    return has_survived;
}

/* What one pass claims, a scan of every size below and many above confirms. */
static void one_pass_minimum_equals_a_scan(void **state)
{
    static const char *const policies[] = {"first-fit", "freertos-heap4", "newlib-nano",    "newlib",
                                           "glibc",     "lwip",           "freertos-heap1", "freertos-heap5"};
    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct tn_replay_script *script = random_script(seed * 7919, 600);
            struct tn_replay_source source = tn_replay_script_source(script);
            struct tn_replay_options options = options_for(policies[i], TN_HEAP_UNLIMITED);
            options.heap.pointer_bytes = 4;
            struct tn_replay_minimum minimum = {0};
            struct tn_error error;
            assert_int_equal(tn_replay_search(&source, &options, 1000000, &minimum, &error), 0);
            assert_true(minimum.safe_bytes > 0);
            assert_int_equal(minimum.first_bytes, minimum.safe_bytes);
            uint64_t unit = strcmp(policies[i], "newlib-nano") == 0 ? 8 : 1;
            for (uint64_t less = unit; less < 400 && less < minimum.safe_bytes; less++)
                assert_false(survives(&source, options, minimum.safe_bytes - less));
            for (uint64_t more = 0; more < 400; more++)
                assert_true(survives(&source, options, minimum.safe_bytes + more));
            tn_replay_script_close(script);
        }
}

/* Policies whose need is not monotone: both ends of the answer were really tried. */
static void scanned_minimum_tells_both_ends(void **state)
{
    static const char *const policies[] = {"best-fit", "next-fit", "tlsf", "zephyr", "buddy", "mbedtls"};
    unsigned different = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct tn_replay_script *script = random_script(seed * 104729, 600);
            struct tn_replay_source source = tn_replay_script_source(script);
            struct tn_replay_options options = options_for(policies[i], TN_HEAP_UNLIMITED);
            options.heap.pointer_bytes = 4;
            struct tn_replay_minimum minimum = {0};
            struct tn_error error;
            assert_int_equal(tn_replay_search(&source, &options, 400000, &minimum, &error), 0);
            assert_true(minimum.first_bytes > 0 && minimum.first_bytes <= minimum.safe_bytes);
            assert_true(minimum.step_bytes > 0);
            assert_true(survives(&source, options, minimum.first_bytes));
            uint64_t unit = minimum.step_bytes < 4 ? minimum.step_bytes : 4;
            assert_false(survives(&source, options, minimum.first_bytes - unit));
            assert_true(survives(&source, options, minimum.safe_bytes));
            uint64_t step = minimum.step_bytes, tried = (minimum.safe_bytes + step - 1) / step * step;
            for (uint64_t more = 0; more < 20; more++)
                assert_true(survives(&source, options, tried + more * step));
            different += minimum.first_bytes != minimum.safe_bytes;
            tn_replay_script_close(script);
        }
    assert_true(different > 3);
}

/* A narrow search takes few replays, ends in a region that survives, and agrees with the exact one where that
 * is told by one pass. */
static void narrow_search_ends_where_it_survives(void **state)
{
    static const char *const policies[] = {"first-fit", "glibc",  "lwip",  "best-fit", "next-fit",
                                           "tlsf",      "zephyr", "buddy", "mbedtls"};
    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct tn_replay_script *script = random_script(seed * 104729, 600);
            struct tn_replay_source source = tn_replay_script_source(script);
            struct tn_replay_options options = options_for(policies[i], TN_HEAP_UNLIMITED);
            struct tn_replay_minimum narrow = {0}, exact = {0};
            struct tn_error error;
            assert_int_equal(tn_replay_search_narrow(&source, &options, &narrow, &error), 0);
            assert_int_equal(tn_replay_search(&source, &options, 400000, &exact, &error), 0);
            assert_true(narrow.safe_bytes >= exact.first_bytes || narrow.step_bytes > 0);
            assert_true(survives(&source, options, narrow.safe_bytes));
            if (tn_policy_is_one_pass(options.policy))
                assert_int_equal(narrow.safe_bytes, exact.safe_bytes);
            else
                assert_true(narrow.step_bytes <= narrow.safe_bytes / 256 + 8 && narrow.tried_count < 24);
            tn_replay_script_close(script);
        }
}

static void pools_are_what_lives_at_once(void **state)
{
    (void)state;
    struct tn_replay_script *script = parse("A 1 10\nA 2 16\nF 1\nA 3 17\nA 4 12\nR 2 40\nF 3\nA 5 33\n");
    struct tn_replay_source source = tn_replay_script_source(script);
    struct tn_heap_pool *pools = NULL;
    size_t count = 0;
    struct tn_error error;
    assert_int_equal(tn_replay_pools(&source, 16, &pools, &count, &error), 0);
    assert_int_equal(count, 3);
    const struct tn_heap_pool expected[] = {{16, 2}, {32, 1}, {64, 2}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pools[i].block_bytes, expected[i].block_bytes);
        assert_int_equal(pools[i].count, expected[i].count);
    }
    struct tn_replay_options options = options_for("pools", TN_HEAP_UNLIMITED);
    options.heap.pools = pools;
    options.heap.pool_count = count;
    struct tn_replay_result result = {0};
    assert_int_equal(tn_replay_run(&source, &options, &result, &error), 0);
    assert_true(result.has_survived);
    assert_int_equal(result.smallest_bytes, 32 + 32 + 128);
    tn_replay_result_finish(&result);
    free(pools);
    tn_replay_script_close(script);
}

static void impossible_heaps_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; tn_policy_at(i) != NULL; i++) {
        struct tn_heap_options options;
        struct tn_heap_pool pool = {64, 4};
        tn_heap_options_init(&options);
        options.heap_bytes = 7;
        options.align_bytes = 16;
        options.pools = &pool;
        options.pool_count = 1;
        struct tn_heap *heap = NULL;
        struct tn_error error = {0};
        assert_int_equal(tn_heap_open(tn_policy_at(i), &options, &heap, &error), -EINVAL);
        assert_null(heap);
        if (strstr(error.text, "too small") == NULL)
            fail_msg("%s", error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_scripts_name_their_line),
        cmocka_unit_test(scripts_bear_what_people_write),
        cmocka_unit_test(stop_ends_at_the_first_failure),
        cmocka_unit_test(skip_goes_on_without_the_block),
        cmocka_unit_test(grow_goes_on_in_a_larger_heap),
        cmocka_unit_test(refused_blocks_are_no_failure),
        cmocka_unit_test(an_edited_trace_is_replayed_as_edited),
        cmocka_unit_test(fragmentation_is_told_over_time),
        cmocka_unit_test(long_traces_are_sampled_evenly),
        cmocka_unit_test(one_pass_minimum_equals_a_scan),
        cmocka_unit_test(scanned_minimum_tells_both_ends),
        cmocka_unit_test(narrow_search_ends_where_it_survives),
        cmocka_unit_test(pools_are_what_lives_at_once),
        cmocka_unit_test(impossible_heaps_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
