/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#define EVENTS 20000

static struct tn_allocation expected[EVENTS];

static void change(const char *path, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void assert_same(const struct tn_log_event *a, const struct tn_log_event *b)
{
    assert_int_equal(a->is_birth, b->is_birth);
    assert_int_equal(a->function, b->function);
    assert_memory_equal(&a->allocation_id, &b->allocation_id,
                        sizeof(*a) - offsetof(struct tn_log_event, allocation_id));
}

/* Every event comes once, in order. */
static void events_are_those_of_the_cursor(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event, *events;
    struct tn_event_feed *feed;
    size_t seen = 0;
    int count;
    fixture_path(path, "feed");
    fixture_make(path, 3, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    assert_int_equal(tn_event_cursor_open(tn_log_database(log), 1, &cursor), 0);
    assert_int_equal(tn_event_feed_open(tn_log_database(log), 1, &feed), 0);
    while ((count = tn_event_feed_next(feed, &events)) > 0)
        for (int i = 0; i < count; i++, seen++) {
            assert_int_equal(tn_event_cursor_next(cursor, &event), 1);
            assert_same(&events[i], event);
        }
    assert_int_equal(count, 0);
    assert_int_equal(tn_event_feed_next(feed, &events), 0);
    assert_int_equal(tn_event_cursor_next(cursor, &event), 0);
    assert_true(seen > EVENTS / 3);
    tn_event_feed_close(feed);
    tn_event_cursor_close(cursor);
    tn_log_close(log);
    fixture_remove(path);
}

static void it_can_be_closed_at_any_time(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    const struct tn_log_event *events;
    struct tn_event_feed *feed;
    fixture_path(path, "feed-close");
    fixture_make(path, 4, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    for (int batches = 0; batches < 4; batches++) {
        assert_int_equal(tn_event_feed_open(tn_log_database(log), 1, &feed), 0);
        for (int i = 0; i < batches; i++)
            assert_true(tn_event_feed_next(feed, &events) > 0);
        tn_event_feed_close(feed);
    }
    tn_event_feed_close(NULL);
    tn_log_close(log);
    fixture_remove(path);
}

/* What stands before the damage comes; then the error, again and again. */
static void damage_comes_after_all_that_is_whole(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    const struct tn_log_event *events;
    struct tn_event_feed *feed;
    int count;
    int64_t seen = 0;
    fixture_path(path, "feed-damage");
    fixture_make(path, 5, EVENTS, expected);
    change(path,
           "UPDATE chunk SET checksum = checksum + 1"
           " WHERE id = (SELECT max(id) FROM chunk WHERE process_id = 1)");
    struct tn_log *log = fixture_open(path);
    int64_t whole = fixture_query(tn_log_database(log),
                                  "SELECT sum(births + deaths) FROM chunk WHERE process_id = 1"
                                  " AND id < (SELECT max(id) FROM chunk WHERE process_id = 1)");
    assert_int_equal(tn_event_feed_open(tn_log_database(log), 1, &feed), 0);
    while ((count = tn_event_feed_next(feed, &events)) > 0)
        seen += count;
    assert_int_equal(count, -EBADMSG);
    assert_int_equal(tn_event_feed_next(feed, &events), -EBADMSG);
    assert_int_equal(seen, whole);
    tn_event_feed_close(feed);
    tn_log_close(log);
    fixture_remove(path);
}

static void a_log_without_chunks_cannot_be_read(void **state)
{
    (void)state;
    struct tn_event_feed *feed = NULL;
    sqlite3 *database;
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(tn_event_feed_open(database, 1, &feed), -EBADMSG);
    assert_null(feed);
    sqlite3_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_those_of_the_cursor),
        cmocka_unit_test(it_can_be_closed_at_any_time),
        cmocka_unit_test(damage_comes_after_all_that_is_whole),
        cmocka_unit_test(a_log_without_chunks_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
