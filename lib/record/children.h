/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_CHILDREN_H
#define TN_RECORD_CHILDREN_H

/* Which children that recorded processes have started by vfork, posix_spawn, system or popen have said hello.
 * Until they execute an image these share their parent's memory, so only the parent can tell of them (CHILD,
 * event.h); whether they are recorded, or at least known, only their own hello tells. A hello may come before
 * the parent's word, and after the parent's end. Children of system and popen have no PID here: of these it
 * is counted how many of a parent's children have said hello without being told of. One thread. */

#include "tenure/event_body.h"
#include "tenure/map.h"

#include <stdbool.h>
#include <stdint.h>

/* More children at once that have not said hello are taken for silent. */
#define TN_CHILDREN_OPEN_MAX 65536u

/* A child that was told of and has not said hello yet. */
struct tn_started_child {
    uint64_t parent_row;
    uint64_t pid_namespace; /* in which it has this PID; 0: ours, or not known */
    uint64_t since_ticks;   /* before it was started */
    uint64_t silent_at;     /* it was seen dead: silent for good once there were so many looks; 0: not seen */
    uint32_t pid;           /* as its parent sees it */
    char name[TN_EVENT_CHILD_NAME_BYTES + 1];
};

/* What a process has started without a PID, and which of its children came unannounced. */
struct tn_child_counts {
    uint64_t parent_row;
    uint64_t since_ticks; /* of the first one */
    uint64_t started;
    uint64_t joined;
};

/* Zeroed is empty. */
struct tn_children {
    struct tn_started_child *open; /* owned; open_count of them, in no order */
    uint32_t open_count, open_capacity;
    struct tn_map open_by_pid;      /* index in open and 1, by namespace and PID */
    struct tn_map hellos;           /* start of the newest image that said hello, the same */
    struct tn_child_counts *counts; /* owned; count_count of them */
    uint32_t count_count, count_capacity;
    struct tn_map counts_by_row; /* index in counts and 1 */
    uint64_t orphans;            /* hellos of new processes whose parent is not known */
    uint64_t looks;              /* how often all hellos that had arrived were handled */
    uint64_t nameless_silent;    /* silent ones that could not be remembered; the owner may take them */
};

/* Take a parent's word.
 *
 * pid_namespace  in which the parent sees PIDs
 * parent_row     its row
 * Returns        0 or -ENOMEM, which forgets the child */
int tn_children_note(struct tn_children *children, uint64_t pid_namespace, uint64_t parent_row,
                     const struct tn_event_child *child);

/* Take a hello of an image that no recorded or counted one was before in the same process.
 *
 * pid, pid_namespace  as the process sees itself
 * parent_row          of its parent; 0: not known
 * start_ticks         when it started
 * Returns             0 or -ENOMEM */
int tn_children_note_hello(struct tn_children *children, uint32_t pid, uint64_t pid_namespace,
                           uint64_t parent_row, uint64_t start_ticks);

/* Note that every hello was handled that had arrived. */
void tn_children_note_look(struct tn_children *children);

/* What is done with a child that will say no hello any more. Not 0 ends the sweep.
 *
 * child  pid 0: of system or popen */
typedef int (*tn_child_visitor)(void *context, const struct tn_started_child *child);

/* Visit and forget the children that will say no hello any more: those that have ended, once everything was
 * handled that had arrived when they were first found so.
 *
 * own_namespace  in which this process sees PIDs
 * is_last        nothing else will arrive: visit all that are left, of system and popen, too
 * Returns        0, or what the visitor returned
 * Cost           a look into /proc for each open child */
int tn_children_sweep(struct tn_children *children, uint64_t own_namespace, bool is_last,
                      tn_child_visitor visit, void *context);

/* Release the memory. */
void tn_children_finish(struct tn_children *children);

#endif
