/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SLOTS_H
#define TENURE_SHIM_SLOTS_H

/* Which slot of the shared memory a thread gets. */

#include "tenure/ring.h"

#include <stdint.h>

/* Take a slot for the calling thread: one that the recorder has freed, else the next one that was never used.
 *
 * tid      the thread's kernel id
 * ret_why  TN_LOSS_NO_SLOT or TN_LOSS_NO_MEMORY; written when there is none
 * Returns  the slot, CLAIMED; NULL: every slot is in use, or its ring cannot be mapped
 * Threads  any; signals blocked or between tn_enter and tn_leave
 * Cost     one or two loads a slot in use when one was freed, else a system call */
struct tn_ring *tn_slot_claim(uint32_t tid, uint32_t *ret_why);

/* In a fork child: drop the lock of a thread that does not exist here. */
void tn_slots_recover(void);

#endif
