/* SPDX-License-Identifier: MIT */

/* One ring, its producer and its consumer, by the functions of ring.h and of lib/wire/ring.c: what is taken
 * is what was written, in order, each event once, wherever the ring ends, is full or empty, and if the
 * producer dies. The ring has 16 words, and the events, of 2 to 4 words, go round it. */

#include "scenes.h"

#include "tenure/event.h"
#include "tenure/ring.h"

#include <string.h>

#define WORDS  16u
#define EVENTS 8u

static struct tn_ring ring;
static _Alignas(8) uint64_t words[WORDS];
static const uint32_t lengths[EVENTS] = {3, 4, 2, 4, 4, 3, 2, 4};

/* What the producer has written and what the consumer has read: hashes of the sequences, and their lengths.
 */
static uint64_t written, taken;
static unsigned written_count, taken_count;

static uint64_t mixed(uint64_t sequence, uint64_t event)
{
    return (sequence ^ (event + 1)) * UINT64_C(0x9e3779b97f4a7c15);
}

static void produce(void)
{
    written = written_count = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t pad;
        model_checkpoint(i, 0);
        while (!tn_ring_has_room(&ring, WORDS, lengths[i], &pad)) {
            model_pause();
            model_checkpoint(i, 0);
        }
        uint64_t *event = tn_ring_reserve(&ring, words, WORDS, pad);
        event[0] = tn_event_head(TN_EVENT_BIRTH, lengths[i], TN_FUNCTION_MALLOC, 0, i + 1);
        for (uint32_t n = 1; n < lengths[i]; n++)
            event[n] = 100 * (i + 1) + n;
        written = mixed(written, i);
        written_count++;
        tn_ring_commit(&ring, pad + lengths[i]);
    }
}

/* Returns the number of the event, checked to the last word. */
static uint32_t check_event(const uint64_t *event, int length)
{
    uint32_t number = (uint32_t)(event[0] >> 32) - 1;
    if (number >= EVENTS || (uint32_t)length != lengths[number])
        model_fail("an event that nobody wrote, of %d words", length);
    for (uint32_t n = 1; n < (uint32_t)length; n++)
        if (event[n] != 100 * (number + 1) + n)
            model_fail("word %u of event %u is %llu", n, number, (unsigned long long)event[n]);
    return number;
}

/* Take everything up to the head, and give the room back at once. */
static uint64_t take(uint64_t cursor, uint64_t head)
{
    const uint64_t *event;
    int length;
    /* Much may happen between the look at the head and the reading. */
    model_step();
    while ((length = tn_ring_peek(words, WORDS, &cursor, head, &event)) > 0) {
        taken = mixed(taken, check_event(event, length));
        taken_count++;
        cursor += (uint64_t)length;
    }
    if (length < 0)
        model_fail("the ring cannot be read: %d", length);
    tn_ring_release(&ring, cursor);
    return cursor;
}

static void consume(void)
{
    uint64_t cursor = 0;
    taken = taken_count = 0;
    for (;;) {
        model_checkpoint(cursor, taken_count);
        bool is_over = model_has_ended(0) || model_is_dead(0);
        uint64_t head = atomic_load_explicit(&ring.head_words, memory_order_acquire);
        if (head != cursor)
            cursor = take(cursor, head);
        else if (is_over)
            return;
        else
            model_pause();
    }
}

static void set_up(void)
{
    memset(&ring, 0, sizeof(ring));
    memset(words, 0, sizeof(words));
}

/* Of a producer that died, the last event may be missing: it has noted it, but not published it. */
static void check(void)
{
    bool is_short = model_is_dead(0) && taken_count + 1 == written_count;
    if (!is_short && (taken_count != written_count || taken != written))
        model_fail("%u events were written, %u read", written_count, taken_count);
}

static const struct model_scene fills = {
    .name = "a ring goes round",
    .thread_count = 2,
    .run = {produce, consume},
    .buffer_max = 3,
    .set_up = set_up,
    .check = check,
};

static const struct model_scene dies = {
    .name = "its producer dies",
    .thread_count = 2,
    .run = {produce, consume},
    .buffer_max = 3,
    .events = MODEL_KILL,
    .killable = 1,
    .set_up = set_up,
    .check = check,
};

static const struct model_fault faults[] = {
    {"the head is not published", MODEL_FAULT_DROP, &ring.head_words, NULL},
    {"the head is published before the words", MODEL_FAULT_RELAX, &ring.head_words, NULL},
    {"the tail is not given back", MODEL_FAULT_DROP, &ring.tail_words, NULL},
    {"more is given back than was read", MODEL_FAULT_TOO_FAR, &ring.tail_words, NULL},
};

int main(void)
{
    model_region(&ring, sizeof(ring));
    model_region(words, sizeof(words));
    model_note(&written, sizeof(written));
    model_note(&written_count, sizeof(written_count));
    model_note(&taken, sizeof(taken));
    model_note(&taken_count, sizeof(taken_count));
    model_private(&ring.seen_tail_words, sizeof(ring.seen_tail_words));
    model_owned(&ring.head_words, sizeof(ring.head_words), 0);
    model_owned(&ring.tail_words, sizeof(ring.tail_words), 1);
    scene_must_hold(&fills);
    scene_must_hold(&dies);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        scene_must_break(&fills, &faults[i]);
    return scene_end();
}
