/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SAMPLES_H
#define TENURE_SHIM_SAMPLES_H

/* Blocks whose addresses are looked for: of each stack the first ones that are born. The thread that asked
 * for a block looks for its address at its 1st, 2nd, 4th ... 32nd event after that, when it releases the
 * block, and before it writes to a file or a socket. Here is what each event pays; samples.c does the rest.
 */

#include "link_looks.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks of each stack that are looked for. */
#define TN_SAMPLES_EACH 8u

/* The counter of a stack of which no more are taken. */
#define TN_SAMPLES_DONE UINT16_MAX

/* Forget all samples of a thread, which has its first event in this process. */
void tn_samples_begin(struct tn_thread *thread);

/* Look for the samples that are due. As all that follows: the calling thread's, between tn_enter and
 * tn_leave. Cost: links_search.c. */
void tn_samples_due(struct tn_thread *thread);

/* Take a block among the samples, if there is room. */
void tn_samples_add(struct tn_thread *thread, uint32_t stack_id, void *address);

/* A block is about to be released that may be a sample: look for it a last time. */
void tn_samples_end(struct tn_thread *thread, void *address);

/* The thread is about to write to a file or a socket: look for all its samples. */
void tn_samples_output(struct tn_thread *thread);

/* Most addresses that are no sample's have another bit than all samples. */
static inline uint64_t tn_sample_bit(uintptr_t address)
{
    return UINT64_C(1) << (address * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* Count an event of the thread, before anything of it is written. */
TN_ALWAYS_INLINE void tn_samples_count(struct tn_thread *thread)
{
    if (TN_UNLIKELY(--thread->samples.left == 0))
        tn_samples_due(thread);
}

/* Note a birth, after it was written. The counter of a stack is the number of its blocks that were taken;
 * above that, in units of TN_SAMPLES_EACH, how many births pass before the next is tried, where there was no
 * time to search. Two threads may both take a block, or both count one birth. */
TN_ALWAYS_INLINE void tn_samples_see_birth(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    _Atomic uint16_t *counters = tn_hot.sample_counters;
    if (TN_UNLIKELY(counters == NULL))
        return;
    _Atomic uint16_t *counter = &counters[stack_id % TN_LINK_COUNTERS];
    uint16_t count = atomic_load_explicit(counter, memory_order_relaxed);
    if (TN_LIKELY(count == TN_SAMPLES_DONE))
        return;
    if (count >= TN_SAMPLES_EACH)
        atomic_store_explicit(counter, (uint16_t)(count - TN_SAMPLES_EACH), memory_order_relaxed);
    else
        tn_samples_add(thread, stack_id, address);
}

/* Note a release, before it is written. */
TN_ALWAYS_INLINE void tn_samples_see_death(struct tn_thread *thread, void *address)
{
    uint64_t mask = thread->samples.mask;
    if (TN_UNLIKELY(mask != 0) && (mask & tn_sample_bit((uintptr_t)address)) != 0)
        tn_samples_end(thread, address);
}

#endif
