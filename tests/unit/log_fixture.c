/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESS_COUNT 2
#define COMMIT_EVERY  997

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 20;
}

void fixture_path(char path[FIXTURE_PATH_BYTES], const char *name)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, FIXTURE_PATH_BYTES, "%s/tenure-test-%d-%s.db", folder != NULL ? folder : "/tmp",
             (int)getpid(), name);
    fixture_remove(path);
}

void fixture_remove(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char name[FIXTURE_PATH_BYTES + 16];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* Stacks 1 to 8: a chain from main through seven callers; 9: cut. */
static void make_stacks(struct tn_log_writer *writer, uint64_t module_id)
{
    uint64_t caller_id = 0;
    for (uint64_t i = 1; i <= 8; i++) {
        uint64_t frame_id;
        assert_int_equal(tn_log_intern_frame(writer, module_id, 0x1000 + 16 * i, &frame_id), 0);
        assert_int_equal(frame_id, i);
        assert_int_equal(tn_log_intern_stack(writer, frame_id, caller_id, 48, false, &caller_id), 0);
        assert_int_equal(caller_id, i);
    }
    assert_int_equal(tn_log_intern_stack(writer, 1, 0, 48, true, &caller_id), 0);
    assert_int_equal(caller_id, 9);
}

struct tn_log_writer *fixture_create(const char *path)
{
    struct tn_log_options options = {path, "depth=1024", "tsc", false};
    struct tn_log_writer *writer = NULL;
    struct tn_error error = {0};
    int r = tn_log_create(&options, &writer, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    for (uint32_t i = 1; i <= PROCESS_COUNT; i++) {
        struct tn_log_process process = {1000 + i, i - 1, "/usr/bin/true", "true --really", 10 * i, "true"};
        uint64_t id;
        assert_int_equal(tn_log_add_process(writer, &process, &id), 0);
        assert_int_equal(id, i);
        for (uint32_t k = 0; k < 2; k++) {
            struct tn_log_thread thread = {i, 1000 + i + k, "worker", 8 << 20, 10 * i};
            assert_int_equal(tn_log_add_thread(writer, &thread, &id), 0);
        }
    }
    uint64_t module_id, mapping_id;
    assert_int_equal(tn_log_add_module(writer, "/usr/bin/true", "0badcafe", &module_id), 0);
    assert_int_equal(tn_log_add_mapping(writer, 1, module_id, 0x555500000000, 10, &mapping_id), 0);
    make_stacks(writer, module_id);
    assert_int_equal(tn_log_add_mark(writer, 1, 60, "main entered"), 0);
    assert_int_equal(tn_log_add_mark(writer, 1, 400000, "exit begun"), 0);
    assert_int_equal(tn_log_add_failure(writer, 1, 1, 4, TN_FUNCTION_MALLOC, UINT64_MAX / 2, 70), 0);
    return writer;
}

/* What happens so far, per process. */
struct history {
    uint64_t time_ns;
    uint64_t births, bytes;
    size_t *live; /* indices in expected */
    size_t live_count;
};

/* previous: the block that realloc turns into this one; NULL: none. */
static void make_birth(struct tn_log_writer *writer, uint64_t process_id, struct history *history,
                       const struct tn_allocation *previous, struct tn_allocation *allocation)
{
    uint64_t size_bytes = next_random() % 400;
    struct tn_birth birth = {
        .process_id = process_id,
        .thread_id = 2 * process_id - next_random() % 2,
        .stack_id = next_random() % 10,
        .time_ns = history->time_ns,
        .size_bytes = size_bytes,
        .usable_size_bytes = (size_bytes + 24) / 16 * 16 + 8,
        .alignment_bytes = next_random() % 50 == 0 ? 64 : 0,
        .address = 0x555500000000 + 16 * (next_random() % 100000),
        .depth_bytes = 16 * (next_random() % 30),
        .previous_id = previous != NULL ? previous->id : 0,
        .function = previous != NULL ? TN_FUNCTION_REALLOC : TN_FUNCTION_MALLOC,
    };
    assert_int_equal(tn_log_add_birth(writer, &birth, &allocation->id), 0);
    history->births++;
    history->bytes += size_bytes;
    allocation->process_id = process_id;
    allocation->thread_id = birth.thread_id;
    allocation->stack_id = birth.stack_id;
    allocation->size_bytes = size_bytes;
    allocation->usable_size_bytes = birth.usable_size_bytes;
    allocation->alignment_bytes = birth.alignment_bytes;
    allocation->address = birth.address;
    allocation->depth_bytes = birth.depth_bytes;
    allocation->previous_id = birth.previous_id;
    allocation->birth_ns = birth.time_ns;
    allocation->birth_allocations = history->births;
    allocation->birth_bytes = history->bytes;
    allocation->function = birth.function;
    allocation->is_live = true;
}

static void make_death(struct tn_log_writer *writer, const struct history *history, enum tn_function function,
                       struct tn_allocation *allocation)
{
    struct tn_death death = {
        .process_id = allocation->process_id,
        .allocation_id = allocation->id,
        .thread_id = 2 * allocation->process_id - next_random() % 2,
        .stack_id = next_random() % 3,
        .time_ns = history->time_ns,
        .depth_bytes = 16 * (next_random() % 30),
        .function = function,
        .address = allocation->address,
        .size_class = tn_log_size_class(allocation->usable_size_bytes),
    };
    assert_int_equal(tn_log_add_death(writer, &death), 0);
    allocation->is_live = false;
    allocation->death_ns = death.time_ns;
    allocation->free_thread_id = death.thread_id;
    allocation->free_stack_id = death.stack_id;
    allocation->free_depth_bytes = death.depth_bytes;
    allocation->free_function = death.function;
    allocation->lifetime_allocations = history->births - allocation->birth_allocations;
    allocation->lifetime_bytes = history->bytes - allocation->birth_bytes;
}

/* A birth, a death, or a realloc, which is both. */
static void make_event(struct tn_log_writer *writer, uint64_t process_id, struct history *history,
                       struct tn_allocation *expected, size_t *made)
{
    uint64_t choice = next_random() % 100;
    if (history->live_count == 0 || choice < 50) {
        history->live[history->live_count++] = *made;
        make_birth(writer, process_id, history, NULL, &expected[(*made)++]);
        return;
    }
    size_t which = next_random() % history->live_count;
    struct tn_allocation *dying = &expected[history->live[which]];
    bool is_realloc = choice < 55;
    make_death(writer, history, is_realloc ? TN_FUNCTION_REALLOC : TN_FUNCTION_FREE, dying);
    if (is_realloc) {
        history->live[which] = *made;
        make_birth(writer, process_id, history, dying, &expected[(*made)++]);
    } else {
        history->live[which] = history->live[--history->live_count];
    }
}

size_t fixture_fill(struct tn_log_writer *writer, uint64_t seed, size_t count, struct tn_allocation *expected)
{
    struct history histories[PROCESS_COUNT] = {0};
    size_t made = 0;
    random_state = seed;
    memset(expected, 0, count * sizeof(expected[0]));
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        histories[i] = (struct history){.time_ns = 100, .live = calloc(count, sizeof(size_t))};
    for (size_t i = 0; i < count; i++) {
        uint64_t process_id = 1 + next_random() % PROCESS_COUNT;
        struct history *history = &histories[process_id - 1];
        history->time_ns += next_random() % 300;
        make_event(writer, process_id, history, expected, &made);
        if (i % COMMIT_EVERY == COMMIT_EVERY - 1)
            assert_int_equal(tn_log_commit(writer), 0);
    }
    for (size_t i = 0; i < made; i++) {
        const struct history *history = &histories[expected[i].process_id - 1];
        if (!expected[i].is_live)
            continue;
        expected[i].lifetime_allocations = history->births - expected[i].birth_allocations;
        expected[i].lifetime_bytes = history->bytes - expected[i].birth_bytes;
    }
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        free(histories[i].live);
    return made;
}

/* A member that dying blocks hold, and a global that holds a block. */
static void make_links(struct tn_log_writer *writer)
{
    const struct tn_log_link member = {1, TN_LINK_HOLDER_DEATH, 3, 0, 16, 4, 0, 3, 30, 2, 1};
    const struct tn_log_link global = {1, TN_LINK_EVENT_1, 0, 1, 0x4010, 5, 8, 1, 2, 0, 2};
    const struct tn_log_look looks[] = {{1, 3, TN_LINK_HOLDER_DEATH, 32}, {1, 5, TN_LINK_EVENT_1, 8}};
    uint64_t id = 0;
    assert_int_equal(tn_log_set_link(writer, &member, &id), 0);
    id = 0;
    assert_int_equal(tn_log_set_link(writer, &global, &id), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(tn_log_set_look(writer, &looks[i]), 0);
}

size_t fixture_make(const char *path, uint64_t seed, size_t count, struct tn_allocation *expected)
{
    struct tn_log_writer *writer = fixture_create(path);
    size_t made = fixture_fill(writer, seed, count, expected);
    make_links(writer);
    struct tn_error error = {0};
    assert_int_equal(tn_log_writer_close(writer, 123456789, &error), 0);
    return made;
}

struct tn_log *fixture_open(const char *path)
{
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    if (tn_log_open(path, &log, &error) < 0)
        fail_msg("%s", error.text);
    return log;
}

int64_t fixture_query(struct sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(database), sql);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static bool is_same(const struct tn_allocation *a, const struct tn_allocation *b)
{
    return a->id == b->id && a->process_id == b->process_id && a->thread_id == b->thread_id &&
           a->stack_id == b->stack_id && a->previous_id == b->previous_id && a->size_bytes == b->size_bytes &&
           a->usable_size_bytes == b->usable_size_bytes && a->alignment_bytes == b->alignment_bytes &&
           a->address == b->address && a->depth_bytes == b->depth_bytes && a->birth_ns == b->birth_ns &&
           a->birth_allocations == b->birth_allocations && a->birth_bytes == b->birth_bytes &&
           a->death_ns == b->death_ns && a->lifetime_allocations == b->lifetime_allocations &&
           a->lifetime_bytes == b->lifetime_bytes && a->free_thread_id == b->free_thread_id &&
           a->free_stack_id == b->free_stack_id && a->free_depth_bytes == b->free_depth_bytes &&
           a->function == b->function && a->free_function == b->free_function && a->is_live == b->is_live;
}

void fixture_check_allocations(struct tn_log *log, uint64_t process_id, const struct tn_allocation *expected,
                               size_t count)
{
    struct tn_allocation_cursor *cursor = NULL;
    const struct tn_allocation *allocation = NULL;
    uint64_t last_death_ns = 0, last_live_id = 0, last_process_id = 0;
    size_t seen = 0;
    assert_int_equal(tn_allocation_cursor_open(tn_log_database(log), process_id, &cursor), 0);
    int r;
    while ((r = tn_allocation_cursor_next(cursor, &allocation)) == 1) {
        assert_true(is_same(allocation, &expected[allocation->id - 1]));
        if (allocation->process_id != last_process_id)
            last_death_ns = last_live_id = 0;
        last_process_id = allocation->process_id;
        if (allocation->is_live) {
            assert_true(allocation->id > last_live_id);
            last_live_id = allocation->id;
        } else {
            assert_true(allocation->death_ns >= last_death_ns && last_live_id == 0);
            last_death_ns = allocation->death_ns;
        }
        seen++;
    }
    assert_int_equal(r, 0);
    assert_int_equal(tn_allocation_cursor_next(cursor, &allocation), 0);
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++)
        wanted += process_id == 0 || expected[i].process_id == process_id;
    assert_int_equal(seen, wanted);
    tn_allocation_cursor_close(cursor);
}
