/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_LINK_LOOKS_H
#define TENURE_SHIM_LINK_LOOKS_H

/* Looks for links: who holds the address of whose block. Here is what each event pays for that; links_*.c
 * look. Only addresses leave the process, and only those that lie where its heap is. */

#include "heap_spans.h"
#include "shim_thread.h"

#include "tenure/event.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of each stack that releases blocks, the first so many are looked into, later ones one in
 * TN_LINK_DEATH_EACH: measured on seven programs, that finds all but one of 204 kinds of links. */
#define TN_LINK_DEATH_FIRST 32u
#define TN_LINK_DEATH_EACH  64u

/* The counters of stacks: those whose ids differ by a multiple of this share one. A byte each. */
#define TN_LINK_COUNTERS 65536u

/* Prepare for this image or fork child: forget what is known of another one. Between tn_own_begin and
 * tn_own_end, before the first event. Without memory nothing is looked for. */
void tn_links_begin(void);

/* Look into a block that is about to be released, and write what was found. Between tn_enter and tn_leave,
 * before the release is written. Cost: 100 to 200 ns. */
void tn_links_scan(struct tn_thread *thread, uint32_t stack_id, void *address);

/* A block whose address is sought. */
struct tn_sought {
    uintptr_t address;
    uint32_t stack_id; /* that asked for it */
    enum tn_link_moment moment;
};

/* Prepare for this image or fork child. Between tn_own_begin and tn_own_end, before the first event.
 *
 * Returns  false where the options want no search, or without memory: nothing is searched for then */
bool tn_links_search_begin(void);

/* Whether a search that began now would be likely to be whole: no other thread searches, and there is time
 * for one like the last. Cost: some 10 ns. */
bool tn_links_may_search(void);

/* Search for blocks, at most TN_SAMPLES_MAX, in one pass, and write for each where its address was found.
 * Does nothing while another thread searches, and where it would take more than its share of the time: what
 * was not searched whole is no look. It ends for good once a filter of system calls is announced, or memory
 * may not be read. Between tn_enter and tn_leave.
 *
 * Cost  some 30 ns for each KiB of heap and variables, by system calls */
void tn_links_search(struct tn_thread *thread, const struct tn_sought *sought, uint32_t count);

/* Whether the next block that a stack releases is to be looked into. The counter of a stack begins at 0,
 * counts up while all are, then down from one to the next. Two threads may both count one release: then one
 * less is looked into. */
TN_ALWAYS_INLINE bool tn_link_is_due(uint32_t stack_id)
{
    _Atomic uint8_t *counters = tn_hot.link_counters;
    if (TN_UNLIKELY(counters == NULL))
        return false;
    _Atomic uint8_t *counter = &counters[stack_id % TN_LINK_COUNTERS];
    uint8_t count = atomic_load_explicit(counter, memory_order_relaxed);
    if (TN_LIKELY(count > TN_LINK_DEATH_FIRST)) {
        atomic_store_explicit(counter, (uint8_t)(count - 1), memory_order_relaxed);
        return false;
    }
    bool is_early = count + 1u < TN_LINK_DEATH_FIRST;
    uint8_t next = (uint8_t)(is_early ? count + 1u : TN_LINK_DEATH_FIRST + TN_LINK_DEATH_EACH - 1);
    atomic_store_explicit(counter, next, memory_order_relaxed);
    return true;
}

#endif
