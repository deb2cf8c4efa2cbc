/* SPDX-License-Identifier: MIT */
/* What analyses make of a recording that was paused: nothing that the pause has made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contain_fixture.h"

#define SITE_A 2
#define SITE_B 3

static void pause_for(struct scene *scene, uint64_t ns)
{
    scene_mark(scene, "recording paused");
    scene->time_ns += ns;
    scene_mark(scene, "recording resumed");
}

/* A round in which a block of F is released in F, with F left before the pause, or not, or without a pause.
 */
static void make_round(struct scene *scene, bool is_paused, bool is_left)
{
    uint64_t id = birth(scene, 40, AT(PLACE(MAIN, 5), PLACE(F, 10), PLACE(G, 20)));
    if (is_left)
        event(scene, AT(PLACE(MAIN, 6)));
    if (is_paused)
        pause_for(scene, 100);
    death(scene, id, AT(PLACE(MAIN, 5), PLACE(F, 12)));
}

/* Whether a buffer of F is claimed after so many plain rounds and some others. */
static bool is_buffer_claimed(int plain, int paused, bool is_left)
{
    struct scene scene;
    struct tn_findings findings;
    begin(&scene);
    for (int i = 0; i < plain; i++)
        make_round(&scene, false, false);
    for (int i = 0; i < paused; i++)
        make_round(&scene, true, is_left);
    event(&scene, AT(PLACE(MAIN, 7)));
    analyze(&scene, "stack-buffer", &findings);
    bool is_true = is_claimed(&findings, "stack-buffer", G, 20);
    end(&scene, &findings);
    return is_true;
}

/* What happened in a pause may have ended every call: a release after it proves nothing. */
static void a_pause_hides_returns(void **state)
{
    (void)state;
    assert_true(is_buffer_claimed(ROUNDS, 0, false));
    assert_false(is_buffer_claimed(0, ROUNDS, false));
}

/* But neither does it speak against what all others show, unless the call was over before. */
static void an_interrupted_call_is_no_exception(void **state)
{
    (void)state;
    assert_true(is_buffer_claimed(ROUNDS, 1, false));
    assert_false(is_buffer_claimed(ROUNDS, 1, true));
}

static void an_arena_is_not_made_up_either(void **state)
{
    (void)state;
    for (int is_paused = 0; is_paused < 2; is_paused++) {
        struct scene scene;
        struct tn_findings findings;
        begin(&scene);
        for (int i = 0; i < ROUNDS; i++) {
            uint64_t first = birth(&scene, 40, AT(PLACE(MAIN, 5), PLACE(F, 10)));
            uint64_t second = birth(&scene, 50, AT(PLACE(MAIN, 5), PLACE(F, 11)));
            uint64_t third = birth(&scene, 60, AT(PLACE(MAIN, 5), PLACE(F, 12)));
            if (is_paused)
                pause_for(&scene, 100);
            death(&scene, third, AT(PLACE(MAIN, 5), PLACE(F, 20)));
            death(&scene, second, AT(PLACE(MAIN, 5), PLACE(F, 21)));
            death(&scene, first, AT(PLACE(MAIN, 5), PLACE(F, 22)));
            event(&scene, AT(PLACE(MAIN, 7)));
        }
        analyze(&scene, "arena", &findings);
        assert_int_equal(findings.count != 0, !is_paused);
        end(&scene, &findings);
    }
}

/* Holes that are open in a pause are open in what was recorded only: the time does not count. */
static void holes_of_a_pause_do_not_count(void **state)
{
    (void)state;
    double mean[2];
    for (int is_paused = 0; is_paused < 2; is_paused++) {
        struct scene scene;
        uint64_t large[20];
        scene_begin(&scene, "pinning");
        for (size_t i = 0; i < 20; i++) {
            large[i] = scene_birth(&scene, SITE_A, 1000);
            scene_birth(&scene, SITE_B, 24);
        }
        scene_churn(&scene, 100);
        for (size_t i = 0; i < 20; i++)
            scene_death(&scene, large[i]);
        if (is_paused)
            pause_for(&scene, 300000);
        scene_churn(&scene, 100);
        struct tn_findings findings = scene_findings(&scene, "pinning");
        const struct tn_finding *finding = scene_find(&findings, "pinning", SITE_B);
        assert_non_null(finding);
        mean[is_paused] = scene_number(finding, "$.pinned_mean_bytes");
        scene_end_with(&scene, &findings);
    }
    assert_true(mean[1] == mean[0]);
}

/* Blocks that stay are said to be of the start by when they were made: a recording that began later does not
 * know. */
static void what_comes_first_after_a_pause_is_no_start(void **state)
{
    (void)state;
    for (int is_paused = 0; is_paused < 2; is_paused++) {
        struct scene scene;
        scene_begin(&scene, "start");
        if (is_paused)
            pause_for(&scene, 1000);
        for (size_t i = 0; i < 40; i++)
            scene_birth(&scene, SITE_A, 100);
        scene_churn(&scene, 2000);
        struct tn_findings findings = scene_findings(&scene, "permanent");
        const struct tn_finding *finding = scene_find(&findings, "permanent", SITE_A);
        assert_non_null(finding);
        check_text(finding, "$.class", is_paused ? "teardown" : "init");
        scene_end_with(&scene, &findings);
    }
}

/* Where recording is paused to the end, releases alone are no sign that the program tears down. */
static void a_pause_at_the_end_is_no_teardown(void **state)
{
    (void)state;
    for (int is_paused = 0; is_paused < 2; is_paused++) {
        struct scene scene;
        uint64_t kept[40];
        scene_begin(&scene, "teardown");
        for (size_t i = 0; i < 40; i++)
            kept[i] = scene_birth(&scene, SITE_A, 100);
        scene_churn(&scene, 2000);
        if (is_paused)
            scene_mark(&scene, "recording paused");
        for (size_t i = 0; i < 40; i++)
            scene_death(&scene, kept[i]);
        struct tn_findings findings = scene_findings(&scene, "permanent");
        assert_int_equal(scene_find(&findings, "permanent", SITE_A) != NULL, !is_paused);
        scene_end_with(&scene, &findings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_hides_returns),
        cmocka_unit_test(an_interrupted_call_is_no_exception),
        cmocka_unit_test(an_arena_is_not_made_up_either),
        cmocka_unit_test(holes_of_a_pause_do_not_count),
        cmocka_unit_test(what_comes_first_after_a_pause_is_no_start),
        cmocka_unit_test(a_pause_at_the_end_is_no_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
