/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include "tenure/map.h"

#include <errno.h>

/* Key of a count in the map: a stack and a function (fewer than 32). */
#define FUNCTION_BITS 5u

struct counts {
    struct tn_stack_use *uses; /* borrowed; each stack's first function */
    struct tn_site_use *sizes; /* borrowed */
    size_t node_count;
    struct tn_map others;
};

_Static_assert(TN_FUNCTION_COUNT <= 1u << FUNCTION_BITS, "a function fits its bits");

/* Nearly every stack calls one function, and is counted in its place; other functions go to the map. */
static int count_event(struct counts *counts, uint64_t stack_id, unsigned function)
{
    struct tn_stack_use *use = &counts->uses[stack_id];
    if (use->function == function || use->function == 0) {
        use->function = (uint8_t)function;
        use->count++;
        return 0;
    }
    uint64_t key = stack_id << FUNCTION_BITS | function;
    uint64_t *count = tn_map_find(&counts->others, key);
    if (count == NULL)
        return tn_map_put(&counts->others, key, 1);
    ++*count;
    return 0;
}

static void count_size(struct tn_site_use *use, uint64_t size_bytes)
{
    if (use->births++ == 0)
        use->min_size_bytes = use->max_size_bytes = size_bytes;
    if (size_bytes < use->min_size_bytes)
        use->min_size_bytes = size_bytes;
    if (size_bytes > use->max_size_bytes)
        use->max_size_bytes = size_bytes;
}

static int count_events(struct tn_finish_job *job, struct counts *counts, bool *ret_has_stackless)
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
        if (event->is_birth && event->stack_id < counts->node_count)
            count_size(&counts->sizes[event->stack_id], event->size_bytes);
        if (event->stack_id != 0 && event->stack_id < counts->node_count)
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
static int count_failures(struct tn_finish_job *job, struct counts *counts)
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
        if (stack_id < counts->node_count && function < TN_FUNCTION_COUNT)
            r = count_event(counts, stack_id, function);
    }
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_refuse(job, r, "cannot count failures") : 0;
}

int tn_finish_count_uses(struct tn_finish_job *job, struct tn_stack_use *uses, struct tn_site_use *sizes,
                         size_t node_count, bool *ret_has_stackless)
{
    struct counts counts = {.uses = uses, .sizes = sizes, .node_count = node_count};
    *ret_has_stackless = false;
    int r = count_events(job, &counts, ret_has_stackless);
    if (r == 0)
        r = count_failures(job, &counts);
    for (size_t i = 0; r == 0 && i < node_count; i++)
        uses[i].is_birth = uses[i].function != 0 && !is_release(uses[i].function);
    for (size_t i = 0; r == 0 && i < counts.others.capacity; i++) {
        uint64_t key = counts.others.entries[i].key;
        unsigned function = (unsigned)(key & ((1u << FUNCTION_BITS) - 1));
        struct tn_stack_use *use = &uses[key >> FUNCTION_BITS];
        uint64_t count = counts.others.entries[i].value;
        if (key != 0 && is_better(use, function, count))
            *use = (struct tn_stack_use){count, (uint8_t)function, !is_release(function)};
    }
    tn_map_finish(&counts.others);
    return r;
}
