/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include <sqlite3.h>
#include <stdio.h>

#define SITE_A 2

/* Pools of 8 B blocks at one site, and of 40 B blocks at another. */
static void begin(struct scene *scene, const char *name)
{
    uint64_t blocks[60];
    scene_begin(scene, name);
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < 60; i++)
            blocks[i] = scene_birth(scene, i < 30 ? SITE_A : SITE_A + 1, i < 30 ? 8 : 40);
        for (size_t i = 0; i < 60; i++)
            scene_death(scene, blocks[i]);
    }
    scene_close(scene);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

static int64_t ask(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

static void refute(const struct scene *scene, const struct tn_findings *findings, size_t index)
{
    struct tn_error error = {0};
    struct tn_finding *finding = &findings->items[index];
    const struct tn_refutation refutation = {.what = (char *)(uintptr_t) "a block outlived serve",
                                             .birth = (char *)(uintptr_t) "make (a.c:1) < serve (a.c:9)",
                                             .next = (char *)(uintptr_t) "Leave it."};
    assert_int_equal(tn_finding_refute(finding, &refutation), 0);
    if (tn_finding_save_refuted(scene->path, findings->process_id, finding, &error) < 0)
        fail_msg("%s", error.text);
}

static const struct tn_finding *find_key(const struct tn_finding *items, size_t count, uint32_t key)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].key == key)
            return &items[i];
    return NULL;
}

static void what_is_refuted_leads_nowhere(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings before, after;
    struct tn_analyze_options options = {.only = "all"};
    begin(&scene, "refuted");
    scene_analyze(&scene, &options, &before);
    assert_true(before.count > 1);
    refute(&scene, &before, 0);
    scene_analyze(&scene, &options, &after);
    assert_int_equal(after.count, before.count - 1);
    assert_int_equal(after.refuted_count, 1);
    assert_int_equal(after.refuted[0].key, before.items[0].key);
    assert_string_equal(after.refuted[0].refuted_by.what, "a block outlived serve");
    assert_string_equal(after.refuted[0].refuted_by.birth, "make (a.c:1) < serve (a.c:9)");
    assert_string_equal(after.refuted[0].refuted_by.moment, "");
    assert_null(find_key(after.items, after.count, before.items[0].key));
    /* the others keep their keys, and are numbered without a gap */
    for (size_t i = 0; i < after.count; i++) {
        assert_non_null(find_key(before.items, before.count, after.items[i].key));
        assert_int_equal(after.items[i].rank, i + 1);
    }
    assert_int_equal(after.refuted[0].rank, after.count + 1);
    tn_findings_finish(&before);
    scene_end_with(&scene, &after);
}

static void what_had_given_way_to_it_is_back(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings before, after;
    begin(&scene, "back");
    scene_analyze(&scene, NULL, &before);
    size_t index = 0;
    while (index < before.count && before.items[index].alternatives == NULL)
        index++;
    assert_true(index < before.count);
    refute(&scene, &before, index);
    scene_analyze(&scene, NULL, &after);
    bool is_back = false;
    for (size_t i = 0; i < after.count; i++)
        is_back = is_back || find_key(before.items, before.count, after.items[i].key) == NULL;
    assert_true(is_back);
    tn_findings_finish(&before);
    scene_end_with(&scene, &after);
}

static void saving_again_forgets_nothing(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings, again;
    struct tn_error error = {0};
    begin(&scene, "kept");
    scene_analyze(&scene, NULL, &findings);
    assert_int_equal(tn_findings_save(scene.path, &findings, &error), 0);
    refute(&scene, &findings, 0);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding WHERE refuted_by IS NOT NULL"), 1);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding"), findings.count);
    scene_analyze(&scene, NULL, &again);
    assert_int_equal(tn_findings_save(scene.path, &again, &error), 0);
    assert_int_equal(tn_findings_save(scene.path, &again, &error), 0);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding WHERE refuted_by IS NOT NULL"), 1);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding"), again.count + 1);
    assert_int_equal(ask(scene.path,
                         "SELECT count(*) FROM finding WHERE refuted_by IS NOT NULL AND rank <= "
                         "(SELECT max(rank) FROM finding WHERE refuted_by IS NULL)"),
                     0);
    /* one that this analysis does not have stays, too */
    run_sql(scene.path, "UPDATE finding SET key = '00000000' WHERE refuted_by IS NOT NULL");
    assert_int_equal(tn_findings_save(scene.path, &again, &error), 0);
    assert_int_equal(ask(scene.path, "SELECT count(*) FROM finding WHERE refuted_by IS NOT NULL"), 2);
    tn_findings_finish(&findings);
    scene_end_with(&scene, &again);
}

/* Whatever stands there: somebody has refuted it. */
static void what_cannot_be_read_refutes_as_well(void **state)
{
    (void)state;
    static const char *const texts[] = {"{", "", "[]", "{\"what\": null}", "{\"what\": 7}", "null"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct scene scene;
        struct tn_findings findings, after;
        char sql[128];
        begin(&scene, "unreadable");
        scene_analyze(&scene, NULL, &findings);
        refute(&scene, &findings, 0);
        snprintf(sql, sizeof(sql), "UPDATE finding SET refuted_by = '%s'", texts[i]);
        run_sql(scene.path, sql);
        scene_analyze(&scene, NULL, &after);
        assert_int_equal(after.refuted_count, 1);
        assert_non_null(after.refuted[0].refuted_by.what);
        tn_findings_finish(&findings);
        scene_end_with(&scene, &after);
    }
}

static void other_processes_are_not_refuted(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings, after;
    begin(&scene, "other");
    scene_analyze(&scene, NULL, &findings);
    refute(&scene, &findings, 0);
    run_sql(scene.path, "UPDATE finding SET process_id = 7");
    scene_analyze(&scene, NULL, &after);
    assert_int_equal(after.refuted_count, 0);
    assert_int_equal(after.count, findings.count);
    tn_findings_finish(&findings);
    scene_end_with(&scene, &after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refuted_leads_nowhere),
        cmocka_unit_test(what_had_given_way_to_it_is_back),
        cmocka_unit_test(saving_again_forgets_nothing),
        cmocka_unit_test(what_cannot_be_read_refutes_as_well),
        cmocka_unit_test(other_processes_are_not_refuted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
