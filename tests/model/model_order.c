/* SPDX-License-Identifier: MIT */

/* The order rule of ring.h. Two threads stamp events and write them into a ring each (lib/shim/emit.h); the
 * consumer reads the clock, then the marks, then the heads, and takes what lies below the watermark that
 * follows. Nothing older than a watermark may arrive after it, although marks may still be in a store buffer
 * when their stamp has been read: for SLACK ticks at most. Rings have nothing in common but the clock: what
 * another thread does is only that time passes. */

#include "scenes.h"

#include "emit.h"
#include "room.h"

#include "tenure/event_body.h"
#include "tenure/ring.h"

#include <string.h>

#define WORDS  64u
#define EVENTS 2u
#define ROUNDS 3u
#define SLACK  2u
#define LENGTH TN_EVENT_BARE_WORDS

union tn_hot_page tn_hot_page;
struct tn_shim_process tn_shim_process;

static struct tn_ring ring;
static _Alignas(8) uint64_t words[EVENTS * LENGTH];

static uint64_t watermark;
static bool is_clock_last, has_no_slack; /* the consumer's own faults */

/* The ring never fills here; model_wait.c has that. */
bool tn_room_wait(struct tn_ring *full, uint32_t ring_words, uint32_t need_words, uint32_t *ret_pad_words)
{
    (void)full;
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

static void produce(void)
{
    struct tn_thread thread;
    memset(&thread, 0, sizeof(thread));
    thread.ring = &ring;
    thread.words = words;
    thread.index_mask = WORDS - 1;
    atomic_store_explicit(&ring.limit_words, WORDS, memory_order_relaxed);
    thread.last_ticks = tn_ticks();
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint64_t *event = tn_emit_begin(&thread, LENGTH, false);
        tn_event_put_bare(event, TN_EVENT_PAUSE);
        tn_emit_end(&thread, LENGTH);
    }
}

static void let_time_pass(void)
{
    for (uint32_t i = 0; i < 2 * SLACK; i++) {
        model_checkpoint(i, 0);
        model_ticks();
    }
}

/* What lies between two heads is new: none of it may be older than the watermark so far. */
static void check_new(uint64_t from_words, uint64_t head_words)
{
    for (uint64_t at = from_words; at < head_words; at += LENGTH)
        if (words[at + 1] < watermark)
            model_fail("an event of %llu arrives behind the watermark %llu",
                       (unsigned long long)words[at + 1], (unsigned long long)watermark);
}

static void consume(void)
{
    uint64_t seen_words = 0;
    watermark = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        model_checkpoint(round, seen_words);
        uint64_t now = is_clock_last ? 0 : model_ticks();
        uint64_t mark = atomic_load_explicit(&ring.mark_ticks, memory_order_acquire);
        if (is_clock_last)
            now = model_ticks();
        uint64_t head = atomic_load_explicit(&ring.head_words, memory_order_acquire);
        check_new(seen_words, head);
        seen_words = head;
        uint64_t bound = now - (has_no_slack ? 0 : SLACK);
        if (mark != 0 && mark < bound)
            bound = mark;
        if (bound > watermark)
            watermark = bound;
    }
}

static void set_up(void)
{
    memset(&ring, 0, sizeof(ring));
    memset(words, 0, sizeof(words));
    memset(&tn_hot_page, 0, sizeof(tn_hot_page));
    tn_hot.clock = TN_CLOCK_TSC;
}

/* Of all that was written, at the end. */
static void check(void)
{
    if (ring.head_words != EVENTS * LENGTH)
        model_fail("an event is missing");
}

static const struct model_scene orders = {
    .name = "stamps and watermarks",
    .thread_count = 3,
    .run = {produce, consume, let_time_pass},
    .buffer_max = 2,
    .slack_ticks = SLACK,
    .set_up = set_up,
    .check = check,
};

static const struct model_fault faults[] = {
    {"no mark", MODEL_FAULT_DROP_VALUE, &ring.mark_ticks, NULL},
    {"the mark goes before the head is published", MODEL_FAULT_LATE, &ring.head_words, &ring.mark_ticks},
    {"the end of the mark orders nothing", MODEL_FAULT_RELAX, &ring.mark_ticks, NULL},
};

int main(void)
{
    static const struct model_fault clock_last = {"the clock is read after the mark", MODEL_FAULT_NONE, NULL,
                                                  NULL};
    static const struct model_fault no_slack = {"a watermark without slack", MODEL_FAULT_NONE, NULL, NULL};
    model_region(&ring, sizeof(ring));
    model_region(words, sizeof(words));
    model_region(&tn_hot.stamp_turn, 2 * sizeof(uint64_t));
    model_ignore(&tn_hot.stamp_turn, 2 * sizeof(uint64_t));
    model_note(&watermark, sizeof(watermark));
    model_owned(&ring.head_words, sizeof(ring.head_words), 0);
    model_owned(&ring.mark_ticks, sizeof(ring.mark_ticks), 0);
    scene_must_hold(&orders);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        scene_must_break(&orders, &faults[i]);
    is_clock_last = true;
    scene_must_break(&orders, &clock_last);
    is_clock_last = false;
    has_no_slack = true;
    scene_must_break(&orders, &no_slack);
    return scene_end();
}
