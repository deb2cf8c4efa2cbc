/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_STEPS_H
#define TENURE_FINISH_STEPS_H

/* One finishing run: the connection, the options, and helpers that all steps use. finish.c runs each step in
 * a transaction of its own, and commits it together with the note that the step is done. One thread. */

#include "tenure/finish.h"

#include <sqlite3.h>

struct tn_finish_files;
struct tn_finish_usages;

struct tn_finish_job {
    const char *path;                        /* of the log; borrowed */
    const struct tn_finish_options *options; /* borrowed */
    struct tn_error *error;                  /* may be NULL */
    sqlite3 *database;                       /* owned by tn_finish */
    struct tn_finish_files *files;           /* owned; module_files.h; NULL: none is open */
    struct tn_finish_usages *usages;         /* owned; usages.h; NULL: not counted so far */
};

/* Set job->error after a failure of the connection, with its message.
 *
 * code     the negative errno that the function of tenure/sql.h returned
 * what     what was attempted: "cannot load stacks"
 * Returns  code */
int tn_finish_fail(struct tn_finish_job *job, int code, const char *what);

/* Set job->error from a negative errno, and return it. what: as in tn_finish_fail. */
int tn_finish_refuse(struct tn_finish_job *job, int code, const char *what);

/* Run SQL without result rows. Returns 0 or a negative errno. */
int tn_finish_run(struct tn_finish_job *job, const char *sql);

/* Prepare a statement; the caller finalizes it. Returns 0 or a negative errno. */
int tn_finish_prepare(struct tn_finish_job *job, const char *sql, sqlite3_stmt **ret_statement);

/* Run a prepared statement without result rows, and reset it. Returns 0 or a negative errno. */
int tn_finish_execute(struct tn_finish_job *job, sqlite3_stmt *statement);

/* The first column of the first row of a query.
 *
 * parameter  bound to ?1
 * ret_value  fallback when there is no row, or the column is NULL
 * Returns    0 or a negative errno */
int tn_finish_number(struct tn_finish_job *job, const char *sql, int64_t parameter, int64_t fallback,
                     int64_t *ret_value);

/* Set a key of meta to a number. Returns 0 or a negative errno. */
int tn_finish_set_meta(struct tn_finish_job *job, const char *key, uint64_t value);

/* Report the progress of a step: done of total, in any unit. */
void tn_finish_progress(const struct tn_finish_job *job, const char *step, uint64_t done, uint64_t total);

/* Add the frames that tail calls removed to `frame` and `stack`, before they are named (tail_calls.c). Logs
 * that were made before there was `frame.is_tail_call` stay as they are.
 *
 * ret_has_added  whether there are any; written in any case
 * Returns        0; negative errno: job->error says what failed */
int tn_finish_tail_calls(struct tn_finish_job *job, bool *ret_has_added);

/* Fill function, file and line of all frames, and add those that were inlined (names.c). */
int tn_finish_names(struct tn_finish_job *job);

/* Fill `site` and stack.site_id (sites.c). */
int tn_finish_sites(struct tn_finish_job *job);

/* Fill struct_member (members.c). */
int tn_finish_members(struct tn_finish_job *job);

/* Fill site_summary and timeline, add the marks that follow from events (summary.c). */
int tn_finish_summaries(struct tn_finish_job *job);

#endif
