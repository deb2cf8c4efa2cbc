/* SPDX-License-Identifier: MIT */

/* Many events at once make the log that the same events make one by one: the same chunks, byte for byte. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#define EVENTS 300000 /* more than two chunks */
#define LIVE   500

static struct tn_plain_event events[EVENTS];

/* Births and deaths by chance, and pairs; of two threads, or of one. */
static void make_events(uint32_t thread_count)
{
    static struct tn_plain_event live[LIVE];
    uint64_t seed = 99, births = 0;
    for (uint32_t i = 0; i < LIVE; i++)
        live[i] = (struct tn_plain_event){0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t n = (uint32_t)(seed >> 33);
        struct tn_plain_event *block = &live[n % 3 == 0 ? (n >> 8) % LIVE : (n >> 8) % 2];
        bool is_birth = block->allocation_id == 0;
        if (is_birth)
            *block = (struct tn_plain_event){
                .allocation_id = ++births,
                .address = UINT64_C(0x555500000000) + (uint64_t)(block - live) * 4096,
                .size_bytes = n % 900,
                .excess_bytes = n % 9,
                .size_class = (uint8_t)tn_log_size_class((uint64_t)n % 900 + n % 9),
            };
        events[i] = *block;
        events[i].is_birth = is_birth;
        events[i].time_ns = UINT64_C(1000) + 40 * i + n % 40;
        events[i].thread_id = 1 + (n >> 4) % thread_count;
        events[i].stack_id = n % 5;
        events[i].depth_bytes = 640 + n % 7 * 16;
        events[i].function = is_birth ? TN_FUNCTION_MALLOC : TN_FUNCTION_FREE;
        if (!is_birth) {
            events[i].size_bytes = events[i].excess_bytes = 0;
            *block = (struct tn_plain_event){0};
        }
    }
}

static void add_alone(struct tn_log_writer *writer, const struct tn_plain_event *event)
{
    uint64_t id = 0;
    if (event->is_birth) {
        struct tn_birth birth = {1,
                                 event->thread_id,
                                 event->stack_id,
                                 event->time_ns,
                                 event->size_bytes,
                                 (uint64_t)event->size_bytes + event->excess_bytes,
                                 0,
                                 event->address,
                                 event->depth_bytes,
                                 0,
                                 TN_FUNCTION_MALLOC,
                                 0};
        assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
        assert_int_equal(id, event->allocation_id);
        return;
    }
    struct tn_death death = {1,
                             event->allocation_id,
                             event->thread_id,
                             event->stack_id,
                             event->time_ns,
                             event->depth_bytes,
                             TN_FUNCTION_FREE,
                             0,
                             event->address,
                             event->size_class};
    assert_int_equal(tn_log_add_death(writer, &death), 0);
}

static void make_log(const char *path, uint32_t at_once)
{
    struct tn_log_writer *writer = fixture_create(path);
    for (uint32_t i = 0; i < EVENTS; i += at_once) {
        uint32_t count = EVENTS - i < at_once ? EVENTS - i : at_once;
        if (at_once == 1)
            add_alone(writer, &events[i]);
        else
            assert_int_equal(tn_log_add_plain(writer, 1, &events[i], count), 0);
    }
    struct tn_error error;
    assert_int_equal(tn_log_writer_close(writer, UINT64_C(1) << 40, &error), 0);
}

static void test_same_chunks(void **state)
{
    (void)state;
    static const uint32_t counts[] = {2, 64, 999, EVENTS};
    char alone[FIXTURE_PATH_BYTES], many[FIXTURE_PATH_BYTES], sql[FIXTURE_PATH_BYTES + 32];
    fixture_path(alone, "alone");
    fixture_path(many, "many");
    for (uint32_t threads = 1; threads <= 2; threads++) {
        make_events(threads);
        make_log(alone, 1);
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            make_log(many, counts[i]);
            struct tn_log *log = fixture_open(alone);
            struct sqlite3 *database = tn_log_database(log);
            snprintf(sql, sizeof(sql), "ATTACH '%s' AS many", many);
            assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
            assert_int_equal(fixture_query(database, "SELECT count(*) FROM main.chunk"), 3);
            assert_int_equal(fixture_query(database, "SELECT count(*) FROM many.chunk"), 3);
            assert_int_equal(fixture_query(database,
                                           "SELECT count(*) FROM (SELECT * FROM main.chunk EXCEPT"
                                           " SELECT * FROM many.chunk)"),
                             0);
            assert_int_equal(fixture_query(database,
                                           "SELECT count(*) FROM (SELECT * FROM main.meta WHERE key IN"
                                           " ('allocations', 'frees', 'allocated_bytes', 'duration_ns')"
                                           " EXCEPT SELECT * FROM many.meta)"),
                             0);
            tn_log_close(log);
            fixture_remove(many);
        }
        fixture_remove(alone);
    }
}

/* An event that cannot be is refused, what stands before it is there, and the log lives on. */
static void test_refused(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "refused");
    struct tn_log_writer *writer = fixture_create(path);
    struct tn_plain_event run[3] = {
        {.time_ns = 10, .allocation_id = 1, .address = 4096, .thread_id = 1, .function = 1, .is_birth = true},
        {.time_ns = 20, .allocation_id = 3, .address = 8192, .thread_id = 1, .function = 1, .is_birth = true},
        {.time_ns = 30, .allocation_id = 9, .address = 8192, .thread_id = 1, .function = 12},
    };
    assert_int_equal(tn_log_last_id(writer), 0);
    assert_int_equal(tn_log_add_plain(writer, 1, run, 2), -EINVAL);
    assert_int_equal(tn_log_last_id(writer), 1);
    run[1].allocation_id = 2;
    assert_int_equal(tn_log_add_plain(writer, 1, run + 1, 2), -EINVAL);
    assert_int_equal(tn_log_last_id(writer), 2);
    run[2].allocation_id = 1;
    run[2].address = 4096;
    assert_int_equal(tn_log_add_plain(writer, 9, run + 2, 1), -EINVAL);
    assert_int_equal(tn_log_add_plain(writer, 1, run + 2, 1), 0);
    struct tn_error error;
    assert_int_equal(tn_log_writer_close(writer, 1000, &error), 0);
    struct tn_log *log = fixture_open(path);
    assert_int_equal(fixture_query(tn_log_database(log), "SELECT sum(id) FROM allocation"), 3);
    assert_int_equal(
        fixture_query(tn_log_database(log), "SELECT death_ns FROM allocation WHERE death_ns IS NOT NULL"),
        30);
    tn_log_close(log);
    fixture_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_chunks),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
