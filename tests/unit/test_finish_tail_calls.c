/* SPDX-License-Identifier: MIT */
/* Stacks of a program whose functions end in jumps: what finishing adds to them, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finish_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t birth_of(struct tn_log_writer *writer, uint64_t stack_id, enum tn_function function)
{
    static uint64_t count;
    uint64_t id;
    count++;
    struct tn_birth birth = {.process_id = 1,
                             .thread_id = 1,
                             .stack_id = stack_id,
                             .time_ns = 1000 * count,
                             .size_bytes = 16,
                             .usable_size_bytes = 24,
                             .address = 0x1000 * count,
                             .function = function};
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
    return id;
}

static uint64_t call_of(struct tn_log_writer *writer, uint64_t module_id, const char *name,
                        uint64_t caller_id)
{
    char text[64];
    snprintf(text, sizeof(text), "|%s\n", name);
    return stack_of(writer, module_id, place_of(text), caller_id);
}

/* A log with a stack for each name: `leaf` below the call in main, with a root outside every module. Stack
 * ids are 11 and 12 for the first, and so on. */
static void make(const char *path, const char *const *names, size_t count)
{
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t module_id;
    assert_int_equal(tn_log_add_module(writer, places_program, "", &module_id), 0);
    assert_int_equal(stack_of(writer, 0, 0x7000, 0), 10);
    for (size_t i = 0; i < count; i++) {
        uint64_t caller_id = call_of(writer, module_id, names[i], 10);
        assert_int_equal(caller_id, 11 + 2 * i);
        birth_of(writer, call_of(writer, module_id, "leaf", caller_id), TN_FUNCTION_CALLOC);
    }
    assert_int_equal(tn_log_writer_close(writer, 1000000, NULL), 0);
    finish_with(path, TN_ROWS_ALL, NULL);
}

#define FUNCTIONS                                                                                            \
    "SELECT stack_id, group_concat(coalesce(function, '?') || CASE WHEN is_tail_call THEN '*' ELSE '' END, " \
    "' < ')"                                                                                                 \
    " FROM (SELECT * FROM stack_frame ORDER BY stack_id, position) WHERE stack_id IN (12, 14, 16, 18, 20)"   \
    " GROUP BY stack_id ORDER BY stack_id"

static void frames_are_added_where_one_way_leads(void **state)
{
    (void)state;
    static const char *const names[] = {"one_way", "either", "around", "plain", "from_pointer"};
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "ways");
    make(path, names, 5);
    expect(path, FUNCTIONS,
           "12|leaf < inner* < one_way* < main < ?\n"
           "14|leaf < main < ?\n"
           "16|leaf < main < ?\n"
           "18|leaf < plain < ?\n"
           "20|leaf < main < ?\n");
    expect(path, "SELECT value FROM meta WHERE key = 'tail_call_frames'", "2\n");
    expect(path, "SELECT count(*) FROM frame WHERE is_tail_call", "2\n");
    fixture_remove(path);
}

/* What other tables and readers rely on: every caller is one frame nearer to the root, frames that were added
 * take no room, and a walk by hand meets the frames of the view. */
static void stacks_stay_sound(void **state)
{
    (void)state;
    static const char *const names[] = {"one_way", "plain"};
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "sound");
    make(path, names, 2);
    expect(path, "SELECT depth FROM stack WHERE id IN (11, 12) ORDER BY id", "2\n5\n");
    expect(path,
           "SELECT count(*) FROM stack AS s LEFT JOIN stack AS c ON c.id = s.caller_id"
           " WHERE s.depth <> 1 + coalesce(c.depth, 0)",
           "0\n");
    expect(path,
           "SELECT sum(s.frame_bytes), count(*) FROM stack AS s JOIN frame AS f ON f.id = s.frame_id"
           " WHERE f.is_tail_call",
           "0|2\n");
    expect(path,
           "WITH RECURSIVE walk(id, bytes) AS (SELECT 12, 0 UNION ALL SELECT s.caller_id, walk.bytes + "
           "s.frame_bytes"
           " FROM walk JOIN stack AS s ON s.id = walk.id WHERE s.id IS NOT NULL)"
           " SELECT max(bytes) FROM walk",
           "144\n");
    expect(path,
           "SELECT s.function, s.via FROM allocation AS a JOIN site AS s ON s.id = a.site_id"
           " WHERE a.stack_id = 12",
           "leaf|calloc\n");
    fixture_remove(path);
}

/* The jump leads to the allocation function itself: the stack that the event names gets the frame, and what
 * else was called from there keeps its callers. */
static void a_jump_to_the_allocator_is_added_below(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_log_writer *writer;
    uint64_t module_id;
    fixture_path(path, "innermost");
    writer = fixture_create(path);
    assert_int_equal(tn_log_add_module(writer, places_program, "", &module_id), 0);
    assert_int_equal(stack_of(writer, 0, 0x7000, 0), 10);
    assert_int_equal(call_of(writer, module_id, "make", 10), 11);
    birth_of(writer, 11, TN_FUNCTION_PVALLOC);
    birth_of(writer, stack_of(writer, module_id, 0x10, 11), TN_FUNCTION_CALLOC);
    assert_int_equal(tn_log_writer_close(writer, 1000000, NULL), 0);
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path,
           "SELECT stack_id, group_concat(coalesce(function, '?'), ' < ') FROM"
           " (SELECT * FROM stack_frame ORDER BY stack_id, position) WHERE stack_id IN (11, 12)"
           " GROUP BY stack_id ORDER BY stack_id",
           "11|make < main < ?\n12|? < main < ?\n");
    expect(path, "SELECT depth, frame_bytes FROM stack WHERE id IN (11, 12) ORDER BY id", "3|0\n3|48\n");
    expect(path,
           "SELECT s.function, s.via FROM allocation AS a JOIN site AS s ON s.id = a.site_id"
           " WHERE a.stack_id = 11",
           "main|make\n"); /* make() hands back what it was asked for: a wrapper by its code */
    fixture_remove(path);
}

/* Another allocation function at the same place was reached in another way: no frame is right for both. */
static void two_functions_of_one_stack_must_agree(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_log_writer *writer;
    uint64_t module_id;
    fixture_path(path, "agree");
    writer = fixture_create(path);
    assert_int_equal(tn_log_add_module(writer, places_program, "", &module_id), 0);
    assert_int_equal(call_of(writer, module_id, "make", 0), 10);
    birth_of(writer, 10, TN_FUNCTION_PVALLOC);
    birth_of(writer, 10, TN_FUNCTION_VALLOC);
    assert_int_equal(tn_log_writer_close(writer, 1000000, NULL), 0);
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path, "SELECT function FROM stack_frame WHERE stack_id = 10 ORDER BY position", "main\n");
    fixture_remove(path);
}

/* Logs from before there was the column are finished without. */
static void older_logs_are_finished_as_they_are(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_log_writer *writer;
    uint64_t module_id;
    fixture_path(path, "older");
    writer = fixture_create(path);
    assert_int_equal(tn_log_add_module(writer, places_program, "", &module_id), 0);
    uint64_t caller_id = call_of(writer, module_id, "one_way", 0);
    birth_of(writer, call_of(writer, module_id, "leaf", caller_id), TN_FUNCTION_CALLOC);
    assert_int_equal(tn_log_writer_close(writer, 1000000, NULL), 0);
    change(path,
           "DROP TABLE struct_member; DROP VIEW stack_text; DROP VIEW stack_frame;"
           "ALTER TABLE frame DROP COLUMN is_tail_call; ALTER TABLE frame DROP COLUMN column_number;"
           "CREATE VIEW stack_frame AS SELECT s.id AS stack_id, 0 AS position, function, file, line,"
           " NULL AS module, offset_bytes FROM stack AS s JOIN frame AS f ON f.id = s.frame_id");
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path,
           "SELECT f.function FROM stack AS s JOIN frame AS f ON f.id = s.frame_id WHERE s.id >= 10"
           " ORDER BY s.id",
           "main\nleaf\n");
    fixture_remove(path);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    char *program = realpath(argv[1], NULL);
    assert_non_null(program);
    places_program = program;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_added_where_one_way_leads),
        cmocka_unit_test(stacks_stay_sound),
        cmocka_unit_test(a_jump_to_the_allocator_is_added_below),
        cmocka_unit_test(two_functions_of_one_stack_must_agree),
        cmocka_unit_test(older_logs_are_finished_as_they_are),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(program);
    return failed;
}
