/* SPDX-License-Identifier: MIT */

/* A thread that begins while the recorder reads: it adds a slot (lib/shim/slots.c), or takes one that was
 * freed, and writes its first event there (lib/shim/emit.h). The recorder reads the clock, then how many
 * slots there are and which are in use, then marks and heads (ring.h, slot rules): no event may arrive behind
 * a watermark that was stated before the slot was seen. */

#include "scenes.h"

#include <string.h>

#include "emit.h"
#include "room.h"

#include "../../lib/shim/slots.c"

#include "tenure/event_body.h"

#define SLOTS  3u /* the control ring's included */
#define WORDS  64u
#define ROUNDS 3u
#define SLACK  2u
#define LENGTH TN_EVENT_BARE_WORDS

union tn_hot_page tn_hot_page;
struct tn_shim_process tn_shim_process;

static struct tn_shared_header header;
static struct tn_ring slots[SLOTS];
static _Alignas(8) uint64_t words[SLOTS][LENGTH];
static uint64_t watermark;
static bool has_freed_slot, is_bound_first; /* of a scene; the recorder's own fault */

struct tn_ring *tn_parts_add(struct tn_shared_parts *parts, const struct tn_shared_sizes *sizes,
                             uint32_t slot)
{
    (void)parts;
    (void)sizes;
    return &slots[slot];
}

/* One thread at a time claims here; model_slots.c has the others. */
bool tn_lock_take(struct tn_lock *lock)
{
    (void)lock;
    return true;
}

void tn_lock_drop(struct tn_lock *lock)
{
    (void)lock;
}

bool tn_room_wait(struct tn_ring *ring, uint32_t ring_words, uint32_t need_words, uint32_t *ret_pad_words)
{
    (void)ring;
    (void)ring_words;
    (void)need_words;
    (void)ret_pad_words;
    model_fail("the ring is full");
    return false;
}

uint64_t tn_ticks_monotonic(void)
{
    return model_monotonic_ns();
}

/* As lib/shim/enter.c takes a slot over. */
static void begin(void)
{
    uint32_t why = 0;
    struct tn_thread thread;
    struct tn_ring *ring = tn_slot_claim(1, &why);
    if (ring == NULL)
        model_fail("no slot");
    memset(&thread, 0, sizeof(thread));
    thread.ring = ring;
    thread.words = words[ring - slots];
    thread.index_mask = WORDS - 1;
    atomic_store_explicit(&ring->limit_words, WORDS, memory_order_relaxed);
    thread.last_ticks = tn_ticks();
    uint64_t *event = tn_emit_begin(&thread, LENGTH, false);
    tn_event_put_bare(event, TN_EVENT_PAUSE);
    tn_emit_end(&thread, LENGTH);
}

static void let_time_pass(void)
{
    for (uint32_t i = 0; i < 2 * SLACK; i++) {
        model_checkpoint(i, 0);
        model_ticks();
    }
}

static void read_slot(uint32_t slot, bool *is_read, uint64_t *bound_ticks)
{
    if (atomic_load_explicit(&slots[slot].state, memory_order_acquire) == TN_SLOT_FREE)
        return;
    uint64_t mark = atomic_load_explicit(&slots[slot].mark_ticks, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&slots[slot].head_words, memory_order_acquire);
    if (head != 0 && !*is_read && words[slot][1] < watermark)
        model_fail("an event of %llu arrives behind the watermark %llu", (unsigned long long)words[slot][1],
                   (unsigned long long)watermark);
    *is_read = head != 0;
    if (mark != 0 && mark < *bound_ticks)
        *bound_ticks = mark;
}

static void record(void)
{
    bool is_read = false;
    watermark = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        model_checkpoint(round, is_read);
        uint32_t bound = is_bound_first ? atomic_load_explicit(&header.slot_bound, memory_order_acquire) : 0;
        uint64_t bound_ticks = model_ticks() - SLACK;
        if (!is_bound_first)
            bound = atomic_load_explicit(&header.slot_bound, memory_order_acquire);
        for (uint32_t slot = 1; slot < bound; slot++)
            read_slot(slot, &is_read, &bound_ticks);
        if (bound_ticks > watermark)
            watermark = bound_ticks;
    }
}

static void set_up(void)
{
    memset(&header, 0, sizeof(header));
    memset(slots, 0, sizeof(slots));
    memset(words, 0, sizeof(words));
    memset(&tn_hot_page, 0, sizeof(tn_hot_page));
    header.slot_bound = has_freed_slot ? 2 : 1;
    header.freed_count = has_freed_slot;
    header.slot_count = SLOTS;
    tn_hot.header = &header;
    tn_hot.clock = TN_CLOCK_TSC;
    tn_hot.sizes.slot_count = SLOTS;
    tn_hot.parts.spans[0] = slots;
}

static void check(void)
{
    if (slots[1].head_words != LENGTH)
        model_fail("the event is missing");
}

static const struct model_scene adds = {
    .name = "a slot is added",
    .thread_count = 3,
    .run = {begin, record, let_time_pass},
    .buffer_max = 4,
    .slack_ticks = SLACK,
    .set_up = set_up,
    .check = check,
};

static const struct model_scene reuses = {
    .name = "a freed slot is taken",
    .thread_count = 3,
    .run = {begin, record, let_time_pass},
    .buffer_max = 4,
    .slack_ticks = SLACK,
    .set_up = set_up,
    .check = check,
};

int main(void)
{
    static const struct model_fault bound_first = {"slots are counted before the clock is read",
                                                   MODEL_FAULT_NONE, NULL, NULL};
    static const struct model_fault late_claim = {"a claim is seen late", MODEL_FAULT_LATE, &slots[1].state,
                                                  &slots[1].head_words};
    static const struct model_fault no_mark = {"no mark", MODEL_FAULT_DROP_VALUE, &slots[1].mark_ticks, NULL};
    model_region(&header, sizeof(header));
    model_region(slots, sizeof(slots));
    model_region(words, sizeof(words));
    model_region(&tn_hot.stamp_turn, 2 * sizeof(uint64_t));
    model_ignore(&tn_hot.stamp_turn, 2 * sizeof(uint64_t));
    model_note(&watermark, sizeof(watermark));
    scene_must_hold(&adds);
    scene_must_break(&adds, &late_claim);
    scene_must_break(&adds, &no_mark);
    is_bound_first = true;
    scene_must_break(&adds, &bound_first);
    is_bound_first = false;
    has_freed_slot = true;
    scene_must_hold(&reuses);
    return scene_end();
}
