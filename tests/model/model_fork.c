/* SPDX-License-Identifier: MIT */

/* A fork child: of its parent it has the memory and one thread, at whatever step the other ones were; what
 * these held is held for ever, unless it is dropped. It gets shared memory of its own, takes a slot there and
 * writes; nothing of its parent's is touched. The other thread claims and frees slots in the parent, and
 * disappears at any step; then the child begins. Locks and the notes of what is mapped are the child's own,
 * as copied (lib/shim/slots.c). */

#include "scenes.h"

#include <string.h>

#include "../../lib/shim/slots.c"

#define SLOTS  4u /* the control ring's included */
#define EVENTS 2u

union tn_hot_page tn_hot_page;
struct tn_shim_process tn_shim_process;

/* Of the parent, and of the child. */
static struct tn_shared_header headers[2];
static struct tn_ring slots[2][SLOTS];

static uint64_t child_slot, is_wiped;

struct tn_ring *tn_parts_add(struct tn_shared_parts *parts, const struct tn_shared_sizes *sizes,
                             uint32_t slot)
{
    (void)sizes;
    return &parts->spans[0][slot];
}

/* As lib/shim/sys.c, but that it waits for ever, and without time. */
bool tn_lock_take(struct tn_lock *lock)
{
    model_checkpoint(1, (uint64_t)model_self());
    while (atomic_exchange_explicit(&lock->is_taken, 1, memory_order_acquire)) {
        model_pause();
        model_checkpoint(1, (uint64_t)model_self());
    }
    return true;
}

void tn_lock_drop(struct tn_lock *lock)
{
    atomic_store_explicit(&lock->is_taken, 0, memory_order_release);
}

static void use_memory(uint32_t process)
{
    memset(&tn_hot, 0, sizeof(tn_hot));
    tn_hot.header = &headers[process];
    tn_hot.sizes.slot_count = SLOTS;
    tn_hot.parts.spans[0] = slots[process];
}

/* A thread of the parent: takes a slot, gives it back as the recorder would, and takes one again. */
static void be_other_thread(void)
{
    for (uint32_t life = 1; life <= 2; life++) {
        uint32_t why = 0;
        struct tn_ring *ring = tn_slot_claim(life, &why);
        if (ring == NULL)
            model_fail("a thread of the parent has no slot");
        atomic_store_explicit(&ring->state, TN_SLOT_FREE, memory_order_release);
        atomic_fetch_add_explicit(&headers[0].freed_count, 1, memory_order_release);
    }
}

/* The thread that has forked, in the child: start.c's begin_child, as far as slots are concerned. */
static void be_child(void)
{
    static const uint32_t child = 77;
    uint32_t why = 0;
    model_checkpoint(0, 0);
    while (!model_is_dead(0) && !model_has_ended(0)) {
        model_pause();
        model_checkpoint(0, 0);
    }
    struct tn_shared_header header = headers[0];
    struct tn_ring before[SLOTS];
    memcpy(before, slots[0], sizeof(before));
    if (is_wiped)
        use_memory(1);
    tn_slots_recover();
    struct tn_ring *ring = tn_slot_claim(child, &why);
    if (ring == NULL)
        model_fail("the child has no slot");
    for (uint32_t i = 0; i < EVENTS; i++)
        tn_ring_commit(ring, 1);
    if (memcmp(&header, &headers[0], sizeof(header)) != 0 || memcmp(before, slots[0], sizeof(before)) != 0)
        model_fail("the child writes into what is its parent's");
    child_slot = (uint64_t)(ring - slots[1]);
}

static void set_up(void)
{
    memset(headers, 0, sizeof(headers));
    memset(slots, 0, sizeof(slots));
    memset(&slot_lock, 0, sizeof(slot_lock));
    child_slot = 0;
    for (uint32_t process = 0; process < 2; process++) {
        headers[process].slot_bound = 1;
        headers[process].slot_count = SLOTS;
    }
    use_memory(0);
}

static void check(void)
{
    if (child_slot != 1 || slots[1][1].head_words != EVENTS)
        model_fail("the child's events are not in its own first ring");
}

static const struct model_scene fork_child = {
    .name = "a fork child",
    .thread_count = 2,
    .run = {be_other_thread, be_child},
    .events = MODEL_KILL,
    .killable = 1u << 0,
    .set_up = set_up,
    .check = check,
};

int main(void)
{
    const struct model_fault kept = {"what was held is kept", MODEL_FAULT_DROP_ZERO, &slot_lock.is_taken,
                                     NULL};
    model_region(headers, sizeof(headers));
    model_region(slots, sizeof(slots));
    model_note(&slot_lock, sizeof(slot_lock));
    model_note(&child_slot, sizeof(child_slot));
    is_wiped = 1;
    scene_must_hold(&fork_child);
    scene_must_break(&fork_child, &kept);
    is_wiped = 0;
    scene_must_break(&fork_child, NULL);
    return scene_end();
}
