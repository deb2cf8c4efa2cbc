/* SPDX-License-Identifier: MIT */

/* Which of a connection's databases the virtual table `allocation` is to read, where no name tells it: the
 * one that has no table or view of that name. Called by allocation_vtab.c. */

#include "allocation_vtab.h"

#include "tenure/sql.h"

#include <errno.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

#define SCHEMA_TEMP 1 /* main is 0, attached ones begin at 2: the order of sqlite3_db_name */

/* 1: a database has no table or view `allocation`; 0: it has; or a negative errno. */
static int lacks_allocation(struct sqlite3 *database, const char *schema)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare_in(database,
                              "SELECT count(*) FROM \"%w\".sqlite_schema WHERE lower(name) = 'allocation' AND"
                              " type IN ('table', 'view')",
                              schema, &statement);
    if (r < 0)
        return r;
    r = tn_sql_next(statement);
    bool is_missing = r == 1 && sqlite3_column_int(statement, 0) == 0;
    sqlite3_finalize(statement);
    return r < 0 ? r : is_missing;
}

int tn_allocation_vtab_find_schema(struct sqlite3 *database, char **ret_schema, char **ret_several)
{
    sqlite3_str *several = sqlite3_str_new(database);
    const char *only = NULL;
    int count = 0, r = 0;
    const char *schema;
    for (int i = 0; r >= 0 && (schema = sqlite3_db_name(database, i)) != NULL; i++) {
        r = i == SCHEMA_TEMP ? 0 : lacks_allocation(database, schema);
        if (r != 1)
            continue;
        only = schema;
        if (count < 2)
            sqlite3_str_appendf(several, "%s'%s'", count == 0 ? "" : " or ", schema);
        count++;
    }
    char *schema_copy = r >= 0 && count == 1 ? sqlite3_mprintf("%s", only) : NULL;
    char *text = sqlite3_str_finish(several);
    if (text == NULL)
        text = sqlite3_mprintf("");
    if (r < 0 || text == NULL || (count == 1 && schema_copy == NULL)) {
        sqlite3_free(schema_copy);
        sqlite3_free(text);
        return r < 0 ? r : -ENOMEM;
    }
    *ret_schema = schema_copy;
    *ret_several = text;
    return 0;
}
