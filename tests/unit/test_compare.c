/* SPDX-License-Identifier: MIT */

/* Which site became which: two lists of sites that differ as builds of one program do, and the changes that
 * must come of them. What looks like the same site and is none stands beside each. */

#include "compare_fixture.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lines, or offsets where there are none, with commas between. */
static size_t print_positions(const struct tn_summary_site *const *sites, size_t count, char *text,
                              size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%u", i != 0 ? "," : "",
                                 sites[i]->line != 0 ? sites[i]->line : (unsigned)sites[i]->offset_bytes);
    return used;
}

/* Every change as "OLD,OLD>NEW", or turned round, in the order of the words. */
static void print_changes(const struct tn_comparison *comparison, bool is_turned, char *text, size_t bytes)
{
    char lines[2 * SITES_MAX][80];
    const char *order[2 * SITES_MAX];
    for (size_t i = 0; i < comparison->site_count; i++) {
        const struct tn_site_change *change = &comparison->sites[i];
        const struct tn_summary_site *const *before = comparison->before + change->before_first;
        const struct tn_summary_site *const *after = comparison->after + change->after_first;
        size_t used = print_positions(is_turned ? after : before,
                                      is_turned ? change->after_count : change->before_count, lines[i], 80);
        used += (size_t)snprintf(lines[i] + used, 80 - used, ">");
        print_positions(is_turned ? before : after, is_turned ? change->before_count : change->after_count,
                        lines[i] + used, 80 - used);
        order[i] = lines[i];
    }
    qsort(order, comparison->site_count, sizeof(order[0]), compare_lines);
    text[0] = '\0';
    for (size_t i = 0, used = 0; i < comparison->site_count; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i != 0 ? " " : "", order[i]);
}

/* Forwards, and backwards with the arrows turned round: which is which does not depend on the side. */
static void assert_changes_of(struct side *before, const char *old_build, struct side *after,
                              const char *new_build, const char *wanted)
{
    struct loaded_side sides[2];
    load_side(before, old_build, &sides[0]);
    load_side(after, new_build, &sides[1]);
    for (int turn = 0; turn < 2; turn++) {
        struct tn_comparison comparison;
        char found[512];
        assert_int_equal(tn_compare(&sides[turn].run, &sides[!turn].run, NULL, 0, &comparison), 0);
        print_changes(&comparison, turn == 1, found, sizeof(found));
        tn_comparison_finish(&comparison);
        assert_string_equal(found, wanted);
    }
}

static void assert_changes(struct side before, struct side after, const char *wanted)
{
    assert_changes_of(&before, "b1", &after, "b2", wanted);
}

/* ---------------------------------------------------------------------------------------- lines */

static void a_moved_line_is_the_same_site(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}}, (struct side){{SITE(.line = 42)}, {7}}, "10>42");
}

static void two_moved_lines_keep_their_order(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10), SITE(.line = 12)}, {7, 7}},
                   (struct side){{SITE(.line = 30), SITE(.line = 32)}, {7, 7}}, "10>30 12>32");
}

static void swapped_lines_are_told_by_their_sizes(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10, SIZE(24)), SITE(.line = 11, SIZE(100))}, {7, 7}},
                   (struct side){{SITE(.line = 10, SIZE(100)), SITE(.line = 11, SIZE(24))}, {7, 7}},
                   "10>11 11>10");
}

static void swapped_lines_of_one_size_are_told_by_their_behaviour(void **state)
{
    (void)state;
    /* One keeps its blocks; and the new run is longer. */
    assert_changes(
        (struct side){{SITE(.line = 10), SITE(.line = 11, .live_at_end = 10, .peak_live_count = 10)}, {7, 7}},
        (struct side){{SITE(.line = 10, .allocations = 12, .live_at_end = 12, .peak_live_count = 12),
                       SITE(.line = 11, .allocations = 12)},
                      {7, 7}},
        "10>11 11>10");
}

static void a_copied_line_is_one_group(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10), SITE(.line = 11)}, {7, 7}}, "10>10,11");
}

static void an_added_line_of_another_size_is_new(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 9, SIZE(500)), SITE(.line = 11)}, {7, 7}}, "10>11 >9");
}

static void a_removed_line_is_gone(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10, SIZE(500)), SITE(.line = 11)}, {7, 7}},
                   (struct side){{SITE(.line = 10)}, {7}}, "10> 11>10");
}

/* A line before what stayed and one behind it are not each other, although they are all that is left. */
static void what_stayed_parts_what_is_left(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10, SIZE(500)), SITE(.line = 11)}, {7, 7}},
                   (struct side){{SITE(.line = 11), SITE(.line = 12, .max_size_bytes = 900)}, {7, 7}},
                   "10> 11>11 >12");
}

static void a_line_whose_size_changed_stays_between_its_neighbours(void **state)
{
    (void)state;
    assert_changes(
        (struct side){{SITE(.line = 10, SIZE(8)), SITE(.line = 11), SITE(.line = 12, SIZE(64))}, {7, 7, 7}},
        (struct side){{SITE(.line = 20, SIZE(8)), SITE(.line = 21, SIZE(32)), SITE(.line = 22, SIZE(64))},
                      {7, 7, 7}},
        "10>20 11>21 12>22");
}

/* ---------------------------------------------------------------------------------------- functions */

static void a_renamed_function_is_another_one(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10, .function = S("g"))}, {7}}, "10> >10");
}

static void a_clone_of_the_compiler_is_the_function(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 12, .function = S("f.constprop.0"))}, {7}}, "10>12");
    assert_changes((struct side){{SITE(.line = 10, .function = S("f(int) [clone .isra.0]"))}, {7}},
                   (struct side){{SITE(.line = 12, .function = S("f(int)"))}, {7}}, "10>12");
    /* Another function, whose name only begins so. */
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10, .function = S("f2"))}, {7}}, "10> >10");
}

static void another_way_to_the_allocator_is_another_site(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10, .via = S("strdup"))}, {7}}, "10> >10");
}

/* Without names only the same offset in the same build says that it is the same. */
static void unnamed_functions_need_the_same_build(void **state)
{
    (void)state;
    struct side before = {{SITE(.function = S(""), .file = S(""), .offset_bytes = 16),
                           SITE(.function = S(""), .file = S(""), .offset_bytes = 32)},
                          {0}};
    struct side after = {{SITE(.function = S(""), .file = S(""), .offset_bytes = 32),
                          SITE(.function = S(""), .file = S(""), .offset_bytes = 48)},
                         {0}};
    assert_changes_of(&before, "b1", &after, "b1", "16> 32>32 >48");
    assert_changes_of(&before, "b1", &after, "b2", "16> 32> >32 >48");
    assert_changes_of(&before, "", &after, "", "16> 32> >32 >48");
}

/* ---------------------------------------------------------------------------------------- files, modules */

static void a_function_of_two_files_is_two(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10), SITE(.line = 20, .file = S("/src/b.c"))}, {7, 8}},
                   (struct side){{SITE(.line = 11), SITE(.line = 21, .file = S("/src/b.c"))}, {7, 8}},
                   "10>11 20>21");
    /* One of them is gone: the other one does not become it. */
    assert_changes((struct side){{SITE(.line = 10), SITE(.line = 20, .file = S("/src/b.c"))}, {7, 8}},
                   (struct side){{SITE(.line = 21, .file = S("/src/b.c"))}, {8}}, "10> 20>21");
}

static void a_moved_tree_is_told_by_its_folders(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10, .file = S("/v1/a/util.c")),
                                  SITE(.line = 20, .file = S("/v1/b/util.c"))},
                                 {7, 7}},
                   (struct side){{SITE(.line = 11, .file = S("/v2/b/util.c")),
                                  SITE(.line = 21, .file = S("/v2/a/util.c"))},
                                 {7, 7}},
                   "10>21 20>11");
}

static void a_moved_or_renamed_file_is_told_by_its_callers(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10, .file = S("/src/new.c"))}, {7}}, "10>10");
    /* A static function of this name in another file, which others call. */
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10, .file = S("/src/new.c"))}, {8}}, "10> >10");
    /* So it is when the file has the name, in another folder. */
    assert_changes((struct side){{SITE(.line = 10, .file = S("/src/a/util.c"))}, {7}},
                   (struct side){{SITE(.line = 10, .file = S("/src/b/util.c"))}, {8}}, "10> >10");
    /* Two could be it. */
    assert_changes(
        (struct side){{SITE(.line = 10)}, {7}},
        (struct side){{SITE(.line = 11, .file = S("/src/x.c")), SITE(.line = 12, .file = S("/src/y.c"))},
                      {7, 7}},
        "10> >11 >12");
}

static void a_library_of_another_version_is_the_same_module(void **state)
{
    (void)state;
    assert_changes((struct side){{SITE(.line = 10, .module = S("/usr/lib/libz.so.1.2"))}, {7}},
                   (struct side){{SITE(.line = 12, .module = S("/opt/lib/libz.so.1.3"))}, {7}}, "10>12");
    assert_changes((struct side){{SITE(.line = 10, .module = S("/usr/lib/libz.so.1"))}, {7}},
                   (struct side){{SITE(.line = 10, .module = S("/usr/lib/liby.so.1"))}, {7}}, "10> >10");
    /* The program is one module, a library another one. */
    assert_changes((struct side){{SITE(.line = 10)}, {7}},
                   (struct side){{SITE(.line = 10, .module = S("/lib/app"))}, {7}}, "10> >10");
}

/* ---------------------------------------------------------------------------------------- what got worse */

static struct tn_comparison compare_totals(struct tn_summary_totals before, struct tn_summary_totals after,
                                           const struct tn_compared_heap *heaps, size_t heap_count)
{
    static struct side none;
    static struct loaded_side old_side, new_side;
    struct tn_comparison comparison;
    load_side(&none, "", &old_side);
    load_side(&none, "", &new_side);
    old_side.summary.totals = before;
    new_side.summary.totals = after;
    assert_int_equal(tn_compare(&old_side.run, &new_side.run, heaps, heap_count, &comparison), 0);
    return comparison;
}

static void a_regression_is_more_than_five_percent_and_a_kibi(void **state)
{
    (void)state;
    static const struct {
        uint64_t before, after;
        bool is_worse;
    } cases[] = {
        {100000, 105000, false}, {100000, 105001, true}, {1000, 2024, false}, {1000, 2025, true},
        {100000, 50000, false},  {0, 1025, true},        {0, 1024, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_compared_heap heap = {"tlsf", cases[i].before, cases[i].after};
        struct tn_comparison comparison = compare_totals(
            (struct tn_summary_totals){.allocations = cases[i].before, .peak_live_bytes = cases[i].before},
            (struct tn_summary_totals){.allocations = cases[i].after, .peak_live_bytes = cases[i].after},
            &heap, 1);
        /* A heap that was not found is unknown, not small. */
        size_t wanted = cases[i].is_worse ? (cases[i].before != 0 ? 3 : 2) : 0;
        assert_int_equal(comparison.regression_count, wanted);
        if (wanted == 3) {
            assert_int_equal(comparison.regressions[0].kind, TN_REGRESSION_CALLS);
            assert_int_equal(comparison.regressions[1].kind, TN_REGRESSION_PEAK);
            assert_int_equal(comparison.regressions[2].kind, TN_REGRESSION_HEAP);
            assert_string_equal(comparison.regressions[2].policy, "tlsf");
        }
        tn_comparison_finish(&comparison);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moved_line_is_the_same_site),
        cmocka_unit_test(two_moved_lines_keep_their_order),
        cmocka_unit_test(swapped_lines_are_told_by_their_sizes),
        cmocka_unit_test(swapped_lines_of_one_size_are_told_by_their_behaviour),
        cmocka_unit_test(a_copied_line_is_one_group),
        cmocka_unit_test(an_added_line_of_another_size_is_new),
        cmocka_unit_test(a_removed_line_is_gone),
        cmocka_unit_test(what_stayed_parts_what_is_left),
        cmocka_unit_test(a_line_whose_size_changed_stays_between_its_neighbours),
        cmocka_unit_test(a_renamed_function_is_another_one),
        cmocka_unit_test(a_clone_of_the_compiler_is_the_function),
        cmocka_unit_test(another_way_to_the_allocator_is_another_site),
        cmocka_unit_test(unnamed_functions_need_the_same_build),
        cmocka_unit_test(a_function_of_two_files_is_two),
        cmocka_unit_test(a_moved_tree_is_told_by_its_folders),
        cmocka_unit_test(a_moved_or_renamed_file_is_told_by_its_callers),
        cmocka_unit_test(a_library_of_another_version_is_the_same_module),
        cmocka_unit_test(a_regression_is_more_than_five_percent_and_a_kibi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
