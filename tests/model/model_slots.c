/* SPDX-License-Identifier: MIT */

/* Slots: threads claim them (lib/shim/slots.c), write, say that they end and are gone; the recorder reads the
 * rest and frees them (lib/record/ring_slots.c) for the next thread. No slot has two owners, no event is read
 * twice, under another's name or not at all, and every slot is free in the end. Two slots, three lives of
 * threads, two at once. */

#include "scenes.h"

#include <string.h>

#include "../../lib/record/ring_slots.c"
#include "../../lib/shim/slots.c"

#define SLOTS  3u /* the control ring's included */
#define WORDS  8u
#define EVENTS 2u
#define LIVES  3u

union tn_hot_page tn_hot_page;
struct tn_shim_process tn_shim_process;

static struct tn_shared_header header;
static struct tn_ring slots[SLOTS];
static _Alignas(8) uint64_t words[SLOTS][WORDS];
static _Alignas(
    8) _Atomic uint32_t gone[LIVES + 1]; /* by life, the thread id here: the kernel knows no such thread */

static uint64_t owner[SLOTS], read_count[LIVES + 1];
static uint64_t lost_count, life_of[2]; /* of thread 0 and 1 */

/* Every ring is mapped from the start. */
struct tn_ring *tn_parts_add(struct tn_shared_parts *parts, const struct tn_shared_sizes *sizes,
                             uint32_t slot)
{
    (void)parts;
    (void)sizes;
    return &slots[slot];
}

/* As lib/shim/sys.c, but that it waits for ever, and without time. */
bool tn_lock_take(struct tn_lock *lock)
{
    model_checkpoint(life_of[model_self()], 1);
    while (atomic_exchange_explicit(&lock->is_taken, 1, memory_order_acquire)) {
        model_pause();
        model_checkpoint(life_of[model_self()], 1);
    }
    return true;
}

void tn_lock_drop(struct tn_lock *lock)
{
    atomic_store_explicit(&lock->is_taken, 0, memory_order_release);
}

static void live(uint32_t life)
{
    uint32_t why = 0;
    life_of[model_self()] = life;
    model_checkpoint(life, 0);
    struct tn_ring *ring = tn_slot_claim(life, &why);
    uint32_t slot = ring != NULL ? (uint32_t)(ring - slots) : 0;
    if (ring == NULL)
        lost_count += EVENTS;
    else if (owner[slot] != 0)
        model_fail("thread %u and thread %u have the same slot", (unsigned)owner[slot], life);
    owner[slot] = ring != NULL ? life : 0;
    for (uint32_t i = 0; i < EVENTS && ring != NULL; i++) {
        uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
        words[slot][head % WORDS] = life;
        tn_ring_commit(ring, 1);
    }
    if (ring != NULL)
        atomic_store_explicit(&ring->state, TN_SLOT_ENDED, memory_order_release);
    owner[slot] = 0;
    /* The kernel: after all that the thread has done. */
    atomic_store(&gone[life], 1);
}

static void live_twice(void)
{
    live(1);
    live(2);
}

static void live_once(void)
{
    live(3);
}

static void read_slot(uint32_t slot, uint64_t *cursor_words, uint32_t tid)
{
    uint64_t head = atomic_load_explicit(&slots[slot].head_words, memory_order_acquire);
    for (; *cursor_words < head; ++*cursor_words) {
        uint64_t life = words[slot][*cursor_words % WORDS];
        if (life == 0 || life > LIVES || (tid != 0 && life != tid))
            model_fail("thread %u wrote what is read as thread %u's", (unsigned)life, tid);
        read_count[life]++;
    }
}

static void record(void)
{
    static struct tn_rings rings = {.memory.header = &header};
    static struct tn_stream stream;
    uint64_t cursors[SLOTS] = {0};
    for (;;) {
        model_checkpoint(cursors[1], cursors[2]);
        bool are_over = model_has_ended(0) && model_has_ended(1);
        uint32_t bound = atomic_load_explicit(&header.slot_bound, memory_order_acquire);
        uint32_t in_use = 0;
        for (uint32_t slot = 1; slot < bound; slot++) {
            if (atomic_load_explicit(&slots[slot].state, memory_order_acquire) == TN_SLOT_FREE)
                continue;
            uint32_t tid = atomic_load_explicit(&slots[slot].tid, memory_order_acquire);
            bool is_over = tid != 0 && atomic_load_explicit(&gone[tid], memory_order_acquire) != 0;
            in_use++;
            read_slot(slot, &cursors[slot], tid);
            stream.ring = &slots[slot];
            stream.slot = slot;
            if (is_over)
                hand_out_again(&rings, &stream);
        }
        if (are_over && in_use == 0)
            return;
        model_pause();
    }
}

static void set_up(void)
{
    memset(&header, 0, sizeof(header));
    memset(slots, 0, sizeof(slots));
    memset(words, 0, sizeof(words));
    memset(gone, 0, sizeof(gone));
    memset(owner, 0, sizeof(owner));
    memset(read_count, 0, sizeof(read_count));
    lost_count = 0;
    memset(life_of, 0, sizeof(life_of));
    memset(&slot_lock, 0, sizeof(slot_lock));
    header.slot_bound = 1;
    header.slot_count = SLOTS;
    tn_hot.header = &header;
    tn_hot.sizes.slot_count = SLOTS;
    tn_hot.parts.spans[0] = slots;
}

static void check(void)
{
    uint64_t sum = lost_count;
    for (uint32_t life = 1; life <= LIVES; life++)
        sum += read_count[life];
    if (sum != LIVES * EVENTS)
        model_fail("%u events are read or lost, of %u", (unsigned)sum, LIVES * EVENTS);
}

static const struct model_scene lives = {
    .name = "three threads on two slots",
    .thread_count = 3,
    .run = {live_twice, live_once, record},
    .buffer_max = 2,
    .set_up = set_up,
    .check = check,
};

static const struct model_fault faults[] = {
    {"a claim that is not seen", MODEL_FAULT_DROP_VALUE, &slots[1].state, NULL},
    {"a slot is free before its thread id is gone", MODEL_FAULT_LATE, &slots[1].tid, &slots[1].state},
    {"slots are added that nobody hears of", MODEL_FAULT_DROP, &header.slot_bound, NULL},
    {"the lock is not held", MODEL_FAULT_DROP_VALUE, &slot_lock.is_taken, NULL},
    {"the head is not published", MODEL_FAULT_DROP, &slots[1].head_words, NULL},
};

int main(void)
{
    model_region(&header, sizeof(header));
    model_region(slots, sizeof(slots));
    model_region(words, sizeof(words));
    model_region(gone, sizeof(gone));
    for (uint32_t i = 0; i < SLOTS; i++)
        model_note(&owner[i], sizeof(owner[i]));
    for (uint32_t i = 1; i <= LIVES; i++)
        model_note(&read_count[i], sizeof(read_count[i]));
    model_note(&lost_count, sizeof(lost_count));
    model_note(&life_of[0], sizeof(life_of[0]));
    model_note(&life_of[1], sizeof(life_of[1]));
    model_note(&slot_lock, sizeof(slot_lock));
    scene_must_hold(&lives);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        scene_must_break(&lives, &faults[i]);
    return scene_end();
}
