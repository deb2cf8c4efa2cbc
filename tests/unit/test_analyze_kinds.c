/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include <stdlib.h>
#include <string.h>

#define SITE_A 2
#define SITE_B 3
#define SITE_C SCENE_CHURN_STACK

/* Analyse a closed scene for one kind; the caller releases the findings. */
static void expect_text(const struct tn_finding *finding, const char *path, const char *expected)
{
    char *text = scene_text(finding, path);
    assert_string_equal(text, expected);
    free(text);
}

/* ---------------------------------------------------------------------------------------- permanent */

static void what_stays_from_the_start_is_permanent(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "init");
    for (size_t i = 0; i < 5; i++)
        scene_birth(&scene, SITE_A, 100 + i);
    scene_mark(&scene, "initialisation done");
    scene.time_ns++;
    scene_churn(&scene, 100);
    uint64_t late = scene_birth(&scene, SITE_B, 64);
    scene_churn(&scene, 5);
    scene_death(&scene, late);
    scene_churn(&scene, 100);
    struct tn_findings findings = scene_findings(&scene, "permanent");
    assert_int_equal(findings.count, 1);
    const struct tn_finding *finding = scene_find(&findings, "permanent", SITE_A);
    assert_non_null(finding);
    expect_text(finding, "$.class", "init");
    assert_int_equal(scene_number(finding, "$.count"), 5);
    assert_int_equal(scene_number(finding, "$.total_bytes"), 510);
    assert_int_equal(scene_number(finding, "$.post_init_sites"), 2);
    assert_int_equal(scene_number(finding, "$.post_init_allocations"), 206);
    assert_int_equal(scene_number(finding, "$.post_init[0].allocations"), 205);
    assert_int_equal(scene_number(finding, "$.post_init[1].allocations"), 1);
    assert_non_null(strstr(finding->notes, "2 sites, 206 calls"));
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONDITIONAL);
    scene_end_with(&scene, &findings);
}

/* Released after the last allocation: that is teardown. Grown by realloc while starting: one buffer. */
static void what_teardown_releases_is_permanent(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "teardown");
    uint64_t table = scene_birth(&scene, SITE_A, 100);
    table = scene_realloc(&scene, table, 200);
    scene_mark(&scene, "initialisation done");
    scene.time_ns++;
    scene_churn(&scene, 100);
    scene_death(&scene, table);
    struct tn_findings findings = scene_findings(&scene, "permanent");
    const struct tn_finding *finding = scene_find(&findings, "permanent", SITE_A);
    assert_non_null(finding);
    expect_text(finding, "$.class", "init");
    assert_int_equal(scene_number(finding, "$.count"), 1);
    assert_int_equal(scene_number(finding, "$.total_bytes"), 200);
    assert_int_equal(scene_number(finding, "$.resizes"), 1);
    scene_end_with(&scene, &findings);
}

static void one_at_a_time_is_a_singleton_if_it_stays(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "singleton");
    scene_churn(&scene, 40);
    uint64_t single = scene_birth(&scene, SITE_A, 640);
    uint64_t replaced = scene_birth(&scene, SITE_B, 640);
    for (size_t i = 0; i < 10; i++) {
        scene_churn(&scene, 10);
        scene_death(&scene, replaced);
        replaced = scene_birth(&scene, SITE_B, 640);
    }
    scene_death(&scene, single);
    scene_death(&scene, replaced);
    struct tn_findings findings = scene_findings(&scene, "permanent");
    assert_int_equal(findings.count, 1);
    expect_text(scene_find(&findings, "permanent", SITE_A), "$.class", "singleton");
    scene_end_with(&scene, &findings);
}

static void what_lives_in_an_unfinished_recording_is_weak(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "permanent"};
    scene_begin(&scene, "unfinished");
    scene_birth(&scene, SITE_A, 640);
    scene_churn(&scene, 100);
    assert_int_equal(tn_log_commit(scene.writer), 0);
    scene_analyze(&scene, &options, &findings);
    const struct tn_finding *finding = scene_find(&findings, "permanent", SITE_A);
    assert_non_null(finding);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_WEAK);
    assert_non_null(strstr(finding->notes, "not over"));
    scene_end_with(&scene, &findings);
}

/* ---------------------------------------------------------------------------------------- presize */

static void realloc_chains_are_counted(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "chains");
    for (size_t i = 0; i < 10; i++) {
        uint64_t buffer = scene_birth(&scene, SITE_A, 16);
        for (uint64_t size_bytes = 32; size_bytes <= 256; size_bytes *= 2)
            buffer = scene_realloc(&scene, buffer, size_bytes);
        buffer = scene_realloc(&scene, buffer, 200); /* to fit: no growth */
        scene_death(&scene, buffer);
        buffer = scene_birth(&scene, SITE_B, 100);
        buffer = scene_realloc(&scene, buffer, 110);
        scene_death(&scene, buffer);
    }
    struct tn_findings findings = scene_findings(&scene, "presize");
    const struct tn_finding *finding = scene_find(&findings, "presize", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.chains"), 10);
    assert_int_equal(scene_number(finding, "$.growth_steps"), 40);
    assert_int_equal(scene_number(finding, "$.final_bytes"), 256);
    assert_int_equal(scene_number(finding, "$.initial_bytes"), 256);
    assert_int_equal(scene_number(finding, "$.copied_bytes"), 10 * (16 + 32 + 64 + 128));
    expect_text(finding, "$.by", "realloc");
    assert_int_equal(finding->apply_bytes, 256);
    assert_int_equal(finding->saving.allocations_removed, 40);
    assert_null(scene_find(&findings, "presize", SITE_B));
    scene_end_with(&scene, &findings);
}

/* The new block, the copy, then the old one goes: ten times. */
static void make_copies(struct scene *scene, uint64_t release_stack_id)
{
    for (size_t i = 0; i < 10; i++) {
        uint64_t buffer = scene_birth(scene, SITE_A, 4);
        for (uint64_t size_bytes = 8; size_bytes <= 64; size_bytes *= 2) {
            uint64_t larger = scene_birth(scene, SITE_A, size_bytes);
            scene->release_stack_id = release_stack_id;
            scene_death(scene, buffer);
            buffer = larger;
        }
        scene_birth(scene, SITE_B, 8);
        scene_death(scene, buffer);
    }
}

/* As std::vector grows. */
static void growth_by_copying_is_seen(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "copies");
    make_copies(&scene, scene_stack(&scene, SITE_A, 4));
    struct tn_findings findings = scene_findings(&scene, "presize");
    const struct tn_finding *finding = scene_find(&findings, "presize", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.chains"), 10);
    assert_int_equal(scene_number(finding, "$.growth_steps"), 40);
    assert_int_equal(scene_number(finding, "$.final_bytes"), 64);
    expect_text(finding, "$.by", "copy");
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONDITIONAL);
    scene_end_with(&scene, &findings);
}

/* free(p); p = malloc(n): the release stands before the birth in the code, so that it begins the next call.
 */
static void a_release_before_the_birth_copies_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "before");
    make_copies(&scene, scene_stack(&scene, SITE_A, -4));
    struct tn_findings findings = scene_findings(&scene, "presize");
    assert_int_equal(findings.count, 0);
    scene_end_with(&scene, &findings);
}

/* A string that is replaced by another is longer half of the time: no growth. */
static void replacement_is_no_growth(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "replaced");
    scene.release_stack_id = scene_stack(&scene, SITE_A, 4);
    uint64_t text = scene_birth(&scene, SITE_A, 10);
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t next = scene_birth(&scene, SITE_A, 10 + i * 37 % 101);
        scene_death(&scene, text);
        text = next;
    }
    struct tn_findings findings = scene_findings(&scene, "presize");
    const struct tn_finding *finding = scene_find(&findings, "presize", SITE_A);
    assert_true(finding == NULL || finding->confidence == TN_CONFIDENCE_WEAK);
    scene_end_with(&scene, &findings);
}

/* ---------------------------------------------------------------------------------------- fixed-maximum */

static void the_maximum_of_varying_sizes_is_stated(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "sizes");
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t size_bytes = i % 100 == 50 ? 200 : i < 300 && i % 100 == 75 ? 256 : 16 + i * 7 % 97;
        scene_death(&scene, scene_birth(&scene, SITE_A, size_bytes));
        scene_death(&scene, scene_birth(&scene, SITE_B, i == 617 ? 200000 : 8 + i * 11 % 57));
        scene_death(&scene, scene_birth(&scene, SITE_C, 64));
    }
    struct tn_findings findings = scene_findings(&scene, "fixed-maximum");
    assert_int_equal(findings.count, 1);
    const struct tn_finding *finding = scene_find(&findings, "fixed-maximum", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.max_bytes"), 256);
    assert_int_equal(scene_number(finding, "$.p99_bytes"), 200);
    assert_int_equal(scene_number(finding, "$.observations"), 1000);
    assert_int_equal(scene_number(finding, "$.still_growing"), 0);
    assert_int_equal(scene_number(finding, "$.at_maximum"), 3);
    assert_int_equal(scene_number(finding, "$.looks_like_limit"), 1);
    assert_int_equal(scene_number(finding, "$.distinct_sizes"), 99);
    expect_text(finding, "$.overflow", "reject");
    scene_end_with(&scene, &findings);
}

/* A buffer that realloc changed is one, with the largest size it had. */
static void a_resized_buffer_is_one_observation(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "resized");
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t buffer = scene_birth(&scene, SITE_A, 50 + i % 10);
        if (i % 4 == 0)
            buffer = scene_realloc(&scene, buffer, 100 + i);
        if (i % 8 == 0)
            buffer = scene_realloc(&scene, buffer, 20);
        scene_death(&scene, buffer);
    }
    struct tn_findings findings = scene_findings(&scene, "fixed-maximum");
    const struct tn_finding *finding = scene_find(&findings, "fixed-maximum", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.observations"), 100);
    assert_int_equal(scene_number(finding, "$.max_bytes"), 196);
    assert_int_equal(scene_number(finding, "$.at_maximum"), 1);
    assert_int_equal(scene_number(finding, "$.still_growing"), 1);
    assert_int_equal(scene_number(finding, "$.distinct_sizes"), 10 + 25);
    scene_end_with(&scene, &findings);
}

/* ---------------------------------------------------------------------------------------- preallocate */

static void a_table_of_connections_is_preallocated(void **state)
{
    (void)state;
    struct scene scene;
    uint64_t slots[12];
    scene_begin(&scene, "slots");
    for (size_t i = 0; i < 12; i++)
        slots[i] = scene_birth(&scene, SITE_A, 200);
    for (size_t i = 0; i < 600; i++) {
        scene_death(&scene, slots[i % 12]);
        scene_churn(&scene, 1);
        slots[i % 12] = scene_birth(&scene, SITE_A, 200);
    }
    for (size_t i = 0; i < 100; i++)
        scene_birth(&scene, SITE_B, 16);
    struct tn_findings findings = scene_findings(&scene, "preallocate");
    assert_null(scene_find(&findings, "preallocate", SITE_B));
    const struct tn_finding *finding = scene_find(&findings, "preallocate", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.peak_count"), 12);
    assert_int_equal(scene_number(finding, "$.times_at_peak"), 601);
    assert_true(scene_number(finding, "$.erlang_count") >= 12);
    assert_int_equal(scene_number(finding, "$.count"), 12);
    assert_int_equal(scene_number(finding, "$.buffer_bytes"), 200);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONSISTENT);
    scene_end_with(&scene, &findings);
}

static void a_peak_that_was_reached_once_is_weak(void **state)
{
    (void)state;
    struct scene scene;
    uint64_t burst[10];
    scene_begin(&scene, "burst");
    for (size_t i = 0; i < 300; i++)
        scene_death(&scene, scene_birth(&scene, SITE_A, 200));
    for (size_t i = 0; i < 10; i++)
        burst[i] = scene_birth(&scene, SITE_A, 200);
    for (size_t i = 0; i < 10; i++)
        scene_death(&scene, burst[i]);
    struct tn_findings findings = scene_findings(&scene, "preallocate");
    const struct tn_finding *finding = scene_find(&findings, "preallocate", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.times_at_peak"), 1);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_WEAK);
    scene_end_with(&scene, &findings);
}

/* ---------------------------------------------------------------------------------------- pinning */

/* Twenty small blocks between large ones that go: the small ones keep what is free in pieces. What comes and
 * goes later, and the last block, behind which nothing is free, do not. */
static void few_blocks_between_holes_pin_them(void **state)
{
    (void)state;
    struct scene scene;
    uint64_t large[20];
    scene_begin(&scene, "pinning");
    for (size_t i = 0; i < 20; i++) {
        large[i] = scene_birth(&scene, SITE_A, 1000);
        scene_birth(&scene, SITE_B, 24);
    }
    for (size_t i = 0; i < 20; i++)
        scene_death(&scene, large[i]);
    scene_churn(&scene, 1000);
    struct tn_findings findings = scene_findings(&scene, "pinning");
    assert_int_equal(findings.count, 1);
    const struct tn_finding *finding = scene_find(&findings, "pinning", SITE_B);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.peak_count"), 20);
    assert_int_equal(scene_number(finding, "$.pinned_peak_bytes"), 20 * 1008);
    assert_in_range(scene_number(finding, "$.pinned_mean_bytes"), 15000, 20 * 1008);
    assert_int_equal(finding->apply, TN_APPLY_POOL);
    scene_end_with(&scene, &findings);
}

/* ---------------------------------------------------------------------------------------- overhead */

/* A member as large as the largest would cost more than the blocks do. */
static void small_blocks_of_many_sizes_are_kept_inside_in_part(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "short-texts");
    for (size_t i = 0; i < 40; i++) {
        scene_birth(&scene, SITE_A, i == 20 ? 60 : 3);
        scene_birth(&scene, SITE_B, 3);
    }
    struct tn_findings findings = scene_findings(&scene, "overhead");
    const struct tn_finding *varying = scene_find(&findings, "overhead", SITE_A);
    const struct tn_finding *constant = scene_find(&findings, "overhead", SITE_B);
    assert_non_null(varying);
    assert_non_null(constant);
    assert_non_null(strstr(varying->advice, "Keep up to 8 bytes of each block of "));
    assert_non_null(strstr(constant->advice, "Keep the 3 B of "));
    scene_end_with(&scene, &findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_from_the_start_is_permanent),
        cmocka_unit_test(what_teardown_releases_is_permanent),
        cmocka_unit_test(one_at_a_time_is_a_singleton_if_it_stays),
        cmocka_unit_test(what_lives_in_an_unfinished_recording_is_weak),
        cmocka_unit_test(realloc_chains_are_counted),
        cmocka_unit_test(growth_by_copying_is_seen),
        cmocka_unit_test(a_release_before_the_birth_copies_nothing),
        cmocka_unit_test(replacement_is_no_growth),
        cmocka_unit_test(the_maximum_of_varying_sizes_is_stated),
        cmocka_unit_test(a_resized_buffer_is_one_observation),
        cmocka_unit_test(a_table_of_connections_is_preallocated),
        cmocka_unit_test(a_peak_that_was_reached_once_is_weak),
        cmocka_unit_test(small_blocks_of_many_sizes_are_kept_inside_in_part),
        cmocka_unit_test(few_blocks_between_holes_pin_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
