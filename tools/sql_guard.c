/* SPDX-License-Identifier: MIT */
/* The authorizer of `tenure sql`; see sql_guard.h. Logs are opened read-only besides, so that whatever passes
 * here by mistake fails there. Called by sql_run.c. */
#include "sql_guard.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

static bool is_temporary(const char *schema)
{
    return schema != NULL && strcmp(schema, "temp") == 0;
}

/* Notes what a statement will do. It forbids nothing: SQLite asks about a virtual table that is declared as
 * if it were a table that is made, and does not ask about VACUUM INTO, which writes a file. Whether a
 * statement writes at all is known once it is prepared. */
static int note_action(void *context, int action, const char *first, const char *second, const char *schema,
                       const char *trigger)
{
    (void)trigger;
    struct tn_sql_guard *guard = context;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_FUNCTION:
        return SQLITE_OK;
    case SQLITE_PRAGMA:
        /* Asking for the journal's mode counts as setting it. */
        if (second == NULL && sqlite3_stricmp(first, "journal_mode") == 0)
            guard->writes_temporary = true;
        return SQLITE_OK;
    case SQLITE_ALTER_TABLE: /* here the database comes first */
        schema = first;
        break;
    default:
        break;
    }
    if (is_temporary(schema))
        guard->writes_temporary = true;
    else
        guard->writes_log = true;
    return SQLITE_OK;
}

void tn_sql_guard_begin(struct tn_sql_guard *guard, sqlite3 *database)
{
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_set_authorizer(database, note_action, guard);
}

static int prepare(struct tn_sql_guard *guard, sqlite3 *database, const char *sql,
                   sqlite3_stmt **ret_statement, const char **ret_rest)
{
    *guard = (struct tn_sql_guard){0};
    return sqlite3_prepare_v2(database, sql, -1, ret_statement, ret_rest);
}

static bool may_run(const struct tn_sql_guard *guard, sqlite3_stmt *statement)
{
    bool is_temporary_only = guard->writes_temporary && !guard->writes_log;
    return statement == NULL || is_temporary_only || sqlite3_stmt_readonly(statement) != 0;
}

int tn_sql_guard_prepare(struct tn_sql_guard *guard, sqlite3 *database, const char *sql,
                         sqlite3_stmt **ret_statement, const char **ret_rest)
{
    *ret_statement = NULL;
    int r = prepare(guard, database, sql, ret_statement, ret_rest);
    if (r == SQLITE_OK && !may_run(guard, *ret_statement)) {
        /* The second time all virtual tables are declared. */
        sqlite3_finalize(*ret_statement);
        *ret_statement = NULL;
        r = prepare(guard, database, sql, ret_statement, ret_rest);
    }
    if (r != SQLITE_OK || may_run(guard, *ret_statement))
        return r;
    sqlite3_finalize(*ret_statement);
    *ret_statement = NULL;
    return SQLITE_AUTH;
}
