/* SPDX-License-Identifier: MIT */
/* Loads what the pass needs of its process before the first event: when it ended and how, marks, threads, and
 * the rules by which sites are found anew. */
#include "pass.h"

#include "call_argument.h"
#include "code_files.h"
#include "makers.h"
#include "release_count.h"
#include "roles.h"
#include "stack_profile.h"

#include "tenure/activation.h"
#include "tenure/site.h"
#include "tenure/source_frames.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_MARK        "main entered"
#define INITIALISED_MARK "initialisation done"
#define EXIT_MARK        "exit begun"

int tn_pass_refuse(const struct tn_pass *pass, int code, const char *what)
{
    const char *why = code == -EBADMSG ? "it is damaged" : strerror(-code);
    return tn_error_set(pass->error, code, "%s, log %s: %s", what, tn_log_path(pass->log), why);
}

int tn_pass_prepare(const struct tn_pass *pass, const char *sql, sqlite3_stmt **ret_statement)
{
    sqlite3 *database = tn_log_database(pass->log);
    int r = tn_sql_prepare(database, sql, ret_statement);
    if (r == 0)
        return 0;
    return tn_error_set(pass->error, r, "cannot read log %s: %s", tn_log_path(pass->log),
                        sqlite3_errmsg(database));
}

int tn_pass_end_rows(const struct tn_pass *pass, sqlite3_stmt *rows, int r, const char *what)
{
    sqlite3_finalize(rows);
    return r < 0 ? tn_pass_refuse(pass, r, what) : 0;
}

static int load_process(struct tn_pass *pass)
{
    sqlite3_stmt *row;
    int r =
        tn_pass_prepare(pass,
                        "SELECT coalesce(end_ns, (SELECT max(last_ns) FROM chunk WHERE process_id = ?1), 0),"
                        " (SELECT coalesce(sum(births), 0) FROM chunk WHERE process_id = ?1),"
                        " coalesce(exit_kind IN ('signal', 'exec', 'running'), 0)"
                        " FROM process WHERE id = ?1",
                        &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, pass->process_id);
    int next = tn_sql_next(row);
    if (next == 0)
        r = tn_error_set(pass->error, -ENOENT, "log %s has no process %llu; `tenure info` lists them",
                         tn_log_path(pass->log), (unsigned long long)pass->process_id);
    if (next == 1) {
        pass->marks.end_ns = tn_sql_count(row, 0);
        pass->birth_total = tn_sql_count(row, 1);
        pass->is_cut_off = sqlite3_column_int(row, 2) != 0 || !pass->is_complete;
    }
    int end = tn_pass_end_rows(pass, row, next, "cannot read");
    return r < 0 ? r : end;
}

static int load_marks(struct tn_pass *pass)
{
    sqlite3_stmt *rows;
    int r = tn_pass_prepare(pass, "SELECT text, min(time_ns) FROM mark WHERE process_id = ?1 GROUP BY text",
                            &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, pass->process_id);
    while ((r = tn_sql_next(rows)) == 1) {
        const char *text = tn_sql_text(rows, 0);
        uint64_t time_ns = tn_sql_count(rows, 1);
        if (text == NULL)
            continue;
        if (strcmp(text, MAIN_MARK) == 0)
            pass->marks.main_ns = time_ns;
        if (strcmp(text, INITIALISED_MARK) == 0)
            pass->marks.initialised_ns = time_ns;
        if (strcmp(text, EXIT_MARK) == 0)
            pass->marks.exit_ns = time_ns;
    }
    return tn_pass_end_rows(pass, rows, r, "cannot read");
}

/* One entry more than the log has, for events of threads that a damaged log does not know. */
static int load_threads(struct tn_pass *pass)
{
    sqlite3_stmt *rows;
    size_t capacity = 16, limit, count;
    int r = tn_pass_count_rows(pass,
                               "SELECT CASE WHEN min(id) < 1 THEN -1 ELSE coalesce(max(id), 0) END,"
                               " count(*) FROM thread",
                               &limit, &count);
    if (r < 0)
        return r;
    r = tn_pass_prepare(
        pass, "SELECT id, coalesce(stack_size_bytes, 0) FROM thread WHERE process_id = ?1 ORDER BY id",
        &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, pass->process_id);
    pass->threads = calloc(capacity, sizeof(pass->threads[0]));
    while (pass->threads != NULL && (r = tn_sql_next(rows)) == 1) {
        pass->threads[pass->thread_count++] = (struct tn_pass_thread){
            .thread_id = tn_sql_count(rows, 0), .stack_size_bytes = tn_sql_count(rows, 1)};
        if (pass->thread_count < capacity)
            continue;
        capacity *= 2;
        struct tn_pass_thread *threads = realloc(pass->threads, capacity * sizeof(threads[0]));
        if (threads == NULL)
            free(pass->threads);
        pass->threads = threads;
    }
    if (pass->threads == NULL) {
        pass->thread_count = 0;
        sqlite3_finalize(rows);
        return tn_pass_refuse(pass, -ENOMEM, "cannot load threads");
    }
    pass->threads[pass->thread_count++] = (struct tn_pass_thread){0};
    return tn_pass_end_rows(pass, rows, r, "cannot read");
}

int tn_pass_open_rules(const struct tn_pass *pass, struct tn_site_rules **ret_rules)
{
    struct tn_site_rules *rules;
    sqlite3_stmt *rows = NULL;
    int r = tn_site_rules_open(pass->options->wrapper_regex, &rules, pass->error);
    if (r < 0)
        return r;
    r = tn_pass_prepare(pass,
                        "SELECT json_extract(j.value, '$.function') FROM meta AS m, json_each(m.value) AS j"
                        " WHERE m.key = 'wrappers_found' AND json_valid(m.value)",
                        &rows);
    while (r == 0 && tn_sql_next(rows) == 1) {
        const char *name = tn_sql_text(rows, 0);
        r = name != NULL ? tn_site_rules_add_wrapper(rules, name) : 0;
    }
    if (r < 0)
        tn_site_rules_close(rules);
    else
        *ret_rules = rules;
    sqlite3_finalize(rows);
    return r;
}

int tn_pass_load(struct tn_pass *pass)
{
    int r = load_process(pass);
    if (r == 0)
        r = load_marks(pass);
    if (r == 0)
        r = tn_pass_load_pauses(pass);
    if (r == 0)
        r = load_threads(pass);
    return r;
}

int tn_pass_open(struct tn_pass *pass)
{
    int r = tn_releases_open(pass->site_count, &pass->releases);
    if (r == 0)
        r = tn_size_sources_open(&pass->size_sources);
    if (r == 0)
        r = tn_makers_open(&pass->makers);
    if (r == 0)
        r = tn_code_files_open(&pass->code_files);
    if (r == 0)
        r = tn_stack_profiles_open(pass, &pass->profiles);
    pass->frames = r == 0 ? calloc(1, sizeof(*pass->frames)) : NULL;
    pass->activations = r == 0 ? calloc(1, sizeof(*pass->activations)) : NULL;
    return pass->frames == NULL || pass->activations == NULL ? -ENOMEM : r;
}

int tn_pass_frames(const struct tn_pass *pass, const struct tn_source_frames **ret_frames)
{
    *ret_frames = pass->frames;
    return pass->frames->frames == NULL ? tn_source_frames_load(pass, pass->frames) : 0;
}

void tn_pass_finish(struct tn_pass *pass)
{
    for (size_t i = 0; pass->origins != NULL && i < pass->site_count - pass->role_count; i++)
        free(pass->origins[i].via);
    tn_pass_drop_roles(pass);
    tn_stack_profiles_close(pass->profiles);
    tn_releases_close(pass->releases);
    tn_size_sources_close(pass->size_sources);
    tn_makers_close(pass->makers);
    tn_code_files_close(pass->code_files);
    if (pass->activations != NULL)
        tn_activations_finish(pass->activations);
    free(pass->activations);
    if (pass->frames != NULL)
        tn_source_frames_finish(pass->frames);
    free(pass->frames);
    free(pass->pauses);
    free(pass->origins);
    free(pass->nodes);
    free(pass->sites);
    free(pass->threads);
}
