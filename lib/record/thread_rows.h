/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_THREAD_ROWS_H
#define TN_RECORD_THREAD_ROWS_H

/* Rows of threads, and events of a ring that are not about blocks. One thread. */

#include "stream.h"

/* Write a row for the owner of a ring whose THREAD_BEGIN was not seen: only its tid is known. Returns 0 or
 * the writer's error. */
int tn_thread_add_unannounced(struct tn_stream *stream);

/* Apply THREAD_BEGIN, THREAD_END, LOSS or LEAVE; other kinds are ignored.
 *
 * Returns  0; -EBADMSG: malformed; other negative errno: the writer's error */
int tn_thread_apply(struct tn_stream *stream);

/* End the row of a ring's owner, unless its THREAD_END has done so, and add its losses to it; the ring then
 * has no owner. Returns 0 or the writer's error. */
int tn_thread_end(struct tn_stream *stream, uint64_t end_ns);

#endif
