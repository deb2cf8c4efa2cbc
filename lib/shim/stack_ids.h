/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_STACK_IDS_H
#define TENURE_SHIM_STACK_IDS_H

/* Each stack has an id, which its events bear; what frames it has is written once, into the control ring. */

#include "shim_process.h"
#include "trail.h"

#include <stdbool.h>
#include <stdint.h>

/* The key of a stack's hash in the table of stacks: not 0. */
static inline uint64_t tn_stack_key(uint64_t hash)
{
    return hash | (hash == 0);
}

/* The id of the stack that hash names; 0 if it is new. Any thread. Cost: a look-up. */
static inline uint32_t tn_stack_find(uint64_t hash)
{
    return (uint32_t)tn_id_table_find(&tn_hot.stacks, tn_stack_key(hash));
}

/* The id of the stack that hash names, if it is a neighbour of an id; 0 if not, or if it is not known. Any
 * thread. Cost: four loads, mostly of one line. */
static inline uint32_t tn_stack_find_near(uint32_t id, uint64_t hash)
{
    static const int32_t steps[] = {1, -1, 2, -2};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (tn_hash_list_is(&tn_hot.hashes, id + (uint32_t)steps[i], tn_stack_key(hash)))
            return id + (uint32_t)steps[i];
    return 0;
}

/* Announce the stack that a trail keeps, unless another thread has done so meanwhile.
 *
 * depth    the stack's frames: that many of the trail's outermost ones, at least 1
 * is_cut   what lies further out was not taken
 * Returns  its id; 0 if recording has stopped
 * Threads  any; between tn_own_begin and tn_own_end; takes the control lock. trail->fresh is overwritten */
uint32_t tn_stack_announce(struct tn_thread *thread, struct tn_trail *trail, const struct tn_caller *caller,
                           uint32_t depth, bool is_cut);

#endif
