/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PROCESS_ROWS_H
#define TN_RECORD_PROCESS_ROWS_H

/* Remembers which row a process got, for its children and its next image, and which processes could not be
 * recorded, each once. A process has a PID for us, and maybe another one in its own PID namespace. One
 * thread. */

#include "process_shared.h"

#include "tenure/map.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who a process is. */
struct tn_process_id {
    pid_t pid;              /* as we see it */
    uint32_t own_pid;       /* as it sees itself */
    uint64_t pid_namespace; /* in which it does; 0: not known, taken for ours */
    uint64_t start_time;    /* clock ticks since boot: tells processes with the same PID apart */
};

/* Zeroed is empty. */
struct tn_process_rows {
    struct tn_map by_pid;     /* the newest row of each PID, ours */
    struct tn_map by_own_pid; /* the same by namespace and the PID in it */
    struct tn_map by_process; /* the same by PID and start time: what an exec succeeds */
    struct tn_map unrecorded; /* by PID and start time: processes that were counted, with the reason */
};

/* Remember the row of a process. Returns 0 or -ENOMEM; nothing is forgotten then. */
int tn_process_rows_add(struct tn_process_rows *rows, const struct tn_process_id *id, uint64_t row);

/* The row of an older image of the same process; 0: none. */
uint64_t tn_process_rows_own(const struct tn_process_rows *rows, const struct tn_process_id *id);

/* The row of a parent: by its PID in the child's namespace, else as the kernel tells it to us; 0: none.
 *
 * own_parent_pid  as the child says, 0: it does not
 * parent_pid      as we see it, 0: not known */
uint64_t tn_process_rows_parent(const struct tn_process_rows *rows, const struct tn_process_id *child,
                                uint32_t own_parent_pid, pid_t parent_pid);

/* The newest row of whatever had this PID; 0: none had. */
uint64_t tn_process_rows_newest(const struct tn_process_rows *rows, pid_t pid);

/* Why an image is not recorded that never said hello: beyond enum tn_child_loss. */
#define TN_CHILD_SILENT TN_CHILD_LOSS_COUNT

/* Count a process that is not recorded, in shared's counts; one that was counted already is not again.
 *
 * why  enum tn_child_loss or TN_CHILD_SILENT */
void tn_process_rows_note_unrecorded(struct tn_process_rows *rows, struct tn_process_shared *shared,
                                     const struct tn_process_id *id, uint32_t why);

/* Whether a process was counted as not recorded. */
bool tn_process_rows_is_unrecorded(const struct tn_process_rows *rows, const struct tn_process_id *id);

/* A process is recorded after all: if it was counted as silent, its image was only being loaded. */
void tn_process_rows_note_recorded(struct tn_process_rows *rows, struct tn_process_shared *shared,
                                   const struct tn_process_id *id);

/* Release the memory. */
void tn_process_rows_finish(struct tn_process_rows *rows);

#endif
