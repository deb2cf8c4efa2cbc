/* SPDX-License-Identifier: MIT */

/* The virtual table stack_below(FUNCTION [, SCHEMA]): all stacks that pass a function. It walks the trie down
 * from the function's frames; a join of stacks with their frames walks up from every stack, which takes a
 * hundred times as long. Eponymous, like `allocation`. */

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3ext.h>
#include <stdbool.h>
#include <stddef.h>
SQLITE_EXTENSION_INIT3

enum column {
    COLUMN_STACK_ID,
    COLUMN_FUNCTION,
    COLUMN_SCHEMA,
};

/* Arguments that a filter is given, in this order. */
enum argument {
    ARGUMENT_FUNCTION = 1,
    ARGUMENT_SCHEMA = 2,
};

struct below_table {
    sqlite3_vtab base;
    struct sqlite3 *database; /* borrowed */
};

struct below_cursor {
    sqlite3_vtab_cursor base;
    struct sqlite3_stmt *rows; /* owned; on the current row; NULL: at the end */
};

/* Callers have lower ids than their callees; in a damaged log that, and UNION, end the walk. The frames of
 * all stacks are compared once; SQLite makes an index on caller_id for the walk. A name matches whole, or as
 * a pattern of GLOB; C++ names hold brackets, so that both are tried. */
static const char below_sql[] =
    "WITH RECURSIVE below(id) AS ("
    "  SELECT s.id FROM \"%w\".stack AS s WHERE s.frame_id IN ("
    "    SELECT coalesce(f.inlined_into, f.id) FROM \"%w\".frame AS f"
    "    WHERE f.function = ?1 OR f.function GLOB ?1)"
    "  UNION"
    "  SELECT s.id FROM below CROSS JOIN \"%w\".stack AS s ON s.caller_id = below.id AND s.id > below.id)"
    "SELECT id, ?1, ?2 FROM below";

static int connect_below(struct sqlite3 *database, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **ret_table, char **ret_error)
{
    (void)context, (void)argc, (void)argv, (void)ret_error;
    int rc = sqlite3_declare_vtab(
        database, "CREATE TABLE stack_below (stack_id INTEGER, function HIDDEN, schema HIDDEN)");
    if (rc != SQLITE_OK)
        return rc;
    struct below_table *table = sqlite3_malloc(sizeof(*table));
    if (table == NULL)
        return SQLITE_NOMEM;
    *table = (struct below_table){.database = database};
    sqlite3_vtab_config(database, SQLITE_VTAB_INNOCUOUS);
    *ret_table = &table->base;
    return SQLITE_OK;
}

static int disconnect_below(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int plan_below(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int at[] = {-1, -1};
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column < COLUMN_FUNCTION || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
        at[column - COLUMN_FUNCTION] = i;
    }
    if (at[0] < 0) {
        table->zErrMsg = sqlite3_mprintf("stack_below needs a function: stack_below('main')");
        return SQLITE_ERROR;
    }
    info->idxNum = ARGUMENT_FUNCTION;
    info->aConstraintUsage[at[0]].argvIndex = 1;
    info->aConstraintUsage[at[0]].omit = 1;
    if (at[1] >= 0) {
        info->idxNum |= ARGUMENT_SCHEMA;
        info->aConstraintUsage[at[1]].argvIndex = 2;
        info->aConstraintUsage[at[1]].omit = 1;
    }
    info->estimatedCost = 1e5;
    info->estimatedRows = 10000;
    return SQLITE_OK;
}

static int open_below(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    struct below_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (struct below_cursor){0};
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static void end_rows(struct below_cursor *cursor)
{
    sqlite3_finalize(cursor->rows);
    cursor->rows = NULL;
}

static int close_below(sqlite3_vtab_cursor *base)
{
    end_rows((struct below_cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int next_below(sqlite3_vtab_cursor *base)
{
    struct below_cursor *cursor = (struct below_cursor *)base;
    int rc = sqlite3_step(cursor->rows);
    if (rc == SQLITE_ROW)
        return SQLITE_OK;
    end_rows(cursor);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int filter_below(sqlite3_vtab_cursor *base, int arguments, const char *text, int argc,
                        sqlite3_value **argv)
{
    (void)text, (void)argc;
    struct below_cursor *cursor = (struct below_cursor *)base;
    struct sqlite3 *database = ((struct below_table *)base->pVtab)->database;
    bool has_schema = (arguments & ARGUMENT_SCHEMA) != 0;
    const unsigned char *name = has_schema ? sqlite3_value_text(argv[1]) : NULL;
    const char *schema = name != NULL ? (const char *)name : "main";
    end_rows(cursor);
    char *sql = sqlite3_mprintf(below_sql, schema, schema, schema);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(database, sql, -1, &cursor->rows, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_ERROR) {
        sqlite3_free(base->pVtab->zErrMsg);
        base->pVtab->zErrMsg =
            sqlite3_mprintf("'%s' is no log of tenure: it has no tables stack and frame", schema);
    }
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_value(cursor->rows, 1, argv[0]);
    sqlite3_bind_text(cursor->rows, 2, schema, -1, SQLITE_TRANSIENT);
    return next_below(base);
}

static int is_below_at_end(sqlite3_vtab_cursor *base)
{
    return ((struct below_cursor *)base)->rows == NULL;
}

static int show_below(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    sqlite3_result_value(result, sqlite3_column_value(((struct below_cursor *)base)->rows, column));
    return SQLITE_OK;
}

static int row_id_below(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_row_id)
{
    *ret_row_id = sqlite3_column_int64(((struct below_cursor *)base)->rows, COLUMN_STACK_ID);
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = connect_below,
    .xBestIndex = plan_below,
    .xDisconnect = disconnect_below,
    .xOpen = open_below,
    .xClose = close_below,
    .xFilter = filter_below,
    .xNext = next_below,
    .xEof = is_below_at_end,
    .xColumn = show_below,
    .xRowid = row_id_below,
};

int tn_stack_below_register(struct sqlite3 *database)
{
    return sqlite3_create_module_v2(database, "stack_below", &module, NULL, NULL);
}
