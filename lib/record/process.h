/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PROCESS_H
#define TN_RECORD_PROCESS_H

/* One recorded process: its shared memory, its rows, its end. One thread. */

#include "mappings.h"
#include "match.h"
#include "order.h"
#include "stacks.h"

#include "tenure/log_write.h"
#include "tenure/ring.h"
#include "tenure/session.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What all processes of a log share; all borrowed but the totals. */
struct tn_process_shared {
    struct tn_log_writer *writer;
    struct tn_clock_map clock;
    struct tn_totals totals;
    struct tn_module_files files;
    uint64_t stacks_checked, stacks_different, rules_learned, frames_complex; /* sums of the shims' */
    uint64_t threads_peak;                                                    /* of one process, at once */
    uint64_t queued_words;    /* in the queues of all streams */
    uint32_t fill;            /* of the ring that was fullest at the last look, in 256ths */
    struct tn_buffer scratch; /* a copy of a control event */
};

enum tn_process_state {
    TN_PROCESS_ALIVE,
    TN_PROCESS_ENDED, /* nothing is added to its rings any more; what they hold is still to be read */
};

struct tn_process {
    struct tn_matcher matcher;
    struct tn_mappings mappings;
    struct tn_stacks stacks;
    struct tn_process_shared *shared; /* borrowed */
    struct tn_shared_header *header;  /* mapped, owned */
    size_t mapped_bytes;
    uint32_t slot_count, ring_words; /* as checked when it was mapped; the header's own are not asked again */
    uint32_t slot_bound;             /* slots from here on were never seen in use; the control ring counts */
    struct tn_stream *streams;       /* owned; by slot */
    uint32_t *listed;                /* owned; slots that are in use */
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
    bool is_refused;              /* it was told that no more is taken; its losses then: */
    uint64_t refused_ring_losses; /* events that did not find room, or came at a bad moment */
    uint64_t refused_slotless_losses;
    uint64_t seen_activity; /* tn_process_activity at the last slow look */
};

/* Who introduces itself. */
struct tn_handshake {
    struct tn_hello hello;
    int memory_fd; /* owned by the caller */
    pid_t pid;     /* as the kernel tells us (SO_PEERCRED) */
    int pidfd;     /* taken over on success */
};

/* Check and map a handshake's memory and give it its row.
 *
 * parent_id  row of the process that it is a fork child of, that started it, or that it succeeds by exec; 0
 * if there is none parent     the same while it is still known, NULL otherwise: a fork child inherits its
 * modules and stack ids Returns   0; -EBADMSG: its memory makes no sense; the writer's error, -ENOMEM Owns
 * the caller owns *ret_process; tn_process_destroy releases it */
int tn_process_create(struct tn_process_shared *shared, const struct tn_handshake *handshake,
                      uint64_t parent_id, const struct tn_process *parent, struct tn_process **ret_process);

/* First half of a look: list the slots in use and read their marks.
 *
 * low_ticks  lowered to the smallest mark of an event in the making
 * now_ticks  the time that was noted before */
void tn_process_read_marks(struct tn_process *process, uint64_t now_ticks, uint64_t *low_ticks);

/* Second half: note the heads of the threads' rings, then read the control ring up to its head. Returns 0 or
 * an error of the writer or -ENOMEM. */
int tn_process_read_heads(struct tn_process *process);

/* Hand the streams that show an event to the merge. A stamp beyond latest_ticks is damage. Returns 0 or
 * -ENOMEM.
 */
int tn_process_offer_streams(struct tn_process *process, struct tn_order *order, uint64_t latest_ticks);

/* After the merge: give room back, move what must wait out of rings that fill up (within budget_words over
 * all processes), free the slots of threads that are gone.
 *
 * is_thorough  ask of every slot whether its thread is gone, not only where THREAD_END was said */
int tn_process_reclaim(struct tn_process *process, uint64_t budget_words, bool is_thorough);

/* Nothing that was noted is left to read. */
bool tn_process_is_drained(const struct tn_process *process);

/* A number that rises whenever the process says something. Cost O(slots that were in use). */
uint64_t tn_process_activity(const struct tn_process *process);

/* The process has ended, or its memory is gone (exec). What its rings hold is still read. */
void tn_process_end(struct tn_process *process, enum tn_exit_kind kind, int code, uint64_t end_ticks);

/* Note how many words wait in a ring, threads' or control: shared->fill is that of the fullest. */
static inline void tn_process_note_fill(const struct tn_process *process, uint64_t waiting_words)
{
    uint64_t fill = waiting_words * 256 / process->ring_words;
    if (fill > process->shared->fill)
        process->shared->fill = (uint32_t)fill;
}

/* Tell the shim that the recorder lives (every round), or that it takes no more (state CLOSED). */
void tn_process_heartbeat(struct tn_process *process);
void tn_process_refuse(struct tn_process *process);

/* Add the losses and the shim's own counts to the totals, end the rows of threads and process. Once, after
 * the last event. Returns 0 or the writer's error. */
int tn_process_end_rows(struct tn_process *process);

/* Events lost so far, not yet in the totals. */
uint64_t tn_process_lost_count(const struct tn_process *process);

/* Unmap and release. NULL is fine. */
void tn_process_destroy(struct tn_process *process);

#endif
