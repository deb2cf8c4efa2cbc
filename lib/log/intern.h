/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_INTERN_H
#define TN_LOG_INTERN_H

/* The frames and stack nodes that a log has already: equal ones get the id of the first. */

#include "tenure/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_intern_frame {
    uint64_t module_id, offset_bytes;
};

struct tn_intern_stack {
    uint64_t frame_bytes;
    uint32_t frame_id, caller_id;
    uint32_t depth; /* frames, this one included */
    bool is_cut;
};

/* Zeroed is empty. Ids count from 1; element id - 1 of an array is what id stands for. */
struct tn_intern {
    struct tn_map frame_ids, stack_ids; /* hash, counted up past collisions -> id */
    struct tn_intern_frame *frames;
    struct tn_intern_stack *stacks;
    size_t frame_count, frame_capacity;
    size_t stack_count, stack_capacity;
};

/* The id of a frame, which is new at first sight.
 *
 * Returns  1 new; 0 known; -ENOMEM; -EOVERFLOW past 2^32 - 1 of them */
int tn_intern_frame(struct tn_intern *intern, const struct tn_intern_frame *frame, uint64_t *ret_id);

/* The id of a stack node, which is new at first sight.
 *
 * stack      its depth is not read
 * ret_depth  the depth of the node
 * Returns    as tn_intern_frame; -EINVAL when frame or caller are no ids given before */
int tn_intern_stack(struct tn_intern *intern, const struct tn_intern_stack *stack, uint64_t *ret_id,
                    uint32_t *ret_depth);

/* Release the memory; it is empty again. */
void tn_intern_finish(struct tn_intern *intern);

#endif
