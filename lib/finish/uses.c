/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include "tenure/map.h"

#include <errno.h>

/* Key of a count: a stack and a function (fewer than 32). */
#define FUNCTION_BITS 5u

_Static_assert(TN_FUNCTION_COUNT <= 1u << FUNCTION_BITS, "a function fits its bits");

static int count_event(struct tn_map *counts, uint64_t stack_id, unsigned function)
{
    uint64_t key = stack_id << FUNCTION_BITS | function;
    uint64_t *count = tn_map_find(counts, key);
    if (count == NULL)
        return tn_map_put(counts, key, 1);
    ++*count;
    return 0;
}

static int count_events(struct tn_finish_job *job, struct tn_map *counts, size_t node_count,
                        bool *ret_has_stackless)
{
    int64_t total;
    int r = tn_finish_number(job, "SELECT sum(births + deaths) FROM chunk", 0, 0, &total);
    if (r < 0)
        return r;
    struct tn_event_cursor *cursor;
    r = tn_event_cursor_open(job->database, 0, &cursor);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot read events");
    const struct tn_log_event *event;
    uint64_t done = 0;
    while ((r = tn_event_cursor_next(cursor, &event)) == 1) {
        if (event->stack_id != 0 && event->stack_id < node_count)
            r = count_event(counts, event->stack_id, event->function);
        else if (event->is_birth)
            *ret_has_stackless = true;
        if (r < 0)
            break;
        if (++done % 1048576 == 0)
            tn_finish_progress(job, "sites", done, (uint64_t)total);
    }
    tn_event_cursor_close(cursor);
    return r < 0 ? tn_finish_refuse(job, r, "cannot count events") : 0;
}

static bool is_release(unsigned function)
{
    return function >= TN_FUNCTION_FREE;
}

/* A birth beats any release; then the higher count; then the function that comes first. */
static bool is_better(const struct tn_stack_use *use, unsigned function, uint64_t count)
{
    bool is_birth = !is_release(function);
    if (use->function == 0 || use->is_birth != is_birth)
        return use->function == 0 || is_birth;
    return count > use->count || (count == use->count && function < use->function);
}

/* Calls that failed have stacks too, which may be no birth's. */
static int count_failures(struct tn_finish_job *job, struct tn_map *counts, size_t node_count)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(job,
                              "SELECT a.stack_id, f.id FROM allocation_failure AS a"
                              " JOIN function AS f ON f.name = a.function WHERE a.stack_id IS NOT NULL",
                              &rows);
    if (r < 0)
        return r;
    int rc;
    while (r == 0 && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        uint64_t stack_id = (uint64_t)sqlite3_column_int64(rows, 0);
        unsigned function = (unsigned)sqlite3_column_int(rows, 1);
        if (stack_id < node_count && function < TN_FUNCTION_COUNT)
            r = count_event(counts, stack_id, function);
    }
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_refuse(job, r, "cannot count failures") : 0;
}

int tn_finish_count_uses(struct tn_finish_job *job, struct tn_stack_use *uses, size_t node_count,
                         bool *ret_has_stackless)
{
    struct tn_map counts = {0};
    *ret_has_stackless = false;
    int r = count_events(job, &counts, node_count, ret_has_stackless);
    if (r == 0)
        r = count_failures(job, &counts, node_count);
    for (size_t i = 0; r == 0 && i < counts.capacity; i++) {
        uint64_t key = counts.entries[i].key;
        unsigned function = (unsigned)(key & ((1u << FUNCTION_BITS) - 1));
        struct tn_stack_use *use = &uses[key >> FUNCTION_BITS];
        if (key != 0 && is_better(use, function, counts.entries[i].value))
            *use = (struct tn_stack_use){counts.entries[i].value, (uint8_t)function, !is_release(function)};
    }
    tn_map_finish(&counts);
    return r;
}
