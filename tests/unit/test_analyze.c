/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include "tenure/finish.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define SITE_A 2
#define SITE_B 3

/* 40 blocks of 8 bytes at once, then 20 of them again; beside them large blocks. */
static void make_small_blocks(struct scene *scene)
{
    uint64_t small[40], large[40];
    for (size_t i = 0; i < 40; i++) {
        small[i] = scene_birth(scene, SITE_A, 8);
        large[i] = scene_birth(scene, SITE_B, 1000);
    }
    for (size_t i = 0; i < 40; i++) {
        scene_death(scene, small[i]);
        scene_death(scene, large[i]);
    }
    for (size_t i = 0; i < 20; i++)
        scene_birth(scene, SITE_A, 8);
}

static void check_small_blocks(const struct tn_findings *findings)
{
    const struct tn_finding *finding = scene_find(findings, "overhead", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.allocations"), 60);
    assert_int_equal(scene_number(finding, "$.payload_bytes"), 60 * 8);
    assert_int_equal(scene_number(finding, "$.overhead_bytes"), 60 * 24);
    assert_int_equal(scene_number(finding, "$.peak_count"), 40);
    assert_int_equal(scene_number(finding, "$.peak_overhead_bytes"), 40 * 24);
    assert_int_equal(finding->saving.bytes_removed, 40 * 24);
    assert_int_equal(finding->saving.peak_bytes_delta, -40 * 24);
    assert_int_equal(finding->saving.allocations_removed, 60);
    assert_int_equal(finding->sites[0].allocations, 60);
    assert_null(scene_find(findings, "overhead", SITE_B));
}

static void overhead_counts_what_small_blocks_cost(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "overhead"};
    scene_begin(&scene, "overhead");
    make_small_blocks(&scene);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    check_small_blocks(&findings);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void a_finished_log_and_one_read_with_wrappers_say_the_same(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "overhead"};
    struct tn_finish_options finish = {.rows_max = TN_ROWS_ALL};
    struct tn_error error = {0};
    scene_begin(&scene, "finished");
    make_small_blocks(&scene);
    scene_close(&scene);
    assert_int_equal(tn_finish(scene.path, &finish, &error), 0);
    scene_analyze(&scene, &options, &findings);
    check_small_blocks(&findings);
    assert_true(findings.items[0].sites[0].site_id != 0);
    uint64_t site_id = findings.items[0].sites[0].site_id;
    tn_findings_finish(&findings);
    options.wrapper_regex = "no_such_function";
    scene_analyze(&scene, &options, &findings);
    check_small_blocks(&findings);
    assert_int_equal(findings.items[0].sites[0].site_id, site_id);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

/* Stack 3 is frame 3 called by frame 2: once frame 3 is a wrapper, frame 2 is the site. */
static void a_wrapper_moves_the_site_to_its_caller(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "overhead", .wrapper_regex = "true\\+0x1030$"};
    scene_begin(&scene, "wrapper");
    for (size_t i = 0; i < 30; i++)
        scene_birth(&scene, 3, 8);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    assert_null(scene_find(&findings, "overhead", 3));
    const struct tn_finding *finding = scene_find(&findings, "overhead", 2);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.allocations"), 30);
    assert_string_equal(finding->sites[0].via, "true+0x1030");
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void thresholds_decide(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_threshold_value value = {"overhead.peak-count", 41};
    struct tn_analyze_options options = {.only = "overhead", .values = &value, .value_count = 1};
    scene_begin(&scene, "thresholds");
    make_small_blocks(&scene);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    assert_int_equal(findings.count, 0);
    tn_findings_finish(&findings);
    value.value = 40;
    scene_analyze(&scene, &options, &findings);
    assert_int_equal(findings.count, 1);
    tn_findings_finish(&findings);
    options.min_allocations = 61;
    scene_analyze(&scene, &options, &findings);
    assert_int_equal(findings.count, 0);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void expect_refusal(struct scene *scene, const struct tn_analyze_options *options, int code,
                           const char *text)
{
    struct tn_log *log = fixture_open(scene->path);
    struct tn_findings findings = {.count = 77};
    struct tn_error error = {0};
    assert_int_equal(tn_analyze(log, tn_kinds, options, &findings, &error), code);
    assert_int_equal(findings.count, 77);
    if (strstr(error.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, error.text);
    tn_log_close(log);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "refused");
    scene_birth(&scene, SITE_A, 8);
    scene_close(&scene);
    struct tn_threshold_value value = {"overhead.nothing", 1};
    struct tn_analyze_options options = {.values = &value, .value_count = 1};
    expect_refusal(&scene, &options, -EINVAL, "overhead.nothing");
    value = (struct tn_threshold_value){"overhead.ratio", -1};
    expect_refusal(&scene, &options, -EINVAL, "overhead.ratio");
    options = (struct tn_analyze_options){.only = "overhead,leaks"};
    expect_refusal(&scene, &options, -EINVAL, "leaks");
    options = (struct tn_analyze_options){.only = ""};
    expect_refusal(&scene, &options, -EINVAL, "''");
    options = (struct tn_analyze_options){.process_id = 99};
    expect_refusal(&scene, &options, -ENOENT, "has no process 99; ");
    options = (struct tn_analyze_options){.wrapper_regex = "("};
    expect_refusal(&scene, &options, -EINVAL, "(");
    scene_end(&scene);
}

static void a_log_without_events_gives_no_finding(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    scene_begin(&scene, "empty");
    scene_close(&scene);
    scene_analyze(&scene, NULL, &findings);
    assert_int_equal(findings.count, 0);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

/* A recorder that goes on writing does not disturb the reader, and what was committed is analysed. */
static void a_log_that_is_being_recorded_can_be_read(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "overhead"};
    scene_begin(&scene, "recording");
    make_small_blocks(&scene);
    assert_int_equal(tn_log_commit(scene.writer), 0);
    scene_analyze(&scene, &options, &findings);
    check_small_blocks(&findings);
    tn_findings_finish(&findings);
    scene_birth(&scene, SITE_A, 8);
    scene_close(&scene);
    scene_end(&scene);
}

static void random_events_of_two_processes_are_followed(void **state)
{
    (void)state;
    static struct tn_allocation expected[20000];
    char path[FIXTURE_PATH_BYTES];
    struct tn_error error = {0};
    fixture_path(path, "random");
    fixture_make(path, 11, 20000, expected);
    struct tn_log *log = fixture_open(path);
    for (uint64_t process_id = 0; process_id <= 2; process_id++) {
        struct tn_analyze_options options = {.process_id = process_id};
        struct tn_findings findings;
        if (tn_analyze(log, tn_kinds, &options, &findings, &error) < 0)
            fail_msg("%s", error.text);
        tn_findings_finish(&findings);
    }
    tn_log_close(log);
    fixture_remove(path);
}

/* Run SQL on a log that must be changed. */
static void change(const char *path, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void damage_is_told(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE chunk SET checksum = checksum + 1",
        "INSERT INTO stack (id, frame_id) VALUES (4000000000, 1)",
        "UPDATE chunk SET births = births - 1, deaths = deaths + 1",
    };
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct scene scene;
        struct tn_analyze_options options = {0};
        scene_begin(&scene, "damage");
        make_small_blocks(&scene);
        scene_close(&scene);
        change(scene.path, damages[i]);
        expect_refusal(&scene, &options, -EBADMSG, "damaged");
        scene_end(&scene);
    }
}

/* Names that were found once are wrappers for every later reading; what is no list is left alone. */
static void wrappers_that_were_found_are_known(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "overhead"};
    scene_begin(&scene, "found");
    make_small_blocks(&scene);
    scene_close(&scene);
    change(scene.path,
           "UPDATE frame SET function = 'grab' WHERE id = 2;"
           "INSERT INTO meta VALUES ('wrappers_found', '[{\"function\":\"grab\"}]')");
    scene_analyze(&scene, &options, &findings);
    const struct tn_finding *finding = scene_find(&findings, "overhead", SITE_A - 1);
    assert_non_null(finding);
    assert_string_equal(finding->sites[0].via, "grab");
    tn_findings_finish(&findings);
    change(scene.path, "UPDATE meta SET value = '[{' WHERE key = 'wrappers_found'");
    scene_analyze(&scene, &options, &findings);
    assert_non_null(scene_find(&findings, "overhead", SITE_A));
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void progress(void *user, uint64_t done, uint64_t total)
{
    uint64_t *seen = user;
    assert_true(done <= total);
    seen[0] = done;
    seen[1] = total;
}

static void progress_ends_at_the_total(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t seen[2] = {0};
    struct tn_analyze_options options = {.progress = progress, .user = seen};
    scene_begin(&scene, "progress");
    make_small_blocks(&scene);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    assert_int_equal(seen[0], 180);
    assert_int_equal(seen[1], 180);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overhead_counts_what_small_blocks_cost),
        cmocka_unit_test(a_finished_log_and_one_read_with_wrappers_say_the_same),
        cmocka_unit_test(a_wrapper_moves_the_site_to_its_caller),
        cmocka_unit_test(thresholds_decide),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_log_without_events_gives_no_finding),
        cmocka_unit_test(a_log_that_is_being_recorded_can_be_read),
        cmocka_unit_test(random_events_of_two_processes_are_followed),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(wrappers_that_were_found_are_known),
        cmocka_unit_test(progress_ends_at_the_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
