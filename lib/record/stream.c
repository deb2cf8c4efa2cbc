/* SPDX-License-Identifier: MIT */
/* Walks the events of a stream, moves them to a queue when a ring fills up while they must wait, gives room
 * back; and does for rings what a stream asks of its source. Every length that comes from shared memory is
 * checked before it is used. Called by ring_source.c and order.c. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- rings */

/* The next contiguous words: up to the noted head or the end of the ring. */
static bool next_ring_span(struct tn_stream *stream)
{
    uint64_t cursor = stream->end_words;
    uint64_t left = stream->limit_words - cursor;
    uint32_t index = (uint32_t)(cursor & (stream->ring_words - 1));
    uint64_t to_end = stream->ring_words - index;
    uint64_t span = left < to_end ? left : to_end;
    if (span == 0)
        return false;
    stream->next = stream->data + index;
    stream->end = stream->next + span;
    stream->end_words = cursor + span;
    return true;
}

/* A producer woken for a little room fills it at once and sleeps again, which costs both sides a context
 * switch. Half a ring, or all that it wrote, is worth it. */
static void release_ring(struct tn_stream *stream)
{
    tn_ring_release(stream->ring, stream->released_words);
    if ((stream->limit_words - stream->released_words) * 2 <= stream->ring_words)
        tn_ring_wake(stream->ring);
}

static uint32_t ring_owner(const struct tn_stream *stream)
{
    return atomic_load_explicit(&stream->ring->tid, memory_order_relaxed);
}

static const struct tn_stream_calls ring_calls = {
    .next_span = next_ring_span,
    .release = release_ring,
    .owner_tid = ring_owner,
};

void tn_stream_begin(struct tn_stream *stream, struct tn_ring *ring, const uint64_t *data,
                     uint32_t ring_words, uint32_t slot, struct tn_matcher *matcher)
{
    uint64_t tail = atomic_load_explicit(&ring->tail_words, memory_order_relaxed);
    *stream = (struct tn_stream){
        .matcher = matcher,
        .calls = &ring_calls,
        .ring = ring,
        .data = data,
        .ring_words = ring_words,
        .slot = slot,
        .end_words = tail,
        .limit_words = tail,
        .released_words = tail,
    };
}

void tn_stream_mark_damaged(struct tn_stream *stream)
{
    stream->is_damaged = true;
    stream->is_queued = false;
    stream->next = NULL;
    stream->end = NULL;
    stream->end_words = stream->limit_words;
}

void tn_stream_read_head(struct tn_stream *stream)
{
    uint64_t head = atomic_load_explicit(&stream->ring->head_words, memory_order_acquire);
    uint64_t pending = head - stream->released_words;
    if (pending > stream->ring_words || head < stream->limit_words) {
        tn_stream_mark_damaged(stream);
        return;
    }
    stream->limit_words = head;
    if (stream->is_damaged)
        stream->end_words = head;
}

/* ---------------------------------------------------------------------------------------- any source */

/* Go on to the next contiguous words. */
static bool next_span(struct tn_stream *stream)
{
    if (stream->is_queued) {
        stream->is_queued = false;
        tn_stream_finish(stream);
    }
    if (!stream->is_damaged && stream->calls->next_span(stream))
        return true;
    stream->next = NULL;
    stream->end = NULL;
    return false;
}

bool tn_stream_peek_slow(struct tn_stream *stream)
{
    for (;;) {
        if (stream->next == stream->end && !next_span(stream))
            return false;
        uint64_t left = (uint64_t)(stream->end - stream->next);
        uint64_t head = *(const volatile uint64_t *)stream->next;
        uint32_t words = tn_event_words_of(head);
        if (words == 0 || words > left)
            break;
        if (tn_event_kind_of(head) == TN_EVENT_PAD) {
            stream->next += words;
            continue;
        }
        if (words < 2)
            break;
        stream->head = head;
        stream->words = words;
        stream->stamp = stream->next[1];
        return true;
    }
    tn_stream_mark_damaged(stream);
    return false;
}

void tn_stream_release(struct tn_stream *stream)
{
    uint64_t position = tn_stream_position(stream);
    if (position == stream->released_words)
        return;
    stream->released_words = position;
    stream->calls->release(stream);
}

static bool queue_reserve(struct tn_queue *queue, uint64_t more_words)
{
    uint64_t need = queue->count_words + more_words;
    if (need <= queue->capacity_words)
        return true;
    uint64_t capacity = need + need / 2;
    uint64_t *words = realloc(queue->words, capacity * sizeof(words[0]));
    if (words == NULL)
        return false;
    queue->words = words;
    queue->capacity_words = capacity;
    return true;
}

/* Copy the ring's words [from, limit) behind the queue's. */
static void queue_append(struct tn_stream *stream, uint64_t from)
{
    uint64_t left = stream->limit_words - from;
    uint32_t index = (uint32_t)(from & (stream->ring_words - 1));
    uint64_t first = left < stream->ring_words - index ? left : stream->ring_words - index;
    uint64_t *out = stream->queue.words + stream->queue.count_words;
    memcpy(out, stream->data + index, first * sizeof(out[0]));
    memcpy(out + first, stream->data, (left - first) * sizeof(out[0]));
    stream->queue.count_words += left;
}

/* A PAD reaches to the end of the ring; in the queue the words of the next lap follow it directly, so its
 * length stays right. */
uint64_t tn_stream_spill(struct tn_stream *stream)
{
    uint64_t from = tn_stream_position(stream);
    uint64_t left = stream->limit_words - from;
    struct tn_queue *queue = &stream->queue;
    uint64_t read = stream->is_queued ? (uint64_t)(stream->next - queue->words) : 0;
    if (stream->is_damaged || left == 0 || !queue_reserve(queue, left))
        return 0;
    if (read != 0) {
        memmove(queue->words, queue->words + read, (queue->count_words - read) * sizeof(queue->words[0]));
        queue->count_words -= read;
    }
    queue_append(stream, from);
    stream->is_queued = true;
    stream->next = queue->words;
    stream->end = queue->words + queue->count_words;
    stream->end_words = stream->limit_words;
    tn_stream_release(stream);
    return left;
}

bool tn_stream_is_drained(const struct tn_stream *stream)
{
    return stream->next == stream->end && stream->end_words == stream->limit_words;
}

void tn_stream_finish(struct tn_stream *stream)
{
    free(stream->queue.words);
    stream->queue = (struct tn_queue){0};
}
