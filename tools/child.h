/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CHILD_H
#define TENURE_CHILD_H

/* The program that `record` runs: a child that is forked early (its PID is in the name of the log and the
 * recorder must know it), waits, and executes the program when it is told to. Also what the tool does with
 * signals meanwhile. One child in the life of the tool. */

#include "tenure/base.h"

#include <stdbool.h>
#include <sys/types.h>

/* A variable of the program's environment. */
struct tn_variable {
    const char *name;
    const char *value;
};

struct tn_child_options {
    const char *path;                    /* what to execute */
    char **argv;                         /* the program's own, NULL at the end */
    const char *shim;                    /* put before what LD_PRELOAD holds already */
    const struct tn_variable *variables; /* to set besides; ended by a NULL name */
};

struct tn_child {
    pid_t pid;
    int go_fd;   /* we write the session into it */
    int fail_fd; /* we read from it why the program could not be executed */
};

/* What has come in since the last call of tn_signals_take. */
struct tn_signals {
    bool has_child_changed; /* SIGCHLD */
    bool is_interrupted;    /* SIGINT or SIGQUIT: Ctrl-C on the terminal, which the program got as well */
    int to_forward;         /* SIGTERM or SIGHUP, 0: none: sent to the tool alone, meant for the program */
};

/* From now on the signals named in struct tn_signals are only noted, and are blocked except while ppoll runs
 * with the mask given here. A SIGHUP that was ignored (nohup) stays so. */
void tn_signals_catch(void);

/* The mask to wait with. */
const sigset_t *tn_signals_wait_mask(void);

/* What has come in; cleared by the call. */
struct tn_signals tn_signals_take(void);

/* Fork the child. It waits for tn_child_go; if the tool ends before, so does the child.
 *
 * options  borrowed until tn_child_go
 * Returns  0; negative errno with the story in error */
int tn_child_start(const struct tn_child_options *options, struct tn_child *ret_child,
                   struct tn_error *error);

/* Let the child execute its program, with the signals as the tool found them.
 *
 * session  for TENURE_SESSION
 * Returns  0: it runs; negative errno: it could not be executed, and the child has ended */
int tn_child_go(struct tn_child *child, const char *session);

/* Make a child that waits end, and wait for it. */
void tn_child_cancel(struct tn_child *child);

#endif
