/* SPDX-License-Identifier: MIT */

/* Loads the summary that reports begin with. Facts, processes and totals come from the small tables; sites
 * and peaks from the tables of the finishing step (from_tables.c), or from the events when these are missing
 * (from_events.c). One transaction, so that all queries see a log that is being written at the same
 * moment. */

#include "summary_parts.h"

#include "tenure/log.h"
#include "tenure/sql.h"
#include "tenure/summary.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------------------------------- facts */

/* The first column of the one row of a query; fallback when it has no row, or NULL.
 *
 * key   bound to ?1, if the query has it; or NULL
 * code  0 so far; becomes a negative errno when the log cannot be read, or memory is short */
static char *query_text(struct sqlite3 *database, const char *sql, const char *key, const char *fallback,
                        int *code)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(database, sql, &statement);
    if (r == 0 && key != NULL)
        tn_sql_bind_text(statement, 1, key);
    if (r == 0)
        r = tn_sql_next(statement);
    bool has_text = r == 1 && sqlite3_column_text(statement, 0) != NULL;
    char *text = has_text ? tn_sql_copy_text(statement, 0) : strdup(fallback);
    sqlite3_finalize(statement);
    if (r < 0 && *code == 0)
        *code = r;
    if (text == NULL)
        *code = -ENOMEM;
    return text;
}

/* A value of meta; "" when it is missing. code: as query_text. */
static char *meta_text(struct sqlite3 *database, const char *key, int *code)
{
    return query_text(database, "SELECT value FROM meta WHERE key = ?1", key, "", code);
}

/* A count in the log. code: as query_text. */
static uint64_t query_count(struct sqlite3 *database, const char *sql, int *code)
{
    int64_t count = 0;
    int r = tn_sql_number(database, sql, 0, 0, &count);
    if (r < 0 && *code == 0)
        *code = r;
    return (uint64_t)count;
}

/* 0 when there is no such file: a log without -wal, or one that was removed while it is read. code: as
 * query_text. */
static uint64_t file_bytes(const char *path, const char *suffix, int *code)
{
    char name[4096];
    struct stat status;
    if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name))
        return 0;
    if (stat(name, &status) == 0)
        return (uint64_t)status.st_size;
    if (errno != ENOENT && *code == 0)
        *code = -errno;
    return 0;
}

/* A count in meta; 0 when it is missing. */
static uint64_t meta_count(struct tn_log *log, const char *key)
{
    int64_t value = tn_log_meta_int(log, key, 0);
    return value > 0 ? (uint64_t)value : 0;
}

static int load_facts(struct tn_log *log, struct tn_summary *summary)
{
    struct sqlite3 *database = tn_log_database(log);
    int r = 0;
    summary->path = strdup(tn_log_path(log));
    summary->log_bytes = file_bytes(tn_log_path(log), "", &r) + file_bytes(tn_log_path(log), "-wal", &r);
    summary->started_at = meta_text(database, "started_at", &r);
    summary->tool_version = meta_text(database, "tool_version", &r);
    summary->duration_ns = meta_count(log, "duration_ns");
    summary->is_closed = tn_log_is_closed(log);
    summary->is_complete = tn_log_is_complete(log);
    summary->is_finished = tn_log_meta_int(log, "finished", 0) != 0;
    summary->losses = (struct tn_summary_losses){
        .events_lost = meta_count(log, "events_lost"),
        .damaged_parts = meta_count(log, "damaged_rings") + meta_count(log, "damaged_headers"),
        .processes_unrecorded = meta_count(log, "processes_unrecorded"),
        .unmatched_frees = meta_count(log, "unmatched_frees"),
        .unmatched_births = meta_count(log, "unmatched_births"),
        .inherited_frees = meta_count(log, "inherited_frees"),
        .pauses = meta_count(log, "pauses"),
        .paused_ns = meta_count(log, "paused_ns"),
        .unrecorded_allocations = meta_count(log, "unrecorded_allocations"),
        .unrecorded_frees = meta_count(log, "unrecorded_frees"),
        .stacks_cut = query_count(database, "SELECT count(*) FROM stack WHERE is_cut", &r),
    };
    summary->lacks_free_stacks =
        query_count(database,
                    "SELECT count(*) FROM meta WHERE key = 'options' AND value LIKE '%free_stacks=no%'",
                    &r) != 0;
    summary->wrappers_found = query_text(
        database, "SELECT json(value) FROM meta WHERE key = 'wrappers_found' AND json_valid(value)", NULL,
        "[]", &r);
    summary->wrappers_undecided = query_text(
        database, "SELECT json(value) FROM meta WHERE key = 'wrappers_undecided' AND json_valid(value)", NULL,
        "[]", &r);
    summary->wrappers = query_text(
        database,
        "SELECT group_concat(CASE WHEN meta.key <> 'wrappers_found' THEN 'perhaps ' ELSE '' END"
        " || (j.value ->> 'function') || CASE j.value ->> 'evidence' WHEN 'by use' THEN ' (by use)'"
        " ELSE '' END, ', ') FROM meta, json_each(meta.value) AS j"
        " WHERE meta.key IN ('wrappers_found', 'wrappers_undecided') AND json_valid(meta.value)",
        NULL, "", &r);
    return summary->path != NULL ? r : -ENOMEM;
}

/* ---------------------------------------------------------------------------------------- processes */

static int read_process(struct sqlite3_stmt *statement, struct tn_summary *summary)
{
    size_t count = summary->process_count + 1;
    struct tn_summary_process *processes = realloc(summary->processes, count * sizeof(processes[0]));
    if (processes == NULL)
        return -ENOMEM;
    summary->processes = processes;
    struct tn_summary_process *process = &processes[summary->process_count++];
    bool has_end = sqlite3_column_type(statement, 7) != SQLITE_NULL;
    bool has_code = sqlite3_column_type(statement, 9) != SQLITE_NULL;
    *process = (struct tn_summary_process){
        .id = tn_sql_count(statement, 0),
        .parent_id = tn_sql_count(statement, 1),
        .pid = (uint32_t)tn_sql_count(statement, 2),
        .executable = tn_sql_copy_text(statement, 3),
        .command_line = tn_sql_copy_text(statement, 4),
        .exit_kind = tn_sql_copy_text(statement, 5),
        .start_ns = tn_sql_count(statement, 6),
        .end_ns = has_end ? tn_sql_count(statement, 7) : summary->duration_ns,
        .allocations = tn_sql_count(statement, 8),
        .exit_code = has_code ? sqlite3_column_int(statement, 9) : -1,
        .frees = tn_sql_count(statement, 10),
    };
    bool has_all = process->executable != NULL && process->command_line != NULL && process->exit_kind != NULL;
    return has_all ? 0 : -ENOMEM;
}

/* What was run: its path, and before that the name of the link or script that led there. Logs of older
 * programs have no process.name: then it is the outer one. Returns NULL without memory. */
static char *copy_program_label(struct sqlite3 *database)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(
        database,
        "SELECT (SELECT CASE WHEN ifnull(name, '') = '' OR executable LIKE '%/' || name THEN executable ELSE "
        "name"
        " || ' (' || executable || ')' END FROM process ORDER BY id LIMIT 1) FROM (SELECT NULL AS name)",
        &statement);
    char *program = r == 0 && tn_sql_next(statement) == 1 ? tn_sql_copy_text(statement, 0) : NULL;
    sqlite3_finalize(statement);
    return program;
}

static int load_processes(struct sqlite3 *database, struct tn_summary *summary)
{
    struct sqlite3_stmt *statement;
    int r =
        tn_sql_prepare(database,
                       "WITH c AS (SELECT process_id, sum(births) AS births, sum(deaths) AS deaths FROM chunk"
                       " GROUP BY process_id)"
                       " SELECT p.id, p.parent_id, p.pid, p.executable, p.command_line, p.exit_kind,"
                       " p.start_ns, p.end_ns, c.births, p.exit_code, c.deaths"
                       " FROM process AS p LEFT JOIN c ON c.process_id = p.id ORDER BY p.id",
                       &statement);
    while (r == 0) {
        int rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW) {
            r = tn_sql_errno(database, rc);
            break;
        }
        r = read_process(statement, summary);
    }
    sqlite3_finalize(statement);
    if (r < 0)
        return r;
    bool has_any = summary->process_count != 0;
    summary->program = strdup(has_any ? summary->processes[0].executable : "");
    summary->program_label = has_any ? copy_program_label(database) : strdup("");
    summary->command_line = strdup(has_any ? summary->processes[0].command_line : "");
    return summary->program != NULL && summary->program_label != NULL && summary->command_line != NULL
               ? 0
               : -ENOMEM;
}

/* ---------------------------------------------------------------------------------------- totals */

/* Totals of one process from the rows of chunk and of the plain tables; with process_id 0 of all
 * processes. */
static int load_totals(struct sqlite3 *database, uint64_t process_id, struct tn_summary_totals *totals)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(
        database,
        "SELECT sum(births), sum(deaths), sum(reallocs), sum(birth_bytes), sum(usable_bytes),"
        " (SELECT count(*) FROM allocation_failure WHERE ?1 IN (0, process_id)),"
        " (SELECT count(*) FROM thread WHERE ?1 IN (0, process_id)) FROM chunk WHERE ?1 IN (0, process_id)",
        &statement);
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, process_id);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        uint64_t *const fields[] = {&totals->allocations, &totals->frees,        &totals->reallocs,
                                    &totals->total_bytes, &totals->usable_bytes, &totals->failures,
                                    &totals->threads};
        for (int i = 0; i < 7; i++)
            *fields[i] = tn_sql_count(statement, i);
        totals->live_count = totals->allocations - totals->frees;
    }
    sqlite3_finalize(statement);
    return tn_sql_errno(database, rc);
}

/* The peaks of all processes from the timeline: the highest of them is the peak of `all`. */
static int load_peaks(struct sqlite3 *database, struct tn_summary *summary)
{
    struct tn_summary_totals *all = &summary->all;
    for (size_t i = 0; i < summary->process_count; i++) {
        const struct tn_summary_process *process = &summary->processes[i];
        struct tn_summary_totals own = {.allocations = process->allocations,
                                        .live_count = process->allocations - process->frees};
        int r = own.allocations != 0 ? tn_summary_read_timeline(database, process->id, &own) : 0;
        if (r < 0)
            return r;
        all->live_bytes += own.live_bytes;
        if (own.peak_live_bytes > all->peak_live_bytes) {
            all->peak_live_bytes = own.peak_live_bytes;
            all->peak_live_count = own.peak_live_count;
            all->peak_ns = own.peak_ns;
        }
        if (process->id != summary->process_id)
            continue;
        summary->totals.live_bytes = own.live_bytes;
        summary->totals.peak_live_bytes = own.peak_live_bytes;
        summary->totals.peak_live_count = own.peak_live_count;
        summary->totals.peak_ns = own.peak_ns;
    }
    return 0;
}

/* Sites and peaks: from the tables when the log is finished, else from the events. */
static int load_sites(struct sqlite3 *database, struct tn_summary *summary, size_t top)
{
    int r = summary->is_finished ? load_peaks(database, summary) : -ENODATA;
    if (r == 0)
        r = tn_summary_read_sites(database, summary, top);
    if (r != -ENODATA)
        return r;
    struct tn_summary_totals *const both[] = {&summary->all, &summary->totals};
    for (size_t i = 0; i < 2; i++)
        both[i]->live_bytes = both[i]->peak_live_bytes = both[i]->peak_live_count = both[i]->peak_ns = 0;
    return tn_summary_from_events(database, summary, top);
}

/* ---------------------------------------------------------------------------------------- the whole */

static bool has_process(const struct tn_summary *summary, uint64_t process_id)
{
    for (size_t i = 0; i < summary->process_count; i++)
        if (summary->processes[i].id == process_id)
            return true;
    return false;
}

static int load(struct tn_log *log, uint64_t process_id, size_t top, struct tn_summary *summary)
{
    struct sqlite3 *database = tn_log_database(log);
    int r = load_facts(log, summary);
    if (r == 0)
        r = load_processes(database, summary);
    if (r < 0)
        return r;
    if (process_id != 0 && !has_process(summary, process_id))
        return -ENOENT;
    summary->process_id = process_id != 0 ? process_id : tn_log_main_process(log);
    r = load_totals(database, 0, &summary->all);
    if (r == 0 && summary->process_id != 0)
        r = load_totals(database, summary->process_id, &summary->totals);
    if (r == 0)
        r = load_sites(database, summary, top);
    return r == 0 ? tn_summary_read_pools(database, summary) : r;
}

/* Fill error with why a summary could not be loaded. Returns code. */
static int refuse(struct tn_log *log, uint64_t process_id, int code, struct tn_error *error)
{
    if (code == -ENOENT)
        return tn_error_set(error, code, "no process %llu in the log, %s; `tenure info` lists them",
                            (unsigned long long)process_id, tn_log_path(log));
    if (code == -EBADMSG)
        return tn_error_set(error, code,
                            "the log is damaged, %s: a chunk of events cannot be read; take another "
                            "copy, or record again",
                            tn_log_path(log));
    return tn_error_set(error, code, "cannot read the log, %s: %s", tn_log_path(log), strerror(-code));
}

int tn_summary_load(struct tn_log *log, uint64_t process_id, size_t top, struct tn_summary *ret_summary,
                    struct tn_error *error)
{
    struct tn_summary summary = {0};
    tn_sql_run(tn_log_database(log), "SAVEPOINT summary");
    int r = load(log, process_id, top, &summary);
    tn_sql_run(tn_log_database(log), "RELEASE summary");
    if (r < 0) {
        tn_summary_finish(&summary);
        return refuse(log, process_id, r, error);
    }
    *ret_summary = summary;
    return 0;
}

void tn_summary_finish_site(struct tn_summary_site *site)
{
    free(site->function);
    free(site->file);
    free(site->module);
    free(site->via);
}

void tn_summary_finish(struct tn_summary *summary)
{
    if (summary == NULL)
        return;
    for (size_t i = 0; i < summary->process_count; i++) {
        free(summary->processes[i].executable);
        free(summary->processes[i].command_line);
        free(summary->processes[i].exit_kind);
    }
    free(summary->processes);
    for (int i = 0; i < TN_SUMMARY_LIST_COUNT; i++) {
        for (size_t k = 0; k < summary->lists[i].count; k++)
            tn_summary_finish_site(&summary->lists[i].sites[k]);
        free(summary->lists[i].sites);
    }
    tn_summary_finish_links(summary);
    tn_summary_finish_pools(summary);
    free(summary->path);
    free(summary->program);
    free(summary->program_label);
    free(summary->command_line);
    free(summary->started_at);
    free(summary->tool_version);
    free(summary->wrappers);
    free(summary->wrappers_found);
    free(summary->wrappers_undecided);
    *summary = (struct tn_summary){0};
}
