/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_STACKS_H
#define TN_RECORD_STACKS_H

/* Turns a stack as the shim sends it (once, innermost frame first) into nodes of the log's stack trie. A new
 * stack mostly differs from the one before in its inner frames only: the nodes of the last stack are kept and
 * compared, so that a deep stack costs only what is new in it. One thread. */

#include "mappings.h"

#include "tenure/log_write.h"

#include <stdint.h>

struct tn_stacks_frame {
    uint64_t pc;          /* return address */
    uint64_t frame_bytes; /* distance of its CFA to its callee's */
    uint64_t node_id;     /* row of `stack` that ends here */
};

/* The last stack of one process, outermost frame first. Zeroed is empty. */
struct tn_stacks {
    struct tn_stacks_frame *last; /* owned */
    uint32_t count;
    uint32_t capacity;
    bool is_cut;
};

/* Intern the stack of a STACK event.
 *
 * event, words  the event in our own memory: untrusted, but it does not change
 * ret_row       row of `stack`; 0 for a stack without frames
 * Returns       0; -EBADMSG: malformed; the writer's error, or -ENOMEM */
int tn_stacks_intern(struct tn_stacks *stacks, struct tn_log_writer *writer,
                     const struct tn_mappings *mappings, const uint64_t *event, uint32_t words,
                     uint64_t *ret_row);

/* Forget the last stack. Call it when mappings change: an address then means another frame. */
void tn_stacks_reset(struct tn_stacks *stacks);

/* Release the memory. */
void tn_stacks_finish(struct tn_stacks *stacks);

#endif
