/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SESSION_H
#define TENURE_SHIM_SESSION_H

/* How the process gets its rings and its recorder. Both functions: between tn_own_begin and tn_own_end, by
 * the thread that starts the process. */

#include "tenure/session.h"

/* Create the rings, find or start a recorder, and send it the hello. On success tn_hot is filled, all but its
 * generation, and recording may begin; else everything is released.
 *
 * ret_what  what failed, for people; written in any case, valid for ever
 * Returns   0; 1: this process is not to be recorded; 2: refused; negative errno
 * Cost      milliseconds; with a recorder that does not answer, TN_WELCOME_TIMEOUT_MS */
int tn_session_open(enum tn_hello_reason reason, const char **ret_what);

/* Start a recorder that is no child of the program's. Returns the shim's end of its socket, which the caller
 * closes, or a negative errno. */
int tn_launch_recorder(void);

#endif
