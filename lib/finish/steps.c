/* SPDX-License-Identifier: MIT */
/* SQLite and error helpers of the finishing steps, and their progress. Called by all files of this folder. */
#include "steps.h"

#include "tenure/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int tn_finish_fail(struct tn_finish_job *job, int rc, const char *what)
{
    int code = tn_sql_errno(job->database, rc);
    const char *advice = code == -ENOSPC ? "; make room on that file system" : "";
    return tn_error_set(job->error, code, "%s, log %s: %s%s", what, job->path,
                        job->database != NULL ? sqlite3_errmsg(job->database) : sqlite3_errstr(rc), advice);
}

int tn_finish_refuse(struct tn_finish_job *job, int code, const char *what)
{
    return tn_error_set(job->error, code, "%s, log %s: %s", what, job->path, strerror(-code));
}

int tn_finish_run(struct tn_finish_job *job, const char *sql)
{
    int rc = sqlite3_exec(job->database, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : tn_finish_fail(job, rc, "cannot finish the log");
}

int tn_finish_prepare(struct tn_finish_job *job, const char *sql, sqlite3_stmt **ret_statement)
{
    int rc = sqlite3_prepare_v2(job->database, sql, -1, ret_statement, NULL);
    return rc == SQLITE_OK ? 0 : tn_finish_fail(job, rc, "cannot read the log");
}

int tn_finish_execute(struct tn_finish_job *job, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    int r = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : tn_finish_fail(job, rc, "cannot write the log");
    sqlite3_reset(statement);
    return r;
}

int tn_finish_number(struct tn_finish_job *job, const char *sql, int64_t parameter, int64_t fallback,
                     int64_t *ret_value)
{
    sqlite3_stmt *statement;
    int r = tn_finish_prepare(job, sql, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, parameter);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        *ret_value = sqlite3_column_int64(statement, 0);
    else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        *ret_value = fallback;
    else
        r = tn_finish_fail(job, rc, "cannot read the log");
    sqlite3_finalize(statement);
    return r;
}

int tn_finish_set_meta(struct tn_finish_job *job, const char *key, uint64_t value)
{
    sqlite3_stmt *statement;
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    int r = tn_finish_prepare(job, "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", &statement);
    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);
    r = tn_finish_execute(job, statement);
    sqlite3_finalize(statement);
    return r;
}

void tn_finish_progress(const struct tn_finish_job *job, const char *step, uint64_t done, uint64_t total)
{
    if (job->options->progress == NULL)
        return;
    unsigned percent = total == 0 || done >= total ? 100 : (unsigned)((double)done / (double)total * 100);
    job->options->progress(job->options->progress_context, step, percent);
}
