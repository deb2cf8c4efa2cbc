/* SPDX-License-Identifier: MIT */

/* Fills the plain rows of `allocation` from the chunks, and removes them; opens a log for such additions, and
 * closes it. For lib/finish, and later for whatever writes into a log whose events are closed. */

#include "allocation_columns.h"
#include "schema.h"

#include "tenure/log.h"
#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

/* Most readers that look at a log just when it is finished are gone within that time; one that stays open
 * keeps the journal. */
#define READER_PATIENCE_MS 1000

#define NONE(...)
#define NAME(upper, name, ...)                                                  ", " #name
#define STORED_NAME(upper, name, type, member, rule, upper_stored, stored, ...) ", " #stored

#define STORED_NAMES TN_ALLOCATION_COLUMNS(NONE, NAME, STORED_NAME, NONE, NAME)

/* In birth order, so that the table grows at its end: its pages are full, and nothing is moved. The virtual
 * table gives this order by itself; SQLite's sorter took as long as all the rest. */
#define FILL_FROM(id)                                                                                        \
    "INSERT INTO allocation_row (id" STORED_NAMES ") SELECT " id STORED_NAMES " FROM allocation ORDER BY id"

static int fail(struct sqlite3 *database, int code, struct tn_error *error)
{
    tn_error_set(error, code, "cannot fill the rows of `allocation`: %s; the packed events are untouched",
                 code == -EBADMSG || code == -EIO ? sqlite3_errmsg(database) : strerror(-code));
    tn_sql_run(database, "ROLLBACK TO fill_rows");
    tn_sql_run(database, "RELEASE fill_rows");
    return code;
}

int tn_log_drop_rows(struct sqlite3 *database)
{
    /* IF EXISTS would find the virtual table of that name, and refuse to drop it as a view. */
    int r = 0;
    if (tn_sql_int(database, "SELECT 1 FROM sqlite_schema WHERE name = 'allocation'", 0) != 0)
        r = tn_sql_run(database, "DROP VIEW allocation");
    if (r == 0)
        r = tn_sql_run(database, "DROP TABLE IF EXISTS allocation_row");
    return r;
}

/* Where no id is missing, SQLite is left to count them: it then appends, and does not search for each id from
 * the root. As many rows as ids prove that each row has its own. */
static int insert_rows(struct sqlite3 *database)
{
    int64_t births = tn_sql_int(database, "SELECT sum(births) FROM chunk", 0);
    if (births == 0 || births != tn_sql_int(database, "SELECT max(last_id) FROM chunk", -1))
        return tn_sql_run(database, FILL_FROM("id"));
    int r = tn_sql_run(database, FILL_FROM("NULL"));
    if (r < 0 || births == tn_sql_int(database, "SELECT max(id) FROM allocation_row", -1))
        return r;
    r = tn_sql_run(database, "DELETE FROM allocation_row");
    return r < 0 ? r : tn_sql_run(database, FILL_FROM("id"));
}

static int fill(struct sqlite3 *database)
{
    int r = tn_log_drop_rows(database);
    if (r == 0)
        r = tn_sql_run(database, tn_schema_allocation_row);
    if (r == 0)
        r = insert_rows(database);
    return r == 0 ? tn_sql_run(database, tn_log_allocation_schema) : r;
}

int tn_log_fill_rows(struct sqlite3 *database, struct tn_error *error)
{
    if (tn_allocation_vtab_register(database) != SQLITE_OK)
        return tn_error_set(error, -ENOMEM, "cannot fill the rows of `allocation`: out of memory");
    int r = tn_sql_run(database, "SAVEPOINT fill_rows");
    if (r < 0)
        return fail(database, r, error);
    r = fill(database);
    if (r == 0)
        r = tn_sql_run(database, "RELEASE fill_rows");
    return r < 0 ? fail(database, r, error) : 0;
}

/* A reader in the middle of a query of a closed log keeps SQLite from entering WAL mode. To wait for it costs
 * nobody else anything: what follows would block new readers, too. If it goes on reading, the rollback
 * journal stays in use, and commits wait for the reader. synchronous = OFF comes first, because entering WAL
 * mode would otherwise wait until the disk has all that was recorded. */
static int prepare_update(struct sqlite3 *database)
{
    const int step_ms = 20;
    sqlite3_busy_timeout(database, TN_SQL_PATIENCE_MS);
    int r = tn_sql_run(database, "PRAGMA synchronous = OFF; PRAGMA cache_size = -32768");
    if (r < 0)
        return r;
    sqlite3_busy_timeout(database, 0);
    for (int waited_ms = 0;; waited_ms += step_ms) {
        r = tn_sql_run(database, "PRAGMA journal_mode = WAL");
        if (r != -EBUSY || waited_ms >= TN_SQL_PATIENCE_MS)
            break;
        sqlite3_sleep(step_ms);
    }
    sqlite3_busy_timeout(database, TN_SQL_PATIENCE_MS);
    return r == -EBUSY ? 0 : r;
}

int tn_log_update_open(const char *path, struct sqlite3 **ret_database, struct tn_error *error)
{
    struct tn_log *log;
    int r = tn_log_open(path, &log, error);
    if (r < 0)
        return r;
    tn_log_close(log);
    struct sqlite3 *database = NULL;
    int rc = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
    r = tn_sql_errno(database, rc);
    if (r == 0)
        r = prepare_update(database);
    if (r == 0 && (tn_allocation_vtab_register(database) != SQLITE_OK ||
                   tn_log_functions_register(database) != SQLITE_OK))
        r = -ENOMEM;
    if (r < 0) {
        tn_error_set(error, r, "cannot write the log, %s: %s", path, strerror(-r));
        sqlite3_close(database);
        return r;
    }
    *ret_database = database;
    return 0;
}

void tn_log_update_close(struct sqlite3 *database)
{
    if (database == NULL)
        return;
    tn_sql_fold_journal(database, READER_PATIENCE_MS);
    sqlite3_close(database);
}
