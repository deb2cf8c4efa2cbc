/* SPDX-License-Identifier: MIT */

/* A recorder that pauses a thread which is writing events (lib/shim/emit.c; ring.h, pauses). Whatever the
 * order of their steps: the thread has seen the pause in the end, or will with its next event; and what it
 * leaves out it has counted. The recorder's three steps are those of lib/record/ring_source.c. */

#include "scenes.h"

#include <string.h>

#include "emit.h"
#include "room.h"

#include "tenure/event_body.h"

#define WORDS  4u /* two events: every other one makes room */
#define EVENTS 3u
#define LENGTH TN_EVENT_BARE_WORDS

union tn_hot_page tn_hot_page;
struct tn_shim_process tn_shim_process;

static struct tn_shared_header header;
static struct tn_ring ring;
static _Alignas(8) uint64_t words[WORDS];
static struct {
    uint32_t written_count;
    bool has_seen; /* the thread the pause */
} noted;
static bool is_limit_first; /* of a scene; the recorder's own fault */

/* The recorder has read all. */
bool tn_room_wait(struct tn_ring *full, uint32_t ring_words, uint32_t need_words, uint32_t *ret_pad_words)
{
    (void)ring_words;
    (void)need_words;
    full->seen_tail_words = atomic_load_explicit(&full->head_words, memory_order_relaxed);
    *ret_pad_words = 0;
    return true;
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
    thread.generation = 1;
    thread.last_ticks = 1;
    noted.written_count = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint64_t *event = tn_emit_begin(&thread, LENGTH, true);
        if (event == NULL) {
            tn_emit_give_up(&thread);
            continue;
        }
        tn_event_put_bare(event, TN_EVENT_PAUSE);
        tn_emit_end(&thread, LENGTH);
        noted.written_count++;
    }
    noted.has_seen = thread.generation == TN_GENERATION_NONE;
}

static void pause_it(void)
{
    if (is_limit_first)
        atomic_store_explicit(&ring.limit_words, 0, memory_order_relaxed);
    atomic_store_explicit(&header.pause, TN_PAUSE_BIRTHS, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (!is_limit_first)
        atomic_store_explicit(&ring.limit_words, 0, memory_order_relaxed);
}

static void set_up(void)
{
    memset(&header, 0, sizeof(header));
    memset(&ring, 0, sizeof(ring));
    memset(words, 0, sizeof(words));
    memset(&tn_hot_page, 0, sizeof(tn_hot_page));
    tn_hot.header = &header;
    tn_hot.clock = TN_CLOCK_TSC;
    tn_hot.sizes.ring_words = WORDS;
}

static void check(void)
{
    if (!noted.has_seen && ring.limit_words != 0)
        model_fail("the thread will not see the pause: its room ends at word %llu",
                   (unsigned long long)ring.limit_words);
    if (noted.written_count + ring.unrecorded_births != EVENTS || ring.lost_count != 0)
        model_fail("%llu events are written, %llu left out, %llu lost",
                   (unsigned long long)noted.written_count, (unsigned long long)ring.unrecorded_births,
                   (unsigned long long)ring.lost_count);
}

static const struct model_scene scene = {
    .name = "a pause",
    .thread_count = 2,
    .run = {produce, pause_it},
    .buffer_max = 4,
    .set_up = set_up,
    .check = check,
};

int main(void)
{
    static const struct model_fault limit_first = {"the limit is set before the pause", MODEL_FAULT_NONE,
                                                   NULL, NULL};
    static const struct model_fault no_limit = {"the limit stays", MODEL_FAULT_DROP_ZERO, &ring.limit_words,
                                                NULL};
    static const struct model_fault no_pause = {"no pause", MODEL_FAULT_DROP, &header.pause, NULL};
    model_region(&header, sizeof(header));
    model_region(&ring, sizeof(ring));
    model_region(words, sizeof(words));
    model_region(&tn_hot.stamp_turn, 2 * sizeof(uint64_t));
    model_ignore(&tn_hot.stamp_turn, 2 * sizeof(uint64_t));
    model_note(&noted, sizeof(noted));
    scene_must_hold(&scene);
    scene_must_break(&scene, &no_limit);
    scene_must_break(&scene, &no_pause);
    is_limit_first = true;
    scene_must_break(&scene, &limit_first);
    return scene_end();
}
