/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_ACTIVATION_H
#define TN_ANALYZE_ACTIVATION_H

/* Which calls of functions are under way, per thread, as far as the stacks of events show it.
 *
 * An activation is one call of one function, from its entry to its return. Two events of a thread show the
 * same activation of a function if all return addresses above it and the positions of all frames above it are
 * the same, and the function is, and its machine code leads from the one call to the other. A function that
 * was left and entered again at the same position, with no event in between, looks the same where its code
 * has a loop, or cannot be read: see docs/analyses.md. Levels count from the root, from 1. */

#include "analysis.h"
#include "frames.h"
#include "reach.h"

/* One frame of a thread's current stack. */
struct tn_activation {
    uint32_t node;     /* of the trie: the stack that ends in this frame */
    uint32_t function; /* of tn_frames; 0: not known */
    uint64_t since;    /* event of the thread that first showed this activation */
};

/* A depth, and the last event that was as deep. */
struct tn_depth_mark {
    uint64_t event;
    uint64_t depth_bytes;
};

/* What is under way in one thread, as of its last event that has a stack. */
struct tn_activation_stack {
    struct tn_activation *items; /* owned; by level - 1 */
    uint32_t depth, capacity;
    uint64_t root_bytes; /* position of the outermost frame: another one is another stack (a coroutine) */
    struct tn_depth_mark
        *marks; /* owned; events that no later one was deeper than: depths fall, events rise */
    size_t mark_count, mark_capacity;
};

struct tn_activations {
    const struct tn_frames *frames;      /* borrowed */
    struct tn_reach *reach;              /* owned */
    struct tn_activation_stack *threads; /* owned; by thread */
    size_t thread_count;
    bool *is_told; /* owned; by function: it tells when it is left, so that no activation of it is mistaken */
};

/* Begin with nothing under way. Returns 0 or -ENOMEM. Released by tn_activations_finish in any case. */
int tn_activations_begin(struct tn_activations *activations, const struct tn_frames *frames,
                         size_t thread_count);

/* Release. */
void tn_activations_finish(struct tn_activations *activations);

/* Take the next event of a thread. One without a stack shows nothing. Returns 0 or -ENOMEM. Cost O(frames
 * that changed since the thread's last event). */
int tn_activations_step(struct tn_activations *activations, const struct tn_pass *pass,
                        const struct tn_pass_event *event);

/* The level of the deepest activation that is under way since before or at an event of the thread, of those
 * at most at max_level; 0: none. O(log depth). */
uint32_t tn_activations_owner(const struct tn_activations *activations, uint32_t thread, uint64_t event,
                              uint32_t max_level);

/* The deepest position of a thread in its events since the given one, in bytes below the base of its stack.
 */
uint64_t tn_activations_deepest(const struct tn_activations *activations, uint32_t thread, uint64_t since);

#endif
