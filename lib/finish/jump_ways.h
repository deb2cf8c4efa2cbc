/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_JUMP_WAYS_H
#define TENURE_FINISH_JUMP_WAYS_H

/* Which functions stood between a call and the function that is seen below it: a function that ends in a jump
 * to another one (a tail call) has no frame any more. Debug information tells where the call leads and which
 * jumps each function has; where exactly one way of jumps leads from there to the function seen, its jumps
 * are known. gdb does the same ("tail call frames"). One thread. */

#include "module_files.h"

#include "tenure/event.h"

#include <stddef.h>
#include <stdint.h>

#define TN_WAY_JUMPS_MAX 8u

/* A place in the code. */
struct tn_code_place {
    uint64_t module_id;    /* row of `module`; 0: outside every module */
    uint64_t offset_bytes; /* return address minus load bias; of a jump, the byte before it belongs to it */
};

/* Jumps from one function to the next, in order. */
struct tn_jump_way {
    struct tn_code_place jumps[TN_WAY_JUMPS_MAX];
    size_t count; /* 0: none is missing, or it cannot be told */
};

struct tn_jump_ways;

/* Begin. Returns 0 or a negative errno, and job->error says what failed. The caller closes *ret_ways. */
int tn_jump_ways_open(struct tn_finish_job *job, struct tn_jump_ways **ret_ways);

/* Close. NULL is fine. */
void tn_jump_ways_close(struct tn_jump_ways *ways);

/* The way from a call to the function around another place, the frame seen below it.
 *
 * Returns  0; negative errno: job->error says what failed
 * Cost     at most some hundred functions are looked at */
int tn_jump_ways_to_place(struct tn_jump_ways *ways, struct tn_code_place call, struct tn_code_place callee,
                          struct tn_jump_way *ret_way);

/* The way from a call to an allocation function that was called there, as far as frames show. Result and cost
 * as above. */
int tn_jump_ways_to_allocator(struct tn_jump_ways *ways, struct tn_code_place call, enum tn_function function,
                              struct tn_jump_way *ret_way);

#endif
