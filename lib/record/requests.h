/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_REQUESTS_H
#define TN_RECORD_REQUESTS_H

/* The recorder's side of request.h: requests that come over its socket. One thread. */

#include "recording.h"

/* Whether what waits on a connection is a request, not a hello. Nothing is taken out. Returns 1 or 0;
 * -EAGAIN: nothing waits yet. */
int tn_requests_is_one(int connection_fd);

/* Take a request, do what it asks, answer, and close the connection. A sender that may not ask, or has gone,
 * is no error.
 *
 * Returns  0; negative errno: the recording has failed */
int tn_requests_serve(struct tn_recording *recording, int connection_fd);

#endif
