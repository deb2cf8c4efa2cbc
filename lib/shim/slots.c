/* SPDX-License-Identifier: MIT */

/* Claims slots. Threads take freed slots by compare and swap, and add new ones under a lock. Invariant: every
 * slot below slot_bound is mapped, and was claimed before slot_bound was raised over it. Called by
 * shim_thread.c. */

#include "slots.h"

#include "shared_parts.h"
#include "sys.h"

#include "tenure/event.h"

#include "banned.h"

static struct tn_lock slot_lock;

/* A slot that was freed; NULL if there is none. The recorder counts what it frees and says which was the
 * last, so that nobody searches in vain: slots are freed in any order, and there may be 65,535. */
static struct tn_ring *reuse_slot(uint32_t tid)
{
    struct tn_shared_header *header = tn_hot.header;
    uint32_t reused = atomic_load_explicit(&header->reused_count, memory_order_relaxed);
    if (atomic_load_explicit(&header->freed_count, memory_order_acquire) == reused)
        return NULL;
    uint32_t bound = atomic_load_explicit(&header->slot_bound, memory_order_acquire);
    uint32_t start = atomic_load_explicit(&header->freed_slot, memory_order_relaxed);
    for (uint32_t i = 0; i < bound; i++) {
        uint32_t slot = (start + i) % bound;
        uint32_t expected = TN_SLOT_FREE;
        if (slot == TN_CONTROL_SLOT)
            continue;
        struct tn_ring *ring = tn_parts_slot(&tn_hot.parts, slot);
        if (atomic_load_explicit(&ring->state, memory_order_relaxed) != TN_SLOT_FREE)
            continue;
        if (!atomic_compare_exchange_strong_explicit(&ring->state, &expected, TN_SLOT_CLAIMED,
                                                     memory_order_acquire, memory_order_relaxed))
            continue;
        atomic_fetch_add_explicit(&header->reused_count, 1, memory_order_relaxed);
        atomic_store_explicit(&ring->tid, tid, memory_order_release);
        return ring;
    }
    return NULL;
}

/* The next slot that was never used. Under the lock. */
static struct tn_ring *add_slot(uint32_t tid, uint32_t *ret_why)
{
    struct tn_shared_header *header = tn_hot.header;
    uint32_t slot = atomic_load_explicit(&header->slot_bound, memory_order_relaxed);
    *ret_why = TN_LOSS_NO_SLOT;
    if (slot >= tn_hot.sizes.slot_count)
        return NULL;
    *ret_why = TN_LOSS_NO_MEMORY;
    struct tn_ring *ring = tn_parts_add(&tn_hot.parts, &tn_hot.sizes, slot);
    if (ring == NULL)
        return NULL;
    atomic_store_explicit(&ring->tid, tid, memory_order_relaxed);
    atomic_store_explicit(&ring->state, TN_SLOT_CLAIMED, memory_order_relaxed);
    /* Locked, so that no stamp of the thread's is older than what the recorder sees (ring.h, slot rules). */
    atomic_exchange(&header->slot_bound, slot + 1);
    return ring;
}

struct tn_ring *tn_slot_claim(uint32_t tid, uint32_t *ret_why)
{
    struct tn_ring *ring = reuse_slot(tid);
    if (ring != NULL)
        return ring;
    *ret_why = TN_LOSS_NO_SLOT;
    if (!tn_lock_take(&slot_lock))
        return NULL;
    ring = add_slot(tid, ret_why);
    tn_lock_drop(&slot_lock);
    return ring;
}

void tn_slots_recover(void)
{
    tn_lock_drop(&slot_lock);
}
