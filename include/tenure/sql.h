/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SQL_H
#define TENURE_SQL_H

/* What every file that talks to SQLite does with it: prepare, bind, step, read columns, and turn result codes
 * into negative errnos. Used by all layers that read or write logs, and by the SQLite extension. A connection
 * and its statements belong to one thread at a time. Statements are released by sqlite3_finalize. */

#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;

/* How long whoever reads or writes a log waits for others that have it locked. Long, because they may be many
 * on a busy machine; not for ever, because one may be stopped. */
#define TN_SQL_PATIENCE_MS 30000

/* The errno for a result code of SQLite. A full disk, a read-only file system and the like are told apart by
 * the errno that the connection saved.
 *
 * database  the connection that gave the code, or NULL
 * rc        the result code, extended or not
 * Returns   0 for OK, ROW and DONE; else a negative errno: -EBADMSG where the database is damaged, or its
 *           tables do not fit the SQL; -EIO for what has no better one */
int tn_sql_errno(struct sqlite3 *database, int rc);

/* Run SQL text that gives no rows.
 *
 * sql      one statement or several
 * Returns  0 or a negative errno; sqlite3_errmsg says more */
int tn_sql_run(struct sqlite3 *database, const char *sql);

/* Prepare one statement.
 *
 * Returns  0; a negative errno, and *ret_statement is NULL; sqlite3_errmsg says more
 * Owns     the caller owns *ret_statement; sqlite3_finalize releases it */
int tn_sql_prepare(struct sqlite3 *database, const char *sql, struct sqlite3_stmt **ret_statement);

/* Prepare one statement on the tables of one of the connection's databases.
 *
 * format   SQL with one place for the name, as sqlite3_mprintf takes it: \"%w\".chunk
 * schema   the database's name: "main", or as it was attached
 * Returns  as tn_sql_prepare
 * Owns     as tn_sql_prepare */
int tn_sql_prepare_in(struct sqlite3 *database, const char *format, const char *schema,
                      struct sqlite3_stmt **ret_statement);

/* Step to the next row.
 *
 * Returns  1 a row, 0 no more rows, or a negative errno; sqlite3_errmsg says more */
int tn_sql_next(struct sqlite3_stmt *statement);

/* Run a prepared statement that gives no rows, and make it ready for the next values.
 *
 * Returns  0 or a negative errno; sqlite3_errmsg says more */
int tn_sql_execute(struct sqlite3_stmt *statement);

/* Bind a number without a sign; up to 2^63 - 1, which is where SQL integers end. index: from 1. */
void tn_sql_bind_count(struct sqlite3_stmt *statement, int index, uint64_t count);

/* Bind an id: 0 becomes NULL. index: from 1. */
void tn_sql_bind_id(struct sqlite3_stmt *statement, int index, uint64_t id);

/* Bind text; NULL becomes NULL. index: from 1. text: borrowed until the statement is reset, bound anew or
 * finalized. */
void tn_sql_bind_text(struct sqlite3_stmt *statement, int index, const char *text);

/* A column of the current row as a number without a sign; NULL is 0. column: from 0. */
uint64_t tn_sql_count(struct sqlite3_stmt *statement, int column);

/* A column of the current row as text; NULL stays NULL. column: from 0. Borrowed until the next step. */
const char *tn_sql_text(struct sqlite3_stmt *statement, int column);

/* A column of the current row as text of one's own: "" for NULL.
 *
 * Returns  NULL: no memory
 * Owns     the caller owns it (free) */
char *tn_sql_copy_text(struct sqlite3_stmt *statement, int column);

/* The first column of the first row as a number.
 *
 * fallback  the result when there is no row or it is NULL, or the query cannot be run */
int64_t tn_sql_int(struct sqlite3 *database, const char *sql, int64_t fallback);

/* The same, with a parameter, and with failures told from an empty answer.
 *
 * parameter  bound to ?1, if the SQL has it
 * fallback   what ret_value becomes when there is no row or it is NULL
 * Returns    0 or a negative errno; sqlite3_errmsg says more */
int tn_sql_number(struct sqlite3 *database, const char *sql, int64_t parameter, int64_t fallback,
                  int64_t *ret_value);

/* The size of an array that is to be indexed by the ids of a table: 1 + the highest id. Writers give ids
 * without gaps; an id far beyond the number of rows is damage, and no reason to allocate that much memory.
 *
 * table    "stack" or "frame", with or without the database's name before it
 * Returns  0; -EBADMSG: the ids cannot be those of a log; another negative errno */
int tn_sql_id_count(struct sqlite3 *database, const char *table, uint64_t *ret_count);

/* Fold the write-ahead journal into the file, and go back to a rollback journal: the log is one file again. A
 * reader that holds the log open all that time keeps the journal alive.
 *
 * patience_ms  how long to wait for readers at most; 0: one attempt */
void tn_sql_fold_journal(struct sqlite3 *database, int patience_ms);

#endif
