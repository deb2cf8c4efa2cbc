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
 * Returns        whether there is room; false: the recorder is gone, recording has been stopped for good,
 *                and the event is counted as lost
 * Threads        the ring's producer
 * Cost           as tn_ring_has_room; of a full ring, up to 30 s */
bool tn_room_wait(struct tn_ring *ring, uint32_t words, uint32_t need_words, uint32_t *ret_pad_words);

#endif
