/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CHILD_H
#define TENURE_CHILD_H

/* The program that `record` runs: a child that is forked early (its PID is in the name of the log, and the
 * recorder must know it), waits, and executes the program when told to. Also the tool's signals meanwhile.
 * The tool has one child. One thread. */

#include "tenure/base.h"

#include <stdbool.h>
#include <sys/types.h>

/* A variable of the program's environment. Borrowed strings. */
struct tn_variable {
    const char *name;
    const char *value;
};

/* How the program is started. Borrowed strings; set by the caller. */
struct tn_child_options {
    const char *path;                    /* file to execute */
    char **argv;                         /* the program's arguments, NULL at the end */
    const char *shim;                    /* put in front of LD_PRELOAD */
    const struct tn_variable *variables; /* more variables to set; ended by a NULL name */
};

/* A child that waits or runs. Written by tn_child_start. */
struct tn_child {
    pid_t pid;   /* of the child, and later of the program */
    int go_fd;   /* owned until go or cancel; the session is written to it */
    int fail_fd; /* owned until go or cancel; from it comes the errno of a failed exec */
};

/* Signals since the last call of tn_signals_take. */
struct tn_signals {
    bool has_child_changed; /* SIGCHLD */
    bool is_interrupted;    /* SIGINT or SIGQUIT: Ctrl-C on the terminal; the program got it, too */
    int to_forward;         /* SIGTERM or SIGHUP: sent to the tool, meant for the program; 0: none */
};

/* From now on only note the signals named in struct tn_signals; they are blocked except while ppoll runs with
 * tn_signals_wait_mask. An ignored SIGHUP (nohup) stays ignored. */
void tn_signals_catch(void);

/* The signal mask to wait with. Static. */
const sigset_t *tn_signals_wait_mask(void);

/* Take the signals that have come in; they count as none then. */
struct tn_signals tn_signals_take(void);

/* Fork the child. It waits for tn_child_go; if the tool ends before that, so does the child.
 *
 * options  borrowed until tn_child_go or tn_child_cancel
 * Returns  0; negative errno: there is no child, error says what failed */
int tn_child_start(const struct tn_child_options *options, struct tn_child *ret_child,
                   struct tn_error *error);

/* Let the child execute its program, with the signals as the tool found them.
 *
 * session  for TENURE_SESSION
 * Returns  0: it runs; negative errno: it could not be executed, and the child has ended */
int tn_child_go(struct tn_child *child, const char *session);

/* End a child that waits, and reap it. */
void tn_child_cancel(struct tn_child *child);

#endif
