/* SPDX-License-Identifier: MIT */
/* Merges the rings of all processes by time stamp: a binary heap of streams by their next stamp, and a list
 * of parked streams that wait for an event of another ring. Invariant: nothing at or above the watermark is
 * applied. Called by record.c in every round. */
#include "order.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <stdlib.h>

/* Of the window, in a process that was paused: releases of blocks that were born meanwhile never find their
 * birth, and the address may soon be another block's. Inversions are shorter by far (emit.h: some 200 ns). */
#define PAUSED_PART 16u

static int reserve(struct tn_order *order)
{
    if (order->count + order->parked_count < order->capacity)
        return 0;
    uint32_t capacity = order->capacity != 0 ? order->capacity * 2 : 64;
    struct tn_stream **heap = realloc(order->heap, capacity * sizeof(heap[0]));
    if (heap == NULL)
        return -ENOMEM;
    order->heap = heap;
    struct tn_stream **parked = realloc(order->parked, capacity * sizeof(parked[0]));
    if (parked == NULL)
        return -ENOMEM;
    order->parked = parked;
    order->capacity = capacity;
    return 0;
}

static void sift_down(struct tn_order *order, uint32_t at)
{
    struct tn_stream **heap = order->heap;
    struct tn_stream *moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= order->count)
            break;
        if (child + 1 < order->count && heap[child + 1]->stamp < heap[child]->stamp)
            child++;
        if (heap[child]->stamp >= moving->stamp)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static void push(struct tn_order *order, struct tn_stream *stream)
{
    struct tn_stream **heap = order->heap;
    uint32_t at = order->count++;
    while (at != 0 && heap[(at - 1) / 2]->stamp > stream->stamp) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = stream;
}

static void pop(struct tn_order *order)
{
    order->heap[0] = order->heap[--order->count];
    if (order->count != 0)
        sift_down(order, 0);
}

int tn_order_add(struct tn_order *order, struct tn_stream *stream)
{
    if (stream->is_parked || !tn_stream_peek(stream))
        return 0;
    int r = reserve(order);
    if (r == 0)
        push(order, stream);
    return r;
}

static void update_first_wake(struct tn_order *order)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < order->parked_count; i++)
        if (order->parked[i]->wake_ticks < first)
            first = order->parked[i]->wake_ticks;
    order->parked_wake_ticks = first;
}

/* Park the stream at the top of the heap. */
static void park(struct tn_order *order)
{
    struct tn_stream *stream = order->heap[0];
    stream->is_parked = true;
    stream->is_resumed = true;
    stream->wake_ticks = stream->stamp + (stream->matcher->was_paused ? order->window_ticks / PAUSED_PART
                                                                      : order->window_ticks);
    pop(order);
    order->parked[order->parked_count++] = stream;
    update_first_wake(order);
}

static void unpark(struct tn_order *order, uint32_t i)
{
    struct tn_stream *stream = order->parked[i];
    order->parked[i] = order->parked[--order->parked_count];
    update_first_wake(order);
    stream->is_parked = false;
    push(order, stream);
}

static uint64_t parked_address(const struct tn_stream *stream)
{
    return tn_event_address_of(stream->next[2]);
}

/* An event at `address` has been applied in a process: streams that waited for it try again. */
static void wake(struct tn_order *order, const struct tn_matcher *matcher, uint64_t address)
{
    for (uint32_t i = 0; i < order->parked_count;) {
        struct tn_stream *stream = order->parked[i];
        if (stream->matcher == matcher && parked_address(stream) == address)
            unpark(order, i);
        else
            i++;
    }
}

/* Whether an event adds to the log's chunks, or reads what these have so far. Links are only counted, from
 * what the tables say, which are up to date; pools have tables of their own. Both may come often. */
static bool is_of_chunks(uint64_t head)
{
    uint32_t kind = tn_event_kind_of(head);
    return kind != TN_EVENT_LINKS && (kind < TN_EVENT_POOL_BIRTH || kind > TN_EVENT_POOL_NAME);
}

/* Apply one event through match.c, after all that was collected before it is in the log. */
static int apply_alone(struct tn_order *order, struct tn_stream *stream, bool is_forced)
{
    bool is_written = stream->thread_id == 0 || is_of_chunks(stream->head);
    int r = is_written ? tn_batch_flush(&order->batch) : 0;
    return r < 0 ? r : tn_match_apply(stream, is_forced);
}

/* No counterpart came for the stream that has waited longest: apply its event as it is. */
static int apply_unanswered(struct tn_order *order)
{
    uint32_t i = 0;
    while (order->parked[i]->wake_ticks != order->parked_wake_ticks)
        i++;
    struct tn_stream *stream = order->parked[i];
    uint64_t address = parked_address(stream);
    int r = apply_alone(order, stream, true);
    stream->is_resumed = false;
    if (r == -EBADMSG)
        tn_stream_mark_damaged(stream);
    else if (r < 0)
        return r;
    order->parked[i] = order->parked[--order->parked_count];
    update_first_wake(order);
    stream->is_parked = false;
    if (stream->is_damaged)
        return 0;
    tn_stream_advance(stream);
    if (tn_stream_peek(stream))
        push(order, stream);
    wake(order, stream->matcher, address);
    return 0;
}

/* The largest stamp up to which the first stream may run before another stream's turn comes. */
static uint64_t run_bound(const struct tn_order *order, uint64_t watermark)
{
    uint64_t bound = watermark - 1;
    if (order->parked_wake_ticks < bound)
        bound = order->parked_wake_ticks;
    for (uint32_t child = 1; child <= 2 && child < order->count; child++)
        if (order->heap[child]->stamp < bound)
            bound = order->heap[child]->stamp;
    return bound;
}

/* The first stream has advanced: restore the heap. Mostly it stays on top, or swaps with one of its children.
 */
static inline void restore_heap(struct tn_order *order, bool is_shown)
{
    struct tn_stream **heap = order->heap, *stream = heap[0];
    uint32_t child = 1;
    if (!is_shown) {
        pop(order);
        return;
    }
    if (order->count > 2 && heap[2]->stamp < heap[1]->stamp)
        child = 2;
    if (order->count < 2 || heap[child]->stamp >= stream->stamp)
        return;
    heap[0] = heap[child];
    heap[child] = stream;
    if (2 * child + 1 < order->count)
        sift_down(order, child);
}

/* Apply the event that the first stream stands at.
 *
 * ret_address  the event's address if streams may wait for it, else 0
 * Returns      enum tn_verdict, or an error */
static int run_one(struct tn_order *order, struct tn_stream *stream, uint64_t *ret_address)
{
    *ret_address = 0;
    int r = apply_alone(order, stream, false);
    if (r != TN_VERDICT_DONE)
        return r;
    if (__builtin_expect(stream->is_resumed, 0)) {
        stream->matcher->totals->repaired_orders++;
        stream->is_resumed = false;
    }
    if (order->parked_count != 0 && tn_match_has_address(stream->head))
        *ret_address = parked_address(stream);
    tn_stream_advance(stream);
    return TN_VERDICT_DONE;
}

/* Apply events of the first stream while no other ring has an older one: a run of plain events, or a single
 * other one. While streams are parked, go one by one: each event may be what they wait for.
 *
 * Returns  enum tn_verdict of the last event, or an error; after DONE the heap is in order again
 */
static int run(struct tn_order *order, uint64_t watermark, uint64_t *events)
{
    struct tn_stream *stream = order->heap[0];
    uint64_t address = 0;
    uint32_t count = 0;
    int r = 0;
    if (order->parked_count == 0)
        r = tn_fast_path_run(stream, run_bound(order, watermark), &order->batch, &count);
    if (r == 0 && count == 0) {
        r = run_one(order, stream, &address);
        count = r == TN_VERDICT_DONE;
    }
    *events += count;
    if (r != TN_VERDICT_DONE)
        return r;
    restore_heap(order, tn_stream_peek(stream));
    if (address != 0)
        wake(order, stream->matcher, address);
    return TN_VERDICT_DONE;
}

/* A damaged ring is dropped; all others go on. */
static void drop_damaged(struct tn_order *order)
{
    tn_stream_mark_damaged(order->heap[0]);
    pop(order);
}

static int step(struct tn_order *order, uint64_t watermark, uint64_t *events)
{
    struct tn_stream *stream = order->heap[0];
    int r = run(order, watermark, events);
    if (r == -EBADMSG) {
        drop_damaged(order);
        return 0;
    }
    if (r == TN_VERDICT_PARK)
        park(order);
    else if (tn_stream_position(stream) - stream->released_words > stream->ring_words / 8)
        tn_stream_release(stream);
    return r < 0 ? r : 0;
}

int tn_order_emit(struct tn_order *order, uint64_t watermark_ticks, uint64_t *ret_events)
{
    uint64_t events = 0;
    int r = 0;
    if (order->parked_count == 0)
        order->parked_wake_ticks = UINT64_MAX;
    while (r == 0) {
        uint64_t first = order->count != 0 ? order->heap[0]->stamp : UINT64_MAX;
        if (order->parked_wake_ticks < first && order->parked_wake_ticks < watermark_ticks) {
            events++;
            r = apply_unanswered(order);
            continue;
        }
        if (first >= watermark_ticks)
            break;
        r = step(order, watermark_ticks, &events);
    }
    int flushed = tn_batch_flush(&order->batch);
    order->count = 0;
    *ret_events = events;
    return r < 0 ? r : flushed;
}

void tn_order_finish(struct tn_order *order)
{
    free(order->heap);
    free(order->parked);
    *order = (struct tn_order){0};
}
