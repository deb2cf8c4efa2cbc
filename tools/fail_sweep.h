/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_SWEEP_H
#define TENURE_FAIL_SWEEP_H

/* The runs of `tenure fail`, side by side: two without a failure, then one for each subject. One thread. */

#include "tenure/fail.h"

/* Which call of a subject fails. */
enum tn_fail_turn {
    TN_FAIL_TURN_NUMBER = 0, /* the one of this number */
    TN_FAIL_TURN_LAST,       /* the last one that the log has */
    TN_FAIL_TURN_RANDOM,     /* one of those that the log has, by seed and subject */
};

/* What is to be run. Borrowed, but for the results. */
struct tn_fail_sweep {
    struct tn_fail_command command;
    const struct tn_fail_subjects *subjects;
    const struct tn_fail_subject *
        *chosen; /* a run for each; an entry that is NULL: a run that fails by limit */
    size_t chosen_count;
    enum tn_fail_turn turn;
    uint64_t occurrence, seed; /* of turn */
    const int *allowed;        /* as of tn_fail_judge */
    size_t allowed_count;
    unsigned jobs;                    /* runs at once */
    struct tn_fail_store *store;      /* NULL: results are not kept */
    struct tn_fail_baseline baseline; /* written by tn_fail_sweep_run */
    struct tn_fail_results results;   /* what is there already is not run again; the caller releases it */
    uint64_t duration_ns;             /* of the runs, written by tn_fail_sweep_run */
    uint64_t next_number;             /* of a run's folder that is free, written by tn_fail_sweep_run */
    bool is_stopped;                  /* by a signal: results are of the runs until then */
};

/* Run everything. Signals must have been caught (child.h).
 *
 * timeout_ns  0 in command: ten times what the program takes without a failure, at least 10 s
 * Returns     0; negative errno: error says what failed, and the results are of the runs until then */
int tn_fail_sweep_run(struct tn_fail_sweep *sweep, struct tn_error *error);

#endif
