/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RING_H
#define TENURE_RING_H

/* The memory that a recorded process shares with its recorder: a header, slots (each is the control part of
 * one ring), and the rings' words. One sparse memfd, created by the shim; each side maps it once.
 *
 *   offset 0                         struct tn_shared_header
 *   TN_SHARED_SLOTS_OFFSET           struct tn_ring [slot_count]
 *   tn_shared_words_offset()         slot_count * ring_words words of 8 bytes
 *
 * Each ring has one producer and one consumer, and no lock. Slot 0 is the control ring, for stacks, modules
 * and marks. All threads write it, under a lock of the shim's: so that a module is published before the first
 * stack that shows it, and a stack before the first event that bears its id. The other slots belong to one
 * thread each.
 *
 * Ring rules. head_words and tail_words only rise; a position modulo ring_words (a power of two) is an index.
 * An event never wraps: a PAD fills the end of the ring. The producer writes words, then stores head
 * (release). The consumer loads head (acquire), reads, stores tail (release). The consumer trusts nothing
 * that it reads: each length is checked against the head.
 *
 * Order rule. Before the producer stamps an event it stores in mark_ticks a value not above the coming stamp
 * (the previous stamp of its ring serves), and 0 once the event is published. So when the consumer
 *   1. reads the clock (now), then every mark,
 *   2. reads every thread ring's head, then the control ring's head,
 *   3. takes everything up to these heads,
 * it has all events with a stamp below min(now - TN_ORDER_SLACK_NS, the marks). The slack is for a mark that
 * is still in the producer's store buffer when its time stamp has been read: that lasts a hundred nanoseconds
 * or so (an interrupt or a switch of threads drains the buffer). */

#include "tenure/limits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_SHARED_MAGIC        UINT64_C(0x31657275656e6574)
#define TN_CACHE_LINE          64
#define TN_SHARED_SLOTS_OFFSET 4096
#define TN_SLOT_COUNT_DEFAULT  1024u
#define TN_CONTROL_SLOT        0u
#define TN_ORDER_SLACK_NS      UINT64_C(20000)

enum tn_clock {
    TN_CLOCK_TSC = 1,       /* the processor's counter; constant and nonstop, as CPUID promises */
    TN_CLOCK_MONOTONIC = 2, /* nanoseconds of CLOCK_MONOTONIC */
    TN_CLOCK_COUNTER = 3,   /* Arm's virtual counter */
};

enum tn_slot_state {
    /* May be claimed by any thread (compare and swap); head, tail and mark keep their values. Slots that were
     * never used are claimed in ascending order: the recorder does not look far beyond those that it knows.
     */
    TN_SLOT_FREE = 0,
    TN_SLOT_CLAIMED = 1, /* a thread owns it */
    TN_SLOT_ENDED = 2,   /* THREAD_END was written; more events may follow until the thread is gone */
};

enum tn_recorder_state {
    TN_RECORDER_STARTING = 0,
    TN_RECORDER_RUNNING = 1,
    TN_RECORDER_CLOSED = 2, /* it takes no more events of this process; the shim stops for good */
};

/* One slot. A cache line for each writer, so that neither side takes a line from the other needlessly. */
struct tn_ring {
    /* line 1, written by the producer */
    _Alignas(TN_CACHE_LINE) _Atomic uint64_t head_words; /* words produced */
    _Atomic uint64_t mark_ticks; /* 0, or a lower bound of the stamp of an event that is being written */
    uint64_t seen_tail_words;    /* tail_words as the producer has last read it */
    _Atomic uint64_t lost_count; /* events not written; LOSS events in the ring report the same */
    _Atomic uint32_t state; /* enum tn_slot_state; FREE -> CLAIMED by the shim, -> FREE by the recorder */
    _Atomic uint32_t tid;   /* the owner's kernel thread id */
    /* line 2, written by the consumer */
    _Alignas(TN_CACHE_LINE) _Atomic uint64_t tail_words; /* words consumed */
    /* line 3, by both, rarely */
    _Alignas(TN_CACHE_LINE) _Atomic uint32_t is_waiting; /* futex: 1 while the producer waits for room */
    uint32_t reserved[15];
};

_Static_assert(sizeof(struct tn_ring) == 3 * TN_CACHE_LINE, "slot layout is part of the wire");

/* What both sides know of the process. Written by the shim before the hello unless said otherwise. */
struct tn_shared_header {
    uint64_t magic;       /* TN_SHARED_MAGIC */
    uint64_t total_bytes; /* size of the whole mapping */
    uint32_t slot_count;  /* slots, the control ring included */
    uint32_t ring_words;  /* words a ring, power of two */
    uint32_t pid;         /* as the process sees itself */
    uint32_t clock;       /* enum tn_clock */
    uint64_t start_ticks; /* when the shim began, on that clock */
    uint32_t stack_depth; /* TENURE_DEPTH in force */
    uint32_t reserved;
    _Alignas(TN_CACHE_LINE) _Atomic uint32_t recorder_state; /* by the recorder: enum tn_recorder_state */
    _Atomic uint32_t recorder_pid;                           /* by the recorder */
    _Atomic uint64_t heartbeat; /* by the recorder: rises with every round that it makes */
    _Alignas(TN_CACHE_LINE) _Atomic uint64_t lost_count; /* by the shim: events of threads without a slot */
    _Atomic uint64_t stacks_checked;   /* by the shim: stacks compared with libunwind's own backtrace */
    _Atomic uint64_t stacks_different; /* by the shim: of these, how many differed */
    _Atomic uint64_t rules_learned;    /* by the shim: unwind rules found out */
    _Atomic uint64_t frames_complex;   /* by the shim: frames that libunwind had to step out of */
    _Atomic uint32_t is_stopped;       /* by the shim: 1: it has stopped recording; no event follows */
};

_Static_assert(sizeof(struct tn_shared_header) <= TN_SHARED_SLOTS_OFFSET, "the header fits its page");

/* Where slot `slot` lies. base: start of the mapping; slot < slot_count (unchecked). */
static inline struct tn_ring *tn_shared_ring(void *base, uint32_t slot)
{
    return (struct tn_ring *)((char *)base + TN_SHARED_SLOTS_OFFSET) + slot;
}

/* Offset of the first ring's words in the mapping, page aligned (4096). */
static inline size_t tn_shared_words_offset(uint32_t slot_count)
{
    size_t end_bytes = TN_SHARED_SLOTS_OFFSET + (size_t)slot_count * sizeof(struct tn_ring);
    return (end_bytes + 4095) & ~(size_t)4095;
}

/* Size of the whole mapping in bytes. ring_words: power of two. */
static inline size_t tn_shared_total_bytes(uint32_t slot_count, uint32_t ring_words)
{
    return tn_shared_words_offset(slot_count) + (size_t)slot_count * ring_words * 8;
}

/* The words of slot `slot`. Arguments as the header states them, already checked. */
static inline uint64_t *tn_shared_words(void *base, uint32_t slot, uint32_t slot_count, uint32_t ring_words)
{
    return (uint64_t *)((char *)base + tn_shared_words_offset(slot_count)) + (size_t)slot * ring_words;
}

/* Whether an event fits now, and how many words of PAD must be written before it.
 *
 * words          length of the ring in words, power of two
 * need_words     length of the event, 1 .. words / 4
 * ret_pad_words  0, or what is left up to the end of the ring when the event would wrap
 * Threads        the producer only
 * Cost           loads of its own line; one of the consumer's line when seen_tail_words says full */
static inline bool tn_ring_has_room(struct tn_ring *ring, uint32_t words, uint32_t need_words,
                                    uint32_t *ret_pad_words)
{
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    uint32_t to_end = words - (uint32_t)(head & (words - 1));
    uint32_t pad = to_end < need_words ? to_end : 0;
    *ret_pad_words = pad;
    if (head + pad + need_words - ring->seen_tail_words <= words)
        return true;
    ring->seen_tail_words = atomic_load_explicit(&ring->tail_words, memory_order_acquire);
    return head + pad + need_words - ring->seen_tail_words <= words;
}

/* Begin an event: write the PAD, if any, and return where the event's words go. Call only after
 * tn_ring_has_room has returned true for the same numbers. Nothing is visible to the consumer yet.
 *
 * data     the ring's words
 * Returns  where to write; valid until tn_ring_commit
 * Threads  the producer only */
static inline uint64_t *tn_ring_reserve(struct tn_ring *ring, uint64_t *data, uint32_t words,
                                        uint32_t pad_words)
{
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    if (pad_words != 0)
        data[head & (words - 1)] = (uint64_t)pad_words << 6;
    return &data[(head + pad_words) & (words - 1)];
}

/* Publish the PAD and the event (release).
 *
 * used_words  pad_words + the event's length
 * Threads     the producer only */
static inline void tn_ring_commit(struct tn_ring *ring, uint32_t used_words)
{
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    atomic_store_explicit(&ring->head_words, head + used_words, memory_order_release);
}

/* Find the next event of a ring.
 *
 * data, words    the ring's words and their number (power of two)
 * cursor_words   in: the consumer's position; out: behind PADs, at the event. Add the result to it to
 *                step over the event
 * head_words     a head that was loaded with acquire
 * ret_event      the event's words, in place, valid until their room is given back (tn_ring_release)
 * Returns        the event's length in words; 0 when nothing is left; -EBADMSG when the words make no sense
 *                (length 0, past the head or past the end of the ring): such a ring cannot be read on
 * Threads        the consumer only */
int tn_ring_peek(const uint64_t *data, uint32_t words, uint64_t *cursor_words, uint64_t head_words,
                 const uint64_t **ret_event);

/* Let the producer reuse everything before cursor_words. If it waits for room, it notices when it is woken,
 * or when its sleep ends. The consumer only. */
void tn_ring_release(struct tn_ring *ring, uint64_t cursor_words);

/* Wake the producer if it waits for room.
 *
 * Threads  the consumer only
 * Cost     a load; a system call if it waits */
void tn_ring_wake(struct tn_ring *ring);

/* Check a mapping before anything in it is used: magic, counts, and sizes against mapped_bytes.
 *
 * Returns  0; -EBADMSG when a field is out of range */
int tn_shared_check(const struct tn_shared_header *header, size_t mapped_bytes);

#endif
