/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_FAST_PATH_H
#define TN_RECORD_FAST_PATH_H

/* The fast path for plain events, which nearly all are: a birth or death of four words whose address alone
 * says which block it is. They are matched in one loop and collected in a batch for the log. The batch is
 * flushed before any other event is applied (match.c), so that the log gets all events in order. One thread.
 */

#include "match.h"
#include "stream.h"

#include "tenure/log_write.h"

#include <stdint.h>

#define TN_BATCH_EVENTS 256u /* 12 KiB: stays in the cache from matching to packing */

/* Events that are matched but not yet in the log, with their sums. Zeroed is empty. Copies of what every
 * event needs are kept here: where several rings are merged, a run is often a single event. */
struct tn_batch {
    struct tn_matcher *matcher; /* borrowed; of the process whose events these are; NULL: empty */
    struct tn_clock_line line;  /* the matcher's clock's newest */
    const uint32_t *stack_rows; /* the matcher's */
    uint32_t stack_count;
    struct tn_dead_blocks *dead; /* the matcher's; NULL: no links are wanted */
    uint32_t count;              /* at most TN_BATCH_EVENTS */
    uint64_t base_id;            /* of the last birth in the log */
    uint64_t last_id;            /* of the last birth, in the batch or in the log */
    uint64_t last_ns;            /* of the last event; the matcher learns it with the flush */
    uint64_t birth_bytes;
    uint64_t unknown_stacks;
    struct tn_plain_event events[TN_BATCH_EVENTS];
};

/* Write a batch to the log and add its sums to the matcher's totals. The batch is empty afterwards, also
 * after an error.
 *
 * Returns  0, or the writer's error */
int tn_batch_flush(struct tn_batch *batch);

/* Apply a stream's events, from its next one on, as long as they are plain. Applies none if the stream has
 * state that its next event must take along (no row for its thread yet, a LEAVE, the old block of a realloc,
 * a parked event that comes again). The stream then stands behind the applied events; call tn_stream_peek
 * before using it again.
 *
 * bound_ticks  events with a later stamp are not applied
 * ret_count    events applied
 * Returns      0; the writer's error, or -ENOMEM: the recording cannot go on */
int tn_fast_path_run(struct tn_stream *stream, uint64_t bound_ticks, struct tn_batch *batch,
                     uint32_t *ret_count);

#endif
