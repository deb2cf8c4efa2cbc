/* SPDX-License-Identifier: MIT */
/* Writes findings into a log, in one transaction that replaces those of the same process. Refuses a log that
 * a recorder still writes. `tenure report --save` calls this. */
#include "tenure/analyze.h"
#include "tenure/json.h"
#include "tenure/log.h"
#include "tenure/log_write.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#define PATIENCE_MS 5000

static const char delete_sql[] =
    "DELETE FROM finding_site WHERE finding_id IN (SELECT id FROM finding WHERE process_id = ?1)";
static const char delete_finding_sql[] = "DELETE FROM finding WHERE process_id = ?1";
static const char finding_sql[] =
    "INSERT INTO finding (process_id, kind, rank, confidence, title, tactic, advice, allocations_removed,"
    " bytes_removed, peak_bytes_delta, heap_bytes_delta, evidence, query, code, notes, alternatives)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
static const char site_sql[] =
    "INSERT INTO finding_site (finding_id, position, site_id, allocations) VALUES (?1, ?2, nullif(?3, 0), "
    "?4)";

struct saving {
    const char *path;
    const struct tn_findings *findings;
    sqlite3 *database;
    struct tn_error *error;
};

static int refuse(const struct saving *saving, int rc)
{
    int code = tn_log_errno(saving->database, rc);
    return tn_error_set(saving->error, code != 0 ? code : -EIO, "cannot save findings in the log, %s: %s",
                        saving->path, sqlite3_errmsg(saving->database));
}

static int run(const struct saving *saving, const char *sql)
{
    int rc = sqlite3_exec(saving->database, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : refuse(saving, rc);
}

static int prepare(const struct saving *saving, const char *sql, sqlite3_stmt **ret_statement)
{
    int rc = sqlite3_prepare_v2(saving->database, sql, -1, ret_statement, NULL);
    return rc == SQLITE_OK ? 0 : refuse(saving, rc);
}

/* Run a statement that gives no row, and make it ready again. */
static int step(const struct saving *saving, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    int r = rc == SQLITE_DONE ? 0 : refuse(saving, rc);
    sqlite3_reset(statement);
    return r;
}

/* ---------------------------------------------------------------------------------------- is it free */

/* A closed recording is a single file in rollback mode. While a recorder lives it keeps the write-ahead
 * journal open, so that SQLite cannot leave that mode: then the log is in use. */
static int check_free(const struct saving *saving)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(saving, "SELECT value FROM meta WHERE key = 'complete'", &statement);
    if (r < 0)
        return r;
    int rc = sqlite3_step(statement);
    bool is_complete = rc == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1;
    sqlite3_finalize(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return refuse(saving, rc);
    if (is_complete)
        return 0;
    sqlite3_busy_timeout(saving->database, 0);
    r = prepare(saving, "PRAGMA journal_mode = DELETE", &statement);
    if (r < 0)
        return r;
    rc = sqlite3_step(statement);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "";
    bool is_folded = mode != NULL && strcmp(mode, "delete") == 0;
    sqlite3_finalize(statement);
    sqlite3_busy_timeout(saving->database, PATIENCE_MS);
    if (is_folded)
        return 0;
    return tn_error_set(saving->error, -EBUSY,
                        "cannot save findings in the log, %s: it is being recorded; try again when the "
                        "recording is over",
                        saving->path);
}

/* ---------------------------------------------------------------------------------------- rows */

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    if (text != NULL)
        sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement, index);
}

/* Bind what a JSON writer has written, and release it. */
static int bind_json(sqlite3_stmt *statement, int index, struct tn_json *json)
{
    if (json->error == 0)
        sqlite3_bind_text(statement, index, (const char *)json->out->data, (int)json->out->size_bytes,
                          SQLITE_TRANSIENT);
    tn_buffer_finish(json->out);
    return json->error;
}

static int bind_heap_deltas(sqlite3_stmt *statement, int index, const struct tn_finding_saving *saving)
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    tn_json_open_object(&json, NULL);
    for (size_t i = 0; i < saving->heap_delta_count; i++)
        tn_json_int(&json, saving->heap_deltas[i].policy, saving->heap_deltas[i].bytes);
    tn_json_close_object(&json);
    return bind_json(statement, index, &json);
}

static int bind_evidence(sqlite3_stmt *statement, int index, const struct tn_evidence_set *evidence)
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    tn_evidence_write_json(evidence, NULL, &json);
    return bind_json(statement, index, &json);
}

static int insert_finding(const struct saving *saving, sqlite3_stmt *statement,
                          const struct tn_finding *finding)
{
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)saving->findings->process_id);
    bind_text(statement, 2, finding->kind);
    sqlite3_bind_int64(statement, 3, finding->rank);
    bind_text(statement, 4, tn_confidence_name(finding->confidence));
    bind_text(statement, 5, finding->title);
    bind_text(statement, 6, finding->tactic);
    bind_text(statement, 7, finding->advice);
    sqlite3_bind_int64(statement, 8, (sqlite3_int64)finding->saving.allocations_removed);
    sqlite3_bind_int64(statement, 9, finding->saving.bytes_removed);
    sqlite3_bind_int64(statement, 10, finding->saving.peak_bytes_delta);
    int r = bind_heap_deltas(statement, 11, &finding->saving);
    if (r == 0)
        r = bind_evidence(statement, 12, &finding->evidence);
    bind_text(statement, 13, finding->query);
    bind_text(statement, 14, finding->code);
    bind_text(statement, 15, finding->notes);
    bind_text(statement, 16, finding->alternatives);
    return r == 0 ? step(saving, statement) : r;
}

static int insert_sites(const struct saving *saving, sqlite3_stmt *statement,
                        const struct tn_finding *finding)
{
    sqlite3_int64 id = sqlite3_last_insert_rowid(saving->database);
    int r = 0;
    for (size_t i = 0; i < finding->site_count && r == 0; i++) {
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)i);
        sqlite3_bind_int64(statement, 3, (sqlite3_int64)finding->sites[i].site_id);
        sqlite3_bind_int64(statement, 4, (sqlite3_int64)finding->sites[i].allocations);
        r = step(saving, statement);
    }
    return r;
}

static int delete_old(const struct saving *saving, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(saving, sql, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)saving->findings->process_id);
    r = step(saving, statement);
    sqlite3_finalize(statement);
    return r;
}

static int insert_all(const struct saving *saving)
{
    sqlite3_stmt *finding = NULL, *site = NULL;
    int r = prepare(saving, finding_sql, &finding);
    if (r == 0)
        r = prepare(saving, site_sql, &site);
    for (size_t i = 0; i < saving->findings->count && r == 0; i++) {
        r = insert_finding(saving, finding, &saving->findings->items[i]);
        if (r == 0)
            r = insert_sites(saving, site, &saving->findings->items[i]);
    }
    sqlite3_finalize(finding);
    sqlite3_finalize(site);
    return r;
}

static int save(const struct saving *saving)
{
    int r = run(saving, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = run(saving, tn_log_finding_tables);
    if (r == 0)
        r = delete_old(saving, delete_sql);
    if (r == 0)
        r = delete_old(saving, delete_finding_sql);
    if (r == 0)
        r = insert_all(saving);
    if (r == 0)
        r = run(saving, "COMMIT");
    if (r < 0)
        sqlite3_exec(saving->database, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int tn_findings_save(const char *path, const struct tn_findings *findings, struct tn_error *error)
{
    struct saving saving = {.path = path, .findings = findings, .error = error};
    int rc = sqlite3_open_v2(path, &saving.database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int r = rc == SQLITE_OK ? 0 : refuse(&saving, rc);
    if (r == 0) {
        sqlite3_busy_timeout(saving.database, PATIENCE_MS);
        r = check_free(&saving);
    }
    if (r == 0)
        r = save(&saving);
    sqlite3_close(saving.database);
    return r;
}
