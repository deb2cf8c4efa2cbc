/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RING_H
#define TENURE_RING_H

/* The memory that a recorded process shares with its recorder: a header, slots (each is the control part of
 * one ring), and the rings' words. One sparse memfd, created by the shim and as large as the most slots need;
 * its parts are mapped by either side when they are used. All offsets are multiples of TN_SHARED_ALIGN_BYTES,
 * so that any part can be mapped with pages of 4 to 64 KiB.
 *
 *   offset 0                         struct tn_shared_header
 *   TN_SHARED_SLOTS_OFFSET           struct tn_ring [slot_count], TN_SPAN_SLOTS a span of TN_SHARED_ALIGN_BYTES
 *   tn_shared_words_offset(.., 0)    control_words words of 8 bytes: the control ring's
 *   tn_shared_words_offset(.., s)    ring_words words: the ring's of slot s, 1 .. slot_count - 1
 *
 * The recorder seals the memfd against shrinking before it maps anything (the shim creates it with
 * MFD_ALLOW_SEALING), so that no part can disappear under it.
 *
 * Each ring has one producer and one consumer, and no lock. Slot 0 is the control ring, for stacks, modules
 * and marks. All threads write it, under a lock of the shim's: so that a module is published before the first
 * stack that shows it, and a stack before the first event that bears its id. The other slots belong to one
 * thread each.
 *
 * Slot rules. slot_bound says how many slots have ever been in use, the control ring's included. A thread
 * takes a slot below it that the recorder has freed (compare and swap of its state), or adds one: the shim
 * maps the new slot and its ring, claims it and only then raises slot_bound, by a locked exchange, after
 * which the thread takes its first stamp. So a recorder that reads the clock, then slot_bound, then states,
 * misses no slot that holds an older stamp. It maps a slot's ring when it first sees the slot in use. The
 * recorder frees a slot once its thread is gone: head, tail and lost_count keep their values, mark and tid
 * become 0, then state becomes FREE (release), then freed_slot and at last freed_count are written.
 *
 * Ring rules. head_words and tail_words only rise; a position modulo the ring's words (a power of two) is an
 * index. An event never wraps: a PAD fills the end of the ring. The producer writes words, then stores head
 * (release). The consumer loads head (acquire), reads, stores tail (release). The consumer trusts nothing
 * that it reads: each length is checked against the head.
 *
 * Order rule. Before the producer stamps an event it stores in mark_ticks a value not above the coming stamp
 * (the previous stamp of its ring serves), and 0 once the event is published. So when the consumer
 *   1. reads the clock (now), then slot_bound, then every mark,
 *   2. reads every thread ring's head, then the control ring's head,
 *   3. takes everything up to these heads,
 * it has all events with a stamp below min(now - TN_ORDER_SLACK_NS, the marks). The slack is for a mark that
 * is still in the producer's store buffer when its time stamp has been read: that lasts a hundred nanoseconds
 * or so (an interrupt or a switch of threads drains the buffer).
 *
 * Liveness. keeper_word is the futex word of a robust lock that a thread of the recorder's holds from before
 * the welcome until the recorder closes the log (then recorder_state is CLOSED before the lock is released)
 * or dies: at its death the kernel sets FUTEX_OWNER_DIED, within a millisecond, even while the dead recorder
 * is still a zombie. The shim only reads the word, at least every 10 ms while it waits for room; it never
 * locks it and makes no kill, so that PID namespaces do not matter. A recorder that is stopped keeps its
 * lock: then heartbeat stands still. It rises with every round and, within long ones, at least every
 * TN_HEARTBEAT_NS. While a ring is full, its producer waits; a heartbeat that stood still for TN_STALL_NS of
 * such waiting is noted in stalled_beat, and as long as both are equal nobody waits: an event that finds its
 * ring full is counted in the ring's lost_count, and a LOSS tells it once there is room again.
 *
 * Pauses. The recorder sets pause, and then limit_words of every ring to 0, so that the next event of each
 * thread takes the slow path, which reads pause; that costs the usual path nothing. The producer stores
 * limit_words first and reads pause after it, with a fence between: so whichever order the two sides come in,
 * the first event after the pause sees it, or the second. A thread that has seen it takes the slow path with
 * each call, until pause is 0 again. Each thread finds out for itself; that does no harm, because releases
 * are written all the time: a block whose birth is in the log dies in the log, and a release without a birth
 * is of a block that was born during a pause. TN_PAUSE_ALL is only set before the process's first event.
 *
 * Losses. Every event that is not written is counted: in its ring's lost_count where the thread has a ring,
 * whatever the reason, and there a LOSS event says later how many and why; else in the header's lost_counts,
 * of which no LOSS tells. What lost_count counts beyond the LOSS events was lost by a thread that ended
 * before it could tell. Counters of 32 bits wrap: the recorder adds up differences in every second. */

#include "tenure/limits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_SHARED_MAGIC        UINT64_C(0x32657275656e6574)
#define TN_CACHE_LINE          64
#define TN_SHARED_ALIGN_BYTES  ((size_t)65536)
#define TN_SHARED_SLOTS_OFFSET TN_SHARED_ALIGN_BYTES
#define TN_SLOT_BYTES          256u
#define TN_SPAN_SLOTS          256u /* slots in TN_SHARED_ALIGN_BYTES */
#define TN_SLOT_COUNT_MAX      65536u
#define TN_CONTROL_SLOT        0u
#define TN_EXEC_NAME_BYTES     64u
#define TN_ORDER_SLACK_NS      UINT64_C(20000)
#define TN_HEARTBEAT_NS                                                                                      \
    UINT64_C(100000000)                  /* the heartbeat of a recorder at work rises at least so often      \
                                          */
#define TN_STALL_NS UINT64_C(5000000000) /* a heartbeat that stood still so long: it is stopped */

enum tn_clock {
    TN_CLOCK_TSC = 1,       /* the processor's counter; constant and nonstop, as CPUID promises */
    TN_CLOCK_MONOTONIC = 2, /* nanoseconds of CLOCK_MONOTONIC */
    TN_CLOCK_COUNTER = 3,   /* Arm's virtual counter */
};

enum tn_slot_state {
    TN_SLOT_FREE = 0,    /* may be claimed by any thread (compare and swap) */
    TN_SLOT_CLAIMED = 1, /* a thread owns it */
    TN_SLOT_ENDED = 2,   /* THREAD_END was written; more events may follow until the thread is gone */
};

enum tn_recorder_state {
    TN_RECORDER_STARTING = 0,
    TN_RECORDER_RUNNING = 1,
    TN_RECORDER_CLOSED = 2, /* it takes no more events of this process; the shim stops for good */
};

/* Why a child of the process is not recorded. Counted by the child itself, in its parent's header, which it
 * still maps after fork; a child of such a child counts there, too. */
enum tn_child_loss {
    TN_CHILD_NO_DESCRIPTOR, /* it could open none */
    TN_CHILD_NO_MEMORY,     /* it could not make or map its rings */
    TN_CHILD_UNREACHED,     /* it cannot reach the recorder's socket: another user, another root directory */
    TN_CHILD_REFUSED,       /* the recorder refused it, or the log is closed */
    TN_CHILD_UNANSWERED,    /* the recorder stood still, and the child did not wait for it */
    TN_CHILD_FORBIDDEN,     /* a filter of system calls (seccomp) forbids what it takes */
    TN_CHILD_OWN_MALLOC,    /* the program brings an allocator that calls nobody */
    TN_CHILD_LOSS_COUNT
};

/* Of keeper_word: the kernel's FUTEX_OWNER_DIED. */
#define TN_KEEPER_DIED UINT32_C(0x40000000)

#define TN_LOSS_REASON_COUNT 6 /* bits of TN_LOSS_* (event.h) */

/* What is left out while recording is paused. Whatever is left out is counted. */
enum tn_pause {
    TN_PAUSE_NO = 0,     /* nothing */
    TN_PAUSE_BIRTHS = 1, /* births and stacks; releases are written, so that blocks in the log still die */
    TN_PAUSE_ALL = 2,    /* releases, too: no block of the process is in the log */
};

/* In tid of the ring for what a thread's signal handlers do while they interrupt the shim. Such a ring
 * belongs to the thread as its own does; no id of a thread has the bit. */
#define TN_RING_TID_NESTED UINT32_C(0x80000000)

/* One slot. A cache line for each writer, so that neither side takes a line from the other needlessly. */
struct tn_ring {
    /* line 1, written by the producer */
    _Alignas(TN_CACHE_LINE) _Atomic uint64_t head_words; /* words produced */
    _Atomic uint64_t mark_ticks; /* 0, or a lower bound of the stamp of an event that is being written */
    uint64_t seen_tail_words;    /* tail_words as the producer has last read it */
    _Atomic uint64_t lost_count; /* events not written, of all its owners; LOSS events repeat them */
    _Atomic uint32_t
        state; /* enum tn_slot_state; FREE -> CLAIMED -> ENDED by the shim, -> FREE by the recorder */
    _Atomic uint32_t tid; /* the owner's kernel thread id, as the program sees it, and TN_RING_TID_NESTED or
                             not; 0: not known yet */
    uint64_t
        words_address; /* the producer's own note: where it has mapped the ring's words; 0: nowhere yet */
    /* Up to this head_words, words are free and do not wrap. The recorder writes 0 when it pauses (pauses).
     */
    _Atomic uint64_t limit_words;
    /* line 2, written by the consumer */
    _Alignas(TN_CACHE_LINE) _Atomic uint64_t tail_words; /* words consumed */
    /* line 3, by both, rarely */
    _Alignas(TN_CACHE_LINE) _Atomic uint32_t is_waiting; /* futex: 1 while the producer waits for room */
    uint32_t reserved_1;
    /* by the producer, of all its owners: what was left out during pauses */
    _Atomic uint64_t unrecorded_births;
    _Atomic uint64_t unrecorded_frees; /* that no event tells of */
    uint32_t reserved[26];
};

_Static_assert(sizeof(struct tn_ring) == TN_SLOT_BYTES, "slot layout is part of the wire");
_Static_assert(TN_SLOT_BYTES *TN_SPAN_SLOTS == TN_SHARED_ALIGN_BYTES, "a span holds whole slots");

/* What both sides know of the process. Written by the shim before the hello unless said otherwise. */
struct tn_shared_header {
    uint64_t magic;       /* TN_SHARED_MAGIC */
    uint64_t total_bytes; /* size of the memfd */
    uint32_t slot_count; /* slots that it has room for, the control ring's included: 2 .. TN_SLOT_COUNT_MAX */
    uint32_t ring_words; /* words of a thread's ring, power of two */
    uint32_t control_words; /* words of the control ring, power of two */
    uint32_t pid;           /* as the process sees itself */
    uint32_t clock;         /* enum tn_clock */
    uint32_t stack_depth;   /* TENURE_DEPTH in force */
    uint64_t start_ticks;   /* when the shim began, on that clock */
    /* by the recorder */
    _Alignas(TN_CACHE_LINE) _Atomic uint32_t recorder_state; /* enum tn_recorder_state */
    _Atomic uint32_t recorder_pid;                           /* as the recorder sees itself */
    _Atomic uint32_t heartbeat;   /* rises while the recorder works; skips 0, which is: not yet */
    _Atomic uint32_t freed_count; /* how often it has freed a slot */
    _Atomic uint32_t freed_slot;  /* the last one; a hint */
    _Atomic uint32_t pause;       /* enum tn_pause; a futex: who waits for the end of a pause is woken */
    /* tn_mark_hash of the mark with which the pause ends; 0: none. Who writes that mark waits for the end, so
     * that recording begins exactly there. Written before pause. */
    _Atomic uint64_t awaited_mark;
    /* by the recorder's keeper thread, and by the kernel when that dies */
    _Alignas(TN_CACHE_LINE) _Atomic uint32_t
        keeper_word; /* robust futex: tid of the owner, FUTEX_OWNER_DIED */
    /* by the shim, any of its threads */
    _Alignas(TN_CACHE_LINE) _Atomic uint32_t
        slot_bound;                /* slots that have ever been in use; 1 .. slot_count */
    _Atomic uint32_t reused_count; /* how often a thread has taken a slot that was freed; up to freed_count */
    _Atomic uint32_t stalled_beat; /* heartbeat at which the recorder was found standing still; 0: never */
    _Atomic uint32_t is_stopped;   /* 1: it has stopped recording; no event follows */
    /* 1: this process is about to end and will take the recorder along (it is PID 1 of a namespace that holds
     * both): close the log now. The process waits, for a bounded time, until recorder_state is CLOSED. */
    _Atomic uint32_t is_leaving;
    _Atomic uint32_t lost_counts[TN_LOSS_REASON_COUNT];  /* of threads without a ring; by bit of TN_LOSS_* */
    _Atomic uint32_t children_lost[TN_CHILD_LOSS_COUNT]; /* by the children; by enum tn_child_loss */
    _Atomic uint32_t stacks_lost;      /* STACK events not written: events that bear stack id 0 instead */
    _Atomic uint32_t stacks_checked;   /* stacks compared with libunwind's own backtrace */
    _Atomic uint32_t stacks_different; /* of these, how many differed */
    _Atomic uint32_t rules_learned;    /* unwind rules found out */
    _Atomic uint32_t frames_complex;   /* frames that libunwind had to step out of */
    _Atomic uint32_t
        frames_unwalked; /* that it would have had to, but it was not there: their stacks are cut */
    /* Calls of the exec family under way: each adds 1 before, and takes it back when it has failed. Not 0
     * when the process has ended, or its image says no hello: another image has taken over. */
    _Atomic uint32_t exec_count;
    _Atomic uint32_t tasks_refused; /* threads and processes that it was refused by EAGAIN */
    /* calls of dlopen with RTLD_DEEPBIND and of dlmopen: what such libraries allocate is not seen */
    _Atomic uint32_t libraries_apart;
    char exec_name[TN_EXEC_NAME_BYTES]; /* of what is executed, without folders; "": not known. Ends with 0 */
};

_Static_assert(sizeof(struct tn_shared_header) <= 4096, "a fork child maps one page of its parent's");

/* The three numbers that the layout follows from, as the header states them. */
struct tn_shared_sizes {
    uint32_t slot_count, ring_words, control_words;
};

/* The sizes that a header states; not checked. */
static inline struct tn_shared_sizes tn_shared_sizes_of(const struct tn_shared_header *header)
{
    return (struct tn_shared_sizes){header->slot_count, header->ring_words, header->control_words};
}

/* Offset of slot `slot` in the memfd, bytes. slot < slot_count (unchecked). */
static inline size_t tn_shared_slot_offset(uint32_t slot)
{
    return TN_SHARED_SLOTS_OFFSET + (size_t)slot * TN_SLOT_BYTES;
}

/* Words of a slot's ring: the control ring has a length of its own. */
static inline uint32_t tn_shared_words_of(const struct tn_shared_sizes *sizes, uint32_t slot)
{
    return slot == TN_CONTROL_SLOT ? sizes->control_words : sizes->ring_words;
}

/* Offset of the words of a slot's ring in the memfd, bytes: a multiple of TN_SHARED_ALIGN_BYTES.
 *
 * sizes  as tn_shared_check accepts them
 * slot   up to slot_count; with slot_count, the size of the memfd */
static inline size_t tn_shared_words_offset(const struct tn_shared_sizes *sizes, uint32_t slot)
{
    size_t slots_end = tn_shared_slot_offset(sizes->slot_count);
    size_t control = (slots_end + TN_SHARED_ALIGN_BYTES - 1) & ~(TN_SHARED_ALIGN_BYTES - 1);
    if (slot == TN_CONTROL_SLOT)
        return control;
    return control + (size_t)sizes->control_words * 8 + (size_t)(slot - 1) * sizes->ring_words * 8;
}

/* Size of the memfd, bytes. */
static inline size_t tn_shared_total_bytes(const struct tn_shared_sizes *sizes)
{
    return tn_shared_words_offset(sizes, sizes->slot_count);
}

/* Slot `slot` of a mapping that begins at offset 0 and reaches up to it. */
static inline struct tn_ring *tn_shared_ring(void *base, uint32_t slot)
{
    return (struct tn_ring *)((char *)base + tn_shared_slot_offset(slot));
}

/* The words of slot `slot`, of a mapping of the whole. */
static inline uint64_t *tn_shared_words(void *base, const struct tn_shared_sizes *sizes, uint32_t slot)
{
    return (uint64_t *)((char *)base + tn_shared_words_offset(sizes, slot));
}

/* Whether the recorder is gone: it has closed the log, or it has died. False before the recorder has answered
 * the hello means nothing.
 *
 * Threads  any
 * Cost     two loads */
static inline bool tn_shared_is_orphaned(const struct tn_shared_header *header)
{
    uint32_t keeper = atomic_load_explicit(&header->keeper_word, memory_order_relaxed);
    return (keeper & TN_KEEPER_DIED) != 0 ||
           atomic_load_explicit(&header->recorder_state, memory_order_acquire) == TN_RECORDER_CLOSED;
}

/* Whether the recorder was found standing still and has not moved since.
 *
 * Threads  any
 * Cost     two loads */
static inline bool tn_shared_is_stalled(const struct tn_shared_header *header)
{
    uint32_t beat = atomic_load_explicit(&header->stalled_beat, memory_order_relaxed);
    return beat != 0 && beat == atomic_load_explicit(&header->heartbeat, memory_order_relaxed);
}

/* Let the heartbeat rise. The recorder only; one thread at a time. */
void tn_shared_beat(struct tn_shared_header *header);

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

/* Add 1 to a counter of a ring that only its producer writes. The producer only. */
static inline void tn_ring_count(_Atomic uint64_t *counter)
{
    uint64_t count = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, count + 1, memory_order_relaxed);
}

/* A text as a number, not 0: by which the shim knows the mark that a pause ends with (awaited_mark). */
static inline uint64_t tn_mark_hash(const char *text, uint32_t text_bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint32_t i = 0; i < text_bytes; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
    return hash != 0 ? hash : 1;
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

/* Check a header before anything in the memory is used: magic, counts, and sizes against the memfd's.
 *
 * header      a copy that the program cannot change
 * file_bytes  size of the memfd
 * Returns     0; -EBADMSG when a field is out of range */
int tn_shared_check(const struct tn_shared_header *header, uint64_t file_bytes);

#endif
