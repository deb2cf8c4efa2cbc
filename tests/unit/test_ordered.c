/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/log/ordered.h"
#include "log_fixture.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#define EVENTS 12000

static struct tn_allocation expected[EVENTS];

static void assert_same(const struct tn_allocation *found, const struct tn_allocation *wanted)
{
    struct tn_allocation whole = *wanted;
    whole.birth_allocations = whole.birth_bytes = 0; /* not told in this order */
    if (whole.is_live)
        whole.lifetime_allocations = whole.lifetime_bytes = 0;
    assert_int_equal(found->id, whole.id);
    assert_int_equal(found->process_id, whole.process_id);
    assert_int_equal(found->thread_id, whole.thread_id);
    assert_int_equal(found->stack_id, whole.stack_id);
    assert_int_equal(found->previous_id, whole.previous_id);
    assert_int_equal(found->size_bytes, whole.size_bytes);
    assert_int_equal(found->usable_size_bytes, whole.usable_size_bytes);
    assert_int_equal(found->alignment_bytes, whole.alignment_bytes);
    assert_int_equal(found->address, whole.address);
    assert_int_equal(found->depth_bytes, whole.depth_bytes);
    assert_int_equal(found->birth_ns, whole.birth_ns);
    assert_int_equal(found->death_ns, whole.death_ns);
    assert_int_equal(found->lifetime_allocations, whole.lifetime_allocations);
    assert_int_equal(found->lifetime_bytes, whole.lifetime_bytes);
    assert_int_equal(found->free_thread_id, whole.free_thread_id);
    assert_int_equal(found->free_stack_id, whole.free_stack_id);
    assert_int_equal(found->free_depth_bytes, whole.free_depth_bytes);
    assert_int_equal(found->function, whole.function);
    assert_int_equal(found->free_function, whole.free_function);
    assert_int_equal(found->is_live, whole.is_live);
}

static bool is_wanted(const struct tn_cursor_range *range, const struct tn_allocation *allocation)
{
    return (range->process_id == 0 || allocation->process_id == range->process_id) &&
           allocation->id >= range->first_id && allocation->id <= range->last_id;
}

static void check_range(struct sqlite3 *database, const struct tn_cursor_range *range, size_t window_ids,
                        size_t count)
{
    struct tn_ordered *ordered;
    const struct tn_allocation *found;
    assert_int_equal(tn_ordered_open_windows(database, range, window_ids, &ordered), 0);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(range, &expected[i]))
            continue;
        assert_int_equal(tn_ordered_next(ordered, &found), 1);
        assert_same(found, &expected[i]);
    }
    assert_int_equal(tn_ordered_next(ordered, &found), 0);
    assert_int_equal(tn_ordered_next(ordered, &found), 0);
    tn_ordered_close(ordered);
}

static void any_window_gives_the_same(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "ordered");
    size_t count = fixture_make(path, 21, EVENTS, expected);
    assert_true(count > 4000);
    struct tn_log *log = fixture_open(path);
    static const size_t windows[] = {500, 4096, EVENTS, TN_ORDERED_WINDOW_IDS};
    static const struct {
        uint64_t process_id, first_id, last_id;
    } bounds[] = {
        {0, 0, UINT64_MAX}, {1, 0, UINT64_MAX},    {2, 0, UINT64_MAX}, {0, 3000, 3000},
        {0, 2500, 4999},    {2, 1000, UINT64_MAX}, {9, 0, UINT64_MAX}, {0, EVENTS + 1, UINT64_MAX},
        {0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
        for (size_t j = 0; j < sizeof(bounds) / sizeof(bounds[0]); j++) {
            struct tn_cursor_range range = tn_cursor_range_all(bounds[j].process_id);
            range.first_id = bounds[j].first_id;
            range.last_id = bounds[j].last_id;
            check_range(tn_log_database(log), &range, windows[i], count);
        }
    tn_log_close(log);
    fixture_remove(path);
}

/* Look one id up: there is the allocation, or none. */
static void check_find(struct tn_ordered *ordered, uint64_t id, size_t count)
{
    const struct tn_allocation *found = NULL;
    bool is_there = id >= 1 && id <= count;
    assert_int_equal(tn_ordered_find(ordered, id, &found), is_there);
    if (is_there)
        assert_same(found, &expected[id - 1]);
    else
        assert_null(found);
}

/* In order, backwards, far apart, and the ids that do not exist. */
static void any_id_is_found(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "ordered_find");
    size_t count = fixture_make(path, 22, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    struct tn_cursor_range all = tn_cursor_range_all(0);
    static const size_t windows[] = {1, 500, 4096, TN_ORDERED_WINDOW_IDS};
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct tn_ordered *ordered;
        assert_int_equal(tn_ordered_open_windows(tn_log_database(log), &all, windows[i], &ordered), 0);
        check_find(ordered, 0, count);
        check_find(ordered, count + 1, count);
        check_find(ordered, (uint64_t)INT64_MAX + 1, count);
        for (uint64_t id = count; id > count - 20; id--)
            check_find(ordered, id, count);
        for (uint64_t step = 0; step < 40; step++)
            check_find(ordered, step * 2654435761u % (count + 50), count);
        for (uint64_t id = 1; windows[i] > 1 && id <= count + 10; id++)
            check_find(ordered, id, count);
        tn_ordered_close(ordered);
    }
    tn_log_close(log);
    fixture_remove(path);
}

static void an_empty_log_has_none(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "ordered_empty");
    assert_int_equal(fixture_make(path, 1, 0, expected), 0);
    struct tn_log *log = fixture_open(path);
    struct tn_cursor_range all = tn_cursor_range_all(0);
    check_range(tn_log_database(log), &all, 64, 0);
    tn_log_close(log);
    fixture_remove(path);
}

static void what_is_no_log_is_refused(void **state)
{
    (void)state;
    struct sqlite3 *database;
    struct tn_ordered *ordered = NULL;
    struct tn_cursor_range all = tn_cursor_range_all(0);
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(tn_ordered_open(database, &all, &ordered), -EBADMSG);
    assert_null(ordered);
    sqlite3_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_window_gives_the_same),
        cmocka_unit_test(any_id_is_found),
        cmocka_unit_test(an_empty_log_has_none),
        cmocka_unit_test(what_is_no_log_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
