/* SPDX-License-Identifier: MIT */

/* Sizes, threads and hand-overs from what the pass counted, with names from the log's tables; and marks.
 * Called by charts.c. */

#include "chart_pass.h"

#include "tenure/log.h"
#include "tenure/sql.h"
#include "tenure/summary.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------------------------- sizes */

static int compare_sizes(const void *left, const void *right)
{
    const struct tn_chart_size *a = left, *b = right;
    return (a->size_bytes > b->size_bytes) - (a->size_bytes < b->size_bytes);
}

/* The smallest size of the class: the leading five digits of the size count. */
static uint64_t class_of(uint64_t size_bytes)
{
    unsigned shift = 0;
    while (size_bytes >> shift > 31)
        shift++;
    return size_bytes >> shift << shift;
}

static void join_classes(struct tn_charts *charts)
{
    size_t kept = 0;
    for (size_t i = 0; i < charts->size_count; i++) {
        struct tn_chart_size size = charts->sizes[i];
        size.size_bytes = class_of(size.size_bytes);
        if (kept != 0 && charts->sizes[kept - 1].size_bytes == size.size_bytes) {
            charts->sizes[kept - 1].allocations += size.allocations;
            charts->sizes[kept - 1].allocated_bytes += size.allocated_bytes;
        } else {
            charts->sizes[kept++] = size;
        }
    }
    charts->size_count = kept;
}

static int make_sizes(const struct tn_chart_pass *pass)
{
    struct tn_charts *charts = pass->charts;
    const struct tn_map *map = &pass->sizes;
    charts->sizes = calloc(map->count + 1, sizeof(charts->sizes[0]));
    if (charts->sizes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity; i++) {
        uint64_t size_bytes = map->entries[i].key - 1, allocations = map->entries[i].value;
        if (map->entries[i].key != 0)
            charts->sizes[charts->size_count++] =
                (struct tn_chart_size){size_bytes, allocations, size_bytes * allocations};
    }
    qsort(charts->sizes, charts->size_count, sizeof(charts->sizes[0]), compare_sizes);
    charts->distinct_sizes = charts->size_count;
    if (charts->size_count > TN_CHART_SIZES_MAX)
        join_classes(charts);
    return 0;
}

/* ---------------------------------------------------------------------------------------- threads */

static int compare_threads(const void *left, const void *right)
{
    const struct tn_chart_thread *a = left, *b = right;
    if (a->allocations != b->allocations)
        return a->allocations < b->allocations ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

/* Keep a thread among the busiest: in free room, or instead of the least busy one. */
static void keep_thread(struct tn_charts *charts, struct tn_chart_thread *thread)
{
    if (charts->thread_count < TN_CHART_THREADS_MAX) {
        charts->threads[charts->thread_count++] = *thread;
        return;
    }
    struct tn_chart_thread *least = &charts->threads[0];
    for (size_t i = 1; i < charts->thread_count; i++)
        if (compare_threads(&charts->threads[i], least) > 0)
            least = &charts->threads[i];
    charts->left_out_threads++;
    if (compare_threads(thread, least) < 0) {
        free(least->name);
        *least = *thread;
    } else {
        free(thread->name);
    }
}

static uint64_t end_of(const struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->process_count; i++)
        if (summary->processes[i].id == summary->process_id)
            return summary->processes[i].end_ns;
    return summary->duration_ns;
}

static int load_threads(const struct tn_chart_pass *pass, struct tn_log *log,
                        const struct tn_summary *summary)
{
    struct tn_charts *charts = pass->charts;
    struct sqlite3_stmt *row;
    int r =
        tn_sql_prepare(tn_log_database(log),
                       "SELECT id, tid, name, start_ns, coalesce(end_ns, ?2), stack_size_bytes FROM thread"
                       " WHERE process_id = ?1 ORDER BY id",
                       &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, summary->process_id);
    tn_sql_bind_count(row, 2, end_of(summary));
    while ((r = tn_sql_next(row)) == 1) {
        struct tn_chart_thread thread = {.id = tn_sql_count(row, 0),
                                         .tid = tn_sql_count(row, 1),
                                         .name = tn_sql_copy_text(row, 2),
                                         .start_ns = tn_sql_count(row, 3),
                                         .end_ns = tn_sql_count(row, 4),
                                         .stack_size_bytes = tn_sql_count(row, 5)};
        const uint64_t *allocations = thread.id != 0 ? tn_map_find(&pass->threads, thread.id) : NULL;
        thread.allocations = allocations != NULL ? *allocations : 0;
        if (thread.name == NULL) {
            r = -ENOMEM;
            break;
        }
        keep_thread(charts, &thread);
    }
    sqlite3_finalize(row);
    qsort(charts->threads, charts->thread_count, sizeof(charts->threads[0]), compare_threads);
    return r;
}

static int compare_handovers(const void *left, const void *right)
{
    const struct tn_chart_handover *a = left, *b = right;
    if (a->blocks != b->blocks)
        return a->blocks < b->blocks ? 1 : -1;
    return a->thread_id != b->thread_id
               ? (a->thread_id > b->thread_id) - (a->thread_id < b->thread_id)
               : (a->free_thread_id > b->free_thread_id) - (a->free_thread_id < b->free_thread_id);
}

static int make_handovers(const struct tn_chart_pass *pass)
{
    struct tn_charts *charts = pass->charts;
    const struct tn_map *map = &pass->handovers;
    struct tn_chart_handover *all = calloc(map->count + 1, sizeof(all[0]));
    size_t count = 0;
    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key != 0)
            all[count++] = (struct tn_chart_handover){
                map->entries[i].key >> 32, map->entries[i].key & UINT32_MAX, map->entries[i].value};
    qsort(all, count, sizeof(all[0]), compare_handovers);
    charts->handover_count = count < TN_CHART_HANDOVERS_MAX ? count : TN_CHART_HANDOVERS_MAX;
    for (size_t i = 0; i < charts->handover_count; i++)
        charts->handovers[i] = all[i];
    free(all);
    return 0;
}

/* ---------------------------------------------------------------------------------------- marks */

static int load_marks(struct tn_charts *charts, struct tn_log *log, uint64_t process_id)
{
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(tn_log_database(log),
                           "SELECT time_ns, text FROM mark WHERE process_id = ?1 ORDER BY time_ns, id", &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, process_id);
    while ((r = tn_sql_next(row)) == 1) {
        if (charts->mark_count == TN_CHART_MARKS_MAX) {
            charts->left_out_marks++;
            continue;
        }
        struct tn_chart_mark mark = {tn_sql_count(row, 0), tn_sql_copy_text(row, 1)};
        if (mark.text == NULL) {
            r = -ENOMEM;
            break;
        }
        charts->marks[charts->mark_count++] = mark;
    }
    sqlite3_finalize(row);
    return r;
}

int tn_chart_load_rows(struct tn_chart_pass *pass, struct tn_log *log, const struct tn_summary *summary)
{
    int r = make_sizes(pass);
    if (r == 0)
        r = load_threads(pass, log, summary);
    if (r == 0)
        r = make_handovers(pass);
    return r == 0 ? load_marks(pass->charts, log, summary->process_id) : r;
}
