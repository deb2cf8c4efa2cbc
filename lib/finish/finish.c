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
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define STEP_KEY "finish_step"

static const struct {
    const char *name;
    int (*run)(struct tn_finish_job *job);
} steps[] = {
    {"names", tn_finish_names},
    {"sites", tn_finish_sites},
    {"summaries", tn_finish_summaries},
    {"members", tn_finish_members},
};

#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

#define LOOK_NS         20000000 /* how often the lock is tried */
#define LOOKS_TO_REPORT 15       /* of them, until progress is reported again */

/* ---------------------------------------------------------------------------------------- the lock */

int tn_finish_lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

/* How far the process that holds the lock has come: whole steps, since it commits no others. Rows are the
 * last one. */
static void report_other(const char *path, const struct tn_finish_options *options)
{
    struct tn_log *log;
    if (options->progress == NULL || tn_log_open(path, &log, NULL) < 0)
        return;
    int64_t done = tn_log_meta_int(log, STEP_KEY, 0);
    tn_log_close(log);
    options->progress(options->progress_context, TN_FINISH_WAITING,
                      (unsigned)(done * 100 / (int64_t)(STEP_COUNT + 1)));
}

/* Wait for the lock. -1: the file system has no such locks, or the log cannot be opened, which is said by the
 * next who tries. */
static int wait_for_lock(const char *path, const struct tn_finish_options *options)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    int fd;
    for (unsigned looks = 0; (fd = tn_finish_lock(path)) == -EWOULDBLOCK; looks++) {
        if (looks % LOOKS_TO_REPORT == 0)
            report_other(path, options);
        nanosleep(&pause, NULL);
    }
    return fd >= 0 ? fd : -1;
}

/* ---------------------------------------------------------------------------------------- the steps */

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
    /* SQLite waits for a lock only at the beginning of a transaction that writes at once. */
    r = tn_finish_run(job, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = tn_log_fill_rows(job->database, job->error);
    if (r == 0)
        r = tn_finish_run(job, "COMMIT");
    if (r < 0)
        tn_sql_run(job->database, "ROLLBACK");
    else
        tn_finish_progress(job, "rows", 1, 1);
    return r;
}

/* What the recording asked for; logs of before these keys take the defaults.
 *
 * ret_regex  owned by the caller */
static int resume_options(struct tn_finish_job *job, struct tn_finish_options *options, char **ret_regex)
{
    sqlite3_stmt *row;
    int r = tn_finish_prepare(job,
                              "SELECT (SELECT value FROM meta WHERE key = '" TN_FINISH_META_ROWS
                              "'),"
                              " (SELECT value FROM meta WHERE key = '" TN_FINISH_META_WRAPPER
                              "'),"
                              " (SELECT value FROM meta WHERE key = '" TN_FINISH_META_KEEPS "') = '1'",
                              &row);
    if (r < 0)
        return r;
    r = tn_sql_next(row);
    const char *rows = r == 1 ? tn_sql_text(row, 0) : NULL;
    options->rows_max = rows != NULL ? strtoull(rows, NULL, 10) : TN_ROWS_DEFAULT;
    options->keeps_wrappers = r == 1 && tn_sql_count(row, 2) != 0;
    bool has_regex = r == 1 && tn_sql_text(row, 1) != NULL;
    *ret_regex = has_regex ? tn_sql_copy_text(row, 1) : NULL;
    options->wrapper_regex = *ret_regex;
    sqlite3_finalize(row);
    if (r < 0)
        return tn_finish_fail(job, r, "cannot read the log");
    return has_regex && *ret_regex == NULL ? tn_finish_refuse(job, -ENOMEM, "cannot finish the log") : 0;
}

static int finish_all(struct tn_finish_job *job)
{
    int r = run_steps(job);
    if (r == 0)
        r = fill_rows(job);
    return r < 0 ? r : tn_finish_set_meta(job, "finished", 1);
}

static int finish(struct tn_finish_job *job)
{
    int64_t is_finished;
    struct tn_finish_options resumed = *job->options;
    char *regex = NULL;
    int r = check_closed(job);
    if (r == 0)
        r = tn_finish_number(job, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'finished'", 0, 0,
                             &is_finished);
    if (r < 0 || is_finished != 0)
        return r;
    const struct tn_finish_options *asked = job->options;
    if (resumed.is_resumed)
        r = resume_options(job, &resumed, &regex);
    job->options = &resumed;
    if (r == 0)
        r = finish_all(job);
    job->options = asked;
    free(regex);
    return r;
}

int tn_finish(const char *path, const struct tn_finish_options *options, struct tn_error *error)
{
    struct tn_finish_job job = {.path = path, .options = options, .error = error};
    int lock_fd = options->is_locked ? -1 : wait_for_lock(path, options);
    int r = tn_log_update_open(path, &job.database, error);
    if (r == 0)
        r = finish(&job);
    tn_finish_usages_forget(&job);
    tn_finish_files_close(&job);
    tn_log_update_close(job.database);
    if (lock_fd >= 0)
        close(lock_fd);
    return r;
}
