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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS 20000

static struct tn_allocation expected[EVENTS];

/* ---------------------------------------------------------------- beside the writer */

static void test_reader_beside_the_writer(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "beside");
    struct tn_log_writer *writer = fixture_create(path);
    size_t count = fixture_fill(writer, 6, 3000, expected);
    assert_int_equal(tn_log_commit(writer), 0);

    struct tn_log *log = fixture_open(path);
    assert_false(tn_log_is_closed(log));
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
    log = fixture_open(path);
    assert_int_equal(fixture_query(tn_log_database(log), "SELECT count(*) FROM allocation"), count + 1);
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
    struct tn_log *log = fixture_open(path);
    assert_int_equal(
        fixture_query(tn_log_database(log), "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
    assert_int_equal(
        fixture_query(tn_log_database(log), "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    tn_log_close(log);
    fixture_remove(path);
}

/* Closed and complete are two things: an event that is missing makes a log incomplete, and it is closed all
 * the same. Logs that were recorded before the difference was made say only complete, and mean both. */
static void test_closed_is_not_complete(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_error error = {0};
    fixture_path(path, "gaps");
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t id, thread_id, other_id;
    struct tn_log_process process = {.pid = 1, .executable = "a", .command_line = "a"};
    assert_int_equal(tn_log_add_process(writer, &process, &id), 0);
    struct tn_log_thread thread = {.process_id = id, .tid = 1, .name = "a"};
    assert_int_equal(tn_log_add_thread(writer, &thread, &thread_id), 0);
    assert_int_equal(tn_log_lose_events(writer, thread_id, 5), 0);
    assert_int_equal(tn_log_lose_events(writer, thread_id, 2), 0);
    assert_int_equal(tn_log_add_thread(writer, &thread, &other_id), 0);
    assert_int_equal(other_id, thread_id + 1);
    tn_log_note_gaps(writer);
    assert_int_equal(tn_log_writer_close(writer, 5, &error), 0);
    struct tn_log *log = fixture_open(path);
    assert_true(tn_log_is_closed(log));
    assert_false(tn_log_is_complete(log));
    assert_int_equal(fixture_query(tn_log_database(log),
                                   "SELECT events_lost FROM thread ORDER BY id DESC LIMIT 1 OFFSET 1"),
                     7);
    assert_int_equal(fixture_query(tn_log_database(log), "SELECT sum(events_lost) FROM thread"), 7);
    tn_log_close(log);
    for (int complete = 0; complete <= 1; complete++) {
        sqlite3 *database;
        char sql[128];
        snprintf(sql, sizeof(sql),
                 "DELETE FROM meta WHERE key = 'closed'; UPDATE meta SET value = '%d' WHERE key = 'complete'",
                 complete);
        assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(database);
        log = fixture_open(path);
        assert_int_equal(tn_log_is_closed(log), complete);
        assert_int_equal(tn_log_is_complete(log), complete);
        tn_log_close(log);
    }
    fixture_remove(path);
}

/* Events of a quiet process are kept aside and packed later; from some number on it has a pack of its own,
 * until it is quiet again. On both sides of each limit, every event must be there, in order. */
static void test_few_events_and_many(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 200, 511, 512, 513, 1022, 1023, 1024, 1025, 1026, 2000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            char path[FIXTURE_PATH_BYTES];
            struct tn_error error = {0};
            fixture_path(path, "quiet");
            struct tn_log_writer *writer = fixture_create(path);
            size_t count = fixture_fill(writer, seed * 100 + i, counts[i], expected);
            assert_int_equal(tn_log_commit(writer), 0);
            assert_int_equal(tn_log_commit(writer), 0); /* quiet meanwhile: nothing is kept */
            uint64_t id;
            struct tn_birth birth = {
                .process_id = 1, .time_ns = 100000000, .size_bytes = 8, .usable_size_bytes = 24};
            assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
            struct tn_death death = {.process_id = 1,
                                     .allocation_id = id,
                                     .time_ns = 100000001,
                                     .size_class = tn_log_size_class(24)};
            assert_int_equal(tn_log_commit(writer), 0);
            assert_int_equal(tn_log_add_death(writer, &death), 0); /* of a block of an older chunk */
            assert_int_equal(tn_log_writer_close(writer, 5, &error), 0);
            struct tn_log *log = fixture_open(path);
            sqlite3 *database = tn_log_database(log);
            assert_int_equal(fixture_query(database, "SELECT count(*) FROM allocation"), count + 1);
            assert_int_equal(
                fixture_query(database, "SELECT death_ns FROM allocation ORDER BY id DESC LIMIT 1"),
                100000001);
            assert_int_equal(fixture_query(database, "SELECT sum(size_bytes) FROM allocation"),
                             fixture_query(database, "SELECT value FROM meta WHERE key = 'allocated_bytes'"));
            tn_log_close(log);
            fixture_remove(path);
        }
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
    struct tn_log *log = fixture_open(path);
    assert_false(tn_log_is_closed(log));
    assert_false(tn_log_is_complete(log));
    for (uint64_t process_id = 0; process_id <= 2; process_id++)
        fixture_check_allocations(log, process_id, expected, count);
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
    run_on(path, "PRAGMA user_version = 2");
    expect_refusal(path, -EPROTO, "older");
    run_on(path, "PRAGMA user_version = 3; DROP VIEW stack_frame; DROP TABLE chunk");
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
    struct tn_log *log = fixture_open(path);
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
    struct tn_log_options options = {path, "", "tsc", false};
    struct tn_log_writer *writer = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_log_create(&options, &writer, &error), -EEXIST);
    assert_non_null(strstr(error.text, "exists"));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 4);
    options.path = "/nonexistent/folder/log.db";
    assert_int_equal(tn_log_create(&options, &writer, &error), -ENOENT);
    assert_string_equal(error.text,
                        "cannot create the log, /nonexistent/folder/log.db: No such file or directory");
    assert_null(writer);
    fixture_remove(path);
}

/* An empty file is as good as none (mktemp makes one); what an older log left beside it is not read. */
static void test_an_empty_file_is_taken(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES], journal[FIXTURE_PATH_BYTES + 8];
    fixture_path(path, "older");
    struct tn_log_writer *writer = fixture_create(path);
    fixture_fill(writer, 18, 3000, expected);
    assert_int_equal(tn_log_commit(writer), 0);
    tn_log_writer_abandon(writer);
    snprintf(journal, sizeof(journal), "%s-wal", path);
    struct stat status;
    assert_int_equal(stat(journal, &status), 0);
    assert_true(status.st_size > 0);
    write_file(path, "", 0);
    size_t count = fixture_make(path, 19, 500, expected);
    struct tn_log *log = fixture_open(path);
    fixture_check_allocations(log, 0, expected, count);
    assert_int_equal(
        fixture_query(tn_log_database(log), "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    tn_log_close(log);
    fixture_remove(path);
}

static void test_events_that_no_log_can_hold(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "hold");
    struct tn_log_writer *writer = fixture_create(path);
    struct tn_birth birth = {.process_id = 3, .size_bytes = 8, .usable_size_bytes = 24};
    struct tn_death death = {.process_id = 1, .allocation_id = 1};
    uint64_t id = 77;
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), -EINVAL);
    birth.process_id = 1;
    birth.size_bytes = birth.usable_size_bytes = UINT64_MAX;
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), -EINVAL);
    assert_int_equal(tn_log_add_death(writer, &death), -EINVAL);
    assert_int_equal(id, 77);
    birth.size_bytes = birth.usable_size_bytes = 8;
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(tn_log_add_death(writer, &death), 0);
    struct tn_error error = {0};
    assert_int_equal(tn_log_writer_close(writer, 1, &error), 0);
    fixture_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_beside_the_writer),
        cmocka_unit_test(test_a_closed_log_is_one_file),
        cmocka_unit_test(test_closed_is_not_complete),
        cmocka_unit_test(test_few_events_and_many),
        cmocka_unit_test(test_an_abandoned_log_is_readable),
        cmocka_unit_test(test_what_is_no_log_is_refused),
        cmocka_unit_test(test_bad_logs_are_refused),
        cmocka_unit_test(test_a_damaged_chunk_is_named),
        cmocka_unit_test(test_damage_is_borne),
        cmocka_unit_test(test_creation_takes_nothing_that_is_there),
        cmocka_unit_test(test_an_empty_file_is_taken),
        cmocka_unit_test(test_events_that_no_log_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
