/* SPDX-License-Identifier: MIT */

/* Which site became which: two lists of sites that differ as builds of one program do, and the changes that
 * must come of them. What looks like the same site and is none stands beside each. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/compare.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES_MAX 8

/* A summary owns its strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

/* One side of a scene. Sites are numbered from 1; the context of a site is one hash, 0: none is known. */
struct side {
    struct tn_summary_site sites[SITES_MAX + 1]; /* ended by one without allocations */
    uint64_t contexts[SITES_MAX + 1];            /* of sites, by their place in the list */
};

/* The defaults of a site are meant to be overridden. */
#pragma GCC diagnostic ignored "-Woverride-init"

/* A site of f in /src/a.c of the program, with 24 bytes for each of 10 calls. Later members override these.
 */
#define SITE(...)                                                                                            \
    {                                                                                                        \
        .function = S("f"), .file = S("/src/a.c"), .module = S("/bin/app"), .via = S("malloc"),              \
        .allocations = 10, .total_bytes = 240, .min_size_bytes = 24, .max_size_bytes = 24,                   \
        .peak_live_count = 1, .freed = 10, __VA_ARGS__                                                       \
    }
#define SIZE(bytes) .min_size_bytes = (bytes), .max_size_bytes = (bytes), .total_bytes = 10 * (bytes)

static struct tn_summary_process process = {
    .id = 1, .executable = S("/bin/app"), .command_line = S("app"), .exit_kind = S("exit")};

struct loaded_side {
    struct tn_summary summary;
    struct tn_context_set sets[SITES_MAX + 1];
    struct tn_module_build modules[1];
    struct tn_call_contexts contexts;
    struct tn_compared_run run;
};

static void load_side(struct side *side, const char *build_id, struct loaded_side *loaded)
{
    size_t count = 0;
    *loaded = (struct loaded_side){.summary = {.path = S("x.db"),
                                               .program = S("/bin/app"),
                                               .command_line = S("app"),
                                               .started_at = S(""),
                                               .wrappers = S(""),
                                               .process_id = 1,
                                               .processes = &process,
                                               .process_count = 1}};
    for (; side->sites[count].allocations != 0; count++) {
        side->sites[count].site_id = count + 1;
        loaded->sets[count + 1] =
            (struct tn_context_set){&side->contexts[count], side->contexts[count] != 0 ? 1 : 0};
    }
    loaded->modules[0] = (struct tn_module_build){S("/bin/app"), S(build_id)};
    loaded->contexts = (struct tn_call_contexts){loaded->sets, count + 1, loaded->modules, 1};
    loaded->summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){side->sites, count};
    loaded->run = (struct tn_compared_run){&loaded->summary, NULL, &loaded->contexts};
}

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

/* ---------------------------------------------------------------------------------------- findings */

/* A finding of a kind at one or two sites of a side. */
static void add_finding(struct tn_findings *findings, const char *kind, enum tn_confidence confidence,
                        const struct side *side, size_t first, size_t second)
{
    struct tn_finding finding = {
        .kind = kind, .confidence = confidence, .rank = (uint32_t)findings->count + 1};
    size_t places[2] = {first, second}, count = second != SIZE_MAX ? 2 : first != SIZE_MAX ? 1 : 0;
    finding.sites = calloc(2, sizeof(finding.sites[0]));
    assert_non_null(finding.sites);
    for (size_t i = 0; i < count; i++) {
        const struct tn_summary_site *site = &side->sites[places[i]];
        finding.sites[i] = (struct tn_finding_site){.site_id = places[i] + 1,
                                                    .function = strdup(site->function),
                                                    .file = strdup(site->file),
                                                    .line = site->line,
                                                    .module = strdup(site->module),
                                                    .via = strdup(site->via)};
    }
    finding.site_count = count;
    assert_int_equal(tn_finding_set(&finding.title, "title"), 0);
    assert_int_equal(tn_finding_set(&finding.advice, "advice"), 0);
    assert_int_equal(tn_finding_set(&finding.query, "SELECT 1"), 0);
    finding.saving.allocations_removed = 100;
    assert_int_equal(tn_findings_add(findings, &finding), 0);
}

struct finding_scene {
    struct side before, after;
    struct loaded_side old_side, new_side;
    struct tn_findings old_findings, new_findings;
    struct tn_comparison comparison;
};

static void begin_findings(struct finding_scene *scene)
{
    *scene = (struct finding_scene){
        .before = {{SITE(.line = 10, SIZE(8)), SITE(.line = 20, SIZE(16)), SITE(.line = 30, SIZE(32))},
                   {7, 7, 7}},
        .after = {{SITE(.line = 15, SIZE(8)), SITE(.line = 25, SIZE(16)), SITE(.line = 35, SIZE(32))},
                  {7, 7, 7}}};
}

static void compare_findings(struct finding_scene *scene)
{
    load_side(&scene->before, "b1", &scene->old_side);
    load_side(&scene->after, "b2", &scene->new_side);
    scene->old_side.run.findings = &scene->old_findings;
    scene->new_side.run.findings = &scene->new_findings;
    assert_int_equal(tn_compare(&scene->old_side.run, &scene->new_side.run, NULL, 0, &scene->comparison), 0);
}

static void end_findings(struct finding_scene *scene)
{
    tn_comparison_finish(&scene->comparison);
    tn_findings_finish(&scene->old_findings);
    tn_findings_finish(&scene->new_findings);
}

static void assert_finding(const struct finding_scene *scene, size_t index, enum tn_change_state wanted,
                           uint32_t before_rank, uint32_t after_rank)
{
    const struct tn_finding_change *change = &scene->comparison.findings[index];
    assert_string_equal(tn_change_state_name(change->state), tn_change_state_name(wanted));
    assert_int_equal(change->before != NULL ? change->before->rank : 0, before_rank);
    assert_int_equal(change->after != NULL ? change->after->rank : 0, after_rank);
}

static void findings_are_matched_by_kind_and_sites(void **state)
{
    (void)state;
    struct finding_scene scene;
    begin_findings(&scene);
    add_finding(&scene.old_findings, "pool", TN_CONFIDENCE_CONSISTENT, &scene.before, 0, SIZE_MAX);
    add_finding(&scene.old_findings, "pool", TN_CONFIDENCE_CONSISTENT, &scene.before, 1, SIZE_MAX);
    add_finding(&scene.old_findings, "pool", TN_CONFIDENCE_CONSISTENT, &scene.before, SIZE_MAX, SIZE_MAX);
    /* The same two in another order, one of another kind at the place of the second, and the program's. */
    add_finding(&scene.new_findings, "pool", TN_CONFIDENCE_CONSISTENT, &scene.after, SIZE_MAX, SIZE_MAX);
    add_finding(&scene.new_findings, "growth", TN_CONFIDENCE_CONSISTENT, &scene.after, 1, SIZE_MAX);
    add_finding(&scene.new_findings, "pool", TN_CONFIDENCE_CONSISTENT, &scene.after, 0, SIZE_MAX);
    compare_findings(&scene);
    assert_int_equal(scene.comparison.finding_count, 4);
    assert_finding(&scene, 0, TN_CHANGE_NEW, 0, 2);
    assert_finding(&scene, 1, TN_CHANGE_GONE, 2, 0);
    assert_finding(&scene, 2, TN_CHANGE_SAME, 3, 1);
    assert_finding(&scene, 3, TN_CHANGE_SAME, 1, 3);
    assert_int_equal(scene.comparison.regression_count, 1);
    assert_ptr_equal(scene.comparison.regressions[0].finding, &scene.new_findings.items[1]);
    end_findings(&scene);
}

static void a_finding_that_gains_a_site_has_changed(void **state)
{
    (void)state;
    struct finding_scene scene;
    begin_findings(&scene);
    add_finding(&scene.old_findings, "combine", TN_CONFIDENCE_CONSISTENT, &scene.before, 0, SIZE_MAX);
    add_finding(&scene.old_findings, "combine", TN_CONFIDENCE_CONSISTENT, &scene.before, 1, 2);
    add_finding(&scene.new_findings, "combine", TN_CONFIDENCE_CONSISTENT, &scene.after, 0, 1);
    compare_findings(&scene);
    /* Led by the first one's site: that is the one it was. */
    assert_int_equal(scene.comparison.finding_count, 2);
    assert_finding(&scene, 0, TN_CHANGE_CHANGED, 1, 1);
    assert_finding(&scene, 1, TN_CHANGE_GONE, 2, 0);
    assert_int_equal(scene.comparison.regression_count, 0);
    end_findings(&scene);
}

static void a_new_weak_finding_is_no_regression(void **state)
{
    (void)state;
    struct finding_scene scene;
    begin_findings(&scene);
    add_finding(&scene.old_findings, "growth", TN_CONFIDENCE_WEAK, &scene.before, 1, SIZE_MAX);
    add_finding(&scene.new_findings, "pool", TN_CONFIDENCE_WEAK, &scene.after, 0, SIZE_MAX);
    add_finding(&scene.new_findings, "growth", TN_CONFIDENCE_CONSISTENT, &scene.after, 1, SIZE_MAX);
    compare_findings(&scene);
    assert_int_equal(scene.comparison.finding_count, 2);
    assert_finding(&scene, 0, TN_CHANGE_NEW, 0, 1);
    assert_finding(&scene, 1, TN_CHANGE_CHANGED, 1, 2);
    assert_int_equal(scene.comparison.regression_count, 0);
    end_findings(&scene);
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
        cmocka_unit_test(findings_are_matched_by_kind_and_sites),
        cmocka_unit_test(a_finding_that_gains_a_site_has_changed),
        cmocka_unit_test(a_new_weak_finding_is_no_regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
