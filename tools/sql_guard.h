/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SQL_GUARD_H
#define TENURE_SQL_GUARD_H

/* Keeps the shell of `tenure sql` from writing: the log, attached logs, and any other file. What is temporary
 * may be made, for it ends with the connection. One thread. */

#include <stdbool.h>

struct sqlite3;
struct sqlite3_stmt;

/* The state of one connection. Begin with {0}; written by the authorizer while a statement is prepared. */
struct tn_sql_guard {
    bool writes_temporary; /* to a table, view or index that ends with the connection */
    bool writes_log;       /* to another; also while a virtual table is declared, which is no write */
};

/* Begin to guard a connection. guard: as long as the connection is open. */
void tn_sql_guard_begin(struct tn_sql_guard *guard, struct sqlite3 *database);

/* Prepare the first statement of a text, as sqlite3_prepare_v2 does, unless it writes anything but what is
 * temporary.
 *
 * ret_statement  NULL: only a comment was there, or an error
 * ret_rest       what follows the statement
 * Returns        an SQLite result code; SQLITE_AUTH: it would write */
int tn_sql_guard_prepare(struct tn_sql_guard *guard, struct sqlite3 *database, const char *sql,
                         struct sqlite3_stmt **ret_statement, const char **ret_rest);

#endif
