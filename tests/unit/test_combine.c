/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contain_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tn_finding *check_group(const struct tn_findings *findings, uint32_t function,
                                            uint32_t line, const char *relation, size_t members,
                                            unsigned groups, unsigned exceptions)
{
    const struct tn_finding *finding = find(findings, "combine", function, line);
    assert_non_null(finding);
    /* without the program's code nobody can say where sizes come from; types that are alike need no size */
    bool is_one_type = strcmp(relation, "similar") == 0;
    assert_int_equal(finding->confidence, is_one_type ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_CONDITIONAL);
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
/* Sessions with answers that come and go within them, released by a thread. */
static void make_sessions(struct scene *scene, uint64_t releasing_thread)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t session = birth(scene, 96, AT(PLACE(MAIN, 4), PLACE(F, 10)));
        for (size_t k = 0; k < 3 + 40 * (i % 2); k++) {
            uint64_t answer = birth(scene, 40 - 8 * (k % 3), AT(PLACE(MAIN, 4), PLACE(G, 20)));
            scene->thread_id = releasing_thread;
            death(scene, answer, AT(PLACE(H, 3)));
            scene->thread_id = 1;
        }
        death(scene, session, AT(PLACE(MAIN, 4), PLACE(F, 12)));
        event(scene, AT(PLACE(MAIN, 2)));
    }
}

static void a_child_is_embedded_in_its_only_parent(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    make_sessions(&scene, 1);
    analyze(&scene, "combine", &findings);
    const struct tn_finding *finding = check_group(&findings, F, 10, "embed", 2, ROUNDS, 0);
    assert_int_equal(scene_number(finding, "$.members[1].per_group"), 1);
    assert_int_equal(scene_number(finding, "$.combined_bytes"), 136);
    end(&scene, &findings);
}

static void a_child_that_another_thread_releases_may_be_a_stranger(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    make_sessions(&scene, 2);
    analyze(&scene, "combine", &findings);
    const struct tn_finding *finding = find(&findings, "combine", F, 10);
    assert_non_null(finding);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_WEAK);
    assert_non_null(strstr(finding->notes, "strangers"));
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
        cmocka_unit_test(parts_of_a_request_are_one_structure),
        cmocka_unit_test(a_part_that_is_not_always_needed_is_counted),
        cmocka_unit_test(a_message_that_is_handed_on_is_one_structure),
        cmocka_unit_test(born_together_is_not_enough),
        cmocka_unit_test(what_is_periodic_falls_together_by_chance),
        cmocka_unit_test(a_child_is_embedded_in_its_only_parent),
        cmocka_unit_test(a_child_that_another_thread_releases_may_be_a_stranger),
        cmocka_unit_test(types_that_are_alike_are_named),
        cmocka_unit_test(memory_that_a_structure_costs_is_told),
        cmocka_unit_test(what_is_for_the_stack_is_no_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
