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

/* One of the two tables, on one connection. */
struct tn_allocation_vtab {
    sqlite3_vtab base;
    struct sqlite3 *database; /* borrowed */
    bool is_named;            /* `allocation_of`: its argument says which log; else `allocation` */
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

/* Which log `allocation` means where no name tells it. SQLite hands every name `SCHEMA.allocation` that no
 * table or view answers to the one virtual table, and does not say which schema was written; where only one
 * database of the connection lacks a table or view of that name, it is that one.
 *
 * ret_schema   its name; NULL: none or several come into question
 * ret_several  the first two that do, as a list for a message; "" with none
 * Returns      0 or a negative errno
 * Owns         the caller owns both (sqlite3_free) */
int tn_allocation_vtab_find_schema(struct sqlite3 *database, char **ret_schema, char **ret_several);

#endif
