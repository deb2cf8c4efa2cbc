/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_STACK_BUFFER_H
#define TN_KINDS_STACK_BUFFER_H

/* Buffers that could lie on the stack: what is counted while events pass (stack_buffer.c), which function
 * could own them (stack_buffer_owner.c), and what is stated (stack_buffer_finding.c). */

#include "tenure/activation.h"
#include "tenure/map.h"

/* What is kept beside a live block. A chain of reallocs is one logical block: born with its first block. */
struct tn_contained_block {
    uint64_t birth_event; /* of its thread */
    uint32_t stack_id;    /* of the birth; 0: not followed */
    uint32_t site;
    uint32_t thread;
    uint32_t older, newer; /* slots + 1 of the site's other live blocks, in order of birth; 0: none */
    uint64_t birth_index;  /* allocations of the process up to and with its birth */
    bool is_moved;         /* resized by another thread */
};

/* What is counted of the births with one stack. */
struct tn_contained_stack {
    uint64_t instances;   /* that an activation contained */
    uint32_t owner_level; /* shallowest level of the owner in any instance; 0: no instance yet */
    uint32_t death_frame; /* where that owner stood at the death: row of `frame` */
    uint32_t inlined;     /* inlined functions, from the physical owner inwards, that contained all, too */
    uint64_t doubtful;    /* instances whose release does not stand behind their birth in the owner */
};

/* What is counted of a site. */
struct tn_contained_site {
    uint64_t instances;                        /* logical blocks, live or not, whatever became of them */
    uint64_t contained;                        /* that an activation contained */
    uint64_t other_thread, no_owner, no_stack; /* the others that died */
    uint64_t left_live;                        /* live at the end although their owner was left */
    uint64_t cut_off; /* live at the end, in the middle of their owner: nothing speaks against them */
    uint64_t doubtful;
    uint64_t refilled; /* born after others of the same call had died, while some were left: a queue */
    uint64_t resizes;  /* reallocs in their chains */
    uint64_t min_size_bytes, max_size_bytes; /* of logical blocks: the largest in each chain */
    uint32_t newest;                         /* slot + 1 of its newest live block; 0: none */
    uint32_t live_count;                     /* blocks in that list */
    uint32_t thread_1;                       /* thread of its last birth + 1 */
    uint32_t last_thread; /* of the last death that an activation contained, with the next three */
    uint64_t last_since, last_event, last_left; /* its owner, itself, blocks of the owner that were left */
    uint64_t max_live_count;                    /* at once in one activation of the owner */
    uint64_t max_thread_live_count; /* at once in one thread: more, where the owner is recursive */
    uint64_t deepest_bytes;         /* deepest event while one was live */
    uint64_t size_counts[65];       /* by the number of bits of the size: enough to tell a rare giant */
    uint64_t smallest_stack_bytes;  /* of the threads that made them, 0: not known; at the end */
    uint64_t deepest_thread_bytes;  /* deepest event of these threads, whatever made it; at the end */
    bool is_hopeless;
};

/* What realloc took, until the block that it became. */
struct tn_contained_resize {
    uint64_t id; /* of the dead block; 0: none */
    struct tn_contained_block block;
};

struct tn_stack_buffers {
    struct tn_source_frames frames;
    struct tn_activations activations;
    struct tn_contained_block *blocks; /* owned; by slot */
    size_t block_capacity;
    struct tn_contained_stack *stacks;   /* owned; by stack row id */
    struct tn_contained_site *sites;     /* owned; by site */
    struct tn_contained_resize *resizes; /* owned; by thread */
    struct tn_map threads;               /* sites and the threads that made their blocks */
    uint64_t max_count;                  /* threshold */
};

/* Which function could own the buffer of a site, in all instances. */
struct tn_buffer_owner {
    uint32_t function;    /* of tn_source_frames */
    uint32_t frame_id;    /* row of `frame` of the place in it where the birth was reached */
    uint32_t frames_down; /* source frames from the owner down to the site */
    uint32_t node;        /* the stack of an instance, for its lines */
};

/* Find the owner.
 *
 * stacks       stacks of the site's births, by row id
 * Returns      whether there is one: a function of the program, the same for all */
bool tn_stack_buffer_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                           const struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count,
                           struct tn_buffer_owner *ret_owner);

/* State what there is to state of one site. Returns 0, -ENOMEM or -EIO. */
int tn_stack_buffer_state(const struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site,
                          const uint32_t *stacks, size_t stack_count, struct tn_findings *findings);

#endif
