/* SPDX-License-Identifier: MIT */
/* Offsets that the original allocators gave for three short traces, built for 32-bit and 64-bit machines and
 * run (docs/simulator.md says which version of which). X: no place. */
#include "tenure/heap.h"
#include "tenure/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define X           UINT64_MAX
#define OFFSETS_MAX 12

static const char t1[] = "A 0 100\nA 1 1500\nA 2 100\nA 3 1500\nF 1\nA 4 100\nA 5 1500\n";
static const char t2[] =
    "A 0 100\nA 1 200\nA 2 50\nA 3 150\nA 4 60\nF 1\nF 3\nA 5 140\nA 6 40\nF 2\nA 7 190\nF 0\n"
    "F 6\nA 8 90\nA 9 1\nA 10 512\n";
static const char t3[] =
    "A 0 1\nA 1 12\nA 2 13\nA 3 24\nA 4 25\nA 5 8\nF 1\nF 3\nA 6 20\nA 7 4\nF 0\nF 2\nA 8 30\n"
    "A 9 16\n";
static const char *const scripts[] = {t1, t2, t3};
static const uint64_t regions[] = {4096, 1024, 512};
static const size_t placements[] = {6, 11, 10};

struct vector {
    const char *policy;
    uint64_t pointer_bytes;
    unsigned script; /* T1, T2, T3 */
    const char *parameter, *value;
    uint64_t heap_bytes; /* 0: the trace's own */
    uint64_t high_water; /* 0: not known */
    uint64_t minimum;    /* smallest region; 0: not known */
    uint64_t offsets[OFFSETS_MAX];
};

static const struct vector vectors[] = {
    {"first-fit", 8, 1, NULL, NULL, 0, 0, 4700, {0, 100, 1600, 1700, 100, X}},
    {"first-fit", 8, 2, NULL, NULL, 0, 0, 1072, {0, 100, 300, 350, 500, 100, 240, 280, 0, 90, X}},
    {"first-fit", 8, 3, NULL, NULL, 0, 0, 0, {0, 1, 13, 26, 50, 75, 26, 1, 83, 5}},
    {"best-fit", 8, 1, NULL, NULL, 0, 0, 0, {0, 100, 1600, 1700, 3200, 100}},
    {"best-fit", 8, 2, NULL, NULL, 0, 0, 0, {0, 100, 300, 350, 500, 350, 100, 140, 0, 490, X}},
    {"best-fit", 8, 3, NULL, NULL, 0, 0, 0, {0, 1, 13, 26, 50, 75, 26, 46, 83, 0}},
    {"next-fit", 8, 1, NULL, NULL, 0, 0, 0, {0, 100, 1600, 1700, 3200, 100}},
    {"next-fit", 8, 2, NULL, NULL, 0, 0, 0, {0, 100, 300, 350, 500, 560, 700, 740, 930, 1020, X}},
    {"worst-fit", 8, 1, NULL, NULL, 0, 0, 0, {0, 100, 1600, 1700, 100, X}},
    {"worst-fit", 8, 2, NULL, NULL, 0, 0, 0, {0, 100, 300, 350, 500, 560, 700, 100, 700, 790, X}},
    {"freertos-heap4", 4, 1, NULL, NULL, 0, 0, 4768, {8, 120, 1632, 1744, 120, X}},
    {"freertos-heap4", 4, 2, NULL, NULL, 0, 0, 1144, {8, 120, 328, 392, 552, 120, 272, 328, 8, 272, X}},
    {"freertos-heap4", 4, 3, NULL, NULL, 0, 0, 200, {8, 24, 48, 72, 104, 144, 72, 24, 160, 48}},
    {"freertos-heap4", 8, 1, NULL, NULL, 0, 0, 0, {16, 136, 1656, 1776, 136, X}},
    {"freertos-heap4", 8, 3, NULL, NULL, 0, 0, 0, {16, 40, 72, 104, 144, 192, 104, 40, 216, 72}},
    {"freertos-heap5", 4, 1, NULL, NULL, 0, 0, 4768, {8, 120, 1632, 1744, 120, X}},
    {"newlib-nano", 4, 1, NULL, NULL, 0, 0, 4744, {8, 112, 1624, 1728, 1512, X}},
    {"newlib-nano", 4, 2, NULL, NULL, 0, 0, 1128, {8, 112, 320, 384, 544, 176, 128, 344, 72, 64, X}},
    {"newlib-nano", 4, 3, NULL, NULL, 0, 0, 184, {8, 16, 40, 64, 96, 128, 64, 16, 144, 40}},
    {"newlib", 4, 1, NULL, NULL, 0, 0, 4864, {8, 112, 1616, 1720, 112, X}},
    {"newlib", 4, 2, NULL, NULL, 0, 0, 0, {8, 112, 320, 376, 536, 376, 112, 160, 8, 520, X}},
    {"newlib", 4, 3, NULL, NULL, 0, 0, 0, {8, 24, 40, 64, 96, 128, 64, 24, 144, 40}},
    {"newlib", 4, 1, "page", "4096", 8192, 0, 8192, {8, 112, 1616, 1720, 112, 3224}},
    {"tlsf", 4, 1, NULL, NULL, 0, 0, 0, {4, 108, 1612, 1716, 3220, X}},
    {"tlsf", 4, 2, NULL, NULL, 0, 0, 0, {4, 108, 312, 368, 524, 368, 108, 152, 4, 348, X}},
    {"tlsf", 4, 3, NULL, NULL, 0, 0, 0, {4, 20, 36, 56, 84, 116, 56, 20, 132, 36}},
    {"tlsf", 8, 1, NULL, NULL, 0, 0, 0, {8, 120, 1632, 1744, 3256, 120}},
    {"tlsf", 8, 2, NULL, NULL, 0, 0, 0, {8, 120, 328, 392, 552, 392, 120, 168, 8, 112, X}},
    {"zephyr", 4, 1, NULL, NULL, 0, 0, 0, {60, 164, 1668, 1772, 3276, 164}},
    {"zephyr", 4, 2, NULL, NULL, 0, 0, 0, {52, 156, 364, 420, 580, 156, 300, 348, 52, 148, X}},
    {"zephyr", 4, 3, NULL, NULL, 0, 0, 0, {44, 52, 68, 92, 124, 156, 92, 116, 44, 172}},
    {"zephyr", 8, 1, NULL, NULL, 0, 0, 0, {64, 176, 1688, 1800, 3312, 176}},
    {"zephyr", 8, 3, NULL, NULL, 0, 0, 0, {48, 64, 88, 112, 144, 184, 112, 64, 200, 80}},
    {"buddy", 8, 1, NULL, NULL, 0, 0, 0, {0, 2048, 128, X, 256, 2048}},
    {"glibc", 8, 1, "no-caches", NULL, TN_HEAP_UNLIMITED, 4784, 0, {16, 128, 1648, 1760, 128, 3280}},
    {"glibc",
     8,
     2,
     "no-caches",
     NULL,
     TN_HEAP_UNLIMITED,
     1152,
     0,
     {16, 128, 336, 400, 560, 400, 128, 176, 16, 128, 640}},
    {"glibc",
     8,
     3,
     "no-caches",
     NULL,
     TN_HEAP_UNLIMITED,
     256,
     0,
     {16, 48, 80, 112, 144, 192, 48, 112, 224, 16}},
    {"glibc",
     8,
     2,
     NULL,
     NULL,
     TN_HEAP_UNLIMITED,
     1232,
     0,
     {16, 128, 336, 400, 560, 400, 640, 128, 16, 688, 720}},
    {"glibc", 8, 3, NULL, NULL, TN_HEAP_UNLIMITED, 0, 0, {16, 48, 80, 112, 144, 192, 112, 48, 224, 80}},
};

static struct tn_replay_script *parse(const char *text)
{
    struct tn_replay_script *script = NULL;
    struct tn_error error;
    assert_int_equal(tn_replay_script_parse("test", text, strlen(text), &script, &error), 0);
    return script;
}

static struct tn_replay_options options_of(const struct vector *vector)
{
    struct tn_replay_options options;
    tn_replay_options_init(&options, tn_policy_find(vector->policy));
    assert_non_null(options.policy);
    options.heap.heap_bytes = vector->heap_bytes != 0 ? vector->heap_bytes : regions[vector->script - 1];
    options.heap.pointer_bytes = vector->pointer_bytes;
    options.wants_offsets = true;
    options.after = TN_REPLAY_SKIP;
    if (vector->parameter != NULL && strcmp(vector->parameter, "no-caches") == 0)
        options.heap.tcache_count = options.heap.fast_bytes = 0;
    else if (vector->parameter != NULL)
        assert_int_equal(tn_heap_options_set(&options.heap, vector->parameter, vector->value), 0);
    return options;
}

static void check_consistent(void *context, const struct tn_replay_step *step)
{
    struct tn_error error = {0};
    (void)context;
    if (tn_heap_check(step->heap, &error) < 0)
        fail_msg("%s after event %llu", error.text, (unsigned long long)step->number);
}

static void check_vector(const struct vector *vector)
{
    struct tn_replay_script *script = parse(scripts[vector->script - 1]);
    struct tn_replay_source source = tn_replay_script_source(script);
    struct tn_replay_options options = options_of(vector);
    options.observe = check_consistent;
    struct tn_replay_result result;
    struct tn_error error = {0};
    print_message("%s, %d-bit, T%u %s\n", vector->policy, (int)vector->pointer_bytes * 8, vector->script,
                  vector->parameter != NULL ? vector->parameter : "");
    if (tn_replay_run(&source, &options, &result, &error) < 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < result.offset_count; i++)
        assert_int_equal(result.offsets[i], vector->offsets[i]);
    assert_int_equal(result.offset_count, placements[vector->script - 1]);
    if (vector->high_water != 0)
        assert_int_equal(result.high_water_bytes, vector->high_water);
    struct tn_replay_minimum minimum = {0};
    assert_int_equal(tn_replay_search(&source, &options, 1000000, &minimum, &error), 0);
    if (vector->minimum != 0) {
        assert_int_equal(minimum.first_bytes, vector->minimum);
        assert_int_equal(minimum.safe_bytes, vector->minimum);
    }
    tn_replay_result_finish(&result);
    tn_replay_script_close(script);
}

static void offsets_are_the_originals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        check_vector(&vectors[i]);
}

/* The paper's example: 2296 bytes are free, and 1500 cannot be had. */
static void paper_fails_at_the_seventh_step(void **state)
{
    static const struct tn_heap_extent layout[] = {
        {TN_HEAP_USED, 0, 100, 100, 0},      {TN_HEAP_USED, 100, 100, 100, 0},
        {TN_HEAP_FREE, 200, 1400, 0, 0},     {TN_HEAP_USED, 1600, 100, 100, 0},
        {TN_HEAP_USED, 1700, 1500, 1500, 0}, {TN_HEAP_FREE, 3200, 896, 0, 0},
    };
    (void)state;
    struct tn_replay_script *script = parse(scripts[0]);
    struct tn_replay_source source = tn_replay_script_source(script);
    struct tn_replay_options options;
    tn_replay_options_init(&options, tn_policy_find("first-fit"));
    options.heap.heap_bytes = 4096;
    struct tn_replay_result result;
    struct tn_error error;
    assert_int_equal(tn_replay_run(&source, &options, &result, &error), 0);
    assert_false(result.has_survived);
    assert_int_equal(result.failure.event, 7);
    assert_int_equal(result.failure.size_bytes, 1500);
    assert_int_equal(result.failure.free_bytes, 2296);
    assert_int_equal(result.failure.largest_free_bytes, 1400);
    assert_int_equal(result.failure.class, TN_REPLAY_FRAGMENTATION);
    assert_int_equal(result.failure.layout_count, sizeof(layout) / sizeof(layout[0]));
    for (size_t i = 0; i < result.failure.layout_count; i++) {
        assert_int_equal(result.failure.layout[i].kind, layout[i].kind);
        assert_int_equal(result.failure.layout[i].offset_bytes, layout[i].offset_bytes);
        assert_int_equal(result.failure.layout[i].size_bytes, layout[i].size_bytes);
    }
    tn_replay_result_finish(&result);
    tn_replay_script_close(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_the_originals),
        cmocka_unit_test(paper_fails_at_the_seventh_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
