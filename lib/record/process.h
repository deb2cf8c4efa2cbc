/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PROCESS_H
#define TN_RECORD_PROCESS_H

/* One recorded process: where its events come from, its rows in the log, its end. One thread. */

#include "mappings.h"
#include "match.h"
#include "order.h"
#include "process_rows.h"
#include "process_shared.h"
#include "source.h"
#include "stacks.h"

#include "tenure/log_write.h"
#include "tenure/ring.h"
#include "tenure/session.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum tn_process_state {
    TN_PROCESS_ALIVE,
    TN_PROCESS_ENDED, /* no more is added to its rings; what they hold is still read */
};

struct tn_process {
    struct tn_matcher matcher;
    struct tn_mappings mappings;
    struct tn_stacks stacks;
    struct tn_process_shared *shared; /* borrowed */
    struct tn_source *source;         /* owned; where its events come from */
    struct tn_process_id id;
    int pidfd;                  /* owned */
    bool is_pidfd_folder;       /* tn_proc_open_pidfd */
    bool has_children_recorded; /* hello.children */
    enum tn_process_state state;
    enum tn_exit_kind exit_kind; /* once ENDED */
    int exit_code;
    uint64_t end_ns;
    uint64_t seen_activity; /* tn_process_activity a second ago */
    bool has_lost_rings;    /* a second ago its memory was no longer mapped: it has executed another image */
};

/* A process whose hello awaits admission. */
struct tn_handshake {
    struct tn_hello hello;
    int memory_fd;           /* owned by the caller */
    struct tn_process_id id; /* pid as the kernel says (SO_PEERCRED), own_pid as the hello does */
    pid_t parent_pid;        /* as we see it; 0: not known */
    bool is_own_user;        /* it is of this user */
    int pidfd;               /* of id.pid; taken over by tn_process_create on success */
    bool is_pidfd_folder;    /* tn_proc_open_pidfd */
};

/* Check and map the memory that came with a hello, and write the row of its process.
 *
 * parent_id    row of the process that forked or started it, or that it succeeds by exec; 0: none
 * parent       that process while it is still recorded, else NULL: a fork child inherits its mappings and
 *              stack ids
 * ret_process  owned by the caller; tn_process_destroy releases it
 * Returns      0; -EBADMSG: the memory is malformed; the writer's error; -ENOMEM */
int tn_process_create(struct tn_process_shared *shared, const struct tn_handshake *handshake,
                      uint64_t parent_id, const struct tn_process *parent, struct tn_process **ret_process);

/* Write the row of a process, with what the kernel tells of it now.
 *
 * parent_id  row of the process that started it, or that it succeeds by exec; 0: none
 * start_ns   on the log's clock
 * ret_row    its id
 * Returns    0; the writer's error; -ENOMEM */
int tn_process_add_row(struct tn_log_writer *writer, pid_t pid, uint64_t parent_id, uint64_t start_ns,
                       uint64_t *ret_row);

/* Tell the process that recording is paused, or goes on, as the shared state says, and mark that in the log.
 *
 * pause     TN_PAUSE_ALL only before its first event
 * Returns   0, or the writer's error */
int tn_process_set_pause(struct tn_process *process, enum tn_pause pause);

/* First step of a round: list the slots in use and read their marks.
 *
 * now_ticks  the time, read before this call
 * low_ticks  in and out: lowered to the smallest mark of an event that is being written */
void tn_process_read_marks(struct tn_process *process, uint64_t now_ticks, uint64_t *low_ticks);

/* Second step: note the heads of the threads' rings. Then read the control ring (tn_control_read), so that
 * each event up to a noted head finds its stack and modules. */
void tn_process_read_heads(struct tn_process *process);

/* Third step: offer the streams that have an event to the merge.
 *
 * latest_ticks  a later stamp means that the ring is damaged
 * Returns       0 or -ENOMEM
 */
int tn_process_offer_streams(struct tn_process *process, struct tn_order *order, uint64_t latest_ticks);

/* Last step, after the merge: give room back, move events that must wait out of rings that fill up, free the
 * slots of threads that are gone.
 *
 * budget_words  limit for what is moved into queues, over all processes
 * is_thorough   check for every slot whether its thread is gone, not only after a THREAD_END
 * Returns       0, or the writer's error */
int tn_process_reclaim(struct tn_process *process, uint64_t budget_words, bool is_thorough);

/* Whether all events up to the noted heads have been read. */
bool tn_process_is_drained(const struct tn_process *process);

/* A number that rises with each event of the process. Cost O(slots that were in use). */
uint64_t tn_process_activity(const struct tn_process *process);

/* Note that the process has ended, or has lost its memory by exec. What its rings hold is still read.
 *
 * kind, code  as tn_log_end_process takes them
 * end_ticks   when, on the log's clock */
void tn_process_end(struct tn_process *process, enum tn_exit_kind kind, int code, uint64_t end_ticks);

/* Tell the shim that recording is over. What it counts as lost from here on is not counted. */
void tn_process_refuse(struct tn_process *process);

/* Whether the process asks for the end of the recording, which will not outlive it. */
bool tn_process_is_leaving(const struct tn_process *process);

/* Whether the process has called a function of the exec family that has not failed: then, if it has ended or
 * no longer maps its memory, another image has taken over.
 *
 * name  TN_EXEC_NAME_BYTES; of what is executed, "" if not known; written when the answer is yes */
bool tn_process_is_executing(const struct tn_process *process, char *name);

/* Add what the shim has counted to the totals. Once a second. */
void tn_process_settle(struct tn_process *process);

/* Add the losses and the shim's own counts to the totals, and end the rows of threads and process. Once,
 * after the last event.
 *
 * Returns  0, or the writer's error */
int tn_process_end_rows(struct tn_process *process);

/* Events lost so far that are not in the totals yet. */
uint64_t tn_process_lost_count(const struct tn_process *process);

/* Release everything. NULL is fine. */
void tn_process_destroy(struct tn_process *process);

#endif
