/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"
#include "tenure/finish.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_COUNT 6000
#define SITE_MAX    32

static const char *places_program; /* tells its own places, see symbol/truth.h */

/* The offset of the place whose line of output holds text, from the program itself. */
static uint64_t place_of(const char *text)
{
    FILE *output = popen(places_program, "r");
    char line[256];
    uint64_t offset_bytes = 0;
    while (fgets(line, sizeof(line), output) != NULL)
        if (strstr(line, text) != NULL)
            offset_bytes = strtoull(line, NULL, 16);
    assert_int_equal(pclose(output), 0);
    assert_true(offset_bytes != 0);
    return offset_bytes;
}

static uint64_t stack_of(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes,
                         uint64_t caller_id)
{
    uint64_t frame_id, stack_id;
    assert_int_equal(tn_log_intern_frame(writer, module_id, offset_bytes, &frame_id), 0);
    assert_int_equal(tn_log_intern_stack(writer, frame_id, caller_id, 48, false, &stack_id), 0);
    return stack_id;
}

/* The log of the fixture (nine stacks of a module that is not the file it was), and with it stacks of a
 * program that has names: 10 main, 11 hidden < main, 12 inner < middle < outer < main, of which the first two
 * are inlined. */
static size_t make_log(const char *path, struct tn_allocation *expected)
{
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t module_id;
    assert_int_equal(tn_log_add_module(writer, places_program, "", &module_id), 0);
    assert_int_equal(stack_of(writer, module_id, place_of("main@"), 0), 10);
    assert_int_equal(stack_of(writer, module_id, place_of("hidden@"), 10), 11);
    assert_int_equal(stack_of(writer, module_id, place_of("inner@"), 10), 12);
    size_t made = fixture_fill(writer, 5, EVENT_COUNT, expected);
    uint64_t thread_id = 1, id;
    for (uint64_t stack_id = 10; stack_id <= 12; stack_id++) {
        struct tn_birth birth = {.process_id = 1,
                                 .thread_id = thread_id,
                                 .stack_id = stack_id,
                                 .time_ns = 10000000 + stack_id,
                                 .size_bytes = stack_id,
                                 .usable_size_bytes = 24,
                                 .address = 0x1000 * stack_id,
                                 .function = TN_FUNCTION_CALLOC};
        assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
    }
    assert_int_equal(tn_log_writer_close(writer, 20000000, NULL), 0);
    return made + 3;
}

static void finish_with(const char *path, uint64_t rows_max, const char *wrapper_regex)
{
    struct tn_finish_options options = {.rows_max = rows_max, .wrapper_regex = wrapper_regex};
    struct tn_error error = {0};
    if (tn_finish(path, &options, &error) < 0)
        fail_msg("%s", error.text);
}

static struct tn_log *open_log(const char *path)
{
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    if (tn_log_open(path, &log, &error) < 0)
        fail_msg("%s", error.text);
    return log;
}

/* All rows of a query as one text. */
static char *text_of(const char *path, const char *sql)
{
    struct tn_log *log = open_log(path);
    struct tn_buffer out = {0};
    sqlite3_stmt *rows = NULL;
    assert_int_equal(sqlite3_prepare_v2(tn_log_database(log), sql, -1, &rows, NULL), SQLITE_OK);
    assert_int_equal(tn_buffer_print(&out, "%s", ""), 0);
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const char *text = (const char *)sqlite3_column_text(rows, i);
            const char *end = i + 1 < sqlite3_column_count(rows) ? "|" : "\n";
            assert_int_equal(tn_buffer_print(&out, "%s%s", text != NULL ? text : "-", end), 0);
        }
    assert_int_equal(sqlite3_finalize(rows), SQLITE_OK);
    tn_log_close(log);
    return (char *)out.data;
}

static void expect(const char *path, const char *sql, const char *expected)
{
    char *found = text_of(path, sql);
    assert_string_equal(found, expected);
    free(found);
}

static void frames_are_named(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "names");
    make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path, "SELECT function FROM stack_frame WHERE stack_id = 12 ORDER BY position",
           "inner\nmiddle\nouter\nmain\n");
    expect(
        path,
        "SELECT count(*) FROM stack_frame WHERE stack_id = 12 AND (file NOT LIKE '/%places.c' OR line < 1)",
        "0\n");
    expect(path, "SELECT count(*) FROM frame WHERE inlined_into IS NOT NULL", "2\n");
    expect(path, "SELECT key, value FROM meta WHERE key LIKE 'frames_%' OR key LIKE 'modules_%' ORDER BY key",
           "frames_named|3\nframes_unnamed|8\nframes_with_line|3\nmodules_changed|1\n"
           "modules_with_lines|1\nmodules_without_lines|0\nmodules_without_names|1\n");
    expect(path, "SELECT value FROM meta WHERE key = 'finished'", "1\n");
    fixture_remove(path);
}

static void stacks_have_sites(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "sites");
    make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path,
           "SELECT k.id, s.function, s.offset_bytes, s.via FROM stack AS k JOIN site AS s ON s.id = k.site_id"
           " WHERE k.id >= 10 ORDER BY k.id",
           "10|main|-|calloc\n11|hidden|-|calloc\n12|inner|-|calloc\n");
    /* without names the offset tells sites apart; stack 9 is cut, but its frame is stack 1's */
    expect(path,
           "SELECT k.id, s.function, s.line, s.offset_bytes - 4096, s.via FROM stack AS k"
           " JOIN site AS s ON s.id = k.site_id WHERE k.id IN (1, 2, 9) ORDER BY k.id",
           "1|-|-|16|malloc\n2|-|-|32|malloc\n9|-|-|16|malloc\n");
    expect(path,
           "SELECT count(*) FROM stack AS a, stack AS b WHERE a.id = 1 AND b.id = 9"
           " AND a.site_id = b.site_id",
           "1\n");
    expect(path, "SELECT count(*) FROM site WHERE via = 'unknown'", "1\n");
    fixture_remove(path);
}

static void wrappers_are_passed(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "wrapper");
    make_log(path, expected);
    finish_with(path, TN_ROWS_NONE, "^(inner|middle|hidden)$");
    expect(path,
           "SELECT k.id, s.function, s.via FROM stack AS k JOIN site AS s ON s.id = k.site_id"
           " WHERE k.id >= 10 ORDER BY k.id",
           "10|main|calloc\n11|main|hidden\n12|outer|middle\n");
    fixture_remove(path);
}

static void sums_agree_with_rows(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "sums");
    size_t made = make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    char count[32];
    snprintf(count, sizeof(count), "%zu|%zu\n", made, made);
    expect(path, "SELECT count(*), (SELECT sum(allocations) FROM site_summary) FROM allocation_row", count);
    expect(path,
           "SELECT * FROM (SELECT process_id, coalesce(site_id, (SELECT id FROM site WHERE via = 'unknown')),"
           " count(*), sum(size_bytes), sum(usable_size_bytes), min(size_bytes), max(size_bytes),"
           " count(DISTINCT size_bytes), count(death_ns), count(*) - count(death_ns),"
           " count(CASE WHEN thread_id <> free_thread_id THEN 1 END),"
           " count(CASE WHEN lifetime_bytes < 32768 AND death_ns IS NOT NULL THEN 1 END), min(birth_ns),"
           " max(birth_ns) FROM allocation GROUP BY 1, 2"
           " EXCEPT SELECT process_id, site_id, allocations, total_bytes, usable_bytes, min_size_bytes,"
           " max_size_bytes, distinct_sizes, freed, live_at_end, freed_by_other_thread, short_lived,"
           " first_birth_ns, last_birth_ns FROM site_summary)",
           "");
    expect(path,
           "SELECT count(*) FROM site_summary AS s WHERE freed > 0 AND (lifetime_ns_max <>"
           " (SELECT max(a.lifetime_ns) FROM allocation AS a WHERE a.process_id = s.process_id AND"
           " coalesce(a.site_id, (SELECT id FROM site WHERE via = 'unknown')) = s.site_id)"
           " OR lifetime_ns_p50 > lifetime_ns_p90 OR lifetime_ns_p90 > lifetime_ns_p99"
           " OR lifetime_ns_p99 > lifetime_ns_max OR small_short_lived > short_lived)",
           "0\n");
    fixture_remove(path);
}

/* Peaks of one process, followed event by event. */
struct peaks {
    uint64_t live_bytes, live_count, peak_bytes, peak_count;
};

static void follow(struct peaks *peaks, const struct tn_log_event *event, uint64_t size_bytes)
{
    peaks->live_bytes = event->is_birth ? peaks->live_bytes + size_bytes : peaks->live_bytes - size_bytes;
    peaks->live_count += event->is_birth ? 1 : UINT64_MAX;
    if (peaks->live_bytes > peaks->peak_bytes)
        peaks->peak_bytes = peaks->live_bytes;
    if (peaks->live_count > peaks->peak_count)
        peaks->peak_count = peaks->live_count;
}

static uint64_t column(sqlite3 *database, const char *sql, uint64_t parameter)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)parameter);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    uint64_t value = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void peaks_are_exact(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "peaks");
    make_log(path, expected);
    finish_with(path, TN_ROWS_NONE, NULL);
    struct tn_log *log = open_log(path);
    sqlite3 *database = tn_log_database(log);
    struct peaks process = {0}, sites[SITE_MAX] = {{0}};
    static uint64_t sizes[EVENT_COUNT + 4], owners[EVENT_COUNT + 4];
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    assert_int_equal(tn_event_cursor_open(database, 1, &cursor), 0);
    while (tn_event_cursor_next(cursor, &event) == 1) {
        if (event->is_birth) {
            sizes[event->allocation_id] = event->size_bytes;
            owners[event->allocation_id] =
                event->stack_id == 0
                    ? column(database, "SELECT id FROM site WHERE via = 'unknown' OR ?1", 0)
                    : column(database, "SELECT site_id FROM stack WHERE id = ?1", event->stack_id);
            assert_true(owners[event->allocation_id] < SITE_MAX);
        }
        follow(&process, event, sizes[event->allocation_id]);
        follow(&sites[owners[event->allocation_id]], event, sizes[event->allocation_id]);
    }
    tn_event_cursor_close(cursor);
    assert_int_equal(column(database, "SELECT max(live_bytes) FROM timeline WHERE process_id = ?1", 1),
                     process.peak_bytes);
    assert_int_equal(column(database, "SELECT max(live_count) FROM timeline WHERE process_id = ?1", 1),
                     process.peak_count);
    for (uint64_t site = 0; site < SITE_MAX; site++) {
        if (sites[site].peak_count == 0)
            continue;
        assert_int_equal(
            column(database, "SELECT peak_live_bytes FROM site_summary WHERE process_id = 1 AND site_id = ?1",
                   site),
            sites[site].peak_bytes);
        assert_int_equal(
            column(database, "SELECT peak_live_count FROM site_summary WHERE process_id = 1 AND site_id = ?1",
                   site),
            sites[site].peak_count);
    }
    tn_log_close(log);
    fixture_remove(path);
}

/* Everything that finishing makes, as text. */
static char *made_of(const char *path)
{
    char *summary = text_of(path, "SELECT * FROM site_summary ORDER BY process_id, site_id");
    char *rest = text_of(path,
                         "SELECT * FROM (SELECT 'f', id, function, file, line, inlined_into,"
                         " inline_position FROM frame ORDER BY id)"
                         " UNION ALL SELECT * FROM (SELECT 's', id, function, file, line, offset_bytes,"
                         " via FROM site ORDER BY id)"
                         " UNION ALL SELECT * FROM (SELECT 'k', id, site_id, 0, 0, 0, 0 FROM stack"
                         " ORDER BY id)"
                         " UNION ALL SELECT * FROM (SELECT 't', process_id, time_ns, live_count,"
                         " live_bytes, allocations, allocated_bytes FROM timeline ORDER BY rowid)"
                         " UNION ALL SELECT * FROM (SELECT 'm', process_id, time_ns, text, 0, 0, 0"
                         " FROM mark ORDER BY id)"
                         " UNION ALL SELECT 'n', count(*), sum(size_bytes), 0, 0, 0, 0 FROM allocation"
                         " UNION ALL SELECT 'x', count(*), 0, 0, 0, 0, 0 FROM allocation_row");
    struct tn_buffer all = {0};
    assert_int_equal(tn_buffer_print(&all, "%s%s", summary, rest), 0);
    free(summary);
    free(rest);
    return (char *)all.data;
}

/* Dies at the nth report of progress, inside a step or between two. */
static void die_at(void *context, const char *step, unsigned percent)
{
    (void)step;
    (void)percent;
    if (--*(int *)context == 0)
        _exit(9);
}

/* Returns whether the run was killed. */
static bool finish_killed_at(const char *path, int report)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tn_finish_options options = {
            .rows_max = TN_ROWS_ALL, .progress = die_at, .progress_context = &report};
        _exit(tn_finish(path, &options, NULL) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0));
    return WEXITSTATUS(status) == 9;
}

static void a_killed_run_is_made_good(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "whole");
    make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    char *whole = made_of(path);
    fixture_remove(path);
    int killed = 0;
    for (int report = 1;; report++) {
        fixture_path(path, "killed");
        make_log(path, expected);
        bool is_killed = finish_killed_at(path, report);
        killed += is_killed;
        expect(path, "PRAGMA integrity_check", "ok\n");
        expect(path, "SELECT count(*) FROM meta WHERE key = 'finished' AND value = '1'",
               is_killed ? "0\n" : "1\n");
        finish_with(path, TN_ROWS_ALL, NULL);
        char *again = made_of(path);
        assert_string_equal(again, whole);
        free(again);
        fixture_remove(path);
        if (!is_killed)
            break;
    }
    assert_true(killed >= 8);
    free(whole);
}

static void a_second_run_changes_nothing(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "twice");
    make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    char *first = made_of(path);
    finish_with(path, TN_ROWS_ALL, NULL);
    char *second = made_of(path);
    assert_string_equal(first, second);
    free(first);
    free(second);
    fixture_remove(path);
}

static void rows_are_limited(void **state)
{
    (void)state;
    static const struct {
        int more; /* than there are allocations */
        const char *rows;
    } cases[] = {{-1, "0\n"}, {0, "1\n"}};
    struct tn_allocation expected[EVENT_COUNT];
    for (size_t i = 0; i < 2; i++) {
        char path[FIXTURE_PATH_BYTES];
        fixture_path(path, "rows");
        size_t made = make_log(path, expected);
        finish_with(path, (uint64_t)((int64_t)made + cases[i].more), NULL);
        expect(path, "SELECT count(*) FROM sqlite_master WHERE name = 'allocation_row'", cases[i].rows);
        fixture_remove(path);
    }
}

static void an_open_recording_is_refused(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "open");
    struct tn_log_writer *writer = fixture_create(path);
    assert_int_equal(tn_log_commit(writer), 0);
    tn_log_writer_abandon(writer);
    struct tn_finish_options options = {.rows_max = 0};
    struct tn_error error = {0};
    assert_int_equal(tn_finish(path, &options, &error), -EINVAL);
    assert_non_null(strstr(error.text, path));
    fixture_remove(path);
    assert_int_equal(tn_finish(path, &options, &error), -ENOENT);
}

/* Whatever the tables say, finishing ends with an answer: it is run here for the sake of the sanitizers. */
static void damaged_tables_do_no_harm(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "DELETE FROM frame WHERE id = 11; INSERT INTO frame (module_id, inlined_into) VALUES (1, 11)",
        "UPDATE stack SET frame_id = 4000000000 WHERE id = 3",
        "UPDATE stack SET frame_id = NULL, caller_id = 12 WHERE id = 10",
        "INSERT INTO stack (id, frame_id, site_id) VALUES (-5, 1, 1)",
        "DELETE FROM stack",
        "DELETE FROM frame",
        "DELETE FROM module",
        "UPDATE module SET path = NULL, build_id = NULL",
        "UPDATE frame SET offset_bytes = NULL",
        "UPDATE frame SET module_id = 77",
        "DELETE FROM process",
    };
    struct tn_allocation expected[EVENT_COUNT];
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        char path[FIXTURE_PATH_BYTES];
        fixture_path(path, "damaged");
        make_log(path, expected);
        sqlite3 *database;
        assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, damages[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(database);
        struct tn_finish_options options = {.rows_max = TN_ROWS_ALL};
        struct tn_error error = {0};
        int r = tn_finish(path, &options, &error);
        assert_true(r == 0 || (r == -EBADMSG && error.text[0] != '\0'));
        expect(path, "PRAGMA integrity_check", "ok\n");
        fixture_remove(path);
    }
}

static void bad_wrapper_expression_is_refused(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "regex");
    make_log(path, expected);
    struct tn_finish_options options = {.wrapper_regex = "("};
    struct tn_error error = {0};
    assert_int_equal(tn_finish(path, &options, &error), -EINVAL);
    expect(path, "PRAGMA integrity_check", "ok\n");
    fixture_remove(path);
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 2)
        return 2;
    places_program = realpath(arguments[1], NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_named),
        cmocka_unit_test(stacks_have_sites),
        cmocka_unit_test(wrappers_are_passed),
        cmocka_unit_test(sums_agree_with_rows),
        cmocka_unit_test(peaks_are_exact),
        cmocka_unit_test(a_killed_run_is_made_good),
        cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(rows_are_limited),
        cmocka_unit_test(an_open_recording_is_refused),
        cmocka_unit_test(damaged_tables_do_no_harm),
        cmocka_unit_test(bad_wrapper_expression_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
