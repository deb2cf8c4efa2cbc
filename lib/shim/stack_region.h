/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_STACK_REGION_H
#define TENURE_SHIM_STACK_REGION_H

/* Where the stack lies that an address belongs to: how far a walk may load. A thread's own stack stays where
 * it is. Any other (a coroutine's, a signal handler's) is looked up in /proc/self/maps and remembered; as
 * soon as memory near such stacks is unmapped, protected or replaced, what is remembered counts no more. */

#include "shim_thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Note how large the stack is that libc has made for a new thread, so that this need not be looked up.
 *
 * control_block  of the thread: its pthread_t
 * size_bytes     as pthread_attr_getstacksize gives it
 * Threads        any; the new one may run already
 * Cost           a store; the first time a read of /proc/self/maps */
void tn_region_note_thread(uintptr_t control_block, size_t size_bytes);

/* Find where the calling thread's own stack lies; tid: its kernel id. Once a thread. Costs a read of
 * /proc/self/maps; a few loads if the thread was noted. */
void tn_region_find_own(struct tn_thread *thread, uint32_t tid);

/* Find the stack that an address lies in: the thread's own, the last other one, or what /proc/self/maps says.
 *
 * sp       any address in the stack, at or above which all is in use
 * Returns  one past the stack's highest address; 0 if no mapping holds sp. Behind a filter of system calls:
 *          the end of sp's page, where the stack is not known
 * Cost     a few comparisons; of another stack than last time, a read of /proc/self/maps */
uintptr_t tn_region_high(struct tn_thread *thread, uintptr_t sp);

/* The caller's distance from the base of its stack, bytes; on a stack that is not the thread's own, from the
 * end of the mapping that it lies in. 0 when it is 4 GiB or more. */
uint32_t tn_depth_of(struct tn_thread *thread, const struct tn_caller *caller);

/* Whether memory overlaps the range in which other stacks were found. Any thread. Cost: two loads; one where
 * there are none. */
static inline bool tn_regions_touch(uintptr_t address, size_t size_bytes)
{
    uintptr_t high = atomic_load_explicit(&tn_shim_process.regions.high, memory_order_relaxed);
    return TN_UNLIKELY(address < high) &&
           address + size_bytes > atomic_load_explicit(&tn_shim_process.regions.low, memory_order_relaxed);
}

/* After mappings there have changed: look every stack up again. */
static inline void tn_regions_change(void)
{
    atomic_fetch_add_explicit(&tn_shim_process.regions.epoch, 1, memory_order_release);
}

#endif
