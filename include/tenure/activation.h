/* SPDX-License-Identifier: MIT */
#ifndef TENURE_ACTIVATION_H
#define TENURE_ACTIVATION_H

/* Which calls of functions are under way in each thread, as far as the stacks of its events show. For kinds
 * that ask whether a block outlives a call.
 *
 * An activation is one call of one function, from its entry to its return. Two events of a thread show the
 * same activation of a function if the return addresses and positions of all frames above it are the same,
 * the function is the same, and its machine code leads from the one call to the other. A function that was
 * left and entered again at the same position, with no event in between, looks the same where its code has a
 * loop or cannot be read: see docs/analyses.md. Levels count from the root, which is 1. The pass follows them
 * once for all kinds, before it shows them an event. One thread at a time.
 */

#include "tenure/analysis.h"
#include "tenure/source_frames.h"

struct tn_call_order;

/* One frame of a thread's current stack. Written by tn_activations_step. */
struct tn_activation {
    uint32_t node;     /* of the trie: the stack that ends in this frame */
    uint32_t function; /* index in tn_source_frames.functions; 0: not known */
    uint64_t since;    /* number, in its thread, of the event that first showed this activation */
};

/* An event that no later one of its thread was deeper than. */
struct tn_depth_mark {
    uint64_t event;       /* its number in its thread */
    uint64_t depth_bytes; /* below the base of the thread's stack */
};

/* What is under way in one thread, as of its last event that has a stack. */
struct tn_activation_stack {
    struct tn_activation *items; /* owned; by level - 1 */
    uint32_t depth;              /* levels in use */
    uint32_t capacity;           /* room in items */
    uint64_t event_count;        /* of an interrupted one: events of the thread before the pause */
    uint64_t root_bytes; /* position of the outermost frame: another one is another stack (a coroutine) */
    struct tn_depth_mark *marks; /* owned; in order of events, so that their depths fall */
    size_t mark_count;           /* in marks */
    size_t mark_capacity;        /* room in marks */
};

/* The threads of a process. */
struct tn_activations {
    const struct tn_source_frames *frames;   /* borrowed; outlives this */
    struct tn_call_order *call_order;        /* owned; which call can follow which, by machine code */
    struct tn_activation_stack *threads;     /* owned; by index in tn_pass.threads */
    struct tn_activation_stack *interrupted; /* owned; by thread: what was under way when the last pause of
                                                the recording began; NULL: there was none */
    size_t thread_count;                     /* in threads */
    uint64_t *entered;  /* owned; by function: activations seen; fewer than there were, where one that was
                           entered again looks as if it had stayed */
    bool *has_returned; /* owned; by function: an activation of it was seen to be over */
    bool *is_told; /* owned; by function: the program tells when it is left, so that no activation of it is
                      taken for another */
};

/* The activations of the process that a pass reads, as of the event that kinds are shown, that one included.
 * They are followed from the first event if they are asked for in begin. A birth by realloc is no step of its
 * own: the release by the same call has shown where it stands.
 *
 * ret_activations  valid as long as the pass
 * Returns          0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed */
int tn_pass_activations(const struct tn_pass *pass, const struct tn_activations **ret_activations);

/* Begin with nothing under way.
 *
 * frames   borrowed until tn_activations_finish, which the caller calls also after an error
 * Returns  0 or -ENOMEM */
int tn_activations_begin(struct tn_activations *activations, const struct tn_source_frames *frames,
                         size_t thread_count);

/* Release what it owns. Zeroed is fine. */
void tn_activations_finish(struct tn_activations *activations);

/* Take the next event of its thread; one without a stack changes nothing.
 *
 * Returns  0; -ENOMEM; -EIO where the log cannot be read
 * Cost     proportional to the frames that changed since the thread's last event */
int tn_activations_step(struct tn_activations *activations, const struct tn_pass *pass,
                        const struct tn_pass_event *event);

/* Take from the activations of another process of the same executable which functions were seen to return.
 * How often each was entered is not added up: the blocks that it is set against are one process's. */
void tn_activations_consult(struct tn_activations *activations, const struct tn_activations *other);

/* Whether it would have been seen that a function is left and entered again, at the same position and from
 * the same line: its machine code can be read and followed, or the program tells.
 *
 * function  index in tn_source_frames.functions
 * Cost      the first time for a module, opening its file */
bool tn_activations_can_tell(const struct tn_activations *activations, const struct tn_pass *pass,
                             uint32_t function);

/* How many inlined functions, from the physical one inwards, were under way from one call to a later one in
 * the same activation of it.
 *
 * from, to     row ids of the physical frames
 * ret_inlined  written on success
 * Returns      0; -ENOMEM, -EIO, and the pass's error says what failed
 * Cost         a look-up, but for the first time that two frames are asked about */
int tn_activations_inlined(const struct tn_activations *activations, const struct tn_pass *pass,
                           uint32_t from, uint32_t to, uint32_t *ret_inlined);

/* The level of the deepest activation that has been under way since an event of the thread, or since before
 * it.
 *
 * thread     index in tn_pass.threads
 * event      the event's number in its thread
 * max_level  deeper levels are not asked about
 * Returns    0: none
 * Cost       the logarithm of the depth */
uint32_t tn_activations_owner(const struct tn_activations *activations, uint32_t thread, uint64_t event,
                              uint32_t max_level);

/* A pause of the recording begins: what happens meanwhile is not seen, so nothing counts as under way
 * afterwards. What was is kept, for tn_activations_interrupted.
 *
 * Returns  0 or -ENOMEM */
int tn_activations_interrupt(struct tn_activations *activations, const struct tn_pass *pass);

/* tn_activations_owner for the moment when the last pause began: a block of that event whose owner was under
 * way then was interrupted, and what became of it says nothing for or against its containment.
 *
 * Returns  0: none was, or the event is no older than the pause */
uint32_t tn_activations_interrupted(const struct tn_activations *activations, uint32_t thread, uint64_t event,
                                    uint32_t max_level);

/* The deepest position of a thread in its events since one, that one included: bytes below the base of its
 * stack.
 *
 * thread  index in tn_pass.threads
 * since   number of an event in its thread
 * Cost    the logarithm of the marks */
uint64_t tn_activations_deepest(const struct tn_activations *activations, uint32_t thread, uint64_t since);

#endif
