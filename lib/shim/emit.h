/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_EMIT_H
#define TENURE_SHIM_EMIT_H

/* The writing of events, as far as it is worth to be part of its caller: malloc and free. */

#include "shim.h"

#include "tenure/event_body.h"

#define TN_ALWAYS_INLINE static inline __attribute__((always_inline))

/* Make room for an event, waiting for the recorder while the ring is full, and set thread->limit_words.
 *
 * Returns  false: the recorder is gone and recording has been stopped for good */
bool tn_emit_refill(struct tn_thread *thread, uint32_t need_words);

/* The stamp of an event while other threads may have events, too; see tn_emit_stamp. */
uint64_t tn_emit_stamp_among_threads(struct tn_thread *thread);

/* The stamp of an event. The processor reads its counter as early as it can: before it has got a block from
 * another thread's hands, say, by an exchange that takes some 200 ns between cores. So a release could be
 * stamped before the same address's life before it ended, and be taken for the end of that (jemalloc, eight
 * threads, more of them than processors: a dozen of 480,000 blocks in one run of ten). To wait costs 9 ns.
 *
 * A thread need not wait while no other has events: while it has the turn, and its previous stamp lies behind
 * the time up to which all wait. Whoever has an event without having the turn sets that time and takes the
 * turn, before anything that its event is about can reach another thread. */
TN_ALWAYS_INLINE uint64_t tn_emit_stamp(struct tn_thread *thread)
{
    uintptr_t turn = atomic_load_explicit(&tn_hot.stamp_turn, memory_order_relaxed);
    uint64_t wait_ticks = atomic_load_explicit(&tn_hot.stamp_wait_ticks, memory_order_relaxed);
    if (TN_UNLIKELY(turn != (uintptr_t)thread || thread->last_ticks <= wait_ticks))
        return tn_emit_stamp_among_threads(thread);
    return tn_ticks();
}

/* Begin an event in the thread's ring. The mark goes out before the stamp is taken, and room is there before
 * the mark, so that no wait holds the recorder up. Returns where its words go, the stamp written; NULL when
 * recording has been stopped. */
TN_ALWAYS_INLINE uint64_t *tn_emit_begin(struct tn_thread *thread, uint32_t need_words)
{
    struct tn_ring *ring = thread->ring;
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    /* Signed: where a handler has left a refill half done, the limit may lie behind the head. */
    if (TN_UNLIKELY((int64_t)(thread->limit_words - head) < (int64_t)need_words)) {
        if (!tn_emit_refill(thread, need_words))
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

/* End it. */
TN_ALWAYS_INLINE void tn_emit_end(struct tn_thread *thread, uint32_t used_words)
{
    tn_ring_commit(thread->ring, used_words);
    /* Release: whoever sees the mark gone sees the event. */
    atomic_store_explicit(&thread->ring->mark_ticks, 0, memory_order_release);
}

TN_ALWAYS_INLINE size_t tn_usable_size(void *address, size_t size_bytes)
{
    return TN_LIKELY(tn_real.malloc_usable_size != NULL) ? tn_real.malloc_usable_size(address) : size_bytes;
}

/* Write BIRTH or REALLOC_COMMIT of a block of which a narrow event cannot tell all. */
void tn_emit_wide(struct tn_thread *thread, uint64_t head, void *address, size_t size_bytes,
                  size_t usable_bytes, size_t alignment_bytes, struct tn_origin origin);

/* Write BIRTH or REALLOC_COMMIT with a block. head: with kind and function only. */
TN_ALWAYS_INLINE void tn_emit_block(struct tn_thread *thread, uint64_t head, void *address, size_t size_bytes,
                                    size_t alignment_bytes, struct tn_origin origin)
{
    size_t usable_bytes = tn_usable_size(address, size_bytes);
    uint64_t slack_bytes = usable_bytes - size_bytes;
    if (TN_UNLIKELY(!tn_event_is_narrow(size_bytes, slack_bytes, alignment_bytes))) {
        tn_emit_wide(thread, head, address, size_bytes, usable_bytes, alignment_bytes, origin);
        return;
    }
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_BIRTH_WORDS);
    if (TN_UNLIKELY(event == NULL))
        return;
    head |= tn_event_head(0, 0, TN_FUNCTION_NONE, 0, origin.stack_id);
    tn_event_put_narrow(event, head, (uintptr_t)address, size_bytes, slack_bytes, origin.depth_bytes);
    tn_emit_end(thread, TN_EVENT_BIRTH_WORDS);
}

/* DEATH and REALLOC_BEGIN. */
TN_ALWAYS_INLINE void tn_emit_release(struct tn_thread *thread, enum tn_event_kind kind,
                                      enum tn_function function, void *address, struct tn_origin origin)
{
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_DEATH_WORDS);
    if (TN_UNLIKELY(event == NULL))
        return;
    uint64_t head = tn_event_head(kind, 0, function, 0, origin.stack_id);
    tn_event_put_release(event, head, (uintptr_t)address, origin.depth_bytes);
    tn_emit_end(thread, TN_EVENT_DEATH_WORDS);
}

/* Where a block is released, as far as it is to be told. */
TN_ALWAYS_INLINE struct tn_origin tn_release_origin(struct tn_thread *thread, const struct tn_caller *caller)
{
    if (TN_LIKELY(tn_shim_process.options.has_free_stacks))
        return tn_capture(thread, caller);
    return (struct tn_origin){0, tn_depth_of(thread, caller)};
}

#endif
