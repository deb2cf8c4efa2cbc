/* SPDX-License-Identifier: MIT */

/* The one set of wrappers around SQLite's C interface (tenure/sql.h). Compiled twice: into the library, and
 * into the loadable extension, where each call of SQLite goes through a table of functions. Result codes
 * become negative errnos here and nowhere else. */

#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3ext.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

int tn_sql_errno(struct sqlite3 *database, int rc)
{
    int system = database != NULL ? sqlite3_system_errno(database) : 0;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* a table or column that the SQL needs is missing, a sum overflows */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return -EBADMSG;
    case SQLITE_INTERRUPT:
        return -EINTR;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return system != 0 ? -system : -EIO;
    default:
        return -EIO;
    }
}

int tn_sql_run(struct sqlite3 *database, const char *sql)
{
    return tn_sql_errno(database, sqlite3_exec(database, sql, NULL, NULL, NULL));
}

int tn_sql_prepare(struct sqlite3 *database, const char *sql, struct sqlite3_stmt **ret_statement)
{
    *ret_statement = NULL;
    return tn_sql_errno(
        database, sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL));
}

int tn_sql_prepare_in(struct sqlite3 *database, const char *format, const char *schema,
                      struct sqlite3_stmt **ret_statement)
{
    *ret_statement = NULL;
    char *sql = sqlite3_mprintf(format, schema);
    if (sql == NULL)
        return -ENOMEM;
    int r = tn_sql_prepare(database, sql, ret_statement);
    sqlite3_free(sql);
    return r;
}

int tn_sql_next(struct sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    return rc == SQLITE_ROW ? 1 : tn_sql_errno(sqlite3_db_handle(statement), rc);
}

int tn_sql_execute(struct sqlite3_stmt *statement)
{
    int r = tn_sql_errno(sqlite3_db_handle(statement), sqlite3_step(statement));
    sqlite3_reset(statement);
    return r;
}

void tn_sql_bind_count(struct sqlite3_stmt *statement, int index, uint64_t count)
{
    sqlite3_bind_int64(statement, index, (sqlite3_int64)count);
}

void tn_sql_bind_id(struct sqlite3_stmt *statement, int index, uint64_t id)
{
    if (id == 0)
        sqlite3_bind_null(statement, index);
    else
        sqlite3_bind_int64(statement, index, (sqlite3_int64)id);
}

void tn_sql_bind_text(struct sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

uint64_t tn_sql_count(struct sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

const char *tn_sql_text(struct sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

char *tn_sql_copy_text(struct sqlite3_stmt *statement, int column)
{
    const char *text = tn_sql_text(statement, column);
    return strdup(text != NULL ? text : "");
}

int tn_sql_number(struct sqlite3 *database, const char *sql, int64_t parameter, int64_t fallback,
                  int64_t *ret_value)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(database, sql, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, parameter);
    r = tn_sql_next(statement);
    bool is_known = r == 1 && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    if (r >= 0)
        *ret_value = is_known ? sqlite3_column_int64(statement, 0) : fallback;
    sqlite3_finalize(statement);
    return r < 0 ? r : 0;
}

int64_t tn_sql_int(struct sqlite3 *database, const char *sql, int64_t fallback)
{
    int64_t value = fallback;
    tn_sql_number(database, sql, 0, fallback, &value);
    return value;
}

int tn_sql_id_count(struct sqlite3 *database, const char *table, uint64_t *ret_count)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare_in(database, "SELECT coalesce(max(id), 0), count(*), min(id) < 1 FROM %s", table,
                              &statement);
    if (r < 0)
        return r;
    r = tn_sql_errno(database, sqlite3_step(statement));
    int64_t highest = sqlite3_column_int64(statement, 0), rows = sqlite3_column_int64(statement, 1);
    bool is_dense = sqlite3_column_int(statement, 2) == 0 && highest >= 0 && highest / 4 <= rows + 1024;
    sqlite3_finalize(statement);
    if (r == 0 && !is_dense)
        return -EBADMSG;
    if (r == 0)
        *ret_count = (uint64_t)highest + 1;
    return r;
}

/* SQLite asks no busy handler when it leaves WAL mode: the waiting is ours. */
void tn_sql_fold_journal(struct sqlite3 *database, int patience_ms)
{
    const int step_ms = 20;
    sqlite3_busy_timeout(database, 0);
    for (int waited_ms = 0;; waited_ms += step_ms) {
        tn_sql_run(database, "PRAGMA wal_checkpoint(TRUNCATE)");
        if (tn_sql_run(database, "PRAGMA journal_mode = DELETE") == 0 || waited_ms >= patience_ms)
            return;
        sqlite3_sleep(step_ms);
    }
}
