/* SPDX-License-Identifier: MIT */
/* SQLite and error helpers of the finishing steps, and their progress. Called by all files of this folder. */
#include "steps.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int tn_finish_fail(struct tn_finish_job *job, int code, const char *what)
{
    const char *advice = code == -ENOSPC ? "; make room on that file system" : "";
    return tn_error_set(job->error, code, "%s, log %s: %s%s", what, job->path, sqlite3_errmsg(job->database),
                        advice);
}

int tn_finish_refuse(struct tn_finish_job *job, int code, const char *what)
{
    return tn_error_set(job->error, code, "%s, log %s: %s", what, job->path, strerror(-code));
}

int tn_finish_run(struct tn_finish_job *job, const char *sql)
{
    int r = tn_sql_run(job->database, sql);
    return r < 0 ? tn_finish_fail(job, r, "cannot finish the log") : 0;
}

int tn_finish_prepare(struct tn_finish_job *job, const char *sql, sqlite3_stmt **ret_statement)
{
    int r = tn_sql_prepare(job->database, sql, ret_statement);
    return r < 0 ? tn_finish_fail(job, r, "cannot read the log") : 0;
}

int tn_finish_execute(struct tn_finish_job *job, sqlite3_stmt *statement)
{
    int r = tn_sql_execute(statement);
    return r < 0 ? tn_finish_fail(job, r, "cannot write the log") : 0;
}

int tn_finish_number(struct tn_finish_job *job, const char *sql, int64_t parameter, int64_t fallback,
                     int64_t *ret_value)
{
    int r = tn_sql_number(job->database, sql, parameter, fallback, ret_value);
    return r < 0 ? tn_finish_fail(job, r, "cannot read the log") : 0;
}

int tn_finish_set_meta(struct tn_finish_job *job, const char *key, uint64_t value)
{
    sqlite3_stmt *statement;
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    int r = tn_finish_prepare(job, "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", &statement);
    if (r < 0)
        return r;
    tn_sql_bind_text(statement, 1, key);
    tn_sql_bind_text(statement, 2, text);
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
