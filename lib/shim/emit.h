/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_EMIT_H
#define TENURE_SHIM_EMIT_H

/* Writes events into the calling thread's ring. What malloc and free do is inline, since a call costs as much
 * as the rest. All functions: the calling thread's tn_thread, between tn_enter and tn_leave; while the ring
 * is full they wait for the recorder (room.h), and while it stands still they count what they cannot write.
 */

#include "capture.h"
#include "heap_spans.h"
#include "real.h"
#include "samples.h"
#include "shim_thread.h"
#include "stack_region.h"
#include "ticks.h"

#include "tenure/event_body.h"

#include <stddef.h>
#include <stdint.h>

/* Write a BIRTH with the caller's stack, or a FAILURE when address is NULL.
 *
 * alignment_bytes  as asked for; 0: the function has no such argument */
void tn_emit_birth(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                   void *address, size_t size_bytes, size_t alignment_bytes);

/* The same, with the stack taken before. */
void tn_emit_birth_at(struct tn_thread *thread, enum tn_function function, void *address, size_t size_bytes,
                      size_t alignment_bytes, struct tn_origin origin);

/* Write a FAILURE: the real allocator returned NULL. */
void tn_emit_failure(struct tn_thread *thread, enum tn_function function, size_t size_bytes,
                     struct tn_origin origin);

/* Write a DEATH. Before the real call: once that has released the block, another thread may get it. */
void tn_emit_death(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                   void *address);

/* Write a REALLOC_BEGIN; before the real call. Returns the call's origin, for the commit. */
struct tn_origin tn_emit_realloc_begin(struct tn_thread *thread, const struct tn_caller *caller,
                                       enum tn_function function, void *address);

/* Write a REALLOC_COMMIT, and a FAILURE if the real call failed.
 *
 * address      what it returned
 * is_released  it returned NULL because it released the block, not for want of memory */
void tn_emit_realloc_commit(struct tn_thread *thread, enum tn_function function, struct tn_origin origin,
                            void *address, size_t size_bytes, bool is_released);

/* Write a REALLOC_COMMIT without a block. flags: TN_EVENT_FLAG_RELEASED or TN_EVENT_FLAG_FAILED. */
void tn_emit_realloc_end(struct tn_thread *thread, enum tn_function function, struct tn_origin origin,
                         size_t size_bytes, uint32_t flags);

/* Write a LOSS. why: one TN_LOSS_*. */
void tn_emit_loss(struct tn_thread *thread, uint32_t count, uint32_t why);

/* Write a THREAD_BEGIN, with the thread's name and stack; tid: the kernel's. */
void tn_emit_thread_begin(struct tn_thread *thread, uint32_t tid);

/* Write a THREAD_END. */
void tn_emit_thread_end(struct tn_thread *thread);

/* ---- the inline path ---- */

/* Whether this thread has seen that recording is paused. */
TN_ALWAYS_INLINE bool tn_emit_is_paused(const struct tn_thread *thread)
{
    return TN_UNLIKELY(thread->generation == TN_GENERATION_NONE) && tn_pause_now() != TN_PAUSE_NO;
}

/* Make room for an event, waiting for the recorder while the ring is full, and set the ring's limit_words;
 * see whether recording was paused.
 *
 * is_birth  the event is a BIRTH: it is left out if recording was paused
 * Returns   false: it is left out, or tn_room_wait returned false */
bool tn_emit_refill(struct tn_thread *thread, uint32_t need_words, bool is_birth);

/* Count a birth, a death or a failure for which there was no room, or a birth that was left out. What says
 * nothing about a block (LEAVE, THREAD_END) is not counted. */
void tn_emit_give_up(struct tn_thread *thread);

/* The slow path of tn_emit_stamp: other threads may have events, too. */
uint64_t tn_emit_stamp_among_threads(struct tn_thread *thread);

/* Read the clock for an event.
 *
 * The processor may read its counter before an earlier instruction has ended: before it has received a block
 * from another thread, say, by an exchange that takes some 200 ns between cores. Then a release would be
 * stamped before the birth that it releases, or before the end of the address's previous life (jemalloc,
 * eight threads on fewer processors: a dozen of 480,000 blocks in one run of ten). To wait for those
 * instructions costs 9 ns.
 *
 * While no other thread has events, a thread need not wait: that is so while stamp_turn names it and its
 * previous stamp lies behind stamp_wait_ticks, up to which all threads wait. A thread that has an event
 * without having the turn sets that time and takes the turn, before anything that its event is about can
 * reach another thread. */
TN_ALWAYS_INLINE uint64_t tn_emit_stamp(struct tn_thread *thread)
{
    uintptr_t turn = atomic_load_explicit(&tn_hot.stamp_turn, memory_order_relaxed);
    uint64_t wait_ticks = atomic_load_explicit(&tn_hot.stamp_wait_ticks, memory_order_relaxed);
    if (TN_UNLIKELY(turn != (uintptr_t)thread || thread->last_ticks <= wait_ticks))
        return tn_emit_stamp_among_threads(thread);
    return tn_ticks();
}

/* Begin an event in the thread's ring. Room is made before the mark goes out, so that no wait holds the
 * recorder up; the mark goes out before the stamp is taken (ring.h, order rule).
 *
 * is_birth  the event is a BIRTH
 * Returns   where its words go, the stamp written; NULL: there is no room (tn_room_wait), or it is left out
 */
TN_ALWAYS_INLINE uint64_t *tn_emit_begin(struct tn_thread *thread, uint32_t need_words, bool is_birth)
{
    struct tn_ring *ring = thread->ring;
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    /* Signed: where a handler has left a refill half done, or for a pause, the limit may lie behind the head.
     */
    uint64_t limit = atomic_load_explicit(&ring->limit_words, memory_order_relaxed);
    if (TN_UNLIKELY((int64_t)(limit - head) < (int64_t)need_words)) {
        if (!tn_emit_refill(thread, need_words, is_birth))
            return NULL;
        head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    }
    atomic_store_explicit(&ring->mark_ticks, thread->last_ticks, memory_order_relaxed);
    uint64_t *event = thread->words + (head & thread->index_mask);
    uint64_t ticks = tn_emit_stamp(thread);
    event[1] = ticks;
    thread->last_ticks = ticks;
    return event;
}

/* Publish it. used_words: its length. */
TN_ALWAYS_INLINE void tn_emit_end(struct tn_thread *thread, uint32_t used_words)
{
    tn_ring_commit(thread->ring, used_words);
    /* Release: a recorder that sees the mark gone sees the event. */
    atomic_store_explicit(&thread->ring->mark_ticks, 0, memory_order_release);
}

/* The room of a block that the real allocator has given; size_bytes where it cannot say. */
TN_ALWAYS_INLINE size_t tn_usable_size(void *address, size_t size_bytes)
{
    return TN_LIKELY(tn_real.malloc_usable_size != NULL) ? tn_real.malloc_usable_size(address) : size_bytes;
}

/* Write a wide BIRTH or REALLOC_COMMIT. head: with kind and function only. */
void tn_emit_wide(struct tn_thread *thread, uint64_t head, void *address, size_t size_bytes,
                  size_t usable_bytes, size_t alignment_bytes, struct tn_origin origin);

/* Write a BIRTH or REALLOC_COMMIT of a block. head: with kind and function only. */
TN_ALWAYS_INLINE void tn_emit_block(struct tn_thread *thread, uint64_t head, void *address, size_t size_bytes,
                                    size_t alignment_bytes, struct tn_origin origin)
{
    size_t usable_bytes = tn_usable_size(address, size_bytes);
    tn_heap_spans_see(thread, address, usable_bytes);
    /* The two halves of a realloc are one event. */
    if (tn_event_kind_of(head) == TN_EVENT_BIRTH)
        tn_samples_count(thread, origin.stack_id, address);
    else
        tn_samples_see_realloc(thread, origin.stack_id, address);
    uint64_t slack_bytes = usable_bytes - size_bytes;
    if (TN_UNLIKELY(!tn_event_is_narrow(size_bytes, slack_bytes, alignment_bytes))) {
        tn_emit_wide(thread, head, address, size_bytes, usable_bytes, alignment_bytes, origin);
        return;
    }
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_BIRTH_WORDS, tn_event_kind_of(head) == TN_EVENT_BIRTH);
    if (TN_UNLIKELY(event == NULL)) {
        tn_emit_give_up(thread);
        return;
    }
    head |= tn_event_head(0, 0, TN_FUNCTION_NONE, 0, origin.stack_id);
    tn_event_put_narrow(event, head, (uintptr_t)address, size_bytes, slack_bytes, origin.depth_bytes);
    tn_emit_end(thread, TN_EVENT_BIRTH_WORDS);
}

/* Write a DEATH or REALLOC_BEGIN. */
TN_ALWAYS_INLINE void tn_emit_release(struct tn_thread *thread, enum tn_event_kind kind,
                                      enum tn_function function, void *address, struct tn_origin origin)
{
    tn_samples_count(thread, origin.stack_id, NULL);
    tn_samples_see_release(thread, origin.stack_id, address);
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_DEATH_WORDS, false);
    if (TN_UNLIKELY(event == NULL)) {
        tn_emit_give_up(thread);
        return;
    }
    uint64_t head = tn_event_head(kind, 0, function, 0, origin.stack_id);
    tn_event_put_release(event, head, (uintptr_t)address, origin.depth_bytes);
    tn_emit_end(thread, TN_EVENT_DEATH_WORDS);
}

/* The origin of a release: without its stack where the options say so. */
TN_ALWAYS_INLINE struct tn_origin tn_release_origin(struct tn_thread *thread, const struct tn_caller *caller)
{
    if (TN_LIKELY(tn_shim_process.options.has_free_stacks))
        return tn_capture(thread, caller);
    return (struct tn_origin){0, tn_depth_of(thread, caller)};
}

#endif
