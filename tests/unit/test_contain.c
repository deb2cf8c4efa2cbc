/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stacks are written from the root: PLACE(function, line), main first. The line of a call tells what stands
 * before what. Frames have 64 bytes each. */
#define PLACE(function, line) (0x100000u + 0x1000u * (function) + (line))
#define MAIN                  1
#define F                     2
#define G                     3
#define H                     4
#define FRAME_BYTES           64u
#define ROOT_BYTES            256u
#define ROUNDS                60

#define AT(...) (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static uint64_t stack_at(struct scene *scene, const uint64_t *places, size_t count)
{
    uint64_t stack_id = 0, frame_id;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tn_log_intern_frame(scene->writer, 1, places[i], &frame_id), 0);
        assert_int_equal(
            tn_log_intern_stack(scene->writer, frame_id, stack_id, FRAME_BYTES, false, &stack_id), 0);
    }
    scene->depth_bytes = ROOT_BYTES + FRAME_BYTES * count;
    return stack_id;
}

static uint64_t birth(struct scene *scene, uint64_t size_bytes, const uint64_t *places, size_t count)
{
    return scene_birth(scene, stack_at(scene, places, count), size_bytes);
}

static void death(struct scene *scene, uint64_t id, const uint64_t *places, size_t count)
{
    scene->release_stack_id = stack_at(scene, places, count);
    scene_death(scene, id);
    scene->release_stack_id = 0;
}

/* Something else happens at a place. */
static void event(struct scene *scene, const uint64_t *places, size_t count)
{
    death(scene, birth(scene, 7, places, count), places, count);
}

static void begin(struct scene *scene)
{
    scene_begin(scene, "contain");
}

/* Close, name the places, analyse both kinds. */
static void analyze(struct scene *scene, const char *only, struct tn_findings *ret_findings)
{
    sqlite3 *database;
    struct tn_analyze_options options = {.only = only};
    scene_close(scene);
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database,
                     "UPDATE frame SET function = 'f' || (offset_bytes / 4096 - 256),"
                     " file = 'made/up.c', line = offset_bytes % 4096 WHERE offset_bytes >= 1048576",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
    scene_analyze(scene, &options, ret_findings);
}

static const struct tn_finding *find(const struct tn_findings *findings, const char *kind, uint32_t function,
                                     uint32_t line)
{
    char name[16];
    snprintf(name, sizeof(name), "f%u", function);
    for (size_t i = 0; i < findings->count; i++)
        for (size_t k = 0; k < findings->items[i].site_count; k++)
            if (strcmp(findings->items[i].kind, kind) == 0 && findings->items[i].sites[k].line == line &&
                strcmp(findings->items[i].sites[k].function, name) == 0)
                return &findings->items[i];
    return NULL;
}

static void check_text(const struct tn_finding *finding, const char *path, const char *expected)
{
    char *text = scene_text(finding, path);
    assert_string_equal(text, expected);
    free(text);
}

/* The buffer of (function, line) belongs to an owner; confidence as expected. */
static const struct tn_finding *check_buffer(const struct tn_findings *findings, uint32_t function,
                                             uint32_t line, const char *owner, unsigned frames_down)
{
    const struct tn_finding *finding = find(findings, "stack-buffer", function, line);
    assert_non_null(finding);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONSISTENT);
    check_text(finding, "$.owner.function", owner);
    assert_int_equal(scene_number(finding, "$.frames_down"), frames_down);
    assert_int_equal(scene_number(finding, "$.exceptions"), 0);
    return finding;
}

static bool is_claimed(const struct tn_findings *findings, const char *kind, uint32_t function, uint32_t line)
{
    const struct tn_finding *finding = find(findings, kind, function, line);
    return finding != NULL && finding->confidence != TN_CONFIDENCE_WEAK;
}

static void end(struct scene *scene, struct tn_findings *findings)
{
    tn_findings_finish(findings);
    scene_end(scene);
}

/* ---------------------------------------------------------------------------------------- stack-buffer */

static void a_buffer_that_stays_in_its_function_is_one_of_it(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 40 + (uint64_t)i % 3, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        event(&scene, AT(PLACE(MAIN, 5), PLACE(F, 11), PLACE(G, 7), PLACE(H, 9)));
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 12)));
    }
    analyze(&scene, "stack-buffer", &findings);
    const struct tn_finding *finding = check_buffer(&findings, F, 10, "f2", 0);
    assert_int_equal(scene_number(finding, "$.buffer_bytes"), 42);
    assert_int_equal(scene_number(finding, "$.min_size_bytes"), 40);
    assert_int_equal(scene_number(finding, "$.instances"), ROUNDS);
    assert_int_equal(scene_number(finding, "$.max_live_count"), 1);
    assert_int_equal(scene_number(finding, "$.stack_depth_before_bytes"), ROOT_BYTES + 4 * FRAME_BYTES);
    assert_int_equal(scene_number(finding, "$.stack_depth_after_bytes"), ROOT_BYTES + 4 * FRAME_BYTES + 42);
    assert_int_equal(finding->saving.allocations_removed, ROUNDS);
    end(&scene, &findings);
}

static void a_buffer_made_further_down_belongs_to_who_holds_it(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 64, AT(PLACE(MAIN, 5), PLACE(F, 10), PLACE(G, 20), PLACE(H, 30)));
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 12), PLACE(5, 3)));
        event(&scene, AT(PLACE(MAIN, 6)));
    }
    analyze(&scene, "stack-buffer", &findings);
    const struct tn_finding *finding = check_buffer(&findings, H, 30, "f2", 2);
    assert_int_equal(scene_number(finding, "$.owner.line"), 10);
    end(&scene, &findings);
}

/* The caller differs, the owner does not. */
static void an_owner_is_found_over_all_paths(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t path = PLACE(MAIN, 5 + i % 3);
        uint64_t id = birth(&scene, 64, AT(path, PLACE(F, 10), PLACE(G, 20)));
        if (i % 2 == 0)
            death(&scene, id, AT(path, PLACE(F, 10), PLACE(G, 22)));
        else
            death(&scene, id, AT(path, PLACE(F, 12)));
    }
    analyze(&scene, "stack-buffer", &findings);
    check_buffer(&findings, G, 20, "f2", 1);
    end(&scene, &findings);
}

static void a_cache_that_the_next_call_frees_is_no_buffer(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t kept = 0;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        if (kept != 0)
            death(&scene, kept, AT(PLACE(MAIN, 5), PLACE(F, 9)));
        kept = birth(&scene, 64, AT(PLACE(MAIN, 5), PLACE(F, 10)));
    }
    death(&scene, kept, AT(PLACE(MAIN, 7), PLACE(G, 4)));
    analyze(&scene, "stack-buffer", &findings);
    assert_false(is_claimed(&findings, "stack-buffer", F, 10));
    end(&scene, &findings);
}

static void a_function_entered_again_is_refuted_by_what_stays(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i <= 2 * ROUNDS; i++) {
        static uint64_t held;
        if (i % 2 == 0)
            held = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        else
            death(&scene, held, AT(PLACE(MAIN, 5), PLACE(F, 14)));
    }
    analyze(&scene, "stack-buffer", &findings);
    assert_false(is_claimed(&findings, "stack-buffer", F, 10));
    end(&scene, &findings);
}

static void a_function_entered_again_from_another_line_shows_its_caller(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 10), PLACE(G, 20)));
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 11), PLACE(G, 24)));
    }
    analyze(&scene, "stack-buffer", &findings);
    check_buffer(&findings, G, 20, "f2", 1);
    end(&scene, &findings);
}

static void an_event_that_shows_the_frame_gone_refutes(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        event(&scene, AT(PLACE(MAIN, 5 + i % 2), PLACE(G, 3)));
        event(&scene, AT(PLACE(MAIN, 2)));
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 14)));
    }
    analyze(&scene, "stack-buffer", &findings);
    assert_false(is_claimed(&findings, "stack-buffer", F, 10));
    end(&scene, &findings);
}

static void another_thread_another_stack_and_no_stack_contain_nothing(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t other_thread = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        uint64_t no_stack = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 11)));
        uint64_t coroutine = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 12)));
        scene.thread_id = 2;
        death(&scene, other_thread, AT(PLACE(MAIN, 5), PLACE(F, 13)));
        scene.thread_id = 1;
        uint64_t birth_stack = scene.stacks[no_stack];
        scene.stacks[no_stack] = 0;
        scene_death(&scene, no_stack);
        scene.stacks[no_stack] = birth_stack;
        scene.release_stack_id = stack_at(&scene, AT(PLACE(MAIN, 5), PLACE(F, 14)));
        scene.depth_bytes += 4096;
        scene_death(&scene, coroutine);
        scene.release_stack_id = 0;
    }
    analyze(&scene, "stack-buffer", &findings);
    for (uint32_t line = 10; line < 13; line++)
        assert_null(find(&findings, "stack-buffer", F, line));
    end(&scene, &findings);
}

static void a_jump_over_frames_leaves_the_catcher_as_owner(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 44, AT(PLACE(MAIN, 5), PLACE(F, 10), PLACE(G, 20), PLACE(H, 30)));
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 16)));
    }
    analyze(&scene, "stack-buffer", &findings);
    check_buffer(&findings, H, 30, "f2", 2);
    end(&scene, &findings);
}

static void recursion_multiplies_a_buffer(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t places[8] = {PLACE(MAIN, 5), PLACE(F, 11), PLACE(F, 11), PLACE(F, 11), PLACE(F, 11)}, own[8];
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        for (size_t level = 1; level < 5; level++) {
            places[level] = PLACE(F, 10);
            own[level] = birth(&scene, 48, places, level + 1);
            places[level] = PLACE(F, 11);
        }
        for (size_t level = 4; level > 0; level--) {
            places[level] = PLACE(F, 12);
            death(&scene, own[level], places, level + 1);
            places[level] = PLACE(F, 11);
        }
    }
    analyze(&scene, "stack-buffer", &findings);
    const struct tn_finding *finding = check_buffer(&findings, F, 10, "f2", 0);
    assert_int_equal(scene_number(finding, "$.instances"), 4 * ROUNDS);
    assert_int_equal(scene_number(finding, "$.max_live_count"), 1);
    assert_int_equal(scene_number(finding, "$.max_thread_live_count"), 4);
    assert_int_equal(scene_number(finding, "$.stack_depth_after_bytes"),
                     ROOT_BYTES + 5 * FRAME_BYTES + 4 * 48);
    end(&scene, &findings);
}

/* `count` blocks at a time, all born before any dies. */
static void fill_and_empty(struct scene *scene, size_t count, uint32_t line)
{
    uint64_t ids[64];
    for (size_t i = 0; i < count; i++)
        ids[i] = birth(scene, 24, AT(PLACE(MAIN, 5), PLACE(F, line)));
    for (size_t i = 0; i < count; i++)
        death(scene, ids[i], AT(PLACE(MAIN, 5), PLACE(F, line + 1)));
}

static void a_few_at_once_are_an_array_and_many_are_none(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        fill_and_empty(&scene, 3, 10);
        fill_and_empty(&scene, 40, 20);
    }
    analyze(&scene, "stack-buffer", &findings);
    const struct tn_finding *finding = check_buffer(&findings, F, 10, "f2", 0);
    assert_int_equal(scene_number(finding, "$.max_live_count"), 3);
    assert_null(find(&findings, "stack-buffer", F, 20));
    end(&scene, &findings);
}

static void a_queue_is_no_array(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t ids[ROUNDS + 2];
    begin(&scene);
    for (size_t i = 0; i < ROUNDS + 2; i++) {
        ids[i] = birth(&scene, 24, AT(PLACE(MAIN, 5)));
        if (i >= 2)
            death(&scene, ids[i - 2], AT(PLACE(MAIN, 6)));
    }
    death(&scene, ids[ROUNDS], AT(PLACE(MAIN, 7)));
    death(&scene, ids[ROUNDS + 1], AT(PLACE(MAIN, 7)));
    analyze(&scene, "stack-buffer", &findings);
    assert_false(is_claimed(&findings, "stack-buffer", MAIN, 5));
    end(&scene, &findings);
}

static void a_chain_of_reallocs_is_one_buffer(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 32, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        uint64_t stack_id = stack_at(&scene, AT(PLACE(MAIN, 5), PLACE(F, 11)));
        scene.stacks[id] = stack_id;
        id = scene_realloc(&scene, id, 128);
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 12)));
    }
    analyze(&scene, "stack-buffer", &findings);
    const struct tn_finding *finding = check_buffer(&findings, F, 10, "f2", 0);
    assert_int_equal(scene_number(finding, "$.instances"), ROUNDS);
    assert_int_equal(scene_number(finding, "$.buffer_bytes"), 128);
    assert_int_equal(finding->saving.allocations_removed, 2 * ROUNDS);
    assert_null(find(&findings, "stack-buffer", F, 11));
    end(&scene, &findings);
}

static void a_large_block_stays_on_the_heap(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t id = birth(&scene, 3000000, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        death(&scene, id, AT(PLACE(MAIN, 5), PLACE(F, 11)));
    }
    analyze(&scene, "stack-buffer", &findings);
    assert_null(find(&findings, "stack-buffer", F, 10));
    end(&scene, &findings);
}

/* Two functions that look the same from outside: one is left and entered again between birth and death, the
 * other is not; each tells when it is left. */
static void functions_that_tell_prove_their_buffers(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    const uint64_t called_bytes = ROOT_BYTES + FRAME_BYTES;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        scene.left_depth_bytes = called_bytes;
        uint64_t own = birth(&scene, 40, AT(PLACE(MAIN, 5), PLACE(F, 10)));
        death(&scene, own, AT(PLACE(MAIN, 5), PLACE(F, 11)));
        scene.left_depth_bytes = called_bytes;
        uint64_t held = birth(&scene, 32, AT(PLACE(MAIN, 6), PLACE(G, 20)));
        scene.left_depth_bytes = called_bytes;
        death(&scene, held, AT(PLACE(MAIN, 6), PLACE(G, 24)));
    }
    analyze(&scene, "stack-buffer", &findings);
    const struct tn_finding *finding = find(&findings, "stack-buffer", F, 10);
    assert_non_null(finding);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_PROVEN);
    check_text(finding, "$.owner.function", "f2");
    assert_false(is_claimed(&findings, "stack-buffer", G, 20));
    end(&scene, &findings);
}

/* ---------------------------------------------------------------------------------------- combine */

static const struct tn_finding *check_group(const struct tn_findings *findings, uint32_t function,
                                            uint32_t line, const char *relation, size_t members,
                                            unsigned groups, unsigned exceptions)
{
    const struct tn_finding *finding = find(findings, "combine", function, line);
    assert_non_null(finding);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONSISTENT);
    check_text(finding, "$.relation", relation);
    assert_int_equal(finding->site_count, members);
    assert_int_equal(scene_number(finding, "$.groups"), groups);
    assert_int_equal(scene_number(finding, "$.exceptions"), exceptions);
    return finding;
}

#define AT_ONCE 5

/* A request with its parts, in a table of requests. */
struct parts {
    uint64_t ids[4];
};

static void release(struct scene *scene, const struct parts *parts, size_t count)
{
    for (size_t i = count; i-- > 0;)
        if (parts->ids[i] != 0)
            death(scene, parts->ids[i], AT(PLACE(MAIN, 5), PLACE(G, 30 + i)));
}

static void parts_of_a_request_are_one_structure(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct parts table[AT_ONCE] = {0};
    begin(&scene);
    for (size_t i = 0; i < ROUNDS + AT_ONCE; i++) {
        struct parts *parts = &table[i % AT_ONCE];
        release(&scene, parts, 3);
        *parts = (struct parts){0};
        if (i >= ROUNDS)
            continue;
        parts->ids[0] = birth(&scene, 48, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        parts->ids[1] = birth(&scene, 20 + 100 * (i % 2), AT(PLACE(MAIN, 4), PLACE(F, 11)));
        parts->ids[2] = birth(&scene, 30, AT(PLACE(MAIN, 4), PLACE(F, 12)));
    }
    analyze(&scene, "combine", &findings);
    const struct tn_finding *finding = check_group(&findings, F, 10, "equal", 3, ROUNDS, 0);
    assert_int_equal(finding->sites[0].line, 10);
    assert_int_equal(scene_number(finding, "$.combined_bytes"), 48 + 120 + 32);
    assert_int_equal(scene_number(finding, "$.peak_groups"), AT_ONCE);
    assert_int_equal(scene_number(finding, "$.header_saved_bytes"), AT_ONCE * 2 * 8);
    assert_int_equal(finding->saving.allocations_removed, 2 * ROUNDS);
    assert_int_equal(finding->apply_bytes, 200);
    end(&scene, &findings);
}

static void a_part_that_is_not_always_needed_is_counted(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct parts table[AT_ONCE] = {0};
    begin(&scene);
    for (size_t i = 0; i < 100 + AT_ONCE; i++) {
        struct parts *parts = &table[i % AT_ONCE];
        release(&scene, parts, 2);
        *parts = (struct parts){0};
        if (i >= 100)
            continue;
        parts->ids[0] = birth(&scene, 48, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        if (i % 50 != 0)
            parts->ids[1] = birth(&scene, 300, AT(PLACE(MAIN, 4), PLACE(F, 11)));
    }
    analyze(&scene, "combine", &findings);
    check_group(&findings, F, 10, "equal", 2, 98, 2);
    end(&scene, &findings);
}

/* One thread asks, another one releases, and neither waits for the other. */
static void a_message_that_is_handed_on_is_one_structure(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct parts table[AT_ONCE] = {0};
    begin(&scene);
    for (size_t i = 0; i < 200 + AT_ONCE; i++) {
        struct parts *parts = &table[i % AT_ONCE], made = {0};
        scene.thread_id = 1;
        if (i < 200)
            made.ids[0] = birth(&scene, 64, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        if (i >= AT_ONCE) {
            scene.thread_id = 2;
            death(&scene, parts->ids[1], AT(PLACE(H, 3)));
            scene.thread_id = 1;
        }
        if (i < 200)
            made.ids[1] = birth(&scene, 48, AT(PLACE(MAIN, 4), PLACE(F, 11)));
        if (i >= AT_ONCE) {
            scene.thread_id = 2;
            death(&scene, parts->ids[0], AT(PLACE(H, 4)));
        }
        *parts = made;
    }
    analyze(&scene, "stack-buffer,combine", &findings);
    check_group(&findings, F, 10, "equal", 2, 200, 0);
    assert_null(find(&findings, "stack-buffer", F, 10));
    end(&scene, &findings);
}

static void born_together_is_not_enough(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t connections[8] = {0}, tickets[77] = {0};
    begin(&scene);
    for (size_t i = 0; i < 2000; i++) {
        if (connections[i % 8] != 0)
            death(&scene, connections[i % 8], AT(PLACE(MAIN, 4), PLACE(G, 10)));
        if (tickets[i % 77] != 0)
            death(&scene, tickets[i % 77], AT(PLACE(MAIN, 4), PLACE(G, 11)));
        connections[i % 8] = birth(&scene, 112, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        tickets[i % 77] = birth(&scene, 48, AT(PLACE(MAIN, 4), PLACE(F, 11)));
    }
    analyze(&scene, "combine", &findings);
    assert_false(is_claimed(&findings, "combine", F, 10));
    assert_false(is_claimed(&findings, "combine", F, 11));
    end(&scene, &findings);
}

static void what_is_periodic_falls_together_by_chance(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t light[2] = {0}, noise[3] = {0}, sound = 0, heat = 0;
    begin(&scene);
    for (size_t i = 0; i < 600; i++) {
        if (i >= 3) {
            death(&scene, light[i % 2], AT(PLACE(MAIN, 4), PLACE(F, 9)));
            death(&scene, noise[i % 3], AT(PLACE(MAIN, 5), PLACE(G, 9)));
            death(&scene, sound, AT(PLACE(MAIN, 6), PLACE(H, 9)));
        } else if (light[i % 2] != 0) {
            death(&scene, light[i % 2], AT(PLACE(MAIN, 4), PLACE(F, 9)));
        }
        if (i < 3 && sound != 0)
            death(&scene, sound, AT(PLACE(MAIN, 6), PLACE(H, 9)));
        sound = birth(&scene, 56, AT(PLACE(MAIN, 6), PLACE(H, 10)));
        if (heat != 0)
            death(&scene, heat, AT(PLACE(MAIN, 7), PLACE(5, 9)));
        heat = birth(&scene, 88, AT(PLACE(MAIN, 7), PLACE(5, 10)));
        light[i % 2] = birth(&scene, 40, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        noise[i % 3] = birth(&scene, 72, AT(PLACE(MAIN, 5), PLACE(G, 10)));
    }
    analyze(&scene, "combine", &findings);
    assert_false(is_claimed(&findings, "combine", F, 10));
    assert_false(is_claimed(&findings, "combine", G, 10));
    assert_false(is_claimed(&findings, "combine", H, 10));
    assert_false(is_claimed(&findings, "combine", 5, 10));
    end(&scene, &findings);
}

/* An answer replaces the one before, as long as the session lasts. */
static void a_child_is_embedded_in_its_only_parent(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t session = birth(&scene, 96, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        for (size_t k = 0; k < 3 + 40 * (i % 2); k++) {
            uint64_t answer = birth(&scene, 40 - 8 * (k % 3), AT(PLACE(MAIN, 4), PLACE(G, 20)));
            scene.thread_id = 2;
            death(&scene, answer, AT(PLACE(H, 3)));
            scene.thread_id = 1;
        }
        death(&scene, session, AT(PLACE(MAIN, 4), PLACE(F, 12)));
        event(&scene, AT(PLACE(MAIN, 2)));
    }
    analyze(&scene, "combine", &findings);
    const struct tn_finding *finding = check_group(&findings, F, 10, "embed", 2, ROUNDS, 0);
    assert_int_equal(scene_number(finding, "$.members[1].per_group"), 1);
    assert_int_equal(scene_number(finding, "$.combined_bytes"), 136);
    end(&scene, &findings);
}

static void types_that_are_alike_are_named(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t requests[400], responses[400];
    begin(&scene);
    for (size_t i = 0; i < 400; i++) {
        requests[i] = birth(&scene, 120, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        if (i >= 3) {
            death(&scene, requests[i - 3], AT(PLACE(MAIN, 5), PLACE(G, 10)));
            responses[i] = birth(&scene, 128, AT(PLACE(MAIN, 5), PLACE(G, 11)));
        }
        if (i >= 6)
            death(&scene, responses[i - 3], AT(PLACE(MAIN, 6), PLACE(H, 10)));
    }
    analyze(&scene, "combine", &findings);
    const struct tn_finding *finding = check_group(&findings, F, 10, "similar", 2, 797, 0);
    assert_int_equal(scene_number(finding, "$.combined_bytes"), 128);
    assert_int_equal(finding->saving.allocations_removed, 0);
    end(&scene, &findings);
}

static void memory_that_a_structure_costs_is_told(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct parts table[AT_ONCE] = {0};
    begin(&scene);
    for (size_t i = 0; i < 100 + AT_ONCE; i++) {
        struct parts *parts = &table[i % AT_ONCE];
        release(&scene, parts, 2);
        *parts = (struct parts){0};
        if (i >= 100)
            continue;
        parts->ids[0] = birth(&scene, 24, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        parts->ids[1] = birth(&scene, i == 50 ? 200 : 24, AT(PLACE(MAIN, 4), PLACE(F, 11)));
    }
    analyze(&scene, "combine", &findings);
    const struct tn_finding *finding = check_group(&findings, F, 10, "equal", 2, 100, 0);
    assert_int_equal(scene_number(finding, "$.combined_bytes"), 224);
    /* at the peak: 9 blocks of 24 and one of 200 against five of 224 */
    assert_int_equal(finding->saving.peak_bytes_delta, 5 * 240 - (9 * 32 + 208));
    assert_non_null(strstr(finding->notes, "this costs"));
    end(&scene, &findings);
}

/* A log without sites of its own: one site that is claimed for the stack does not take all others with it. */
static void what_is_for_the_stack_is_no_member(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct parts table[AT_ONCE] = {0};
    begin(&scene);
    for (size_t i = 0; i < ROUNDS + AT_ONCE; i++) {
        struct parts *parts = &table[i % AT_ONCE];
        release(&scene, parts, 2);
        *parts = (struct parts){0};
        uint64_t id = birth(&scene, 64, AT(PLACE(MAIN, 3), PLACE(H, 10)));
        uint64_t other = birth(&scene, 64, AT(PLACE(MAIN, 3), PLACE(H, 11)));
        death(&scene, other, AT(PLACE(MAIN, 3), PLACE(H, 12)));
        death(&scene, id, AT(PLACE(MAIN, 3), PLACE(H, 13)));
        if (i >= ROUNDS)
            continue;
        parts->ids[0] = birth(&scene, 48, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        parts->ids[1] = birth(&scene, 20, AT(PLACE(MAIN, 4), PLACE(F, 11)));
    }
    analyze(&scene, "stack-buffer,combine", &findings);
    check_buffer(&findings, H, 10, "f4", 0);
    check_buffer(&findings, H, 11, "f4", 0);
    assert_null(find(&findings, "combine", H, 10));
    check_group(&findings, F, 10, "equal", 2, ROUNDS, 0);
    end(&scene, &findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_that_stays_in_its_function_is_one_of_it),
        cmocka_unit_test(a_buffer_made_further_down_belongs_to_who_holds_it),
        cmocka_unit_test(an_owner_is_found_over_all_paths),
        cmocka_unit_test(a_cache_that_the_next_call_frees_is_no_buffer),
        cmocka_unit_test(a_function_entered_again_is_refuted_by_what_stays),
        cmocka_unit_test(a_function_entered_again_from_another_line_shows_its_caller),
        cmocka_unit_test(an_event_that_shows_the_frame_gone_refutes),
        cmocka_unit_test(another_thread_another_stack_and_no_stack_contain_nothing),
        cmocka_unit_test(a_jump_over_frames_leaves_the_catcher_as_owner),
        cmocka_unit_test(recursion_multiplies_a_buffer),
        cmocka_unit_test(a_few_at_once_are_an_array_and_many_are_none),
        cmocka_unit_test(a_queue_is_no_array),
        cmocka_unit_test(a_chain_of_reallocs_is_one_buffer),
        cmocka_unit_test(a_large_block_stays_on_the_heap),
        cmocka_unit_test(functions_that_tell_prove_their_buffers),
        cmocka_unit_test(parts_of_a_request_are_one_structure),
        cmocka_unit_test(a_part_that_is_not_always_needed_is_counted),
        cmocka_unit_test(a_message_that_is_handed_on_is_one_structure),
        cmocka_unit_test(born_together_is_not_enough),
        cmocka_unit_test(what_is_periodic_falls_together_by_chance),
        cmocka_unit_test(a_child_is_embedded_in_its_only_parent),
        cmocka_unit_test(types_that_are_alike_are_named),
        cmocka_unit_test(memory_that_a_structure_costs_is_told),
        cmocka_unit_test(what_is_for_the_stack_is_no_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
