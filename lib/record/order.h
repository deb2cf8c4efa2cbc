/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_ORDER_H
#define TN_RECORD_ORDER_H

/* Many rings -> one sequence. Events are applied by rising time stamp, up to a watermark below which nothing
 * can come any more (ring.h, order rule). Stamps of two rings may be inverted by nanoseconds (a counter that
 * is read early, or ticks slowly): an event whose counterpart has not been seen parks its ring until the
 * counterpart comes, at most TN_ORDER_WINDOW_NS of stamps; the order within a ring is never touched. One
 * thread. */

#include "fast_path.h"
#include "match.h"
#include "stream.h"

#include <stdint.h>

/* As long as the slack of the watermark, for the same reason: a time stamp that was read early is early by no
 * more than its store may hang. */
#define TN_ORDER_WINDOW_NS TN_ORDER_SLACK_NS

/* Zeroed is empty. */
struct tn_order {
    struct tn_stream *
        *heap;         /* owned; by stamp, smallest first; borrowed streams, each of which shows an event */
    uint32_t count;    /* in the heap */
    uint32_t capacity; /* room, in heap and parked */
    struct tn_stream **parked; /* owned; streams that wait, in no order */
    uint32_t parked_count;
    uint64_t parked_wake_ticks; /* the smallest wake_ticks of parked; UINT64_MAX if none */
    uint64_t window_ticks;      /* TN_ORDER_WINDOW_NS */
    struct tn_batch batch;      /* empty between calls of tn_order_emit */
};

/* Let a stream take part in the next tn_order_emit, if it shows an event. Streams that wait are known
 * already. Returns 0 or -ENOMEM. */
int tn_order_add(struct tn_order *order, struct tn_stream *stream);

/* Apply all events of the added streams with stamps below watermark_ticks. Afterwards the order is empty but
 * for parked streams; what is left in the others can be added again.
 *
 * ret_events  events applied (also on error)
 * Returns     0; negative errno: the writer's error, or -ENOMEM. A damaged ring is no error: it is counted */
int tn_order_emit(struct tn_order *order, uint64_t watermark_ticks, uint64_t *ret_events);

/* Release the memory. */
void tn_order_finish(struct tn_order *order);

#endif
