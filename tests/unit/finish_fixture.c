/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finish_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *places_program;

uint64_t place_of(const char *text)
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

uint64_t stack_of(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes, uint64_t caller_id)
{
    uint64_t frame_id, stack_id;
    assert_int_equal(tn_log_intern_frame(writer, module_id, offset_bytes, &frame_id), 0);
    assert_int_equal(tn_log_intern_stack(writer, frame_id, caller_id, 48, false, &stack_id), 0);
    return stack_id;
}

size_t make_log(const char *path, struct tn_allocation *expected)
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

void finish_with(const char *path, uint64_t rows_max, const char *wrapper_regex)
{
    struct tn_finish_options options = {.rows_max = rows_max, .wrapper_regex = wrapper_regex};
    struct tn_error error = {0};
    if (tn_finish(path, &options, &error) < 0)
        fail_msg("%s", error.text);
}

struct tn_log *open_log(const char *path)
{
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    if (tn_log_open(path, &log, &error) < 0)
        fail_msg("%s", error.text);
    return log;
}

char *text_of(const char *path, const char *sql)
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

void expect(const char *path, const char *sql, const char *expected)
{
    char *found = text_of(path, sql);
    assert_string_equal(found, expected);
    free(found);
}

void change(const char *path, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}
