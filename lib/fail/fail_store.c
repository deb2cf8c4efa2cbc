/* SPDX-License-Identifier: MIT */
/* Keeps results in a SQLite file of their own: a sweep that was stopped goes on from there, and SQL can ask
 * it. docs/fail.md explains the table. */
#include "tenure/fail.h"

#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct tn_fail_store {
    struct sqlite3 *database;
    sqlite3_stmt *insert;
};

static const char schema[] =
    "PRAGMA application_id = 0x54454e46;\n"
    "CREATE TABLE IF NOT EXISTS fail_sweep (\n"
    "  sweep TEXT                -- what the runs are of: log, mode, command\n"
    ");\n"
    "CREATE TABLE IF NOT EXISTS fail_run (\n"
    "  subject_id INTEGER,       -- id of the site, or with --by stack of the stack, in the log\n"
    "  occurrence INTEGER,       -- which of its allocations failed, from 1\n"
    "  class TEXT,               -- handled, error-reported, leaked, wrong-output, hung, crashed, corrupted, "
    "not-reached\n"
    "  place TEXT,               -- the site\n"
    "  via TEXT,                 -- how it reaches the allocator\n"
    "  key TEXT,                 -- of the site: the same in other recordings\n"
    "  status INTEGER,           -- of the program, as wait gives it\n"
    "  signal INTEGER,           -- of a crash; else 0\n"
    "  duration_ns INTEGER,      -- of the run\n"
    "  matches INTEGER,          -- calls that passed the place\n"
    "  failed INTEGER,           -- of these, made to fail\n"
    "  leaked_count INTEGER,     -- blocks that are released without the failure, and were not\n"
    "  message TEXT,             -- first line on stderr\n"
    "  crash TEXT                -- where a signal came\n"
    ");\n";

static int check_sweep(struct tn_fail_store *store, const char *sweep)
{
    sqlite3_stmt *statement = NULL;
    int r = tn_sql_prepare(store->database, "SELECT sweep FROM fail_sweep", &statement);
    int more = r == 0 ? tn_sql_next(statement) : r;
    if (more == 1)
        r = strcmp(tn_sql_text(statement, 0) != NULL ? tn_sql_text(statement, 0) : "", sweep) == 0 ? 1
                                                                                                   : -EEXIST;
    else
        r = more;
    sqlite3_finalize(statement);
    if (r != 0)
        return r < 0 ? r : 0;
    r = tn_sql_prepare(store->database, "INSERT INTO fail_sweep VALUES (?1)", &statement);
    if (r == 0) {
        tn_sql_bind_text(statement, 1, sweep);
        r = tn_sql_execute(statement);
    }
    sqlite3_finalize(statement);
    return r;
}

static enum tn_fail_class class_of(const char *name)
{
    for (unsigned class = 0; class < TN_FAIL_CLASS_COUNT; class ++)
        if (name != NULL && strcmp(tn_fail_class_name((enum tn_fail_class) class), name) == 0)
            return (enum tn_fail_class) class;
    return TN_FAIL_NOT_REACHED;
}

static int read_row(sqlite3_stmt *row, struct tn_fail_results *results)
{
    struct tn_fail_result result = {
        .subject_id = tn_sql_count(row, 0),
        .occurrence = tn_sql_count(row, 1),
        .class = class_of(tn_sql_text(row, 2)),
        .place = tn_sql_copy_text(row, 3),
        .via = tn_sql_copy_text(row, 4),
        .key = tn_sql_copy_text(row, 5),
        .status = (int)tn_sql_count(row, 6),
        .signal = (int)tn_sql_count(row, 7),
        .duration_ns = tn_sql_count(row, 8),
        .matches = tn_sql_count(row, 9),
        .failed = tn_sql_count(row, 10),
        .leaked_count = tn_sql_count(row, 11),
        .message = tn_sql_copy_text(row, 12),
        .crash = tn_sql_copy_text(row, 13),
    };
    bool is_whole = result.place != NULL && result.via != NULL && result.key != NULL &&
                    result.message != NULL && result.crash != NULL;
    int r = is_whole ? tn_fail_results_take(results, &result) : -ENOMEM;
    if (r == 0)
        return 0;
    free(result.place);
    free(result.via);
    free(result.key);
    free(result.message);
    free(result.crash);
    return r;
}

static int read_results(struct tn_fail_store *store, struct tn_fail_results *results)
{
    sqlite3_stmt *statement = NULL;
    int r = tn_sql_prepare(store->database, "SELECT * FROM fail_run", &statement);
    int more = r;
    while (r == 0 && (more = tn_sql_next(statement)) == 1)
        r = read_row(statement, results);
    sqlite3_finalize(statement);
    return r < 0 ? r : more;
}

int tn_fail_store_open(const char *path, const char *sweep, struct tn_fail_store **ret_store,
                       struct tn_fail_results *results, struct tn_error *error)
{
    struct tn_fail_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return tn_error_set(error, -ENOMEM, "cannot keep results: out of memory");
    int rc = sqlite3_open_v2(path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    int r = tn_sql_errno(store->database, rc);
    int64_t foreign = r == 0
                          ? tn_sql_int(store->database,
                                       "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'fail_%'", -1)
                          : 0;
    if (r == 0 && foreign != 0)
        r = -EBADMSG;
    if (r == 0)
        r = tn_sql_run(store->database, schema);
    if (r == 0)
        r = check_sweep(store, sweep);
    if (r == 0)
        r = read_results(store, results);
    if (r == 0)
        r = tn_sql_prepare(
            store->database,
            "INSERT INTO fail_run VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            &store->insert);
    if (r == 0) {
        *ret_store = store;
        return 0;
    }
    tn_fail_store_close(store);
    if (r == -EEXIST)
        return tn_error_set(
            error, r,
            "'%s' has the results of another sweep: of another log, program or mode; name another file "
            "with --results",
            path);
    if (r == -EBADMSG)
        return tn_error_set(error, r, "'%s' is no file of results: name another one with --results", path);
    return tn_error_set(error, r, "cannot keep results in '%s': %s", path, strerror(-r));
}

int tn_fail_store_add(struct tn_fail_store *store, const struct tn_fail_result *result)
{
    tn_sql_bind_count(store->insert, 1, result->subject_id);
    tn_sql_bind_count(store->insert, 2, result->occurrence);
    tn_sql_bind_text(store->insert, 3, tn_fail_class_name(result->class));
    tn_sql_bind_text(store->insert, 4, result->place);
    tn_sql_bind_text(store->insert, 5, result->via);
    tn_sql_bind_text(store->insert, 6, result->key);
    tn_sql_bind_count(store->insert, 7, (uint64_t)result->status);
    tn_sql_bind_count(store->insert, 8, (uint64_t)result->signal);
    tn_sql_bind_count(store->insert, 9, result->duration_ns);
    tn_sql_bind_count(store->insert, 10, result->matches);
    tn_sql_bind_count(store->insert, 11, result->failed);
    tn_sql_bind_count(store->insert, 12, result->leaked_count);
    tn_sql_bind_text(store->insert, 13, result->message);
    tn_sql_bind_text(store->insert, 14, result->crash);
    return tn_sql_execute(store->insert);
}

void tn_fail_store_close(struct tn_fail_store *store)
{
    if (store == NULL)
        return;
    sqlite3_finalize(store->insert);
    sqlite3_close(store->database);
    free(store);
}
