/* SPDX-License-Identifier: MIT */

/* All that a connection needs for asking a log in SQL: the virtual tables, the functions, and temporary views
 * for what the log itself lacks. Called by `tenure sql` and by the extension, so that both answer alike. */

#include "allocation_vtab.h"
#include "helper_views.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <sqlite3ext.h>
#include <stdbool.h>
#include <stddef.h>
SQLITE_EXTENSION_INIT3

#define NAME(upper, name, ...)      #name ", "
#define LAST_NAME(upper, name, ...) #name

#define TEMPORARY "CREATE TEMP VIEW IF NOT EXISTS "

/* SQLite looks for an unqualified name among temporary things first, then in main, then in what is attached:
 * with the view in place, `allocation` is the main log's, also when an attached one has plain rows; and where
 * main is no log, it is refused, whatever is attached. */
static const struct {
    const char *name; /* of a table or view that main may have itself */
    const char *sql;
} views[] = {
    {"allocation", TEMPORARY "allocation AS SELECT " TN_ALLOCATION_COLUMNS(
                       NAME, NAME, NAME, NAME, LAST_NAME) " FROM allocation_of('main')"},
    {"site_place",
     TN_SITE_PLACE_VIEW(TEMPORARY, "main.site AS s JOIN (" TN_SITE_KEYS("main.") ") AS k ON k.id = s.id",
                        "k.key")},
    {"stack_text", TN_STACK_TEXT_VIEW(TEMPORARY, "main.")},
    {"peak", TN_PEAK_VIEW(TEMPORARY, "main.")},
};

/* 1: main has a table or view of the name; 0: it has not; or a negative errno. */
static int has_name(struct sqlite3_stmt *find, const char *name)
{
    sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
    int r = tn_sql_next(find);
    r = r == 1 ? sqlite3_column_int(find, 0) : r;
    sqlite3_reset(find);
    return r;
}

static int make_views(struct sqlite3 *database, struct sqlite3_stmt *find)
{
    int r = has_name(find, "chunk");
    /* no log: one may be attached later, which has the other views itself */
    size_t count = r == 0 ? 1 : sizeof(views) / sizeof(views[0]);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = has_name(find, views[i].name);
        if (r == 0)
            r = tn_sql_run(database, views[i].sql);
    }
    return r < 0 ? r : 0;
}

int tn_log_sql_register(struct sqlite3 *database)
{
    int rc = tn_allocation_vtab_register(database);
    if (rc == SQLITE_OK)
        rc = tn_allocation_vtab_refuse_dots(database);
    if (rc == SQLITE_OK)
        rc = tn_stack_below_register(database);
    if (rc == SQLITE_OK)
        rc = tn_log_functions_register(database);
    if (rc != SQLITE_OK)
        return rc;
    struct sqlite3_stmt *find;
    int r = tn_sql_prepare(database, "SELECT count(*) FROM main.sqlite_schema WHERE lower(name) = ?1", &find);
    if (r == 0)
        r = make_views(database, find);
    sqlite3_finalize(find);
    return r < 0 ? sqlite3_errcode(database) : SQLITE_OK;
}
