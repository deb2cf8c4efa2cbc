/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finish_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    assert_non_null(strstr(error.text, "its recording was not closed"));
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
        change(path, damages[i]);
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
        cmocka_unit_test(a_killed_run_is_made_good),         cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(an_open_recording_is_refused),      cmocka_unit_test(damaged_tables_do_no_harm),
        cmocka_unit_test(bad_wrapper_expression_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
