/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ROOM_H
#define TENURE_SHIM_ROOM_H

/* Room in a ring, and what is done while there is none. */

#include "tenure/ring.h"

#include <stdbool.h>
#include <stdint.h>

/* Make sure that an event fits into a ring, waiting for the recorder while it is full.
 *
 * words          length of the ring in words
 * need_words     length of the event, at most a quarter of the ring
 * ret_pad_words  as tn_ring_has_room
 * Returns        whether there is room; false: the recorder stands still, or it is gone and recording has
 * been
 *                stopped for good; the caller counts the event
 * Threads        the ring's producer
 * Cost           as tn_ring_has_room; of a full ring, until the recorder has made room. 10 ms after its death
 *                the wait ends; after it was stopped, in TN_STALL_NS, and until it goes on no later call waits */
bool tn_room_wait(struct tn_ring *ring, uint32_t words, uint32_t need_words, uint32_t *ret_pad_words);

/* Wait until the pause ends, as long as the recorder works, and at most a second: it has been told to end it.
 * Any thread, not between tn_enter and tn_leave. */
void tn_room_await_end(void);

/* Ask the recorder to close the log, and wait until it has, as long as it works: this process takes it along
 * when it ends. Nothing is recorded afterwards. Any thread. Cost: what a close takes, at most 30 s. */
void tn_room_close(void);

#endif
