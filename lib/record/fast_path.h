/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_FAST_PATH_H
#define TN_RECORD_FAST_PATH_H

/* The short way for events as nearly all are: a birth or a death of four words, whose address says at once
 * which block it is. They are matched in one loop, and collected for the log in a batch. Whatever is not
 * plain (match.c) finds the batch flushed, so that the log gets everything in order. One thread. */

#include "match.h"
#include "stream.h"

#include "tenure/log_write.h"

#include <stdint.h>

#define TN_BATCH_EVENTS 256u /* 12 KiB: both loops, matching and packing, find them in the cache */

/* Events that are matched, but not yet in the log, and what is summed up over them. Zeroed is empty. What all
 * of them need is kept at hand: where several rings are merged, a run is often but one event. */
struct tn_batch {
    struct tn_matcher *matcher; /* borrowed; of the process whose events these are; NULL: empty */
    struct tn_clock_line line;  /* the matcher's clock's newest */
    const uint32_t *stack_rows; /* the matcher's */
    uint32_t stack_count;
    uint32_t count;   /* at most TN_BATCH_EVENTS */
    uint64_t base_id; /* of the last birth in the log */
    uint64_t last_id; /* of the last birth, in the batch or in the log */
    uint64_t last_ns; /* of the last event; the matcher learns it with the flush */
    uint64_t birth_bytes;
    uint64_t unknown_stacks;
    struct tn_plain_event events[TN_BATCH_EVENTS];
};

/* Give the log, and the matcher's totals, what is in a batch; it is empty afterwards in any case. Returns 0
 * or the writer's error. */
int tn_batch_flush(struct tn_batch *batch);

/* Apply a stream's events, from its next one on, while they are plain; of a stream with something that its
 * next event needs (a row for its thread, what was left) none is. Afterwards the stream has to be shown
 * again: it stands behind them.
 *
 * bound_ticks  apply none with a later stamp
 * ret_count    events applied
 * Returns      0; the writer's error, or -ENOMEM: the recording cannot go on */
int tn_fast_path_run(struct tn_stream *stream, uint64_t bound_ticks, struct tn_batch *batch,
                     uint32_t *ret_count);

#endif
