/* SPDX-License-Identifier: MIT */

/* Writes the control ring. Slot 0 of the shared memory; its lock makes the threads one producer. */

#include "control_ring.h"

#include "room.h"
#include "ticks.h"

#include "banned.h"

struct tn_lock tn_control_lock;

uint64_t *tn_control_begin(uint32_t need_words, uint32_t *ret_pad_words)
{
    struct tn_ring *ring = tn_parts_slot(&tn_hot.parts, TN_CONTROL_SLOT);
    uint32_t ring_words = tn_hot.sizes.control_words;
    if (!tn_room_wait(ring, ring_words, need_words, ret_pad_words))
        return NULL;
    uint64_t *event = tn_ring_reserve(ring, tn_hot.parts.control_words, ring_words, *ret_pad_words);
    event[1] = tn_ticks();
    return event;
}

void tn_control_end(uint32_t used_words)
{
    tn_ring_commit(tn_parts_slot(&tn_hot.parts, TN_CONTROL_SLOT), used_words);
}
