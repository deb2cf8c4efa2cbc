/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RECORD_SESSION_H
#define TENURE_RECORD_SESSION_H

/* A recording in progress, seen from `tenure record`: its child is the program, which has the terminal; the
 * recorder has the log. One thread. */

#include "child.h"
#include "recorder_link.h"

#include <stdbool.h>

struct tn_record_session {
    struct tn_link *link; /* borrowed */
    const char *log;      /* path of the log, for messages */
    const char *program;  /* for messages */
    pid_t child;
    bool is_quiet;        /* errors only */
    bool is_background;   /* do not wait for names and summaries: the end of the events is enough */
    uint64_t duration_ns; /* close the log this long after the start; 0: when the program has ended */
    bool is_over;         /* that time has passed, and the recorder was told to close the log */
    bool has_child_ended;
    int child_status;        /* as wait gives it, once has_child_ended */
    bool has_recorder_ended; /* it sent `done` or `error`, or has died */
    bool is_recorder_reaped; /* it was waited for, and left recorder_status, as wait gives it */
    int recorder_status;
    bool has_said_stopped;
    bool has_failed;                    /* recording stopped early, and the reason was printed */
    bool is_progress_shown;             /* a progress line is on the terminal */
    char waiting[TN_RECORD_LINE_BYTES]; /* PIDs of recorded processes that outlive the child, as text; "":
                                           none known */
    bool has_said_waiting;
    uint64_t child_ended_ns;         /* CLOCK_MONOTONIC, once has_child_ended */
    uint64_t started_ns;             /* of this run, CLOCK_MONOTONIC */
    char done[TN_RECORD_LINE_BYTES]; /* fields of the line `done`, or with is_background `closed`; "": none
                                        came */
};

/* Wait until the child has ended and the log is finished, or with is_background closed. Progress and problems
 * go to stderr.
 *
 * session  link, log, program, child, is_quiet, is_background and duration_ns are set, the rest is zero */
void tn_record_session_run(struct tn_record_session *session);

/* Print the summary and the next command to type; with is_quiet only losses. */
void tn_record_session_print_summary(const struct tn_record_session *session);

#endif
