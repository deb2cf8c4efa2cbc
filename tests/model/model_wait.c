/* SPDX-License-Identifier: MIT */

/* A producer that finds its ring full waits for the recorder (lib/shim/room.c), which reads, gives room and
 * wakes it (lib/wire/ring.c), and which may die or be stopped at any step. Nobody waits for ever, and not for
 * a dead recorder; a living one is never given up for good; each event is read, counted as lost, or still in
 * the ring. The ring has room for two events. */

#include "scenes.h"

#include "room.h"
#include "ticks.h"

#include "tenure/event.h"
#include "tenure/ring.h"

#include <string.h>

#define WORDS    8u
#define EVENTS   3u
#define LENGTH   4u
#define SLICE_NS UINT64_C(20000000) /* what a wait that times out takes at most: twice its slice */

union tn_hot_page tn_hot_page;
struct tn_shim_process tn_shim_process;

static struct tn_shared_header header;
static struct tn_ring ring;
static _Alignas(8) uint64_t words[WORDS];

static unsigned written_count, lost_count, taken_count;
static uint64_t died_ns;
static bool has_stopped;

uint64_t tn_ticks_monotonic(void)
{
    return model_monotonic_ns();
}

/* lib/shim/start.c: recording ends for good. */
void tn_stop(void)
{
    has_stopped = true;
    if (!tn_shared_is_orphaned(&header))
        model_fail("a recorder that lives was given up");
}

static void produce(void)
{
    written_count = lost_count = 0;
    has_stopped = false;
    died_ns = 0;
    for (uint32_t i = 0; i < EVENTS && !has_stopped; i++) {
        uint32_t pad;
        model_checkpoint(i, lost_count);
        if (!tn_room_wait(&ring, WORDS, LENGTH, &pad)) {
            lost_count++;
            continue;
        }
        uint64_t *event = tn_ring_reserve(&ring, words, WORDS, pad);
        event[0] = tn_event_head(TN_EVENT_BIRTH, LENGTH, TN_FUNCTION_MALLOC, 0, written_count + 1);
        written_count++;
        tn_ring_commit(&ring, pad + LENGTH);
    }
    if (died_ns != 0 && model_monotonic_ns() - died_ns > SLICE_NS)
        model_fail("a dead recorder was waited for, for more than a slice");
}

static uint64_t take(uint64_t cursor, uint64_t head)
{
    const uint64_t *event;
    int length;
    while ((length = tn_ring_peek(words, WORDS, &cursor, head, &event)) > 0) {
        if (event[0] >> 32 != ++taken_count)
            model_fail("event %u was read as number %u", (unsigned)(event[0] >> 32), taken_count);
        cursor += (uint64_t)length;
    }
    if (length < 0)
        model_fail("the ring cannot be read");
    return cursor;
}

static void record(void)
{
    uint64_t cursor = 0;
    taken_count = 0;
    for (;;) {
        model_checkpoint(cursor, taken_count);
        bool is_over = model_has_ended(0);
        uint64_t head = atomic_load_explicit(&ring.head_words, memory_order_acquire);
        if (head != cursor) {
            cursor = take(cursor, head);
            tn_ring_release(&ring, cursor);
            tn_ring_wake(&ring);
            tn_shared_beat(&header);
        } else if (is_over) {
            return;
        } else {
            model_pause();
        }
    }
}

/* The kernel's part of a robust lock. */
static void died(int thread)
{
    (void)thread;
    model_kernel_store(&header.keeper_word, sizeof(header.keeper_word), 1001 | TN_KEEPER_DIED);
    model_kernel_wake(&header.keeper_word);
    died_ns = model_monotonic_ns();
}

static void died_unseen(int thread)
{
    (void)thread;
    died_ns = model_monotonic_ns();
}

static void set_up(void)
{
    memset(&header, 0, sizeof(header));
    memset(&ring, 0, sizeof(ring));
    memset(words, 0, sizeof(words));
    header.keeper_word = 1001;
    header.heartbeat = 1;
    header.recorder_state = TN_RECORDER_RUNNING;
    tn_hot.header = &header;
}

static void check(void)
{
    unsigned left = (unsigned)((ring.head_words - ring.tail_words) / LENGTH);
    bool is_over = model_has_ended(1);
    if (is_over && left != 0)
        model_fail("%u events are left in the ring", left);
    if (is_over && taken_count != written_count)
        model_fail("%u events were written, %u read", written_count, taken_count);
    if (!has_stopped && written_count + lost_count != EVENTS)
        model_fail("%u written and %u lost are not %u", written_count, lost_count, EVENTS);
}

static const struct model_scene waits = {
    .name = "a full ring",
    .thread_count = 2,
    .run = {produce, record},
    .buffer_max = 2,
    .sleep_ns = SLICE_NS,
    .set_up = set_up,
    .check = check,
};

static const struct model_scene dies = {
    .name = "the recorder dies",
    .thread_count = 2,
    .run = {produce, record},
    .buffer_max = 2,
    .sleep_ns = SLICE_NS,
    .events = MODEL_KILL,
    .killable = 2,
    .set_up = set_up,
    .check = check,
    .died = died,
};

static const struct model_scene dies_unseen = {
    .name = "the recorder dies unseen",
    .thread_count = 2,
    .run = {produce, record},
    .buffer_max = 2,
    .sleep_ns = SLICE_NS,
    .events = MODEL_KILL,
    .killable = 2,
    .set_up = set_up,
    .check = check,
    .died = died_unseen,
};

static const struct model_scene stops = {
    .name = "the recorder is stopped",
    .thread_count = 2,
    .run = {produce, record},
    .buffer_max = 2,
    .sleep_ns = SLICE_NS,
    .events = MODEL_STOP,
    .killable = 2,
    .set_up = set_up,
    .check = check,
};

/* Where no store waits in a buffer, no wake is missed: not one time slice is needed. */
static const struct model_scene wakes = {
    .name = "every wait is woken",
    .thread_count = 2,
    .run = {produce, record},
    .has_no_time_outs = true,
    .set_up = set_up,
    .check = check,
};

static const struct model_fault faults[] = {
    {"the tail is not given back", MODEL_FAULT_DROP, &ring.tail_words, NULL},
    {"nobody is woken", MODEL_FAULT_NO_WAKE, &ring.is_waiting, NULL},
    {"the waiting is not announced", MODEL_FAULT_DROP_VALUE, &ring.is_waiting, NULL},
    {"the tail is given back after the look at who waits", MODEL_FAULT_LATE, &ring.tail_words,
     &header.heartbeat},
};

int main(void)
{
    static const struct model_fault no_word = {"the kernel marks nothing", MODEL_FAULT_NONE, NULL, NULL};
    static const struct model_fault no_stall = {"a standstill is not noted", MODEL_FAULT_DROP,
                                                &header.stalled_beat, NULL};
    model_region(&header, sizeof(header));
    model_region(&ring, sizeof(ring));
    model_region(words, sizeof(words));
    model_note(&written_count, sizeof(written_count));
    model_note(&lost_count, sizeof(lost_count));
    model_note(&taken_count, sizeof(taken_count));
    model_note(&died_ns, sizeof(died_ns));
    model_note(&has_stopped, sizeof(has_stopped));
    model_private(&ring.seen_tail_words, sizeof(ring.seen_tail_words));
    model_owned(&ring.head_words, sizeof(ring.head_words), 0);
    model_owned(&ring.tail_words, sizeof(ring.tail_words), 1);
    scene_must_hold(&waits);
    scene_must_hold(&dies);
    scene_must_hold(&stops);
    scene_must_hold(&wakes);
    scene_must_break(&dies_unseen, &no_word);
    scene_must_break(&stops, &no_stall);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        scene_must_break(&wakes, &faults[i]);
    return scene_end();
}
