/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_ORDER_H
#define TN_RECORD_ORDER_H

/* Merges many rings into one sequence. Events are applied by rising time stamp, up to a watermark below which
 * no more can arrive (ring.h, order rule). Stamps of two rings may be inverted by nanoseconds, because a
 * counter is read early or ticks slowly: an event whose counterpart has not been seen parks its ring until
 * the counterpart comes, for at most TN_ORDER_WINDOW_NS of stamps. The order within a ring is never changed.
 * One thread. */

#include "fast_path.h"
#include "match.h"
#include "stream.h"

#include <stdint.h>

/* The slack of the watermark, for the same reason: a stamp is read early by no longer than its store may be
 * delayed. */
#define TN_ORDER_WINDOW_NS TN_ORDER_SLACK_NS

/* Zeroed is empty. */
struct tn_order {
    struct tn_stream **heap;   /* owned; binary heap, smallest stamp first; streams are borrowed */
    uint32_t count;            /* in the heap */
    uint32_t capacity;         /* room, in heap and parked */
    struct tn_stream **parked; /* owned; streams that wait, in no order */
    uint32_t parked_count;
    uint64_t parked_wake_ticks; /* the smallest wake_ticks of parked; UINT64_MAX if none */
    uint64_t window_ticks;      /* TN_ORDER_WINDOW_NS */
    struct tn_batch batch;      /* empty between calls of tn_order_emit */
};

/* Let a stream take part in the next tn_order_emit, if it has an event. Parked streams take part anyway.
 *
 * stream   borrowed until it leaves the heap or the parked list
 * Returns  0 or -ENOMEM */
int tn_order_add(struct tn_order *order, struct tn_stream *stream);

/* Apply all events of the added streams with stamps below watermark_ticks. Afterwards only parked streams are
 * left; the others must be added again.
 *
 * ret_events  events applied; written also on error
 * Returns     0; negative errno: the writer's error, or -ENOMEM. A damaged ring is not an error: it
 *             is counted */
int tn_order_emit(struct tn_order *order, uint64_t watermark_ticks, uint64_t *ret_events);

/* Release the memory. */
void tn_order_finish(struct tn_order *order);

#endif
