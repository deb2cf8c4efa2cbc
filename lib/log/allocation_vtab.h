/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_ALLOCATION_VTAB_H
#define TN_LOG_ALLOCATION_VTAB_H

/* What the files of the virtual table `allocation` share: its columns by number, the state of one scan, and
 * the values that it shows. One connection's thread. */

#include "allocation_columns.h"
#include "cursor.h"
#include "ordered.h"

#include <sqlite3ext.h>
#include <stdint.h>

/* In the order of tn_schema_allocation_columns: those that SQL shows; the argument of `allocation_of`; and
 * the hidden ones, as allocation_row has them. */
#define NUMBER(upper, ...) COLUMN_##upper,
#define NONE(...)
#define HIDDEN(upper, name, type, member, rule, upper_stored, ...) COLUMN_##upper_stored,
enum tn_allocation_column {
    TN_ALLOCATION_COLUMNS(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER) COLUMN_SCHEMA,
    TN_ALLOCATION_COLUMNS(NONE, NONE, HIDDEN, NONE, NONE)
};
#undef NUMBER
#undef HIDDEN
#undef NONE

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

/* One scan, or the look-ups of one loop. At most one of allocations and ordered is open. */
struct tn_allocation_scan {
    sqlite3_vtab_cursor base;
    char *schema; /* owned (sqlite3_free); whose log; NULL before the first filter */
    struct tn_allocation_cursor *allocations; /* owned; any order; or NULL */
    struct tn_ordered *ordered;               /* owned; rows in order of their ids, or looked up; or NULL */
    bool is_lookup;                           /* ordered serves look-ups: one row a filter */
    const struct tn_allocation *row;          /* NULL at the end */
    uint64_t site_id;                         /* rows of other sites are left out; UINT64_MAX: none is */
    uint64_t size_min_bytes, size_max_bytes;  /* rows of other sizes are left out */
    uint64_t *site_ids;                       /* by stack id; owned; NULL until the column is asked for */
    uint64_t site_id_count;
};

/* SQLite's result code for an error of a cursor.
 *
 * error    0 or more, or a negative errno */
int tn_allocation_vtab_code(int error);

/* The site of the current row; 0: none. Returns an SQLite result code. */
int tn_allocation_scan_site(struct tn_allocation_scan *cursor, uint64_t *ret_site_id);

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
