/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ENTER_H
#define TENURE_SHIM_ENTER_H

/* The beginning and the end of each call of the program: whether it is to be recorded, and the thread's slot,
 * which it gets with its first event. */

#include "shim_thread.h"

#include "tenure/event.h"

#include <stdbool.h>
#include <stdint.h>

/* What is to be done with a call of the program. */
enum tn_way {
    TN_WAY_RECORD, /* record it, then tn_leave */
    TN_WAY_PASS,   /* only the real call */
    TN_WAY_PAUSED, /* recording is paused: the real call, and what pause.h says */
    TN_WAY_INNER,  /* the allocation of a C++ operator that is recorded itself: only the real call */
    TN_WAY_ARENA,  /* a foreign call on the shim's behalf: the arena */
    TN_WAY_NESTED, /* of a handler that has interrupted the shim: tn_enter once more, with thread->nested */
};

/* The slow path of tn_enter: first events, calls inside calls, operators, and whatever has to be reported. */
enum tn_way tn_enter_slow(struct tn_thread *thread, const struct tn_caller *caller);

/* Begin a call.
 *
 * thread   the calling one
 * caller   of the entry point
 * Returns  what is to be done with it
 * Cost     four loads and a store */
static inline enum tn_way tn_enter(struct tn_thread *thread, const struct tn_caller *caller)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    if (TN_UNLIKELY((thread->inside_cfa | thread->operator_depth) != 0 || thread->generation != generation))
        return tn_enter_slow(thread, caller);
    thread->inside_cfa = caller->cfa;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return TN_WAY_RECORD;
}

/* tn_enter, also for handlers that have interrupted the shim. thread: in: the calling one; out: what the call
 * is recorded through. Returns as tn_enter, but never TN_WAY_NESTED. */
static inline enum tn_way tn_enter_any(struct tn_thread **thread, const struct tn_caller *caller)
{
    enum tn_way way = tn_enter(*thread, caller);
    while (TN_UNLIKELY(way == TN_WAY_NESTED)) {
        *thread = (*thread)->nested;
        way = tn_enter(*thread, caller);
    }
    return way;
}

/* tn_enter for a release that is no operator's own, although one is its caller. Returns as tn_enter. */
enum tn_way tn_enter_release(struct tn_thread *thread, const struct tn_caller *caller);

/* Whether the operator that makes an inner call allocates. Such a one releases nothing of its own; one that
 * catches an exception may appear to, where the functions that release it end in jumps, one after the other.
 */
static inline bool tn_operator_allocates(const struct tn_thread *thread)
{
    return thread->operators[thread->operator_depth - 1].function < TN_FUNCTION_FREE;
}

/* Begin what is written also while recording is paused: a release, a mark. After tn_enter has returned
 * TN_WAY_PAUSED. */
static inline void tn_enter_paused(struct tn_thread *thread, const struct tn_caller *caller)
{
    thread->inside_cfa = caller->cfa;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* tn_enter_any for what is no allocation: whether it can be written, paused or not. Then tn_leave. */
static inline bool tn_enter_other(struct tn_thread **thread, const struct tn_caller *caller)
{
    enum tn_way way = tn_enter_any(thread, caller);
    if (way == TN_WAY_PAUSED)
        tn_enter_paused(*thread, caller);
    return way == TN_WAY_RECORD || way == TN_WAY_PAUSED;
}

/* End a call that tn_enter began with TN_WAY_RECORD, or tn_enter_paused. */
static inline void tn_leave(struct tn_thread *thread)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->inside_cfa = 0;
}

/* Ask libc to report the ends of threads. Between tn_own_begin and tn_own_end, once a process. */
void tn_thread_prepare(void);

/* Take a slot for this thread, and write its THREAD_BEGIN.
 *
 * Returns  whether there was one; if not, an event is counted as lost
 * Cost     a pass over the slots at worst; after one that found none, the next 255 events do not search */
bool tn_thread_claim(struct tn_thread *thread);

/* Count an event of a thread that has no ring. why: one TN_LOSS_*. Any thread. */
void tn_count_slotless(uint32_t why);

/* Write a FAILURE for each of these operators, which an exception has left. Between tn_enter and tn_leave. */
void tn_thread_fail_operators(struct tn_thread *thread, const struct tn_operator_call *calls, uint32_t count);

#endif
