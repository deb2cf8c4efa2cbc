/* SPDX-License-Identifier: MIT */

/* The virtual tables, functions and views of tenure as a loadable extension, for sqlite3 and other tools:
 *     sqlite3 LOG '.load .../tenure_sqlite' 'SELECT count(*) FROM allocation' */

#include "tenure/log.h"

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

/* SQLite derives this name from the file's: letters only, up to the first dot. */
__attribute__((visibility("default"))) int
sqlite3_tenuresqlite_init(struct sqlite3 *database, char **ret_error, const sqlite3_api_routines *api);

int sqlite3_tenuresqlite_init(struct sqlite3 *database, char **ret_error, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    int rc = tn_log_sql_register(database);
    if (rc != SQLITE_OK)
        *ret_error = sqlite3_mprintf("cannot prepare the log for questions: %s", sqlite3_errmsg(database));
    return rc;
}
