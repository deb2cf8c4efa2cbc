/* SPDX-License-Identifier: MIT */
#include "rings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void rings_begin(struct rings *rings, uint32_t count)
{
    memset(rings, 0, sizeof(*rings));
    rings->count = count;
    rings->fake.keeps_events = true;
    struct tn_clock_pair pair = {0, 0};
    tn_clock_begin(&rings->clock, TN_CLOCK_MONOTONIC, pair, pair, 0);
    rings->matcher.writer = fake_writer_of(&rings->fake);
    rings->matcher.totals = &rings->totals;
    rings->matcher.clock = &rings->clock;
    rings->matcher.process_id = 1;
    rings->order.window_ticks = TN_ORDER_WINDOW_NS;
    for (uint32_t i = 0; i < count; i++) {
        rings->words[i] = calloc(RINGS_WORDS, 8);
        tn_stream_begin(&rings->stream[i], &rings->ring[i], rings->words[i], RINGS_WORDS, i, &rings->matcher);
        uint64_t event[TN_EVENT_THREAD_WORDS] = {
            tn_event_head(TN_EVENT_THREAD_BEGIN, TN_EVENT_THREAD_WORDS, TN_FUNCTION_NONE, 0, 0), 1, 100 + i,
            0, 8 << 20};
        rings_put(rings, i, event, TN_EVENT_THREAD_WORDS);
    }
    rings_play(rings, 2);
    assert(rings->fake.threads == count);
}

void rings_finish(struct rings *rings)
{
    for (uint32_t i = 0; i < rings->count; i++) {
        tn_stream_finish(&rings->stream[i]);
        free(rings->words[i]);
    }
    tn_order_finish(&rings->order);
    tn_match_finish(&rings->matcher);
    fake_writer_finish(&rings->fake);
}

void rings_put(struct rings *rings, uint32_t ring, const uint64_t *event, uint32_t words)
{
    uint32_t pad;
    bool has_room = tn_ring_has_room(&rings->ring[ring], RINGS_WORDS, words, &pad);
    assert(has_room);
    if (!has_room)
        return;
    memcpy(tn_ring_reserve(&rings->ring[ring], rings->words[ring], RINGS_WORDS, pad), event, words * 8);
    tn_ring_commit(&rings->ring[ring], pad + words);
}

static void put_four(struct rings *rings, uint32_t ring, uint64_t head, uint64_t ticks, uint64_t address,
                     uint64_t size)
{
    uint64_t event[4] = {head, ticks, address, size};
    rings_put(rings, ring, event, 4);
}

void rings_birth(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address, uint32_t size_bytes)
{
    put_four(rings, ring, tn_event_head(TN_EVENT_BIRTH, 4, TN_FUNCTION_MALLOC, 0, 0), ticks,
             address | UINT64_C(8) << 48, size_bytes);
}

void rings_death(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address)
{
    put_four(rings, ring, tn_event_head(TN_EVENT_DEATH, 4, TN_FUNCTION_FREE, 0, 0), ticks, address, 0);
}

void rings_realloc_begin(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address)
{
    put_four(rings, ring, tn_event_head(TN_EVENT_REALLOC_BEGIN, 4, TN_FUNCTION_REALLOC, 0, 0), ticks, address,
             0);
}

void rings_realloc_commit(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address,
                          uint32_t size_bytes, uint32_t flags)
{
    put_four(rings, ring, tn_event_head(TN_EVENT_REALLOC_COMMIT, 4, TN_FUNCTION_REALLOC, flags, 0), ticks,
             address, size_bytes);
}

uint64_t rings_play(struct rings *rings, uint64_t watermark_ticks)
{
    uint64_t events = 0;
    for (uint32_t i = 0; i < rings->count; i++) {
        tn_stream_read_head(&rings->stream[i]);
        int r = tn_order_add(&rings->order, &rings->stream[i]);
        assert(r == 0);
        (void)r;
    }
    int r = tn_order_emit(&rings->order, watermark_ticks, &events);
    assert(r == 0);
    (void)r;
    for (uint32_t i = 0; i < rings->count; i++)
        tn_stream_release(&rings->stream[i]);
    return events;
}
