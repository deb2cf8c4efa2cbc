/* SPDX-License-Identifier: MIT */

/* Which finding became which, and which of the changes are regressions. */

#include "compare_fixture.h"

#include <stdlib.h>
#include <string.h>

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

/* Advice that nobody follows comes up again in each recording. */
static void what_was_refuted_is_no_regression(void **state)
{
    (void)state;
    struct finding_scene scene;
    begin_findings(&scene);
    add_finding(&scene.old_findings, "arena", TN_CONFIDENCE_CONSISTENT, &scene.before, 0, SIZE_MAX);
    add_finding(&scene.new_findings, "arena", TN_CONFIDENCE_CONSISTENT, &scene.after, 0, SIZE_MAX);
    add_finding(&scene.new_findings, "arena", TN_CONFIDENCE_CONSISTENT, &scene.after, 2, SIZE_MAX);
    scene.old_findings.refuted = scene.old_findings.items;
    scene.old_findings.refuted_count = scene.old_findings.count;
    scene.old_findings.items = NULL;
    scene.old_findings.count = scene.old_findings.capacity = 0;
    compare_findings(&scene);
    assert_int_equal(scene.comparison.finding_count, 2);
    assert_finding(&scene, 0, TN_CHANGE_NEW, 0, 2);
    assert_finding(&scene, 1, TN_CHANGE_SAME, 1, 1);
    assert_int_equal(scene.comparison.regression_count, 1);
    end_findings(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_matched_by_kind_and_sites),
        cmocka_unit_test(a_finding_that_gains_a_site_has_changed),
        cmocka_unit_test(a_new_weak_finding_is_no_regression),
        cmocka_unit_test(what_was_refuted_is_no_regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
