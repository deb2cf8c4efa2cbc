/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PROCESS_SHARED_H
#define TN_RECORD_PROCESS_SHARED_H

/* What all processes of a recording share. One thread. */

#include "children.h"
#include "clock.h"
#include "keeper.h"
#include "mappings.h"
#include "matcher.h"

#include "tenure/log_write.h"
#include "tenure/ring.h"

#include <stdbool.h>
#include <stdint.h>

/* Sums of what the shims count, over all processes. */
struct tn_shim_counts {
    uint64_t stacks_checked;                     /* compared with libunwind's own walk */
    uint64_t stacks_different;                   /* of these, how many differed */
    uint64_t stacks_lost;                        /* that could not be handed over: their events have none */
    uint64_t rules_learned;                      /* unwind rules found out */
    uint64_t frames_complex;                     /* frames that libunwind had to step out of */
    uint64_t frames_unwalked;                    /* that it would have had to, but it was not there */
    uint64_t children_lost[TN_CHILD_LOSS_COUNT]; /* processes that could not join, by enum tn_child_loss */
    uint64_t libraries_apart;                    /* calls that loaded libraries whose blocks are unseen */
    uint64_t tasks_refused;                      /* threads and processes, by EAGAIN */
    uint64_t damaged_headers;                    /* processes whose counters cannot be true */
};

/* Pauses of the recording, all processes alike. Times are on the log's clock. Zeroed: it is not paused. */
struct tn_pause_state {
    bool is_paused;
    uint64_t since_ns;        /* when this pause, or what was recorded after the last one, began */
    uint64_t ended_ns;        /* how long the pauses before this one were together */
    uint64_t count;           /* of pauses, this one included */
    uint64_t log_end_ns;      /* where the log ends: no pause is longer; 0: it is not being closed */
    const char *awaited_mark; /* borrowed; the pause ends with this mark; NULL: none */
    bool has_seen_mark;       /* a process has written it */
};

/* Owned by the recording; writer is borrowed. */
struct tn_process_shared {
    struct tn_log_writer *writer;
    struct tn_clock_map clock;
    struct tn_totals totals;
    struct tn_shim_counts counts;
    struct tn_module_files files;
    struct tn_keepers keepers;
    struct tn_children children;
    struct tn_pause_state pause;
    uint64_t images_unreported; /* images that a recorded process executed and that never said hello */
    uint64_t threads_peak;      /* of one process, at once */
    uint64_t threads_room;      /* the least for which a process had room, at once; 0: there was no process */
    uint64_t queued_words;      /* in the queues of all streams; summed up anew in each round */
    uint32_t fill;              /* of the fullest ring when heads were last read, in 256ths */
    struct tn_buffer scratch;   /* a copy of a control event */
    struct tn_dead_blocks *dead; /* owned; NULL until a process comes whose links are wanted */
};

/* Note how full a ring is: fill is raised to it.
 *
 * waiting_words  noted and not yet released */
static inline void tn_process_note_fill(struct tn_process_shared *shared, uint32_t ring_words,
                                        uint64_t waiting_words)
{
    uint64_t fill = waiting_words * 256 / ring_words;
    if (fill > shared->fill)
        shared->fill = (uint32_t)fill;
}

#endif
