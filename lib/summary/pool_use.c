/* SPDX-License-Identifier: MIT */

/* Pools that the program has described: what was in use at once, and which sizes, from tables that are there
 * while the log is being written, too. For summary.c. */

#include "summary_parts.h"

#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

void tn_summary_finish_pools(struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->pool_count; i++)
        free(summary->pools[i].name);
    free(summary->pools);
    summary->pools = NULL;
    summary->pool_count = 0;
}

static int read_sizes(struct sqlite3_stmt *rows, struct tn_summary_pool *pool)
{
    int r;
    tn_sql_bind_count(rows, 1, pool->id);
    while ((r = tn_sql_next(rows)) == 1) {
        if (pool->listed_sizes < TN_SUMMARY_POOL_SIZES)
            pool->sizes[pool->listed_sizes++] = (struct tn_summary_pool_size){
                tn_sql_count(rows, 0), tn_sql_count(rows, 1), tn_sql_count(rows, 2)};
        pool->size_count++;
    }
    sqlite3_reset(rows);
    return r;
}

static int read_pool(struct sqlite3_stmt *row, struct tn_summary *summary)
{
    struct tn_summary_pool *pools =
        realloc(summary->pools, (summary->pool_count + 1) * sizeof(summary->pools[0]));
    if (pools == NULL)
        return -ENOMEM;
    summary->pools = pools;
    struct tn_summary_pool *pool = &pools[summary->pool_count];
    *pool = (struct tn_summary_pool){
        .id = tn_sql_count(row, 0),
        .name = tn_sql_copy_text(row, 1),
        .allocations = tn_sql_count(row, 2),
        .frees = tn_sql_count(row, 3),
        .resets = tn_sql_count(row, 4),
        .total_bytes = tn_sql_count(row, 5),
        .live_count = tn_sql_count(row, 6),
        .live_bytes = tn_sql_count(row, 7),
        .peak_live_count = tn_sql_count(row, 8),
        .peak_live_bytes = tn_sql_count(row, 9),
        .unknown_frees = tn_sql_count(row, 10),
        .unseen_frees = tn_sql_count(row, 11),
    };
    if (pool->name == NULL)
        return -ENOMEM;
    summary->pool_count++;
    return 0;
}

static int read_pools(struct sqlite3 *database, struct tn_summary *summary)
{
    struct sqlite3_stmt *rows;
    int r = tn_sql_prepare(
        database,
        "SELECT id, coalesce(name, printf('0x%x', address)), allocations, frees, resets, total_bytes,"
        " live_count, live_bytes, peak_live_count, peak_live_bytes, unknown_frees, unseen_frees"
        " FROM pool WHERE process_id = ?1 AND allocations + unknown_frees > 0"
        " ORDER BY peak_live_bytes DESC, id LIMIT ?2",
        &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, summary->process_id);
    tn_sql_bind_count(rows, 2, TN_SUMMARY_POOLS);
    while (r >= 0 && (r = tn_sql_next(rows)) == 1)
        r = read_pool(rows, summary);
    sqlite3_finalize(rows);
    return r;
}

int tn_summary_read_pools(struct sqlite3 *database, struct tn_summary *summary)
{
    struct sqlite3_stmt *rows;
    int64_t tables, all = 0;
    int r = tn_sql_number(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'pool'", 0, 0, &tables);
    if (r < 0 || tables == 0) /* logs of older tools */
        return r;
    r = read_pools(database, summary);
    if (r == 0)
        r = tn_sql_number(database,
                          "SELECT count(*) FROM pool WHERE process_id = ?1"
                          " AND allocations + unknown_frees > 0",
                          (int64_t)summary->process_id, 0, &all);
    if (r == 0)
        r = tn_sql_prepare(database,
                           "SELECT size_bytes, allocations, peak_live_count FROM pool_size WHERE pool_id = ?1"
                           " ORDER BY size_bytes * peak_live_count DESC, size_bytes",
                           &rows);
    if (r < 0)
        return r;
    summary->all_pools = (size_t)all;
    for (size_t i = 0; i < summary->pool_count && r == 0; i++)
        r = read_sizes(rows, &summary->pools[i]);
    sqlite3_finalize(rows);
    return r;
}
