/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RECORD_SESSION_H
#define TENURE_RECORD_SESSION_H

/* A session under way: between the program, which has the terminal, and the recorder, which has the log. */

#include "child.h"
#include "recorder_link.h"

#include <stdbool.h>

struct tn_record_session {
    struct tn_link *link; /* borrowed */
    const char *log;      /* path of the log, for messages */
    const char *program;  /* for messages */
    pid_t child;
    bool is_quiet; /* errors only */
    bool has_child_ended;
    int child_status;                   /* as wait gives it, once has_child_ended */
    bool has_recorder_ended;            /* it said `done` or `error`, or it is gone */
    bool has_failed;                    /* session stopped before its time, and the reason was printed */
    bool is_progress_shown;             /* a line of progress stands on the terminal */
    char waiting[TN_RECORD_LINE_BYTES]; /* processes that the program left behind, "" while none is known */
    bool has_said_waiting;
    uint64_t child_ended_ns;         /* CLOCK_MONOTONIC, once has_child_ended */
    uint64_t started_ns;             /* of this run, CLOCK_MONOTONIC */
    char done[TN_RECORD_LINE_BYTES]; /* the line `done`, "" when there was none */
};

/* See the session through: the program's end, its descendants', the log's. Progress and troubles go to
 * stderr.
 *
 * session  link, log, program, child and is_quiet are set, the rest zero */
void tn_record_session_run(struct tn_record_session *session);

/* Print the summary and the next command to type, unless it is quiet; losses even then. */
void tn_record_session_print_summary(const struct tn_record_session *session);

#endif
