/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_LINK_LOOKS_H
#define TENURE_SHIM_LINK_LOOKS_H

/* Looks for links: who holds the address of whose block. samples.h says when; links_*.c look, each within its
 * share of the process's life. Only addresses leave the process, and only those that lie where its heap is.
 */

#include "heap_spans.h"
#include "shim_thread.h"

#include "tenure/event.h"

#include <stdbool.h>
#include <stdint.h>

/* Prepare for this image or fork child: forget what is known of another one. Between tn_own_begin and
 * tn_own_end, before the first event. Without memory nothing is looked for. */
void tn_links_begin(void);

/* Whether there is time to look into a block. Cost: a few loads. */
bool tn_links_may_scan(const struct tn_thread *thread);

/* Look into a block that is about to be released, and write what was found. Between tn_enter and tn_leave,
 * before the release is written. Cost: 100 to 200 ns. */
void tn_links_scan(struct tn_thread *thread, uint32_t stack_id, void *address);

/* A block whose address is sought. */
struct tn_sought {
    uintptr_t address;
    uint32_t stack_id; /* that asked for it */
    enum tn_link_moment moment;
};

/* Prepare for this image or fork child. Between tn_own_begin and tn_own_end, before the first event. Nothing
 * is searched for where the options want no search, or without memory. */
void tn_links_search_begin(void);

/* Whether a search that began now would be likely to be whole: no other thread searches, and there is time
 * for one like the last. Cost: a few loads. */
bool tn_links_may_search(const struct tn_thread *thread);

/* Search for blocks, at most TN_SAMPLES_MAX, in one pass, and write for each where its address was found.
 * Does nothing while another thread searches, and where it would take more than its share of the time: what
 * was not searched whole is no look. It ends for good once a filter of system calls is announced, or memory
 * may not be read. Between tn_enter and tn_leave.
 *
 * Cost  some 30 ns for each KiB of heap and variables, by system calls */
void tn_links_search(struct tn_thread *thread, const struct tn_sought *sought, uint32_t count);

#endif
