/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITE_A 2

static void make_blocks(struct scene *scene)
{
    for (int round = 0; round < 4; round++) {
        uint64_t blocks[30];
        for (int i = 0; i < 30; i++)
            blocks[i] = scene_birth(scene, SITE_A, 8);
        for (int i = 0; i < 30; i++)
            scene_death(scene, blocks[i]);
    }
}

/* The answer of a query that gives one number. */
static int64_t ask(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void assert_saved(const char *path, const struct tn_findings *findings)
{
    struct tn_error error = {0};
    if (tn_findings_save(path, findings, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(ask(path, "SELECT count(*) FROM finding"), findings->count);
    assert_int_equal(ask(path,
                         "SELECT count(*) FROM finding WHERE kind = 'pool' AND confidence = 'consistent'"
                         " AND json_extract(evidence, '$.block_count') = 30 AND allocations_removed = 120"
                         " AND heap_bytes_delta = '{}' AND code LIKE '%K_MEM_SLAB_DEFINE%'"
                         " AND json_extract(evidence, '$.scope') = 'purpose'"),
                     1);
    assert_int_equal(ask(path,
                         "SELECT count(*) FROM finding JOIN finding_site ON finding_id = finding.id"
                         " WHERE position = 0 AND allocations = 120 AND"
                         " json_extract(evidence, '$.scope') = 'purpose'"),
                     1);
    assert_int_equal(ask(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
                     0);
}

static void findings_are_written_again_and_again(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "pool"};
    scene_begin(&scene, "save");
    make_blocks(&scene);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    assert_int_equal(findings.count, 2);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding"), 0);
    assert_saved(scene.path, &findings);
    assert_saved(scene.path, &findings);
    /* Another process's are left alone. */
    run_sql(scene.path, "UPDATE finding SET process_id = 7");
    struct tn_error error = {0};
    assert_int_equal(tn_findings_save(scene.path, &findings, &error), 0);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding"), 4);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void a_log_that_is_older_gets_the_tables(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "pool"};
    scene_begin(&scene, "older");
    make_blocks(&scene);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    run_sql(scene.path, "DROP TABLE finding; DROP TABLE finding_site");
    assert_saved(scene.path, &findings);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

/* Findings that a release without conditions has saved. */
static void a_table_that_is_older_gets_its_columns(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "pool"};
    scene_begin(&scene, "columns");
    make_blocks(&scene);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    run_sql(scene.path,
            "ALTER TABLE finding DROP COLUMN condition; ALTER TABLE finding DROP COLUMN released_at");
    assert_saved(scene.path, &findings);
    assert_int_equal(ask(scene.path,
                         "SELECT count(*) FROM finding WHERE condition = 'null' AND"
                         " json_array_length(released_at) >= 0"),
                     findings.count);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void a_log_that_is_being_recorded_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings = {.process_id = 1};
    struct tn_error error = {0};
    scene_begin(&scene, "busy");
    make_blocks(&scene);
    assert_int_equal(tn_log_commit(scene.writer), 0);
    assert_int_equal(tn_findings_save(scene.path, &findings, &error), -EBUSY);
    assert_non_null(strstr(error.text, "it is being recorded"));
    make_blocks(&scene);
    scene_close(&scene);
    assert_int_equal(tn_findings_save(scene.path, &findings, &error), 0);
    scene_end(&scene);
}

/* One that was cut short has no recorder any more. */
static void a_log_that_was_cut_short_is_not_refused(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings = {.process_id = 1};
    struct tn_error error = {0};
    scene_begin(&scene, "cut");
    make_blocks(&scene);
    assert_int_equal(tn_log_commit(scene.writer), 0);
    tn_log_writer_abandon(scene.writer);
    scene.writer = NULL;
    if (tn_findings_save(scene.path, &findings, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(ask(scene.path, "SELECT value FROM meta WHERE key = 'complete'"), 0);
    scene_end(&scene);
}

static void what_is_no_log_is_left_alone(void **state)
{
    (void)state;
    struct tn_findings findings = {.process_id = 1};
    struct tn_error error = {0};
    assert_true(tn_findings_save("/nonexistent/log.db", &findings, &error) < 0);
    assert_non_null(strstr(error.text, "/nonexistent/log.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_written_again_and_again),
        cmocka_unit_test(a_log_that_is_older_gets_the_tables),
        cmocka_unit_test(a_table_that_is_older_gets_its_columns),
        cmocka_unit_test(a_log_that_is_being_recorded_is_refused),
        cmocka_unit_test(a_log_that_was_cut_short_is_not_refused),
        cmocka_unit_test(what_is_no_log_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
