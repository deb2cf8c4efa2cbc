/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_THREADS_H
#define TN_RECORD_THREADS_H

/* Threads: their rows, and what their rings say besides allocations. */

#include "stream.h"

/* Give the owner of a ring a row although it has not introduced itself. Returns 0 or the writer's error. */
int tn_thread_add_unannounced(struct tn_stream *stream);

/* Apply an event that is no allocation and no release: THREAD_BEGIN, THREAD_END, LOSS; others are passed
 * over.
 *
 * Returns  0; -EBADMSG: it makes no sense; other negative errno: the writer's error */
int tn_thread_apply(struct tn_stream *stream);

/* The owner of a ring is gone: end its row, forget it. Returns 0 or the writer's error. */
int tn_thread_end(struct tn_stream *stream, uint64_t end_ns);

#endif
