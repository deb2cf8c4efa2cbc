/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SHARED_PARTS_H
#define TENURE_SHIM_SHARED_PARTS_H

/* The parts of the shared memory that this process has mapped: the header, the slots in use and their rings.
 * More are added when threads need them, although no descriptor of the memory is kept: with each part one
 * page of the next is mapped, and mremap makes a second, larger mapping of the file from such a page on. */

#include "shim_process.h"

/* Map the header, the first slots and the control ring.
 *
 * fd          the memfd; may be closed afterwards
 * sizes       that its size was set to
 * ret_header  the header, in a mapping that fork children inherit
 * parts       filled; children do not inherit what it maps
 * Returns     0; negative errno, and nothing is left mapped
 * Cost        a handful of system calls. Where a mapping cannot be made from another one, as under some
 * emulators,
 *             64 rings are mapped at once, and later threads get none */
int tn_parts_open(int fd, const struct tn_shared_sizes *sizes, struct tn_shared_header **ret_header,
                  struct tn_shared_parts *parts);

/* Unmap all but the header. */
void tn_parts_close(struct tn_shared_parts *parts);

/* Map the slot that follows those in use, and its ring.
 *
 * slot      the header's slot_bound, below slot_count
 * Returns   the slot, its words_address set; NULL when the machine or a limit refuses
 * Threads   one at a time (tn_slot_lock)
 * Cost      a system call, two for the first slot of a span; page faults as the ring is filled */
struct tn_ring *tn_parts_add(struct tn_shared_parts *parts, const struct tn_shared_sizes *sizes,
                             uint32_t slot);

/* Unmap a header. */
void tn_parts_drop_header(struct tn_shared_header *header);

#endif
