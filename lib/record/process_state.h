/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PROCESS_STATE_H
#define TN_RECORD_PROCESS_STATE_H

/* What the recorder knows of a process, as data: process.c owns it, control.c reads the control ring into it.
 * One thread. */

#include "mappings.h"
#include "matcher.h"
#include "stacks.h"

#include "tenure/log_write.h"
#include "tenure/ring.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What all processes of a log share. Owned by the recording; writer is borrowed. */
struct tn_process_shared {
    struct tn_log_writer *writer;
    struct tn_clock_map clock;
    struct tn_totals totals;
    struct tn_module_files files;
    uint64_t stacks_checked, stacks_different, rules_learned, frames_complex; /* sums of the shims' */
    uint64_t threads_peak;                                                    /* of one process, at once */
    uint64_t queued_words;    /* in the queues of all streams; summed up anew in each round */
    uint32_t fill;            /* of the fullest ring when heads were last read, in 256ths */
    struct tn_buffer scratch; /* a copy of a control event */
};

enum tn_process_state {
    TN_PROCESS_ALIVE,
    TN_PROCESS_ENDED, /* no more is added to its rings; what they hold is still read */
};

struct tn_process {
    struct tn_matcher matcher;
    struct tn_mappings mappings;
    struct tn_stacks stacks;
    struct tn_process_shared *shared; /* borrowed */
    struct tn_shared_header *header;  /* mapped, owned */
    size_t mapped_bytes;
    uint32_t slot_count,
        ring_words;            /* as checked when it was mapped; the header's own are never read again */
    uint32_t slot_bound;       /* 1 + highest slot seen in use; the control ring is slot 0 */
    struct tn_stream *streams; /* owned; by slot */
    uint32_t *listed;          /* owned; slots that are in use */
    uint32_t listed_count;
    uint64_t control_words; /* position in the control ring */
    bool is_control_damaged;
    pid_t pid;        /* as we see it */
    uint32_t own_pid; /* as it sees itself: what its tids belong to */
    int pidfd;
    uint64_t start_time;        /* /proc/PID/stat, field 22 */
    bool has_children_recorded; /* hello.children */
    enum tn_process_state state;
    enum tn_exit_kind exit_kind; /* once ENDED */
    int exit_code;
    uint64_t end_ns;
    bool is_refused;              /* it was told that recording is over; its losses at that time: */
    uint64_t refused_ring_losses; /* events that a ring's owner could not write */
    uint64_t refused_slotless_losses;
    uint64_t seen_activity; /* tn_process_activity a second ago */
};

/* Note how full a ring is: shared->fill is raised to it. waiting_words: noted and not yet released. */
static inline void tn_process_note_fill(const struct tn_process *process, uint64_t waiting_words)
{
    uint64_t fill = waiting_words * 256 / process->ring_words;
    if (fill > process->shared->fill)
        process->shared->fill = (uint32_t)fill;
}

#endif
