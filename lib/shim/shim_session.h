/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SESSION_H
#define TENURE_SHIM_SESSION_H

/* How the process gets its rings and its recorder. Both functions: between tn_own_begin and tn_own_end, by
 * the thread that starts the process. */

#include "tenure/ring.h"
#include "tenure/session.h"

#include <stdbool.h>

/* Why a session was not opened. */
struct tn_join_failure {
    const char *what;        /* what failed, for people; valid for ever */
    enum tn_child_loss loss; /* how a fork child counts it */
    bool is_told;            /* people have been told, or will be by the recorder, which finds the hello */
};

/* Create the rings, find or start a recorder, and send it the hello. On success tn_hot is filled, all but its
 * generation, and recording may begin; else everything is released.
 *
 * ret_failure  written in any case
 * Returns      0; 1: this process is not to be recorded; 2: refused; negative errno
 * Cost         milliseconds; as tn_hello_exchange */
int tn_session_open(enum tn_hello_reason reason, struct tn_join_failure *ret_failure);

/* Start a recorder that is no child of the program's. Returns the shim's end of its socket, which the caller
 * closes, or a negative errno. */
int tn_launch_recorder(void);

#endif
