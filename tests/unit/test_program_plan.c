/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/plan.h"

#include <errno.h>
#include <stdlib.h>

static struct tn_plan_part static_parts[] = {{.rank = 3, .key = 0x5a0c91fe}, {.rank = 12, .key = 0x7}};
static struct tn_plan_part arena_parts[] = {{.rank = 1, .key = 0xabcdef01, .is_conditional = true}};
static struct tn_plan_step steps[] = {
    {.letter = 'A', .parts = static_parts, .part_count = 2},
    {.letter = 'B', .parts = arena_parts, .part_count = 1},
};
static const struct tn_plan plan = {.steps = steps, .step_count = 2};

static void letters_become_keys_and_all_else_stays(void **state)
{
    (void)state;
    static const struct {
        const char *names, *expanded;
    } cases[] = {
        {"A", "5a0c91fe,00000007"},
        {"a", "5a0c91fe,00000007"},
        {"B,A", "abcdef01,5a0c91fe,00000007"},
        {"A,7", "5a0c91fe,00000007,7"},
        {"7,B,12", "7,abcdef01,12"},
        {"B,B", "abcdef01,abcdef01"},
        /* No letter alone: a number, a key that begins with letters, and what is for others to refuse. */
        {"1", "1"},
        {"abcdef01", "abcdef01"},
        {"AB", "AB"},
        {"", ""},
        {"A,", "5a0c91fe,00000007,"},
        {",,B", ",,abcdef01"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *names = NULL, letter = '?';
        assert_int_equal(tn_plan_expand(&plan, cases[i].names, &names, &letter), 0);
        assert_string_equal(names, cases[i].expanded);
        assert_int_equal(letter, '?');
        free(names);
    }
}

static void a_letter_that_no_step_has_is_told(void **state)
{
    (void)state;
    static const struct {
        const struct tn_plan *plan;
        const char *names;
        char letter;
    } cases[] = {{&plan, "C", 'C'}, {&plan, "A,e,D", 'e'}, {&plan, "1,z", 'z'}, {NULL, "A", 'A'}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *names = NULL, letter = '?';
        assert_int_equal(tn_plan_expand(cases[i].plan, cases[i].names, &names, &letter), -EINVAL);
        assert_null(names);
        assert_int_equal(letter, cases[i].letter);
    }
    char *names = NULL, letter = '?';
    assert_int_equal(tn_plan_expand(NULL, "3,5a0c91fe", &names, &letter), 0);
    assert_string_equal(names, "3,5a0c91fe");
    free(names);
}

static void steps_are_found_by_letter_and_parts_by_key(void **state)
{
    (void)state;
    assert_ptr_equal(tn_plan_find_step(&plan, 'b'), &steps[1]);
    assert_null(tn_plan_find_step(&plan, 'C'));
    assert_null(tn_plan_find_step(NULL, 'A'));
    assert_true(tn_plan_step_has(&steps[0], 7));
    assert_false(tn_plan_step_has(&steps[1], 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_become_keys_and_all_else_stays),
        cmocka_unit_test(a_letter_that_no_step_has_is_told),
        cmocka_unit_test(steps_are_found_by_letter_and_parts_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
