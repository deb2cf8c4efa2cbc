/* SPDX-License-Identifier: MIT */

/* Counts the allocations that a process made after its initialisation, by site: what a program of fixed
 * memory must not do. Called by `tenure check` where a limit asks for it. */

#include "tenure/check.h"
#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define INIT_MARK "initialisation done"

/* The last one: a program that says it again has only then done with it. */
static int find_mark(struct sqlite3 *database, uint64_t process_id, struct tn_after_init *after)
{
    int64_t time_ns;
    int r = tn_sql_number(database,
                          "SELECT max(time_ns) FROM mark WHERE process_id = ?1 AND text = '" INIT_MARK "'",
                          (int64_t)process_id, -1, &time_ns);
    if (r < 0)
        return r;
    after->has_mark = time_ns >= 0;
    after->init_ns = after->has_mark ? (uint64_t)time_ns : 0;
    return 0;
}

/* The stack of an allocation says its site. */
static int count_rows(struct sqlite3 *database, uint64_t process_id, struct tn_after_init *after)
{
    struct sqlite3_stmt *rows;
    int r = tn_sql_prepare(database,
                           "SELECT coalesce(site_id, 0), count(*) FROM allocation"
                           " WHERE process_id = ?1 AND birth_ns > ?2 GROUP BY 1",
                           &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, process_id);
    tn_sql_bind_count(rows, 2, after->init_ns);
    while ((r = tn_sql_next(rows)) == 1) {
        uint64_t site_id = tn_sql_count(rows, 0), count = tn_sql_count(rows, 1);
        after->by_site[site_id < after->site_count ? site_id : 0] += count;
        after->total += count;
    }
    sqlite3_finalize(rows);
    return r;
}

static int count(struct sqlite3 *database, uint64_t process_id, struct tn_after_init *after)
{
    int64_t last;
    uint64_t stacks;
    int r = tn_sql_number(database, "SELECT max(id) FROM site", 0, 0, &last);
    if (r == 0)
        r = tn_sql_id_count(database, "stack", &stacks);
    if (r < 0)
        return r;
    /* Each site is one of some stack: a higher id is damage, and no reason to allocate that much. */
    after->site_count = last > 0 && (uint64_t)last <= stacks ? (size_t)last + 1 : 1;
    after->by_site = calloc(after->site_count, sizeof(after->by_site[0]));
    if (after->by_site == NULL)
        return -ENOMEM;
    r = find_mark(database, process_id, after);
    return r == 0 && after->has_mark ? count_rows(database, process_id, after) : r;
}

int tn_check_count_after_init(struct tn_log *log, uint64_t process_id, struct tn_after_init *ret_after,
                              struct tn_error *error)
{
    struct tn_after_init after = {0};
    int r = count(tn_log_database(log), process_id, &after);
    if (r == 0) {
        *ret_after = after;
        return 0;
    }
    free(after.by_site);
    if (r == -EBADMSG)
        return tn_error_set(error, r,
                            "the log is damaged, %s: its allocations cannot be read; take another copy, or "
                            "record again",
                            tn_log_path(log));
    return tn_error_set(error, r, "cannot read the log, %s: %s", tn_log_path(log), strerror(-r));
}
