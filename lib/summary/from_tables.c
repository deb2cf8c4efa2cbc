/* SPDX-License-Identifier: MIT */

/* Sites and peaks of a finished log, from its tables site, site_summary and timeline. For summary.c; -ENODATA
 * sends it to from_events.c. */

#include "summary_parts.h"

#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define SITE_COLUMNS                                                                                         \
    "SELECT s.id, s.function, s.file, s.line, s.module, s.offset_bytes, s.via, y.allocations,"               \
    " y.total_bytes, y.usable_bytes, y.min_size_bytes, y.max_size_bytes, y.distinct_sizes,"                  \
    " y.peak_live_count, y.peak_live_bytes, y.live_at_end, y.freed, y.freed_by_other_thread,"                \
    " y.short_lived, y.small_short_lived,"                                                                   \
    " y.lifetime_ns_p50, y.lifetime_ns_p90, y.lifetime_ns_p99, y.lifetime_ns_max,"                           \
    " y.lifetime_allocations_p50, y.lifetime_allocations_p90, y.lifetime_allocations_p99,"                   \
    " y.lifetime_allocations_max, y.lifetime_bytes_p50, y.lifetime_bytes_p90, y.lifetime_bytes_p99,"         \
    " y.lifetime_bytes_max, y.mean_size_bytes"                                                               \
    " FROM site_summary AS y JOIN site AS s ON s.id = y.site_id WHERE y.process_id = ?1 "

static const char *const list_sql[TN_SUMMARY_LIST_COUNT] = {
    [TN_SUMMARY_BY_ALLOCATIONS] =
        SITE_COLUMNS "ORDER BY y.allocations DESC, y.total_bytes DESC, s.id LIMIT ?2",
    [TN_SUMMARY_BY_SMALL_SHORT_LIVED] = SITE_COLUMNS
    "AND y.small_short_lived > 0 ORDER BY y.small_short_lived DESC, y.total_bytes DESC, s.id LIMIT ?2",
    [TN_SUMMARY_BY_PEAK_LIVE_BYTES] =
        SITE_COLUMNS "ORDER BY y.peak_live_bytes DESC, y.allocations DESC, s.id LIMIT ?2",
};

static struct tn_summary_quantiles quantiles(struct sqlite3_stmt *statement, int column)
{
    return (struct tn_summary_quantiles){tn_sql_count(statement, column), tn_sql_count(statement, column + 1),
                                         tn_sql_count(statement, column + 2),
                                         tn_sql_count(statement, column + 3)};
}

static int read_site(struct sqlite3_stmt *row, struct tn_summary_site *site)
{
    *site = (struct tn_summary_site){
        .site_id = tn_sql_count(row, 0),
        .function = tn_sql_copy_text(row, 1),
        .file = tn_sql_copy_text(row, 2),
        .line = (uint32_t)tn_sql_count(row, 3),
        .module = tn_sql_copy_text(row, 4),
        .offset_bytes = tn_sql_count(row, 5),
        .via = tn_sql_copy_text(row, 6),
        .allocations = tn_sql_count(row, 7),
        .total_bytes = tn_sql_count(row, 8),
        .usable_bytes = tn_sql_count(row, 9),
        .min_size_bytes = tn_sql_count(row, 10),
        .max_size_bytes = tn_sql_count(row, 11),
        .distinct_sizes = tn_sql_count(row, 12),
        .peak_live_count = tn_sql_count(row, 13),
        .peak_live_bytes = tn_sql_count(row, 14),
        .live_at_end = tn_sql_count(row, 15),
        .freed = tn_sql_count(row, 16),
        .freed_by_other_thread = tn_sql_count(row, 17),
        .short_lived = tn_sql_count(row, 18),
        .small_short_lived = tn_sql_count(row, 19),
        .lifetime_ns = quantiles(row, 20),
        .lifetime_allocations = quantiles(row, 24),
        .lifetime_bytes = quantiles(row, 28),
        .mean_size_bytes = sqlite3_column_double(row, 32),
        .has_quantiles = true,
    };
    if (site->function != NULL && site->file != NULL && site->module != NULL && site->via != NULL)
        return 0;
    tn_summary_finish_site(site);
    return -ENOMEM;
}

static int read_list(struct sqlite3 *database, const char *sql, uint64_t process_id, size_t top,
                     struct tn_summary_sites *list)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(database, sql, &statement);
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, process_id);
    tn_sql_bind_count(statement, 2, (uint64_t)top & INT64_MAX);
    int rc;
    while (r == 0 && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct tn_summary_site *sites = realloc(list->sites, (list->count + 1) * sizeof(sites[0]));
        if (sites == NULL) {
            r = -ENOMEM;
            break;
        }
        list->sites = sites;
        r = read_site(statement, &sites[list->count]);
        list->count += r == 0;
    }
    int end = sqlite3_finalize(statement);
    return r < 0 ? r : tn_sql_errno(database, end);
}

int tn_summary_read_sites(struct sqlite3 *database, struct tn_summary *summary, size_t top)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(database,
                           "SELECT count(*), sum(small_short_lived) FROM site_summary WHERE process_id = ?1",
                           &statement);
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, summary->process_id);
    r = tn_sql_next(statement);
    if (r == 1) {
        summary->site_count = (size_t)tn_sql_count(statement, 0);
        summary->totals.small_short_lived = tn_sql_count(statement, 1);
    }
    sqlite3_finalize(statement);
    int64_t all = 0;
    if (r >= 0)
        r = tn_sql_number(database, "SELECT sum(small_short_lived) FROM site_summary", 0, 0, &all);
    summary->all.small_short_lived = (uint64_t)all;
    for (int i = 0; r == 0 && i < TN_SUMMARY_LIST_COUNT; i++)
        r = read_list(database, list_sql[i], summary->process_id, top, &summary->lists[i]);
    return r;
}

int tn_summary_read_timeline(struct sqlite3 *database, uint64_t process_id, struct tn_summary_totals *totals)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(database,
                           "SELECT live_bytes, live_count, time_ns, allocations FROM timeline"
                           " WHERE process_id = ?1 ORDER BY time_ns, rowid",
                           &statement);
    if (r < 0)
        return r;
    uint64_t last_count = 0, last_allocations = 0;
    tn_sql_bind_count(statement, 1, process_id);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        totals->live_bytes = tn_sql_count(statement, 0);
        last_count = tn_sql_count(statement, 1);
        last_allocations = tn_sql_count(statement, 3);
        if (totals->live_bytes <= totals->peak_live_bytes)
            continue;
        totals->peak_live_bytes = totals->live_bytes;
        totals->peak_live_count = last_count;
        totals->peak_ns = tn_sql_count(statement, 2);
    }
    int rc = sqlite3_finalize(statement);
    if (rc != SQLITE_OK)
        return tn_sql_errno(database, rc);
    return last_count == totals->live_count && last_allocations == totals->allocations ? 0 : -ENODATA;
}
