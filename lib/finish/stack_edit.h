/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_STACK_EDIT_H
#define TENURE_FINISH_STACK_EDIT_H

/* The table `stack` in memory, for adding frames to stacks that were recorded. Ids of stacks that events name
 * stay; new nodes get ids behind all others, so that a caller's id is no longer always the lower one, but its
 * depth is. One thread. */

#include "steps.h"

#include "tenure/map.h"

#include <stddef.h>
#include <stdint.h>

/* One node. */
struct tn_stack_row {
    uint32_t frame_id, caller_id; /* caller_id 0: a root */
    uint64_t frame_bytes;
    uint32_t depth;
    bool is_cut, is_changed; /* is_changed: to be written */
};

struct tn_stack_edit {
    struct tn_finish_job *job; /* borrowed */
    struct tn_stack_row *rows; /* owned; by id, 0 is not used */
    size_t count, capacity;    /* count: highest id + 1 */
    size_t recorded_count;     /* of these, the ones that were recorded */
    uint32_t *moved; /* owned; by id: the node that stands for it as a caller, since a frame was put before
                        it; 0: itself */
    struct tn_map added; /* caller and frame -> id of a node that was added */
};

/* Load the table. The caller calls tn_stack_edit_finish, also after a failure.
 *
 * Returns  0; -EBADMSG, without job->error: the table is damaged, and is better left alone; another negative
 *          errno: job->error says what failed */
int tn_stack_edit_load(struct tn_stack_edit *edit, struct tn_finish_job *job);

/* Put frames between a recorded node and its caller.
 *
 * frame_ids  outermost first
 * Returns    0 or -ENOMEM */
int tn_stack_edit_insert(struct tn_stack_edit *edit, uint32_t id, const uint32_t *frame_ids, size_t count);

/* Put frames inside a recorded node: the node becomes the innermost of them, and what was its caller or
 * called by it goes on as before.
 *
 * frame_ids  outermost first, at least one
 * Returns    0 or -ENOMEM */
int tn_stack_edit_append(struct tn_stack_edit *edit, uint32_t id, const uint32_t *frame_ids, size_t count);

/* Write what has changed, with depths. Returns 0; negative errno: job->error says what failed. */
int tn_stack_edit_write(struct tn_stack_edit *edit);

/* Release; empty again. */
void tn_stack_edit_finish(struct tn_stack_edit *edit);

#endif
