/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include "tenure/summary.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS 20000

static struct tn_allocation expected[EVENTS];

static struct tn_log *open_log(const char *path)
{
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    if (tn_log_open(path, &log, &error) < 0)
        fail_msg("%s", error.text);
    return log;
}

static int64_t query(struct sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(database), sql);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static bool is_same(const struct tn_allocation *a, const struct tn_allocation *b)
{
    return a->id == b->id && a->process_id == b->process_id && a->thread_id == b->thread_id &&
           a->stack_id == b->stack_id && a->previous_id == b->previous_id && a->size_bytes == b->size_bytes &&
           a->usable_size_bytes == b->usable_size_bytes && a->alignment_bytes == b->alignment_bytes &&
           a->address == b->address && a->depth_bytes == b->depth_bytes && a->birth_ns == b->birth_ns &&
           a->birth_allocations == b->birth_allocations && a->birth_bytes == b->birth_bytes &&
           a->death_ns == b->death_ns && a->lifetime_allocations == b->lifetime_allocations &&
           a->lifetime_bytes == b->lifetime_bytes && a->free_thread_id == b->free_thread_id &&
           a->free_stack_id == b->free_stack_id && a->free_depth_bytes == b->free_depth_bytes &&
           a->function == b->function && a->free_function == b->free_function && a->is_live == b->is_live;
}

/* ---------------------------------------------------------------------------------------- reading back */

/* Every allocation of the process comes once, as it was made: the dead in the order of their deaths, then the
 * live in the order of their births. */
static void check_allocations(struct tn_log *log, uint64_t process_id, size_t count)
{
    struct tn_allocation_cursor *cursor = NULL;
    const struct tn_allocation *allocation = NULL;
    uint64_t last_death_ns = 0, last_live_id = 0, last_process_id = 0;
    size_t seen = 0;
    assert_int_equal(tn_allocation_cursor_open(tn_log_database(log), process_id, &cursor), 0);
    int r;
    while ((r = tn_allocation_cursor_next(cursor, &allocation)) == 1) {
        assert_true(is_same(allocation, &expected[allocation->id - 1]));
        if (allocation->process_id != last_process_id)
            last_death_ns = last_live_id = 0;
        last_process_id = allocation->process_id;
        if (allocation->is_live) {
            assert_true(allocation->id > last_live_id);
            last_live_id = allocation->id;
        } else {
            assert_true(allocation->death_ns >= last_death_ns && last_live_id == 0);
            last_death_ns = allocation->death_ns;
        }
        seen++;
    }
    assert_int_equal(r, 0);
    assert_int_equal(tn_allocation_cursor_next(cursor, &allocation), 0);
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++)
        wanted += process_id == 0 || expected[i].process_id == process_id;
    assert_int_equal(seen, wanted);
    tn_allocation_cursor_close(cursor);
}

static void test_allocations_come_back(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "back");
    size_t count = fixture_make(path, 1, EVENTS, expected);
    struct tn_log *log = open_log(path);
    for (uint64_t process_id = 0; process_id <= 2; process_id++)
        check_allocations(log, process_id, count);
    tn_log_close(log);
    fixture_remove(path);
}

static void test_events_come_in_order(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "events");
    size_t count = fixture_make(path, 2, EVENTS, expected);
    struct tn_log *log = open_log(path);
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
    struct tn_log *log = open_log(path);
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
    struct tn_log *log = open_log(path);
    struct sqlite3 *database = tn_log_database(log);
    assert_int_equal(query(database, "SELECT depth FROM stack WHERE id = 8"), 8);
    assert_int_equal(query(database, "SELECT depth FROM stack WHERE id = 11"), 2);
    assert_int_equal(query(database, "SELECT is_cut FROM stack WHERE id = 9"), 1);
    assert_int_equal(query(database, "SELECT count(*) FROM stack_frame WHERE stack_id = 8"), 8);
    assert_int_equal(
        query(database, "SELECT offset_bytes FROM stack_frame WHERE stack_id = 8 AND position = 0"),
        0x1000 + 16 * 8);
    assert_int_equal(query(database, "SELECT module = '/usr/bin/true' FROM stack_frame WHERE stack_id = 8"),
                     1);
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
        "CREATE TEMP TABLE packed AS SELECT * FROM allocation ORDER BY id";
    assert_int_equal(sqlite3_exec(database, steps, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(query(database, "SELECT count(*) FROM packed"), count);
    assert_int_equal(tn_log_fill_rows(database, &error), 0);
    assert_int_equal(query(database, "SELECT count(*) FROM allocation"), count);
    assert_int_equal(
        query(database, "SELECT count(*) FROM (SELECT * FROM allocation EXCEPT SELECT * FROM packed)"), 0);
    assert_int_equal(
        query(database, "SELECT count(*) FROM (SELECT * FROM packed EXCEPT SELECT * FROM allocation)"), 0);
    assert_int_equal(query(database,
                           "SELECT count(*) FROM pragma_table_info('packed') p JOIN"
                           " pragma_table_info('allocation') a USING (cid, name)"),
                     21);
    size_t live = 0;
    for (size_t i = 0; i < count; i++)
        live += expected[i].is_live;
    assert_int_equal(query(database,
                           "SELECT count(*) FROM allocation WHERE death_ns IS NULL AND lifetime_ns IS"
                           " NULL AND lifetime_bytes IS NULL AND free_function IS NULL"),
                     live);
    size_t reallocs = 0;
    for (size_t i = 0; i < count; i++)
        reallocs += expected[i].previous_id != 0;
    assert_true(reallocs > 0);
    assert_int_equal(query(database, "SELECT sum(function = 'malloc') FROM allocation"), count - reallocs);
    assert_int_equal(query(database, "SELECT sum(previous_id IS NOT NULL) FROM allocation"), reallocs);
    assert_int_equal(query(database, "SELECT sum(reallocs) FROM chunk"), reallocs);
    assert_true(query(database, "SELECT count(*) FROM allocation WHERE site_id = 2") > 0);
    /* Filling again replaces; dropping brings the virtual table back. */
    assert_int_equal(tn_log_fill_rows(database, &error), 0);
    assert_int_equal(query(database, "SELECT count(*) FROM allocation_row"), count);
    assert_int_equal(tn_log_drop_rows(database), 0);
    assert_int_equal(query(database, "SELECT count(*) FROM allocation"), count);
    tn_log_update_close(database);
    fixture_remove(path);
}

/* Conditions that leave out chunks give what a full scan gives. */
static void test_conditions_on_the_virtual_table(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "conditions");
    size_t count = fixture_make(path, 5, EVENTS, expected);
    struct tn_log *log = open_log(path);
    struct sqlite3 *database = tn_log_database(log);
    query(database, "SELECT count(*) FROM allocation");
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
        assert_int_equal(query(database, sql), 0);
    }
    assert_int_equal(query(database, "SELECT count(*) FROM copy"), count);
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
    struct tn_log *log = open_log(path);
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

/* ---------------------------------------------------------------------------------------- while it is
 * written */

static void test_reader_beside_the_writer(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "beside");
    struct tn_log_writer *writer = fixture_create(path);
    size_t count = fixture_fill(writer, 6, 3000, expected);
    assert_int_equal(tn_log_commit(writer), 0);

    struct tn_log *log = open_log(path);
    assert_false(tn_log_is_complete(log));
    assert_int_equal(tn_log_meta_int(log, "allocations", -1), count);
    struct tn_event_cursor *cursor = NULL;
    const struct tn_log_event *event = NULL;
    assert_int_equal(tn_event_cursor_open(tn_log_database(log), 0, &cursor), 0);
    assert_int_equal(tn_event_cursor_next(cursor, &event), 1);

    /* The reader stands in the middle of the chunks; the writer goes on, commits, and closes. */
    uint64_t id;
    struct tn_birth birth = {.process_id = 1, .time_ns = 100000000, .size_bytes = 8, .usable_size_bytes = 24};
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
    assert_int_equal(tn_log_commit(writer), 0);
    struct tn_error error = {0};
    assert_int_equal(tn_log_writer_close(writer, 5, &error), 0);
    uint64_t births = 1;
    while (tn_event_cursor_next(cursor, &event) == 1)
        births += event->is_birth;
    assert_int_equal(births, count); /* what there was when it began to read */
    tn_event_cursor_close(cursor);
    assert_int_equal(tn_log_meta_int(log, "allocations", -1), count + 1);
    assert_true(tn_log_is_complete(log));
    tn_log_close(log);
    log = open_log(path);
    assert_int_equal(query(tn_log_database(log), "SELECT count(*) FROM allocation"), count + 1);
    tn_log_close(log);
    fixture_remove(path);
}

static void test_a_closed_log_is_one_file(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES], companion[FIXTURE_PATH_BYTES + 8];
    fixture_path(path, "one-file");
    fixture_make(path, 7, 1000, expected);
    struct stat status;
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(companion, sizeof(companion), "%s%s", path, suffixes[i]);
        assert_int_equal(stat(companion, &status), -1);
    }
    struct tn_log *log = open_log(path);
    assert_int_equal(query(tn_log_database(log), "SELECT journal_mode = 'delete' FROM pragma_journal_mode"),
                     1);
    assert_int_equal(query(tn_log_database(log), "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                     1);
    tn_log_close(log);
    fixture_remove(path);
}

/* The recorder was killed: what was committed is there, what was not is not. */
static void test_an_abandoned_log_is_readable(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "abandoned");
    struct tn_log_writer *writer = fixture_create(path);
    size_t count = fixture_fill(writer, 8, 2000, expected);
    assert_int_equal(tn_log_commit(writer), 0);
    uint64_t id;
    struct tn_birth birth = {.process_id = 1, .time_ns = 100000000, .size_bytes = 8, .usable_size_bytes = 24};
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
    tn_log_writer_abandon(writer);
    struct tn_log *log = open_log(path);
    assert_false(tn_log_is_complete(log));
    for (uint64_t process_id = 0; process_id <= 2; process_id++)
        check_allocations(log, process_id, count);
    tn_log_close(log);
    fixture_remove(path);
}

/* ---------------------------------------------------------------------------------------- refusals */

static void expect_refusal(const char *path, int code, const char *word)
{
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_log_open(path, &log, &error), code);
    assert_null(log);
    assert_int_equal(error.code, code);
    if (strstr(error.text, word) == NULL || strchr(error.text, '\n') != NULL)
        fail_msg("unexpected text: %s", error.text);
}

static void write_file(const char *path, const char *content, size_t size_bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size_bytes, file), size_bytes);
    fclose(file);
}

static void run_on(const char *path, const char *sql)
{
    struct sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void test_what_is_no_log_is_refused(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "refused");
    expect_refusal(path, -ENOENT, "No such file");
    expect_refusal("/", -EBADMSG, "no regular file");
    write_file(path, "", 0);
    expect_refusal(path, -EBADMSG, "empty");
    write_file(path, "#!/bin/sh\n", 10);
    expect_refusal(path, -EBADMSG, "not a log");
    char zeros[5000] = "no database at all";
    write_file(path, zeros, sizeof(zeros));
    expect_refusal(path, -EBADMSG, "not a log");
    fixture_remove(path);
    run_on(path, "CREATE TABLE chunk (id)");
    expect_refusal(path, -EBADMSG, "another application");
    fixture_remove(path);
}

static void test_bad_logs_are_refused(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "bad");
    fixture_make(path, 9, 5000, expected);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size / 2), 0);
    expect_refusal(path, -EBADMSG, "truncated");
    fixture_remove(path);
    fixture_make(path, 9, 500, expected);
    run_on(path, "PRAGMA user_version = 999");
    expect_refusal(path, -EPROTO, "newer");
    run_on(path, "PRAGMA user_version = 1; DROP VIEW stack_frame; DROP TABLE chunk");
    expect_refusal(path, -EBADMSG, "damaged");
    fixture_remove(path);
}

static void test_a_damaged_chunk_is_named(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "chunk");
    fixture_make(path, 10, 5000, expected);
    run_on(path, "UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 4");
    struct tn_log *log = open_log(path);
    struct tn_event_cursor *cursor = NULL;
    const struct tn_log_event *event = NULL;
    assert_int_equal(tn_event_cursor_open(tn_log_database(log), 0, &cursor), 0);
    int r;
    while ((r = tn_event_cursor_next(cursor, &event)) == 1)
        continue;
    assert_int_equal(r, -EBADMSG);
    assert_int_equal(tn_event_cursor_position(cursor), 4);
    tn_event_cursor_close(cursor);
    char *message = NULL;
    int rc = sqlite3_exec(tn_log_database(log), "SELECT count(*) FROM allocation", NULL, NULL, &message);
    assert_int_equal(rc, SQLITE_CORRUPT);
    assert_non_null(strstr(message, "chunk 4"));
    sqlite3_free(message);
    tn_log_close(log);
    fixture_remove(path);
}

/* Whatever bytes of a log are changed: it is refused, or read with an error, or read wrongly, but read to an
 * end, and within bounds (the sanitizers look on). */
static void test_damage_is_borne(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "borne");
    fixture_make(path, 17, 300, expected);
    static char whole[1 << 20], damaged[1 << 20];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size_bytes = fread(whole, 1, sizeof(whole), file);
    fclose(file);
    assert_true(size_bytes > 4096 && size_bytes < sizeof(whole));
    uint64_t random = 1, opened = 0;
    for (int i = 0; i < 300; i++) {
        memcpy(damaged, whole, size_bytes);
        for (int k = 0; k < 1 + i % 5; k++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t at = (random >> 33) % (i % 3 == 0 ? 4096 : size_bytes);
            damaged[at] = i % 7 == 0 ? 0 : (char)(random >> 24);
        }
        write_file(path, damaged, size_bytes);
        struct tn_log *log = NULL;
        struct tn_error error = {0};
        if (tn_log_open(path, &log, &error) < 0) {
            assert_true(error.text[0] != '\0');
            continue;
        }
        opened++;
        struct tn_summary summary;
        if (tn_summary_load(log, 0, 10, &summary, &error) == 0)
            tn_summary_finish(&summary);
        sqlite3_exec(tn_log_database(log),
                     "SELECT sum(size_bytes), count(site_id) FROM allocation WHERE id > 9;"
                     "SELECT count(function) FROM stack_frame WHERE stack_id = 8",
                     NULL, NULL, NULL);
        tn_log_close(log);
    }
    assert_true(opened > 100);
    fixture_remove(path);
}

static void test_creation_takes_nothing_that_is_there(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "taken");
    write_file(path, "mine", 4);
    struct tn_log_options options = {path, "", "tsc"};
    struct tn_log_writer *writer = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_log_create(&options, &writer, &error), -EEXIST);
    assert_non_null(strstr(error.text, "exists"));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 4);
    options.path = "/nonexistent/folder/log.db";
    assert_int_equal(tn_log_create(&options, &writer, &error), -ENOENT);
    assert_null(writer);
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
        cmocka_unit_test(test_conditions_on_the_virtual_table),
        cmocka_unit_test(test_one_stack_is_walked_alone),
        cmocka_unit_test(test_reader_beside_the_writer),
        cmocka_unit_test(test_a_closed_log_is_one_file),
        cmocka_unit_test(test_an_abandoned_log_is_readable),
        cmocka_unit_test(test_what_is_no_log_is_refused),
        cmocka_unit_test(test_bad_logs_are_refused),
        cmocka_unit_test(test_a_damaged_chunk_is_named),
        cmocka_unit_test(test_damage_is_borne),
        cmocka_unit_test(test_creation_takes_nothing_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
