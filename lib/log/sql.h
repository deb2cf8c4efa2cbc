/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_SQL_H
#define TN_LOG_SQL_H

/* Small things that every file of this folder does with SQLite. */

#include "tenure/base.h"
#include "tenure/log.h"

#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;

/* Run SQL text that gives no rows. Returns 0 or a negative errno. */
int tn_sql_run(struct sqlite3 *database, const char *sql);

/* Prepare one statement. Returns 0 or a negative errno; *ret_statement is NULL on failure. */
int tn_sql_prepare(struct sqlite3 *database, const char *sql, struct sqlite3_stmt **ret_statement);

/* Bind an id: 0 becomes NULL. */
void tn_sql_bind_id(struct sqlite3_stmt *statement, int index, uint64_t id);

/* The first column of the first row as a number; fallback when there is no row or it is NULL, or the query
 * cannot be run. */
int64_t tn_sql_int(struct sqlite3 *database, const char *sql, int64_t fallback);

/* The ids of a table as an array needs them: 1 + the highest. Writers give ids without gaps, so that an id
 * far beyond the number of rows is damage, and no reason to ask for that much memory.
 *
 * table    "stack" or "frame"
 * Returns  0, -EBADMSG, -EIO... */
int tn_sql_id_count(struct sqlite3 *database, const char *table, uint64_t *ret_count);

/* Fold the write-ahead journal into the file, and go back to a rollback journal: the log is one file again.
 * A reader that holds the log open all that time keeps the companions alive.
 *
 * patience_ms  how long to wait for readers, at most; 0: one attempt */
void tn_sql_fold_journal(struct sqlite3 *database, int patience_ms);

#endif
