/* SPDX-License-Identifier: MIT */
/* Which sites are said to grow, how surely, and what looks like growth and is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#define SITE_A 2
#define SITE_B 3
#define SITE_C SCENE_CHURN_STACK

/* One block of four is never released. */
static void leak(struct scene *scene)
{
    scene_begin(scene, "leak");
    for (size_t i = 0; i < 2000; i++) {
        scene_churn(scene, 1);
        uint64_t item = scene_birth(scene, SITE_A, 88);
        if (i % 4 != 0)
            scene_death(scene, item);
    }
}

/* What ends by itself may just have built up its data; what was killed was meant to run on. */
static void growth_is_sure_of_what_was_meant_to_run_on(void **state)
{
    (void)state;
    for (int is_killed = 0; is_killed < 2; is_killed++) {
        struct scene scene;
        leak(&scene);
        if (is_killed)
            scene_kill(&scene);
        struct tn_findings findings = scene_findings(&scene, "growth");
        const struct tn_finding *finding = scene_find(&findings, "growth", SITE_A);
        assert_non_null(finding);
        assert_int_equal(finding->confidence,
                         is_killed ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_CONDITIONAL);
        assert_true((finding->condition.kind == NULL) == (is_killed == 1));
        scene_end_with(&scene, &findings);
    }
}

static void what_only_rises_is_growth(void **state)
{
    (void)state;
    struct scene scene;
    leak(&scene);
    struct tn_findings findings = scene_findings(&scene, "growth");
    assert_int_equal(findings.count, 1);
    const struct tn_finding *finding = scene_find(&findings, "growth", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.live_at_end"), 500);
    assert_int_equal(scene_number(finding, "$.live_bytes_at_end"), 500 * 88);
    assert_int_equal(scene_number(finding, "$.rising_windows"), 11);
    scene_end_with(&scene, &findings);
}

/* A block that is gone when the growth begins made the peak: nothing of that is saved, yet all that grew is
 * told. */
static void growth_after_the_peak_saves_nothing_of_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "late-leak");
    scene_death(&scene, scene_birth(&scene, SITE_B, 1 << 20));
    for (size_t i = 0; i < 2000; i++) {
        scene_churn(&scene, 1);
        scene_birth(&scene, SITE_A, 88);
    }
    struct tn_findings findings = scene_findings(&scene, "growth");
    const struct tn_finding *finding = scene_find(&findings, "growth", SITE_A);
    assert_non_null(finding);
    assert_int_equal(finding->saving.peak_bytes_delta, 0);
    double risen = scene_number(finding, "$.last_count") - scene_number(finding, "$.first_count");
    assert_true(risen > 1500);
    assert_int_equal(scene_number(finding, "$.risen_bytes"), risen * 88);
    scene_end_with(&scene, &findings);
}

/* A table that grows in the first third, a tide, a cache of fixed size, one that fills ever more slowly. */
static void what_stops_or_falls_again_is_no_growth(void **state)
{
    (void)state;
    struct scene scene;
    uint64_t cache[64] = {0}, tide[50] = {0};
    scene_begin(&scene, "no-growth");
    for (size_t i = 0; i < 3050; i++) {
        if (cache[i % 64] != 0)
            scene_death(&scene, cache[i % 64]);
        cache[i % 64] = scene_birth(&scene, SITE_A, 104);
        if (i < 1000)
            scene_birth(&scene, SITE_B, 40);
        if (i % 200 < 50)
            tide[i % 200] = scene_birth(&scene, SITE_C, 136);
        if (i % 200 >= 100 && i % 200 < 150)
            scene_death(&scene, tide[i % 200 - 100]);
        size_t gap = 1 + i / 50;
        if (i % gap == 0)
            scene_birth(&scene, 5, 24);
    }
    struct tn_findings findings = scene_findings(&scene, "growth");
    for (size_t i = 0; i < findings.count; i++)
        assert_int_equal(findings.items[i].confidence, TN_CONFIDENCE_WEAK);
    assert_null(scene_find(&findings, "growth", SITE_A));
    assert_null(scene_find(&findings, "growth", SITE_B));
    assert_null(scene_find(&findings, "growth", SITE_C));
    scene_end_with(&scene, &findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_sure_of_what_was_meant_to_run_on),
        cmocka_unit_test(what_only_rises_is_growth),
        cmocka_unit_test(growth_after_the_peak_saves_nothing_of_it),
        cmocka_unit_test(what_stops_or_falls_again_is_no_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
