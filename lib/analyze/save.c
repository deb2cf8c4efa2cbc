/* SPDX-License-Identifier: MIT */
/* Writes findings and their plan into a log, in one transaction that replaces those of the same process,
 * or writes down that a trial refutes one of them. Refuses a log that a recorder still writes. Called by
 * `tenure report --save` and `tenure try --save`. */
#include "tenure/analyze.h"
#include "tenure/json.h"
#include "tenure/log.h"
#include "tenure/log_write.h"
#include "tenure/plan.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 5000

/* What is saved of a process, in the order in which it can be deleted. What a trial has refuted stays, unless
 * it is saved anew. */
#define OF_PROCESS "finding_id IN (SELECT id FROM finding WHERE process_id = ?1 AND refuted_by IS NULL)"
#define ROLES      "(SELECT role_id FROM finding_site WHERE " OF_PROCESS ")"
static const char *const delete_sqls[] = {
    ("DELETE FROM role_stack WHERE role_id IN " ROLES),
    ("DELETE FROM role WHERE id IN " ROLES),
    ("DELETE FROM finding_site WHERE " OF_PROCESS),
    "DELETE FROM finding WHERE process_id = ?1 AND refuted_by IS NULL",
    "DELETE FROM plan_step WHERE process_id = ?1",
};
static const char finding_sql[] =
    "INSERT INTO finding (process_id, kind, rank, confidence, title, tactic, advice, allocations_removed,"
    " bytes_removed, peak_bytes_delta, heap_bytes_delta, evidence, query, code, notes, alternatives,"
    " condition, released_at, key, refuted_by)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
static const char refute_sql[] = "UPDATE finding SET refuted_by = ?3 WHERE process_id = ?1 AND key = ?2";
static const char forget_sql[] = "UPDATE finding SET refuted_by = NULL WHERE process_id = ?1 AND key = ?2";
/* Columns that older releases did not make, in logs into which they saved findings. */
static const struct {
    const char *table, *name, *type;
} added_columns[] = {
    {"finding", "condition", "TEXT"},
    {"finding", "released_at", "TEXT"},
    {"finding", "key", "TEXT"},
    {"finding", "refuted_by", "TEXT"},
    {"finding_site", "role_id", "INTEGER REFERENCES role(id)"},
};
static const char site_sql[] =
    "INSERT INTO finding_site (finding_id, position, site_id, allocations, role_id)"
    " VALUES (?1, ?2, nullif(?3, 0), ?4, ?5)";
static const char role_sql[] =
    "INSERT INTO role (site_id, label, thread_id) VALUES (nullif(?1, 0), ?2, nullif(?3, 0))";
static const char role_stack_sql[] = "INSERT INTO role_stack (role_id, stack_id) VALUES (?1, ?2)";

static const char step_sql[] =
    "INSERT INTO plan_step (process_id, number, mechanism, title, finding_keys, allocations_removed,"
    " peak_bytes_moved, together_allocations_removed, together_heap_bytes_delta, together_outside_bytes)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

struct saving {
    const char *path;
    const struct tn_findings *findings;
    sqlite3 *database;
    struct tn_error *error;
};

/* Fill the error after a failure of the connection. Returns r. */
static int refuse(const struct saving *saving, int r)
{
    return tn_error_set(saving->error, r, "cannot save findings in the log, %s: %s", saving->path,
                        sqlite3_errmsg(saving->database));
}

static int run(const struct saving *saving, const char *sql)
{
    int r = tn_sql_run(saving->database, sql);
    return r < 0 ? refuse(saving, r) : 0;
}

static int prepare(const struct saving *saving, const char *sql, sqlite3_stmt **ret_statement)
{
    int r = tn_sql_prepare(saving->database, sql, ret_statement);
    return r < 0 ? refuse(saving, r) : 0;
}

static int execute(const struct saving *saving, sqlite3_stmt *statement)
{
    int r = tn_sql_execute(statement);
    return r < 0 ? refuse(saving, r) : 0;
}

/* ---------------------------------------------------------------------------------------- is it free */

/* A closed recording is a single file in rollback mode. While a recorder lives it keeps the write-ahead
 * journal open, so that SQLite cannot leave that mode: then the log is in use. */
static int check_free(const struct saving *saving)
{
    sqlite3_stmt *statement = NULL;
    int r =
        prepare(saving, "SELECT max(CAST(value AS INTEGER)) FROM meta WHERE key IN ('closed', 'complete')",
                &statement);
    if (r < 0)
        return r;
    r = tn_sql_next(statement);
    bool is_closed = r == 1 && sqlite3_column_int(statement, 0) == 1;
    sqlite3_finalize(statement);
    if (r < 0)
        return refuse(saving, r);
    if (is_closed)
        return 0;
    sqlite3_busy_timeout(saving->database, 0);
    r = prepare(saving, "PRAGMA journal_mode = DELETE", &statement);
    if (r < 0)
        return r;
    const char *mode = tn_sql_next(statement) == 1 ? tn_sql_text(statement, 0) : "";
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

static int bind_lines(sqlite3_stmt *statement, int index, const struct tn_finding *finding,
                      void (*write)(const struct tn_finding *, const char *, struct tn_json *))
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    write(finding, NULL, &json);
    return bind_json(statement, index, &json);
}

static int insert_finding(const struct saving *saving, sqlite3_stmt *statement,
                          const struct tn_finding *finding)
{
    tn_sql_bind_count(statement, 1, saving->findings->process_id);
    tn_sql_bind_text(statement, 2, finding->kind);
    sqlite3_bind_int64(statement, 3, finding->rank);
    tn_sql_bind_text(statement, 4, tn_confidence_name(finding->confidence));
    tn_sql_bind_text(statement, 5, finding->title);
    tn_sql_bind_text(statement, 6, finding->tactic);
    tn_sql_bind_text(statement, 7, finding->advice);
    tn_sql_bind_count(statement, 8, finding->saving.allocations_removed);
    sqlite3_bind_int64(statement, 9, finding->saving.bytes_removed);
    sqlite3_bind_int64(statement, 10, finding->saving.peak_bytes_delta);
    int r = bind_heap_deltas(statement, 11, &finding->saving);
    if (r == 0)
        r = bind_evidence(statement, 12, &finding->evidence);
    tn_sql_bind_text(statement, 13, finding->query);
    tn_sql_bind_text(statement, 14, finding->code);
    tn_sql_bind_text(statement, 15, finding->notes);
    tn_sql_bind_text(statement, 16, finding->alternatives);
    if (r == 0)
        r = bind_lines(statement, 17, finding, tn_finding_write_condition);
    if (r == 0)
        r = bind_lines(statement, 18, finding, tn_finding_write_releases);
    char key[TN_FINDING_KEY_BYTES];
    tn_sql_bind_text(statement, 19, tn_finding_key_print(finding, key));
    sqlite3_bind_null(statement, 20);
    if (r == 0 && tn_finding_is_refuted(finding))
        r = bind_lines(statement, 20, finding, tn_finding_write_refutation);
    return r == 0 ? execute(saving, statement) : r;
}

/* Insert the role that a site has in a finding. *ret_role_id becomes its row. */
static int insert_role(const struct saving *saving, const struct tn_finding_site *site,
                       sqlite3_int64 *ret_role_id)
{
    sqlite3_stmt *role = NULL, *stack = NULL;
    char label[512];
    int r = prepare(saving, role_sql, &role);
    if (r == 0)
        r = prepare(saving, role_stack_sql, &stack);
    if (r == 0) {
        tn_sql_bind_count(role, 1, site->site_id);
        tn_sql_bind_text(role, 2, tn_finding_role_print(site, label, sizeof(label)));
        tn_sql_bind_count(role, 3, site->thread_id);
        r = execute(saving, role);
        *ret_role_id = sqlite3_last_insert_rowid(saving->database);
    }
    for (size_t i = 0; i < site->stack_count && r == 0; i++) {
        sqlite3_bind_int64(stack, 1, *ret_role_id);
        tn_sql_bind_count(stack, 2, site->stacks[i]);
        r = execute(saving, stack);
    }
    sqlite3_finalize(role);
    sqlite3_finalize(stack);
    return r;
}

static int insert_sites(const struct saving *saving, sqlite3_stmt *statement,
                        const struct tn_finding *finding)
{
    sqlite3_int64 id = sqlite3_last_insert_rowid(saving->database), role_id = 0;
    int r = 0;
    for (size_t i = 0; i < finding->site_count && r == 0; i++) {
        const struct tn_finding_site *site = &finding->sites[i];
        if (tn_finding_site_is_role(site))
            r = insert_role(saving, site, &role_id);
        sqlite3_bind_int64(statement, 1, id);
        tn_sql_bind_count(statement, 2, i);
        tn_sql_bind_count(statement, 3, site->site_id);
        tn_sql_bind_count(statement, 4, site->allocations);
        sqlite3_bind_null(statement, 5);
        if (tn_finding_site_is_role(site))
            sqlite3_bind_int64(statement, 5, role_id);
        if (r == 0)
            r = execute(saving, statement);
    }
    return r;
}

static int delete_old(const struct saving *saving, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(saving, sql, &statement);
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, saving->findings->process_id);
    r = execute(saving, statement);
    sqlite3_finalize(statement);
    return r;
}

/* What is refuted is saved anew: its old row can go. */
static int forget_refuted(const struct saving *saving)
{
    sqlite3_stmt *statement = NULL;
    char key[TN_FINDING_KEY_BYTES];
    int r = prepare(saving, forget_sql, &statement);
    for (size_t i = 0; i < saving->findings->refuted_count && r == 0; i++) {
        tn_sql_bind_count(statement, 1, saving->findings->process_id);
        tn_sql_bind_text(statement, 2, tn_finding_key_print(&saving->findings->refuted[i], key));
        r = execute(saving, statement);
    }
    sqlite3_finalize(statement);
    return r;
}

static int insert_all(const struct saving *saving, const struct tn_finding *items, size_t count)
{
    sqlite3_stmt *finding = NULL, *site = NULL;
    int r = prepare(saving, finding_sql, &finding);
    if (r == 0)
        r = prepare(saving, site_sql, &site);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = insert_finding(saving, finding, &items[i]);
        if (r == 0)
            r = insert_sites(saving, site, &items[i]);
    }
    sqlite3_finalize(finding);
    sqlite3_finalize(site);
    return r;
}

static int bind_keys(sqlite3_stmt *statement, int index, const struct tn_plan_step *step)
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    tn_json_open_array(&json, NULL);
    for (size_t i = 0; i < step->part_count; i++) {
        char key[TN_FINDING_KEY_BYTES];
        struct tn_finding named = {.key = step->parts[i].key};
        tn_json_text(&json, NULL, tn_finding_key_print(&named, key));
    }
    tn_json_close_array(&json);
    return bind_json(statement, index, &json);
}

static int insert_step(const struct saving *saving, sqlite3_stmt *statement, size_t number)
{
    const struct tn_plan_step *step = &saving->findings->program_plan->steps[number - 1];
    const struct tn_finding_saving *together = &step->together;
    tn_sql_bind_count(statement, 1, saving->findings->process_id);
    tn_sql_bind_count(statement, 2, number);
    tn_sql_bind_text(statement, 3, step->mechanism);
    tn_sql_bind_text(statement, 4, step->title);
    int r = bind_keys(statement, 5, step);
    tn_sql_bind_count(statement, 6, step->allocations_removed);
    tn_sql_bind_count(statement, 7, step->peak_bytes_moved);
    for (int i = 8; i <= 10; i++)
        sqlite3_bind_null(statement, i);
    if (together->is_measured) {
        tn_sql_bind_count(statement, 8, together->replay_allocations_removed);
        sqlite3_bind_int64(statement, 9, together->heap_median_bytes);
        tn_sql_bind_count(statement, 10, together->outside_bytes);
    }
    return r == 0 ? execute(saving, statement) : r;
}

static int insert_steps(const struct saving *saving)
{
    const struct tn_plan *plan = saving->findings->program_plan;
    sqlite3_stmt *statement = NULL;
    int r = prepare(saving, step_sql, &statement);
    for (size_t i = 0; plan != NULL && i < plan->step_count && r == 0; i++)
        r = insert_step(saving, statement, i + 1);
    sqlite3_finalize(statement);
    return r;
}

static int add_column(const struct saving *saving, size_t column)
{
    sqlite3_stmt *statement = NULL;
    char sql[128];
    int r = prepare(saving, "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2", &statement);
    if (r < 0)
        return r;
    tn_sql_bind_text(statement, 1, added_columns[column].table);
    tn_sql_bind_text(statement, 2, added_columns[column].name);
    r = tn_sql_next(statement);
    bool is_there = r == 1 && sqlite3_column_int(statement, 0) != 0;
    sqlite3_finalize(statement);
    if (r < 0 || is_there)
        return r < 0 ? refuse(saving, r) : 0;
    snprintf(sql, sizeof(sql), "ALTER TABLE %s ADD COLUMN %s %s", added_columns[column].table,
             added_columns[column].name, added_columns[column].type);
    return run(saving, sql);
}

static int make_tables(const struct saving *saving)
{
    int r = run(saving, tn_log_finding_tables);
    for (size_t i = 0; i < sizeof(added_columns) / sizeof(added_columns[0]) && r == 0; i++)
        r = add_column(saving, i);
    return r;
}

static int save_all(const struct saving *saving)
{
    const struct tn_findings *findings = saving->findings;
    int r = forget_refuted(saving);
    for (size_t i = 0; i < sizeof(delete_sqls) / sizeof(delete_sqls[0]) && r == 0; i++)
        r = delete_old(saving, delete_sqls[i]);
    if (r == 0)
        r = insert_all(saving, findings->items, findings->count);
    if (r == 0)
        r = insert_all(saving, findings->refuted, findings->refuted_count);
    return r == 0 ? insert_steps(saving) : r;
}

/* Of one finding, what contradicts it. */
static int save_refuted(const struct saving *saving)
{
    const struct tn_finding *finding = saving->findings->refuted;
    sqlite3_stmt *statement = NULL;
    char key[TN_FINDING_KEY_BYTES];
    int r = prepare(saving, refute_sql, &statement);
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, saving->findings->process_id);
    tn_sql_bind_text(statement, 2, tn_finding_key_print(finding, key));
    r = bind_lines(statement, 3, finding, tn_finding_write_refutation);
    if (r == 0)
        r = execute(saving, statement);
    sqlite3_finalize(statement);
    return r == 0 && sqlite3_changes(saving->database) == 0 ? insert_all(saving, finding, 1) : r;
}

static int write_log(const struct saving *saving, int (*write)(const struct saving *))
{
    int r = run(saving, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = make_tables(saving);
    if (r == 0)
        r = write(saving);
    if (r == 0)
        r = run(saving, "COMMIT");
    if (r < 0)
        tn_sql_run(saving->database, "ROLLBACK");
    return r;
}

static int open_and_write(const char *path, const struct tn_findings *findings,
                          int (*write)(const struct saving *), struct tn_error *error)
{
    struct saving saving = {.path = path, .findings = findings, .error = error};
    int rc = sqlite3_open_v2(path, &saving.database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int r = rc == SQLITE_OK ? 0 : refuse(&saving, tn_sql_errno(saving.database, rc));
    if (r == 0) {
        sqlite3_busy_timeout(saving.database, PATIENCE_MS);
        r = check_free(&saving);
    }
    if (r == 0)
        r = write_log(&saving, write);
    sqlite3_close(saving.database);
    return r;
}

int tn_findings_save(const char *path, const struct tn_findings *findings, struct tn_error *error)
{
    return open_and_write(path, findings, save_all, error);
}

int tn_finding_save_refuted(const char *path, uint64_t process_id, const struct tn_finding *finding,
                            struct tn_error *error)
{
    struct tn_finding refuted = *finding; /* only read */
    const struct tn_findings findings = {.process_id = process_id, .refuted = &refuted, .refuted_count = 1};
    return open_and_write(path, &findings, save_refuted, error);
}
