/* SPDX-License-Identifier: MIT */
/* Runs the finishing steps. Each step is one transaction that also notes in meta.finish_step how many are
 * done: whenever the process is killed, the log is whole, and the next run goes on with the step that is
 * missing. Called by tenure-recorder. */
#include "module_files.h"
#include "steps.h"
#include "usages.h"

#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>

#define STEP_KEY "finish_step"

static const struct {
    const char *name;
    int (*run)(struct tn_finish_job *job);
} steps[] = {
    {"names", tn_finish_names},
    {"sites", tn_finish_sites},
    {"summaries", tn_finish_summaries},
};

#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

static int check_closed(struct tn_finish_job *job)
{
    int64_t is_closed;
    int r = tn_finish_number(
        job, "SELECT max(CAST(value AS INTEGER)) FROM meta WHERE key IN ('closed', 'complete')", 0, 0,
        &is_closed);
    if (r < 0 || is_closed != 0)
        return r;
    return tn_error_set(job->error, -EINVAL, "cannot finish %s: its recording was not closed", job->path);
}

static int run_step(struct tn_finish_job *job, size_t index)
{
    tn_finish_progress(job, steps[index].name, 0, 1);
    int r = tn_finish_run(job, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = steps[index].run(job);
    if (r == 0)
        r = tn_finish_set_meta(job, STEP_KEY, index + 1);
    if (r == 0)
        r = tn_finish_run(job, "COMMIT");
    if (r < 0)
        tn_sql_run(job->database, "ROLLBACK");
    else
        tn_finish_progress(job, steps[index].name, 1, 1);
    return r;
}

static int run_steps(struct tn_finish_job *job)
{
    int64_t done;
    int r = tn_finish_number(job, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = '" STEP_KEY "'", 0, 0,
                             &done);
    for (size_t i = (size_t)done; r == 0 && i < STEP_COUNT; i++)
        r = run_step(job, i);
    return r;
}

/* Plain rows are only a convenience, so they come last, in a transaction of their own. */
static int fill_rows(struct tn_finish_job *job)
{
    int64_t births;
    int r = tn_finish_number(job, "SELECT sum(births) FROM chunk", 0, 0, &births);
    if (r < 0 || job->options->rows_max == TN_ROWS_NONE || (uint64_t)births > job->options->rows_max)
        return r;
    tn_finish_progress(job, "rows", 0, 1);
    r = tn_log_fill_rows(job->database, job->error);
    if (r == 0)
        tn_finish_progress(job, "rows", 1, 1);
    return r;
}

static int finish(struct tn_finish_job *job)
{
    int64_t is_finished;
    int r = check_closed(job);
    if (r == 0)
        r = tn_finish_number(job, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'finished'", 0, 0,
                             &is_finished);
    if (r < 0 || is_finished != 0)
        return r;
    r = run_steps(job);
    if (r == 0)
        r = fill_rows(job);
    return r < 0 ? r : tn_finish_set_meta(job, "finished", 1);
}

int tn_finish(const char *path, const struct tn_finish_options *options, struct tn_error *error)
{
    struct tn_finish_job job = {.path = path, .options = options, .error = error};
    int r = tn_log_update_open(path, &job.database, error);
    if (r < 0)
        return r;
    r = finish(&job);
    tn_finish_usages_forget(&job);
    tn_finish_files_close(&job);
    tn_log_update_close(job.database);
    return r;
}
