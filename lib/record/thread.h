/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_THREAD_H
#define TN_RECORD_THREAD_H

/* Threads: their rows, and what their rings say besides allocations. */

#include "stream.h"

/* Give the owner of a ring a row although it has not introduced itself. Returns 0 or the writer's error. */
int tn_thread_assume(struct tn_stream *stream);

/* Apply an event that is no allocation and no release: THREAD_BEGIN, THREAD_END, LOSS; others are passed
 * over.
 *
 * Returns  0; -EBADMSG: it makes no sense; other negative errno: the writer's error */
int tn_thread_event(struct tn_stream *stream);

/* The owner of a ring is gone: end its row, forget it. Returns 0 or the writer's error. */
int tn_thread_gone(struct tn_stream *stream, uint64_t end_ns);

#endif
