/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_ALLOCATION_VTAB_H
#define TN_LOG_ALLOCATION_VTAB_H

/* What the files of the virtual table `allocation` share: its columns by number, the state of one scan, and
 * the values that it shows. One connection's thread. */

#include "allocation_columns.h"
#include "cursor.h"
#include "grouped.h"
#include "ordered.h"

#include <sqlite3ext.h>
#include <stdint.h>

/* Which log a table reads. */
enum tn_allocation_whose {
    TN_WHOSE_MAIN,     /* `allocation` where a connection has one log only */
    TN_WHOSE_ARGUMENT, /* `allocation_of`: its argument says it */
    TN_WHOSE_UNKNOWN,  /* `allocation` where people ask: it refuses */
};

/* One of the two tables, on one connection. */
struct tn_allocation_vtab {
    sqlite3_vtab base;
    struct sqlite3 *database; /* borrowed */
    enum tn_allocation_whose whose;
};

/* How the rows of a statement are found. */
enum tn_allocation_plan {
    TN_PLAN_ANY_ORDER,
    TN_PLAN_ORDERED, /* by id */
    TN_PLAN_LOOKUP,  /* one id; in a join, once for each row outside */
    TN_PLAN_GROUPED, /* equal rows together, in the order that is asked for */
};

/* A plan, and what of each row is needed, as idxNum of SQLite. */
#define TN_PLAN_NUMBER(plan, need) ((int)(plan) | (int)(need) << 2)
#define TN_PLAN_OF(number)         ((enum tn_allocation_plan)((number)&3))
#define TN_PLAN_NEED(number)       ((enum tn_cursor_need)((number) >> 2))

/* One scan, or the look-ups of one loop. At most one of allocations, ordered and grouped is open. */
struct tn_allocation_scan {
    sqlite3_vtab_cursor base;
    char *schema; /* owned (sqlite3_free); whose log; NULL before the first filter */
    struct tn_allocation_cursor *allocations; /* owned; any order; or NULL */
    struct tn_ordered *ordered;               /* owned; rows in order of their ids, or looked up; or NULL */
    struct tn_grouped *grouped;               /* owned; equal rows together; or NULL */
    bool is_lookup;                           /* ordered serves look-ups: one row a filter */
    const struct tn_allocation *row;          /* NULL at the end */
    uint64_t *site_ids;                       /* by stack id; owned; NULL until the column is asked for */
    uint64_t site_id_count;
};

/* SQLite's result code for an error of a cursor.
 *
 * error    0 or more, or a negative errno */
int tn_allocation_vtab_code(int error);

/* Fill site_ids, unless they are there. Returns 0 or a negative errno. */
int tn_allocation_scan_load_sites(struct tn_allocation_scan *cursor);

/* xBestIndex: choose how a statement reads the table. Returns an SQLite result code. */
int tn_allocation_plan(sqlite3_vtab *table, sqlite3_index_info *info);

/* What that has told a grouped scan.
 *
 * text      idxStr
 * ret_wish  without columns: the scan is not grouped */
void tn_allocation_plan_wish(const char *text, struct tn_grouped_wish *ret_wish);

/* xColumn: give SQLite a column of the current row.
 *
 * column   enum tn_allocation_column
 * Returns  an SQLite result code */
int tn_allocation_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column);

/* Make `allocation` refuse to answer on a connection where people ask, from its next statement on. It is then
 * reached only by a name with a dot, and SQLite does not hand on what was written before the dot: any answer
 * could be another log's. Without a dot, a temporary view takes precedence (views.c).
 *
 * Returns  an SQLite result code */
int tn_allocation_vtab_refuse_dots(struct sqlite3 *database);

#endif
