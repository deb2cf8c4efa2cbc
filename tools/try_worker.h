/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TRY_WORKER_H
#define TENURE_TRY_WORKER_H

/* A process that makes the runs of `tenure try`, forked before the log is read: what a program is forked from
 * counts for its resident memory (getrusage), so it has to be small. One thread. */

#include "try_runs.h"

#include <sys/types.h>

struct tn_try_worker {
    pid_t pid;       /* 0: none */
    int go_fd, from; /* owned: a byte starts it; its answer comes from there */
};

/* Fork the worker, which waits.
 *
 * runs     all but the trial file is there already
 * Returns  0; negative errno: error says what failed */
int tn_try_worker_start(const struct tn_try_runs *runs, struct tn_try_worker *ret_worker,
                        struct tn_error *error);

/* Let it make the runs, and take what came of them. Signals must have been caught (child.h).
 *
 * runs, report  as of tn_try_runs_make, which the worker calls
 * Returns       as tn_try_runs_make */
int tn_try_worker_run(struct tn_try_worker *worker, struct tn_try_runs *runs, struct tn_try_report *report,
                      struct tn_error *error);

/* End it. Zeroed is fine. */
void tn_try_worker_end(struct tn_try_worker *worker);

#endif
