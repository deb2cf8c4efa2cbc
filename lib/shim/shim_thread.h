/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_THREAD_H
#define TENURE_SHIM_THREAD_H

/* One thread of the program: its state, its stack, and the calls that the shim makes on its own behalf. */

#include "arch.h"
#include "shim_process.h"
#include "trail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A C++ operator that the program called and that has called the real one. */
struct tn_operator_call {
    uintptr_t cfa;           /* of the operator's frame; tells it from calls further out */
    size_t size_bytes;       /* asked for; 0 of a delete */
    struct tn_origin origin; /* where it was called */
    uint8_t function;        /* enum tn_function */
};

#define TN_SAMPLES_MAX 8u

/* A block whose address is looked for. */
struct tn_sample {
    uintptr_t address;
    uint64_t birth;    /* number of the thread's event that it was born with */
    uint64_t due;      /* number of the event at which it is looked for next, or forgotten */
    uint32_t stack_id; /* that asked for it */
};

/* The samples of a thread, and when it looks at what (samples.h). */
struct tn_samples {
    uint32_t left;                         /* events until something is due */
    uint32_t wants;                        /* TN_YOUNG_FOR_*: such stacks' blocks may be looked at now */
    uint64_t next;                         /* number of the event at which left is 0 */
    uint64_t mask;                         /* the bits of all addresses (tn_sample_bit); all: look into the
                                              next block that is released, if it is that block's turn */
    uint64_t turn;                         /* number of the event of the next turn */
    uint32_t turn_count;                   /* turns so far */
    bool is_turn;                          /* the next block that is released is to be looked into */
    uint64_t spent_ticks;                  /* in looks into blocks, as links_death.c counts them */
    uint32_t count;                        /* of list */
    struct tn_sample list[TN_SAMPLES_MAX]; /* oldest first */
};

/* How deep operators nest in one another: new_handlers that use new. The calls that a deeper one makes are
 * recorded as allocations of their own. */
#define TN_OPERATOR_DEPTH_MAX 4u

/* Blocks of the program's that one foreign call may release. */
#define TN_OWN_KEPT_MAX 4u

/* One thread. Zero but for its generations until its first event. Written by the thread itself. */
struct tn_thread {
    uintptr_t inside_cfa;           /* 0, or the CFA of the entry point that this thread is in */
    bool is_strict;                 /* it may make no system call at all: its events are only counted */
    bool is_ended;                  /* libc has ended it: later events leave no memory behind */
    uint32_t operator_depth;        /* operators that have not returned yet */
    uint32_t generation;            /* equal to tn_hot.generation while calls may take the fast path */
    uint32_t slot_generation;       /* equal to it while the slot is this thread's */
    uint32_t own_depth;             /* > 0: a foreign call on the shim's behalf is being made */
    struct tn_ring *ring;           /* of the slot */
    uint64_t *words;                /* of the ring */
    uint64_t index_mask;            /* their number - 1 */
    uintptr_t span_low, span_bytes; /* the span of the heap in which the last block was born */
    struct tn_samples samples;
    uint64_t last_ticks;               /* the previous stamp, not 0 */
    uintptr_t stack_low, stack_high;   /* the thread's own stack: [low, high); 0: not yet known */
    uintptr_t stack_base;              /* what depths are measured from: its highest address in use */
    uintptr_t region_low, region_high; /* the last other mapping that was found to be a stack */
    uint32_t region_epoch;             /* regions.epoch before it was looked up */
    bool has_own_mask;                 /* own_mask is to be restored after the outermost own call */
    uint64_t own_mask;                 /* signals that were blocked before it */
    uint32_t own_kept_count;           /* of own_kept */
    void *own_kept[TN_OWN_KEPT_MAX];   /* blocks of the program's that it has released: free is to follow */
    int own_errno;                     /* errno before it */
    uint32_t kernel_tid;               /* of a fork child's only thread: its id; 0: as libc says */
    uint32_t slotless_count;           /* events since a search for a slot found none */
    uint32_t slotless_why;             /* TN_LOSS_*: why it found none */
    uint32_t nested_count;             /* calls on top of the shim, lost, that no LOSS has reported yet */
    uint32_t stalled_count;    /* the same, of events that found no room while the recorder stood still */
    bool is_left_out;          /* the birth that is being written is left out, since recording was paused */
    struct tn_trail *trail;    /* what is remembered of stacks; NULL until the first one */
    uint64_t left_head_words;  /* head_words behind the last LEAVE */
    uint32_t left_depth_bytes; /* depth of that LEAVE */
    struct tn_operator_call operators[TN_OPERATOR_DEPTH_MAX];
    struct tn_thread
        *nested; /* owned; what its handlers record through on top of the shim (nested.h); NULL: none */
    struct tn_thread *outer;   /* of such a one: whose it is; else NULL */
    uintptr_t outer_cfa;       /* and outer's inside_cfa at its last use */
    uint64_t outer_head_words; /* and head_words of outer's ring then */
};

extern __thread struct tn_thread tn_thread;

/* The one that the entry points know: the thread's tn_thread. */
static inline struct tn_thread *tn_thread_outermost(struct tn_thread *thread)
{
    while (thread->outer != NULL)
        thread = thread->outer;
    return thread;
}

/* Begin and end a foreign call on the shim's behalf: in between, signals are blocked and allocations come
 * from the arena; afterwards errno and the signal mask are as before. The pairs nest. Behind a filter of
 * system calls signals are not blocked: what a handler allocates in between comes from the arena and is not
 * recorded. Cost: two system calls an outermost pair. */
void tn_own_begin(struct tn_thread *thread);
void tn_own_end(struct tn_thread *thread);

/* Keep a block of the program's that a foreign call releases (the loader does so with the thread-local memory
 * of a library that is gone), until the outermost call has ended: it is then recorded and released.
 *
 * Returns  false: there is no room; it may be released at once, and is not recorded */
bool tn_own_keep(struct tn_thread *thread, void *address);

/* Record and release them. By tn_own_end only. writer: whose ring they are recorded in, thread or
 * thread->nested. */
void tn_own_release_kept(struct tn_thread *thread, struct tn_thread *writer);

/* Whether pc lies in a real C++ operator or in this library (interpose_new.c). Any thread. */
bool tn_operator_holds(uintptr_t pc);

/* Look the real operators up. Between tn_own_begin and tn_own_end. */
void tn_operators_find(void);

#endif
