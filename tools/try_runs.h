/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TRY_RUNS_H
#define TENURE_TRY_RUNS_H

/* The runs of `tenure try`: one recorded without the plan and one with it, then pairs that are only timed.
 * One after the other: they must not disturb each other. One thread. */

#include "tenure/fail.h"
#include "tenure/try.h"

#include <limits.h>

/* What is to be run. Borrowed. */
struct tn_try_runs {
    struct tn_fail_command command; /* its library is not looked at */
    const char *library;            /* the second allocator */
    const char *heap_library;       /* models the small heap of command; it stands behind the shim */
    const char *file;               /* trial file; each run with the plan begins with the counters as they are
                                       there */
    const char *log;                /* for the recording with the plan; NULL: in the folder of the runs */
    size_t pair_count;
    char without_log[PATH_MAX + 16]; /* written by tn_try_runs_make */
    char with_log[PATH_MAX + 16];
    char result[PATH_MAX + 16]; /* the trial file of the recorded run with the plan */
    uint64_t next_number;
    bool is_stopped; /* by a signal */
};

/* Make all runs.
 *
 * report    gets status, output and times of both sides, run_count and has_steady_output
 * Returns   0; negative errno: error says what failed. Signals must have been caught (child.h) */
int tn_try_runs_make(struct tn_try_runs *runs, struct tn_try_report *report, struct tn_error *error);

#endif
