/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SAMPLES_H
#define TENURE_SHIM_SAMPLES_H

/* When blocks are looked at. Blocks whose addresses are looked for, the samples: of each stack the first ones
 * that it asks for. The thread looks for the address at its 1st, 2nd, 4th ... 32nd event after that, when it
 * releases the block, and before it writes to a file or a socket. Blocks that are looked into: of each stack
 * the first ones that it releases, and of each thread one whenever some 128 events have passed, its turn.
 *
 * All that an event pays for this, here, is to count down, and to compare a byte with what the thread wants:
 * what is due, and what a young stack has reached, makes the count end. samples.c does the rest. */

#include "link_looks.h"
#include "young_stacks.h"

#include <stdbool.h>
#include <stdint.h>

/* Forget all samples of a thread, which has its first event in this process; last_ticks is set. */
void tn_samples_begin(struct tn_thread *thread);

/* An event of a stack comes that is perhaps young: see to it that the event is looked at. As all that
 * follows: the calling thread's, between tn_enter and tn_leave.
 *
 * Returns  what the stack is young for */
uint32_t tn_samples_see_young(struct tn_thread *thread, uint32_t stack_id);

/* Something is due: look for the samples that are, and take the block among them if it is the stack's turn.
 *
 * address  of a block that is born with this event; NULL: none is. Cost: links_search.c */
void tn_samples_due(struct tn_thread *thread, uint32_t stack_id, void *address);

/* A reallocation ends: take the block among the samples, if it is the stack's turn. */
void tn_samples_see_realloc(struct tn_thread *thread, uint32_t stack_id, void *address);

/* A block is about to be released that may be a sample, or is to be looked into. */
void tn_samples_release(struct tn_thread *thread, uint32_t stack_id, void *address);

/* The thread is about to write to a file or a socket: look for all its samples. */
void tn_samples_output(struct tn_thread *thread);

/* Most addresses that are no sample's have another bit than all samples. */
static inline uint64_t tn_sample_bit(uintptr_t address)
{
    return UINT64_C(1) << (address * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* Count an event of the thread, before anything of it is written. address: as of tn_samples_due. */
TN_ALWAYS_INLINE void tn_samples_count(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    if (TN_UNLIKELY(--thread->samples.left == 0))
        tn_samples_due(thread, stack_id, address);
}

/* Note a release, before it is written. */
TN_ALWAYS_INLINE void tn_samples_see_release(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    uint64_t mask = thread->samples.mask;
    if (TN_UNLIKELY(mask != 0) && (mask & tn_sample_bit((uintptr_t)address)) != 0)
        tn_samples_release(thread, stack_id, address);
}

#endif
