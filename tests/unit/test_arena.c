/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contain_fixture.h"

#include <stdlib.h>
#include <string.h>

/* One call of F: three blocks of G and two of H, of which `kept` stay. Returns the last of those. */
static uint64_t call(struct scene *scene, unsigned kept)
{
    uint64_t blocks[5];
    for (int i = 0; i < 5; i++)
        blocks[i] = i < 3 ? birth(scene, 20, AT(PLACE(MAIN, 5), PLACE(F, 10), PLACE(G, 20)))
                          : birth(scene, 100, AT(PLACE(MAIN, 5), PLACE(F, 11), PLACE(H, 30)));
    for (unsigned i = 0; i < 5 - kept; i++)
        death(scene, blocks[i], AT(PLACE(MAIN, 5), PLACE(F, 40)));
    event(scene, AT(PLACE(MAIN, 9)));
    return blocks[4];
}

/* G makes blocks for others than F, too: the finding is about those of F. */
static void a_site_is_narrowed_to_the_calls_of_the_function(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        call(&scene, 0);
        uint64_t other = birth(&scene, 20, AT(PLACE(MAIN, 7), PLACE(G, 20)));
        event(&scene, AT(PLACE(MAIN, 8)));
        death(&scene, other, AT(PLACE(MAIN, 9)));
    }
    analyze(&scene, "arena", &findings);
    const struct tn_finding *finding = find(&findings, "arena", G, 20);
    assert_non_null(finding);
    check_text(finding, "$.owner.function", "f2");
    assert_int_equal(scene_number(finding, "$.arena_bytes"), 3 * 24 + 2 * 104);
    assert_int_equal(scene_number(finding, "$.reuse_bytes"), 3 * 24 + 2 * 104);
    assert_int_equal(scene_number(finding, "$.allocations"), 5 * ROUNDS);
    assert_int_equal(scene_number(finding, "$.calls"), ROUNDS);
    assert_int_equal(finding->saving.allocations_removed, 5 * ROUNDS);
    assert_int_equal(finding->site_count, 2);
    assert_int_equal(finding->sites[0].allocations, 3 * ROUNDS);
    assert_int_equal(finding->sites[0].caller_count, 1);
    assert_string_equal(finding->sites[0].callers[0].function, "f2");
    assert_int_equal(finding->sites[0].stack_count, 1);
    assert_int_equal(finding->sites[1].caller_count, 0);
    assert_null(finding->sites[1].stacks);
    end(&scene, &findings);
}

/* A line half of whose blocks outlive the call stays on the heap: what is left is not nearly all. */
static void what_outlives_the_call_is_not_served(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t kept = call(&scene, 1);
        death(&scene, kept, AT(PLACE(MAIN, 6)));
    }
    analyze(&scene, "arena", &findings);
    assert_int_equal(findings.count, 0);
    end(&scene, &findings);
}

/* One that lives at the end has outlived its call as well. */
static void a_block_that_is_left_speaks_against_its_line(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < 2 * ROUNDS; i++)
        call(&scene, i == 7);
    analyze(&scene, "arena", &findings);
    const struct tn_finding *finding = find(&findings, "arena", G, 20);
    assert_non_null(finding);
    assert_non_null(strstr(finding->condition.text, "1 of 240 blocks of f4"));
    assert_int_equal(scene_number(finding, "$.escapes[0].escapes"), 1);
    assert_int_equal(finding->saving.allocations_removed, 10 * ROUNDS - 1);
    end(&scene, &findings);
}

/* What realloc made of a block that was there before the call is none of the call's. */
static void a_block_from_outside_does_not_come_in_by_realloc(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t first = birth(&scene, 40, AT(PLACE(MAIN, 4)));
        uint64_t own = birth(&scene, 40, AT(PLACE(MAIN, 5), PLACE(F, 10), PLACE(G, 20)));
        uint64_t stack = stack_at(&scene, AT(PLACE(MAIN, 5), PLACE(F, 11), PLACE(H, 30)));
        uint64_t old_stack = scene.stacks[first];
        scene.stacks[first] = stack;
        scene.release_stack_id = stack;
        uint64_t grown = scene_realloc(&scene, first, 80);
        scene.stacks[first] = old_stack;
        scene.release_stack_id = 0;
        death(&scene, own, AT(PLACE(MAIN, 5), PLACE(F, 40)));
        death(&scene, grown, AT(PLACE(MAIN, 5), PLACE(F, 41)));
        event(&scene, AT(PLACE(MAIN, 9)));
    }
    analyze(&scene, "arena", &findings);
    for (size_t i = 0; i < findings.count; i++)
        for (size_t s = 0; s < findings.items[i].site_count; s++)
            assert_string_not_equal(findings.items[i].sites[s].function, "f4");
    end(&scene, &findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_is_narrowed_to_the_calls_of_the_function),
        cmocka_unit_test(what_outlives_the_call_is_not_served),
        cmocka_unit_test(a_block_that_is_left_speaks_against_its_line),
        cmocka_unit_test(a_block_from_outside_does_not_come_in_by_realloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
