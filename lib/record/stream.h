/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_STREAM_H
#define TN_RECORD_STREAM_H

/* The events of one thread, as the recorder reads them, one after the other: first what was moved to a queue
 * in our own memory, then what the source has. That may be shared memory, which may change at any time: each
 * head word is read once and checked against the words that are left. One thread. */

#include "source.h"

#include "tenure/event.h"
#include "tenure/ring.h"

#include <stdbool.h>
#include <stdint.h>

struct tn_matcher;

/* A realloc between its BEGIN and its COMMIT. */
struct tn_open_realloc {
    bool is_open;           /* whether the block is released is not known before the COMMIT */
    uint64_t address;       /* of the block that is reallocated */
    uint64_t allocation_id; /* its id; 0: the block is unknown */
    uint64_t time_ns;
    uint64_t stack_id; /* in the log */
    uint64_t depth_bytes;
    uint64_t left_depth_bytes;
    enum tn_function function;
    uint32_t size_class; /* tn_log_size_class of its usable size */
};

/* Events that were taken out of a ring. Zeroed is empty. */
struct tn_queue {
    uint64_t *words; /* owned */
    uint64_t count_words;
    uint64_t capacity_words;
};

struct tn_stream {
    /* the next event; valid after tn_stream_peek returned true */
    const uint64_t *next; /* its words */
    const uint64_t *end;  /* end of the contiguous words that next lies in */
    uint64_t stamp;       /* its ticks */
    uint64_t head;        /* its word 0, read once: the copy is what counts */
    uint32_t words;       /* its length, checked */
    /* the merge (order.c) */
    bool is_parked;      /* waits for an event of another ring */
    bool is_resumed;     /* was parked: its event is applied again */
    uint64_t wake_ticks; /* stamp at which a parked event is applied without its counterpart */
    /* the matcher */
    struct tn_matcher *matcher; /* of the process */
    uint64_t thread_id;         /* row of the owner; 0 before its first event */
    bool is_over;               /* a THREAD_END was seen; late frees may follow */
    uint64_t previous_id;       /* id of the block that the COMMIT being applied succeeds; 0: none */
    struct tn_open_realloc realloc;
    uint64_t left_depth_bytes; /* smallest depth of the LEAVE events since the last birth or death; 0: none */
    uint64_t reported_lost_count; /* sum of the LOSS events of the ring's owner */
    uint64_t lost_count; /* of these, and of losses found otherwise, what its row does not have yet */
    /* the source */
    const struct tn_source *source; /* that it is one of; NULL: it stands alone */
    const struct tn_stream_calls *calls;
    struct tn_ring *ring;
    const uint64_t *data;
    uint32_t ring_words;
    uint32_t slot;
    bool is_damaged;         /* malformed; nothing more is read from it */
    bool is_begun;           /* an event was seen in it */
    bool is_queued;          /* next points into the queue */
    uint64_t end_words;      /* position in the ring of `end`, while not queued */
    uint64_t limit_words;    /* head, as last read */
    uint64_t released_words; /* tail, as last written */
    uint64_t mark_ticks;     /* mark, as last read */
    uint64_t mark_since;     /* ticks when it first had this value */
    struct tn_queue queue;
};

/* Bind a stream to a slot. The stream begins where the ring's tail stands. */
void tn_stream_begin(struct tn_stream *stream, struct tn_ring *ring, const uint64_t *data,
                     uint32_t ring_words, uint32_t slot, struct tn_matcher *matcher);

/* Read the ring's head: events up to there may be read. An impossible head marks the stream damaged. */
void tn_stream_read_head(struct tn_stream *stream);

/* Read nothing more from a malformed ring; its room is given back as it fills. */
void tn_stream_mark_damaged(struct tn_stream *stream);

/* The slow half of tn_stream_peek: the contiguous words are used up, or do not look like an event. */
bool tn_stream_peek_slow(struct tn_stream *stream);

/* Look at the next event: sets head, words and stamp. False: nothing is left up to the noted head, or the
 * ring is damaged. */
static inline bool tn_stream_peek(struct tn_stream *stream)
{
    uint64_t left = (uint64_t)(stream->end - stream->next);
    if (left >= 2) {
        uint64_t head = *(const volatile uint64_t *)stream->next;
        uint32_t words = tn_event_words_of(head);
        if (tn_event_kind_of(head) != TN_EVENT_PAD && words >= 2 && words <= left) {
            stream->head = head;
            stream->words = words;
            stream->stamp = stream->next[1];
            return true;
        }
    }
    return tn_stream_peek_slow(stream);
}

/* Step over the event that tn_stream_peek looked at. */
static inline void tn_stream_advance(struct tn_stream *stream)
{
    stream->next += stream->words;
}

/* Word 0 of the event after that one; 0 if it does not lie in the same contiguous words. */
static inline uint64_t tn_stream_next_head(const struct tn_stream *stream)
{
    const uint64_t *after = stream->next + stream->words;
    return after < stream->end ? *(const volatile uint64_t *)after : 0;
}

/* Position of the next event in the ring. */
static inline uint64_t tn_stream_position(const struct tn_stream *stream)
{
    if (stream->is_queued)
        return stream->end_words;
    return stream->end_words - (uint64_t)(stream->end - stream->next);
}

/* Give the room of what was read back to the producer, and wake it if it waits and half of the ring is free
 * or all of it was read. */
void tn_stream_release(struct tn_stream *stream);

/* Move what is left up to the noted head to the queue, and give its room back: for a ring that fills up while
 * its events must wait.
 *
 * Returns  words moved; 0 when out of memory (they stay in the ring) */
uint64_t tn_stream_spill(struct tn_stream *stream);

/* Whether nothing is left, neither in the queue nor in the ring up to the noted head. */
bool tn_stream_is_drained(const struct tn_stream *stream);

/* Release the queue. */
void tn_stream_finish(struct tn_stream *stream);

#endif
