/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_SHARED_MEMORY_H
#define TN_RECORD_SHARED_MEMORY_H

/* The memory of one process (ring.h) as the recorder maps it, part by part when it is used. It is the
 * program's and not trusted: it is sealed against shrinking before anything is read, its sizes are checked
 * once and kept here. In front of the header lies a private page for the list entry of the liveness word. One
 * thread. */

#include "keeper.h"

#include "tenure/ring.h"

#include <stddef.h>
#include <stdint.h>

#define TN_SHARED_SPANS_MAX (TN_SLOT_COUNT_MAX / TN_SPAN_SLOTS)

/* Zeroed, with fd -1, is closed. */
struct tn_shared_memory {
    int fd;                          /* owned; the memfd, for what is mapped later */
    struct tn_kept *kept;            /* owned; the private page, with the header's span behind it */
    struct tn_shared_header *header; /* offset 0; the first span of slots lies behind it */
    struct tn_shared_sizes sizes;    /* as checked; the header's own are never read again */
    uint64_t start_ticks;            /* of the header, read with them */
    uint64_t *control_words;         /* owned; words of the control ring */
    struct tn_ring **spans;          /* owned; by slot / TN_SPAN_SLOTS; NULL: not mapped */
    uint64_t **groups;       /* owned; words of so many neighbouring rings, mapped together; NULL: not */
    uint32_t group_capacity; /* room in groups */
    uint32_t group_rings;    /* rings a group */
};

/* Seal, check and map what every process has: header, first slots, control ring.
 *
 * memory_fd     stays the caller's
 * stated_bytes  size that the hello states
 * Returns       0; -EBADMSG: it is no such memory, its sizes make no sense, or it cannot be sealed; -ENOMEM,
 *               -EMFILE: nothing is left open
 * Owns          tn_shared_memory_close releases ret_memory */
int tn_shared_memory_open(int memory_fd, uint64_t stated_bytes, struct tn_shared_memory *ret_memory);

/* Slot `slot`, below sizes.slot_count; mapped at first use. NULL: no memory or address space for it.
 *
 * Cost  a look-up; two system calls for each span */
struct tn_ring *tn_shared_memory_slot(struct tn_shared_memory *memory, uint32_t slot);

/* The words of the ring of a thread's slot; mapped at first use. NULL as above. */
uint64_t *tn_shared_memory_words(struct tn_shared_memory *memory, uint32_t slot);

/* Give the memory of a ring back to the system; its words are 0 then. Nobody uses the ring meanwhile. */
void tn_shared_memory_empty_ring(struct tn_shared_memory *memory, uint32_t slot);

/* Hold the process's liveness word. Returns as tn_keepers_hold. */
int tn_shared_memory_hold(struct tn_shared_memory *memory, struct tn_keepers *keepers);

/* Let it go; one that is not held is fine. */
void tn_shared_memory_release(struct tn_shared_memory *memory);

/* Let the word go, unmap everything. */
void tn_shared_memory_close(struct tn_shared_memory *memory);

#endif
