/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define EVENTS 20000

static struct tn_allocation expected[EVENTS];

/* ---------------------------------------------------------------------------------------- reading back */

static void test_allocations_come_back(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "back");
    size_t count = fixture_make(path, 1, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    for (uint64_t process_id = 0; process_id <= 2; process_id++)
        fixture_check_allocations(log, process_id, expected, count);
    tn_log_close(log);
    fixture_remove(path);
}

static void test_events_come_in_order(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "events");
    size_t count = fixture_make(path, 2, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    for (uint64_t process_id = 1; process_id <= 3; process_id++) {
        struct tn_event_cursor *cursor = NULL;
        const struct tn_log_event *event = NULL;
        uint64_t last_ns = 0, births = 0, deaths = 0, wanted_births = 0, wanted_deaths = 0;
        assert_int_equal(tn_event_cursor_open(tn_log_database(log), process_id, &cursor), 0);
        while (tn_event_cursor_next(cursor, &event) == 1) {
            assert_int_equal(event->process_id, process_id);
            assert_true(event->time_ns >= last_ns);
            last_ns = event->time_ns;
            births += event->is_birth;
            deaths += !event->is_birth;
        }
        tn_event_cursor_close(cursor);
        for (size_t i = 0; i < count; i++) {
            wanted_births += expected[i].process_id == process_id;
            wanted_deaths += expected[i].process_id == process_id && !expected[i].is_live;
        }
        assert_int_equal(births, wanted_births);
        assert_int_equal(deaths, wanted_deaths);
    }
    tn_log_close(log);
    fixture_remove(path);
}

static void test_meta_and_main_process(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "meta");
    size_t count = fixture_make(path, 3, 5000, expected);
    size_t of_first = 0, deaths = 0;
    for (size_t i = 0; i < count; i++) {
        of_first += expected[i].process_id == 1;
        deaths += !expected[i].is_live;
    }
    struct tn_log *log = fixture_open(path);
    assert_true(tn_log_is_closed(log));
    assert_true(tn_log_is_complete(log));
    assert_int_equal(tn_log_meta_int(log, "allocations", -1), count);
    assert_int_equal(tn_log_meta_int(log, "frees", -1), deaths);
    assert_int_equal(tn_log_meta_int(log, "duration_ns", -1), 123456789);
    assert_int_equal(tn_log_meta_int(log, "format_version", -1), TN_LOG_FORMAT_VERSION);
    assert_int_equal(tn_log_meta_int(log, "finished", -1), 0);
    assert_int_equal(tn_log_meta_int(log, "no such key", -5), -5);
    assert_int_equal(tn_log_main_process(log), of_first * 2 >= count ? 1 : 2);
    assert_string_equal(tn_log_path(log), path);
    tn_log_close(log);
    fixture_remove(path);
}

/* Equal frames, stacks and modules get equal ids; a stack knows its depth. */
static void test_interning(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "intern");
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t id, other;
    assert_int_equal(tn_log_intern_frame(writer, 1, 0x1010, &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(tn_log_intern_frame(writer, 0, 0x1010, &other), 0);
    assert_int_not_equal(other, id);
    assert_int_equal(tn_log_intern_stack(writer, 1, 0, 48, false, &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(tn_log_intern_stack(writer, 1, 0, 64, false, &id), 0);
    assert_int_equal(id, 10);
    assert_int_equal(tn_log_intern_stack(writer, 1, 1, 64, false, &id), 0);
    assert_int_equal(id, 11);
    assert_int_equal(tn_log_intern_stack(writer, 99, 1, 64, false, &id), -EINVAL);
    assert_int_equal(tn_log_intern_stack(writer, 1, 99, 64, false, &id), -EINVAL);
    assert_int_equal(tn_log_add_module(writer, "/usr/bin/true", "0badcafe", &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(tn_log_add_module(writer, "/usr/bin/true", "", &id), 0);
    assert_int_equal(id, 2);
    struct tn_error error;
    assert_int_equal(tn_log_writer_close(writer, 1, &error), 0);
    struct tn_log *log = fixture_open(path);
    struct sqlite3 *database = tn_log_database(log);
    assert_int_equal(fixture_query(database, "SELECT depth FROM stack WHERE id = 8"), 8);
    assert_int_equal(fixture_query(database, "SELECT depth FROM stack WHERE id = 11"), 2);
    assert_int_equal(fixture_query(database, "SELECT is_cut FROM stack WHERE id = 9"), 1);
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM stack_frame WHERE stack_id = 8"), 8);
    assert_int_equal(
        fixture_query(database, "SELECT offset_bytes FROM stack_frame WHERE stack_id = 8 AND position = 0"),
        0x1000 + 16 * 8);
    assert_int_equal(
        fixture_query(database, "SELECT module = '/usr/bin/true' FROM stack_frame WHERE stack_id = 8"), 1);
    tn_log_close(log);
    fixture_remove(path);
}

/* ---------------------------------------------------------------------------------------- SQL */

/* The virtual table and the rows show the same, row for row and column for column. */
static void test_rows_equal_the_virtual_table(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "rows");
    size_t count = fixture_make(path, 4, EVENTS, expected);
    struct sqlite3 *database = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_log_update_open(path, &database, &error), 0);
    const char *steps =
        "UPDATE stack SET site_id = id % 3 + 1 WHERE id < 6;"
        "CREATE TEMP TABLE packed AS SELECT * FROM allocation"; /* in the order of deaths, rows in that of ids
                                                                 */
    assert_int_equal(sqlite3_exec(database, steps, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM packed"), count);
    assert_int_equal(tn_log_fill_rows(database, &error), 0);
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM allocation"), count);
    assert_int_equal(
        fixture_query(database,
                      "SELECT count(*) FROM (SELECT * FROM allocation EXCEPT SELECT * FROM packed)"),
        0);
    assert_int_equal(
        fixture_query(database,
                      "SELECT count(*) FROM (SELECT * FROM packed EXCEPT SELECT * FROM allocation)"),
        0);
    assert_int_equal(fixture_query(database,
                                   "SELECT count(*) FROM pragma_table_info('packed') p JOIN"
                                   " pragma_table_info('allocation') a USING (cid, name)"),
                     21);
    size_t live = 0;
    for (size_t i = 0; i < count; i++)
        live += expected[i].is_live;
    assert_int_equal(fixture_query(database,
                                   "SELECT count(*) FROM allocation WHERE death_ns IS NULL AND lifetime_ns IS"
                                   " NULL AND lifetime_bytes IS NULL AND free_function IS NULL"),
                     live);
    size_t reallocs = 0;
    for (size_t i = 0; i < count; i++)
        reallocs += expected[i].previous_id != 0;
    assert_true(reallocs > 0);
    assert_int_equal(fixture_query(database, "SELECT sum(function = 'malloc') FROM allocation"),
                     count - reallocs);
    assert_int_equal(fixture_query(database, "SELECT sum(previous_id IS NOT NULL) FROM allocation"),
                     reallocs);
    assert_int_equal(fixture_query(database, "SELECT sum(reallocs) FROM chunk"), reallocs);
    assert_true(fixture_query(database, "SELECT count(*) FROM allocation WHERE site_id = 2") > 0);
    /* Filling again replaces; dropping brings the virtual table back. */
    assert_int_equal(tn_log_fill_rows(database, &error), 0);
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM allocation_row"), count);
    assert_int_equal(tn_log_drop_rows(database), 0);
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM allocation"), count);
    tn_log_update_close(database);
    fixture_remove(path);
}

static int64_t count_differences(struct sqlite3 *database)
{
    return fixture_query(
        database,
        "SELECT (SELECT count(*) FROM (SELECT * FROM allocation EXCEPT SELECT * FROM packed))"
        " + (SELECT count(*) FROM (SELECT * FROM packed EXCEPT SELECT * FROM allocation))"
        " + (SELECT count(*) FROM packed) - (SELECT count(*) FROM allocation)");
}

/* A log that lost its first chunk: rows keep the ids that they have in the chunks. */
static void test_rows_of_a_log_with_a_gap(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "gap");
    size_t count = fixture_make(path, 9, EVENTS, expected);
    struct sqlite3 *database = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_log_update_open(path, &database, &error), 0);
    const char *steps =
        "DELETE FROM chunk WHERE id = 1; CREATE TEMP TABLE packed AS SELECT * FROM allocation";
    assert_int_equal(sqlite3_exec(database, steps, NULL, NULL, NULL), SQLITE_OK);
    assert_in_range(fixture_query(database, "SELECT count(*) FROM packed"), 100, count - 10);
    assert_true(fixture_query(database, "SELECT min(id) FROM packed") > 1);
    assert_int_equal(tn_log_fill_rows(database, &error), 0);
    assert_int_equal(count_differences(database), 0);
    tn_log_update_close(database);
    fixture_remove(path);
}

/* The rows that a condition selects come in order of their ids where that is asked for, whole and all. */
static void check_order(struct sqlite3 *database, const char *condition)
{
    static const char *const orders[] = {"id", "rowid", "id DESC", "id, size_bytes"};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        char sql[600];
        const char *is_right = strchr(orders[i], 'D') != NULL ? "<" : ">";
        snprintf(sql, sizeof(sql),
                 "CREATE TEMP TABLE sorted AS SELECT * FROM allocation WHERE %s ORDER BY %s", condition,
                 orders[i]);
        assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
        snprintf(sql, sizeof(sql),
                 "SELECT (SELECT count(*) FROM copy WHERE %s) - (SELECT count(*) FROM sorted)"
                 " + (SELECT count(*) FROM (SELECT * FROM copy WHERE %s EXCEPT SELECT * FROM sorted))"
                 " + (SELECT count(*) FROM sorted AS a JOIN sorted AS b ON b.rowid = a.rowid + 1"
                 " WHERE NOT b.id %s a.id)",
                 condition, condition, is_right);
        assert_int_equal(fixture_query(database, sql), 0);
        assert_int_equal(sqlite3_exec(database, "DROP TABLE sorted", NULL, NULL, NULL), SQLITE_OK);
    }
}

/* Conditions that leave out chunks give what a full scan gives. */
static void test_conditions_on_the_virtual_table(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "conditions");
    size_t count = fixture_make(path, 5, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    struct sqlite3 *database = tn_log_database(log);
    fixture_query(database, "SELECT count(*) FROM allocation");
    assert_int_equal(
        sqlite3_exec(database, "CREATE TEMP TABLE copy AS SELECT * FROM allocation", NULL, NULL, NULL),
        SQLITE_OK);
    const char *const conditions[] = {
        "id = 1",
        "id = 5000",
        "id = 0",
        "id = -7",
        "id = 4000.0",
        "id > 9000",
        "id >= 9000 AND id < 9100",
        "id BETWEEN 2000 AND 2010 AND process_id = 2",
        "process_id = 1",
        "process_id = 0",
        "process_id = 99",
        "process_id = 2 AND birth_ns > 700000",
        "birth_ns <= 300000",
        "birth_ns BETWEEN 400000 AND 400500",
        "birth_ns = (SELECT birth_ns FROM copy WHERE id = 777)",
        "id IN (3, 4999, 10000)",
        "birth_ns < 'text'",
        "id > NULL",
        "id = (SELECT max(id) FROM copy)",
    };
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        char sql[600];
        snprintf(
            sql, sizeof(sql),
            "SELECT count(*) FROM (SELECT * FROM (SELECT * FROM allocation WHERE %s EXCEPT SELECT * FROM copy"
            " WHERE %s) UNION ALL SELECT * FROM (SELECT * FROM copy WHERE %s EXCEPT SELECT * FROM allocation"
            " WHERE %s))",
            conditions[i], conditions[i], conditions[i], conditions[i]);
        assert_int_equal(fixture_query(database, sql), 0);
        check_order(database, conditions[i]);
    }
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM copy"), count);
    tn_log_close(log);
    fixture_remove(path);
}

/* The frames of one stack cost a walk of that stack, however many there are: no plan may scan all of them. */
static void test_one_stack_is_walked_alone(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "plan");
    fixture_make(path, 16, 100, expected);
    struct tn_log *log = fixture_open(path);
    sqlite3_stmt *plan;
    const char *sql = "EXPLAIN QUERY PLAN SELECT position, function FROM stack_frame WHERE stack_id = 8";
    assert_int_equal(sqlite3_prepare_v2(tn_log_database(log), sql, -1, &plan, NULL), SQLITE_OK);
    int searches = 0;
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        bool is_scan = strncmp(detail, "SCAN s", 6) == 0 || strncmp(detail, "SCAN c", 6) == 0 ||
                       strncmp(detail, "SCAN g", 6) == 0 || strncmp(detail, "SCAN f", 6) == 0;
        if (is_scan && strstr(detail, "CONSTANT") == NULL)
            fail_msg("%s", detail);
        searches += strncmp(detail, "SEARCH", 6) == 0;
    }
    assert_true(searches >= 4);
    sqlite3_finalize(plan);
    tn_log_close(log);
    fixture_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_come_back),
        cmocka_unit_test(test_events_come_in_order),
        cmocka_unit_test(test_meta_and_main_process),
        cmocka_unit_test(test_interning),
        cmocka_unit_test(test_rows_equal_the_virtual_table),
        cmocka_unit_test(test_rows_of_a_log_with_a_gap),
        cmocka_unit_test(test_conditions_on_the_virtual_table),
        cmocka_unit_test(test_one_stack_is_walked_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
