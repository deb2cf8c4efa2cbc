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

#define EVENTS     20000
#define STACKS_MAX 4096

struct counts {
    uint64_t events, births, deaths[TN_FUNCTION_COUNT];
    struct tn_stack_usage stacks[STACKS_MAX]; /* births, by stack */
};

static struct tn_allocation expected[EVENTS];
static struct counts seen, wanted;

static void add(struct counts *counts, const struct tn_stack_usage *usage)
{
    counts->events += usage->count;
    if (!usage->is_birth) {
        counts->deaths[usage->function] += usage->count;
        return;
    }
    assert_true(usage->stack_id < STACKS_MAX);
    struct tn_stack_usage *stack = &counts->stacks[usage->stack_id];
    counts->births += usage->count;
    if (stack->count == 0 || usage->min_size_bytes < stack->min_size_bytes)
        stack->min_size_bytes = usage->min_size_bytes;
    if (usage->max_size_bytes > stack->max_size_bytes)
        stack->max_size_bytes = usage->max_size_bytes;
    stack->count += usage->count;
}

static int see(void *context, const struct tn_stack_usage *usage)
{
    assert_true(usage->count != 0);
    add(context, usage);
    return 0;
}

static int refuse(void *context, const struct tn_stack_usage *usage)
{
    (void)usage;
    ++*(int *)context;
    return -ENOMEM;
}

/* The same numbers as from the events themselves. */
static void they_are_those_of_the_events(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    fixture_path(path, "usage");
    fixture_make(path, 6, EVENTS, expected);
    struct tn_log *log = fixture_open(path);
    assert_int_equal(tn_event_cursor_open(tn_log_database(log), 0, &cursor), 0);
    while (tn_event_cursor_next(cursor, &event) == 1) {
        struct tn_stack_usage usage = {event->stack_id,   event->function,  event->is_birth, 1,
                                       event->size_bytes, event->size_bytes};
        add(&wanted, &usage);
    }
    tn_event_cursor_close(cursor);
    assert_int_equal(tn_log_each_stack_usage(tn_log_database(log), see, &seen), 0);
    assert_true(seen.events > EVENTS / 2);
    assert_int_equal(seen.events, wanted.events);
    assert_int_equal(seen.births, wanted.births);
    assert_memory_equal(seen.deaths, wanted.deaths, sizeof(seen.deaths));
    for (size_t i = 0; i < STACKS_MAX; i++) {
        assert_int_equal(seen.stacks[i].count, wanted.stacks[i].count);
        assert_int_equal(seen.stacks[i].min_size_bytes, wanted.stacks[i].min_size_bytes);
        assert_int_equal(seen.stacks[i].max_size_bytes, wanted.stacks[i].max_size_bytes);
    }
    int calls = 0;
    assert_int_equal(tn_log_each_stack_usage(tn_log_database(log), refuse, &calls), -ENOMEM);
    assert_int_equal(calls, 1);
    tn_log_close(log);
    fixture_remove(path);
}

static void damage_is_found(void **state)
{
    (void)state;
    static const char *const damages[] = {"UPDATE chunk SET checksum = checksum + 1",
                                          "UPDATE chunk SET births = births + 1, deaths = deaths - 1",
                                          "UPDATE chunk SET deaths = deaths + 1", "DROP TABLE chunk"};
    char path[FIXTURE_PATH_BYTES];
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        sqlite3 *database;
        fixture_path(path, "usage-damage");
        fixture_make(path, 7, 500, expected);
        assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, damages[i], NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(tn_log_each_stack_usage(database, see, &seen), -EBADMSG);
        sqlite3_close(database);
        fixture_remove(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_those_of_the_events),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
