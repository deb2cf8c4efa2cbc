/* SPDX-License-Identifier: MIT */

/* The rare and the large events of a thread's ring, and what the inline functions of emit.h call when they
 * cannot go on. Invariant: an event is published whole or not at all. Called by the entry points
 * (interpose*.c, instrument.c) and by shim_thread.c. */

#include "emit.h"

#include "room.h"
#include "sys.h"

#include <linux/prctl.h>

#include "banned.h"

/* How long all threads take the slow stamp after two of them had events: a millisecond or so. So threads that
 * alternate write only that often to the line that all of them read. */
#define STAMP_WAIT_TICKS (UINT64_C(1) << 22)

/* If recording is paused (ring.h, pauses), the thread takes the slow path from the next call on; and the room
 * is for one event only, since a call may write another event before its birth. */
static void see_pause(struct tn_thread *thread, uint64_t limit_of_one)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (tn_pause_now() == TN_PAUSE_NO)
        return;
    thread->generation = TN_GENERATION_NONE;
    atomic_store_explicit(&thread->ring->limit_words, limit_of_one, memory_order_relaxed);
}

static bool make_room(struct tn_thread *thread, uint32_t need_words)
{
    struct tn_ring *ring = thread->ring;
    uint32_t ring_words = tn_hot.sizes.ring_words;
    uint32_t pad;
    if (!tn_room_wait(ring, ring_words, need_words, &pad))
        return false;
    tn_ring_reserve(ring, thread->words, ring_words, pad);
    tn_ring_commit(ring, pad);
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    uint64_t lap_end = (head | (ring_words - 1)) + 1;
    uint64_t full = ring->seen_tail_words + ring_words;
    atomic_store_explicit(&ring->limit_words, lap_end < full ? lap_end : full, memory_order_relaxed);
    see_pause(thread, head + need_words);
    return true;
}

/* The first event after those that were given up tells how many they were. */
static bool tell_stall(struct tn_thread *thread)
{
    if (!make_room(thread, TN_EVENT_LOSS_WORDS))
        return false;
    uint32_t count = thread->stalled_count;
    thread->stalled_count = 0;
    tn_emit_loss(thread, count, TN_LOSS_STALLED);
    return true;
}

bool tn_emit_refill(struct tn_thread *thread, uint32_t need_words, bool is_birth)
{
    if (thread->stalled_count != 0 && !tell_stall(thread))
        return false;
    if (!make_room(thread, need_words))
        return false;
    thread->is_left_out = is_birth && tn_emit_is_paused(thread);
    return !thread->is_left_out;
}

void tn_emit_give_up(struct tn_thread *thread)
{
    if (thread->is_left_out) {
        thread->is_left_out = false;
        tn_ring_count(&thread->ring->unrecorded_births);
        return;
    }
    atomic_fetch_add_explicit(&thread->ring->lost_count, 1, memory_order_relaxed);
    thread->stalled_count++;
}

uint64_t tn_emit_stamp_among_threads(struct tn_thread *thread)
{
    tn_arch_settle();
    uint64_t ticks = tn_ticks();
    bool has_turn = atomic_load_explicit(&tn_hot.stamp_turn, memory_order_relaxed) == (uintptr_t)thread;
    if (has_turn || ticks <= atomic_load_explicit(&tn_hot.stamp_wait_ticks, memory_order_relaxed))
        return ticks;
    /* In this order: a thread that sees the turn sees the time, too. */
    atomic_store_explicit(&tn_hot.stamp_wait_ticks, ticks + STAMP_WAIT_TICKS, memory_order_relaxed);
    atomic_store_explicit(&tn_hot.stamp_turn, (uintptr_t)thread, memory_order_release);
    return ticks;
}

void tn_emit_failure(struct tn_thread *thread, enum tn_function function, size_t size_bytes,
                     struct tn_origin origin)
{
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_FAILURE_WORDS, false);
    if (event == NULL) {
        tn_emit_give_up(thread);
        return;
    }
    tn_event_put_failure(event, function, origin.stack_id, size_bytes, origin.depth_bytes);
    tn_emit_end(thread, TN_EVENT_FAILURE_WORDS);
}

void tn_emit_wide(struct tn_thread *thread, uint64_t head, void *address, size_t size_bytes,
                  size_t usable_bytes, size_t alignment_bytes, struct tn_origin origin)
{
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_WIDE_WORDS, tn_event_kind_of(head) == TN_EVENT_BIRTH);
    if (event == NULL) {
        tn_emit_give_up(thread);
        return;
    }
    const struct tn_event_block block = {
        .address = (uintptr_t)address,
        .size_bytes = size_bytes,
        .usable_size_bytes = usable_bytes,
        .alignment_bytes = alignment_bytes,
        .depth_bytes = origin.depth_bytes,
    };
    tn_event_put_wide(event, head | tn_event_head(0, 0, TN_FUNCTION_NONE, 0, origin.stack_id), &block);
    tn_emit_end(thread, TN_EVENT_WIDE_WORDS);
}

void tn_emit_birth_at(struct tn_thread *thread, enum tn_function function, void *address, size_t size_bytes,
                      size_t alignment_bytes, struct tn_origin origin)
{
    if (TN_UNLIKELY(address == NULL))
        tn_emit_failure(thread, function, size_bytes, origin);
    else
        tn_emit_block(thread, tn_event_head(TN_EVENT_BIRTH, 0, function, 0, 0), address, size_bytes,
                      alignment_bytes, origin);
}

void tn_emit_birth(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                   void *address, size_t size_bytes, size_t alignment_bytes)
{
    tn_emit_birth_at(thread, function, address, size_bytes, alignment_bytes, tn_capture(thread, caller));
}

void tn_emit_death(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                   void *address)
{
    tn_emit_release(thread, TN_EVENT_DEATH, function, address, tn_release_origin(thread, caller));
}

struct tn_origin tn_emit_realloc_begin(struct tn_thread *thread, const struct tn_caller *caller,
                                       enum tn_function function, void *address)
{
    struct tn_origin origin = tn_capture(thread, caller);
    struct tn_origin reported = origin;
    if (!tn_shim_process.options.has_free_stacks)
        reported.stack_id = 0;
    tn_emit_release(thread, TN_EVENT_REALLOC_BEGIN, function, address, reported);
    return origin;
}

void tn_emit_realloc_end(struct tn_thread *thread, enum tn_function function, struct tn_origin origin,
                         size_t size_bytes, uint32_t flags)
{
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_BIRTH_WORDS, false);
    if (event == NULL)
        return;
    uint64_t head = tn_event_head(TN_EVENT_REALLOC_COMMIT, 0, function, flags, origin.stack_id);
    tn_event_put_narrow(event, head, 0, size_bytes & UINT32_MAX, 0, origin.depth_bytes);
    tn_emit_end(thread, TN_EVENT_BIRTH_WORDS);
}

void tn_emit_realloc_commit(struct tn_thread *thread, enum tn_function function, struct tn_origin origin,
                            void *address, size_t size_bytes, bool is_released)
{
    if (TN_UNLIKELY(address != NULL && tn_emit_is_paused(thread))) {
        tn_ring_count(&thread->ring->unrecorded_births);
        tn_emit_realloc_end(thread, function, origin, size_bytes, TN_EVENT_FLAG_RELEASED);
        return;
    }
    if (address != NULL) {
        tn_emit_block(thread, tn_event_head(TN_EVENT_REALLOC_COMMIT, 0, function, 0, 0), address, size_bytes,
                      0, origin);
        return;
    }
    tn_emit_realloc_end(thread, function, origin, size_bytes,
                        is_released ? TN_EVENT_FLAG_RELEASED : TN_EVENT_FLAG_FAILED);
    if (!is_released)
        tn_emit_failure(thread, function, size_bytes, origin);
}

void tn_emit_loss(struct tn_thread *thread, uint32_t count, uint32_t why)
{
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_LOSS_WORDS, false);
    if (event == NULL)
        return;
    tn_event_put_loss(event, count, why);
    tn_emit_end(thread, TN_EVENT_LOSS_WORDS);
}

void tn_emit_thread_begin(struct tn_thread *thread, uint32_t tid)
{
    struct tn_event_thread begun = {
        .tid = tid,
        .stack_high = thread->stack_base,
        .stack_size_bytes = thread->stack_base - thread->stack_low,
    };
    /* Else it has no name in the log. */
    if (!tn_is_filtered)
        tn_sys2(SYS_prctl, PR_GET_NAME, (long)begun.name);
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_THREAD_WORDS, false);
    if (event == NULL)
        return;
    tn_event_put_thread(event, &begun);
    tn_emit_end(thread, TN_EVENT_THREAD_WORDS);
}

void tn_emit_thread_end(struct tn_thread *thread)
{
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_BARE_WORDS, false);
    if (event == NULL)
        return;
    tn_event_put_bare(event, TN_EVENT_THREAD_END);
    tn_emit_end(thread, TN_EVENT_BARE_WORDS);
}
