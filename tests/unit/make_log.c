/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include "tenure/finish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* usage: make_log FOLDER
 *
 * Writes two logs for log_format.py: events.db, a finished one with some thousand random allocations and its
 * rows, and example.db with the events of the worked example in docs/log-format.md. */

#define EVENTS 12000

static const struct tn_birth births[] = {
    {1, 1, 7, 1000, 20, 24, 0, 0x1000, 96, 0, TN_FUNCTION_MALLOC, 0},
    {1, 1, 7, 1120, 300, 312, 0, 0x2010, 96, 0, TN_FUNCTION_MALLOC, 0},
    {1, 2, 7, 1500, 20, 24, 64, 0x1000, 96, 0, TN_FUNCTION_MEMALIGN, 0},
    {1, 2, 8, 1510, 600, 600, 0, 0x3000, 112, 2, TN_FUNCTION_REALLOC, 0},
};

static const struct tn_death deaths[] = {
    {1, 1, 1, 9, 1050, 80, TN_FUNCTION_FREE, 0, 0x1000, 1},
    {1, 2, 2, 8, 1510, 112, TN_FUNCTION_REALLOC, 0, 0x2010, 19},
};

static void write_example(const char *path)
{
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t id;
    for (size_t i = 0; i < 4; i++) {
        if (i == 3)
            assert_int_equal(tn_log_add_death(writer, &deaths[1]), 0);
        assert_int_equal(tn_log_add_birth(writer, &births[i], &id), 0);
        if (i == 0)
            assert_int_equal(tn_log_add_death(writer, &deaths[0]), 0);
    }
    struct tn_error error = {0};
    assert_int_equal(tn_log_writer_close(writer, 2000, &error), 0);
}

static void write_events(const char *path)
{
    static struct tn_allocation expected[EVENTS];
    fixture_make(path, 21, EVENTS, expected);
    struct tn_finish_options options = {.rows_max = TN_ROWS_ALL};
    struct tn_error error = {0};
    if (tn_finish(path, &options, &error) < 0)
        fail_msg("%s", error.text);
}

static void write_logs(void **state)
{
    const char *folder = *state;
    char path[FIXTURE_PATH_BYTES];
    snprintf(path, sizeof(path), "%s/example.db", folder);
    fixture_remove(path);
    write_example(path);
    snprintf(path, sizeof(path), "%s/events.db", folder);
    fixture_remove(path);
    write_events(path);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(write_logs, argv[1])};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
