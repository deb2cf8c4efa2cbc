/* SPDX-License-Identifier: MIT */

/* The slow half of tn_enter: gives a thread its slot at its first event and takes notice of its end, reports
 * what was lost meanwhile, and decides what a call inside a call means. Called by the entry points through
 * tn_enter, and by start.c. */

#include "enter.h"

#include "emit.h"
#include "nested.h"
#include "samples.h"
#include "slots.h"
#include "stack_region.h"
#include "sys.h"
#include "thread_id.h"

#include <pthread.h>
#include <signal.h>

#include "banned.h"

static pthread_key_t key;
static bool has_key;

/* Stack ids belong to one shared memory: forget those of the parent's. */
static void forget_stack_ids(struct tn_thread *thread)
{
    tn_trail_forget(thread->trail);
    for (uint32_t i = 0; i < thread->operator_depth; i++)
        thread->operators[i].origin.stack_id = 0;
}

static void take_over(struct tn_thread *thread, struct tn_ring *ring, uint32_t tid)
{
    thread->ring = ring;
    thread->words = (uint64_t *)(uintptr_t)ring->words_address;
    ring->seen_tail_words = atomic_load_explicit(&ring->tail_words, memory_order_acquire);
    thread->index_mask = tn_hot.sizes.ring_words - 1;
    atomic_store_explicit(&ring->limit_words, 0, memory_order_relaxed);
    thread->span_low = 0;
    thread->span_bytes = tn_shim_process.options.links != TN_LINKS_NO ? 0 : UINTPTR_MAX;
    thread->left_head_words = UINT64_MAX;
    thread->last_ticks = tn_ticks();
    tn_samples_begin(thread);
    if (thread->outer != NULL)
        tn_nested_share(thread);
    thread->nested_count = 0;
    thread->stalled_count = 0;
    forget_stack_ids(thread);
    thread->slot_generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    thread->generation = thread->slot_generation;
    if (thread->outer == NULL)
        tn_region_find_own(thread, tid);
    if (has_key && thread->outer == NULL)
        pthread_setspecific(key, thread);
    tn_emit_thread_begin(thread, tid);
}

/* After a search that has found no free slot, how many events pass before the next search. */
#define SEARCH_PAUSE_EVENTS 256u

/* With signals blocked: a handler may claim a slot, too, and would wait for the lock that this one holds. */
static bool claim(struct tn_thread *thread, uint32_t *ret_why)
{
    /* A vfork child claims for its parent's thread, whose memory it shares and whose events its own are. */
    const struct tn_thread *own = tn_thread_outermost(thread);
    uint32_t tid = own->kernel_tid != 0 ? own->kernel_tid : tn_thread_id();
    tn_own_begin(thread);
    struct tn_ring *ring = tn_slot_claim(tid | (thread != own ? TN_RING_TID_NESTED : 0), ret_why);
    if (ring != NULL)
        take_over(thread, ring, tid);
    tn_own_end(thread);
    return ring != NULL;
}

bool tn_thread_claim(struct tn_thread *thread)
{
    uint32_t why = thread->slotless_why;
    if (thread->slotless_count % SEARCH_PAUSE_EVENTS == 0 && claim(thread, &why)) {
        thread->slotless_count = 0;
        return true;
    }
    thread->slotless_count++;
    thread->slotless_why = why;
    tn_count_slotless(why);
    return false;
}

/* Write that the thread ends. The recorder knows the row of a ring of nested calls as its owner's. */
static void end_slot(struct tn_thread *thread)
{
    if (thread->outer == NULL)
        tn_emit_thread_end(thread);
    atomic_store_explicit(&thread->ring->state, TN_SLOT_ENDED, memory_order_release);
    tn_trail_close(thread->trail, tn_shim_process.options.depth_max);
    thread->trail = NULL;
}

/* libc calls this when a thread ends. Later events of the thread still go to its ring; the recorder frees the
 * slot once the thread is gone. */
static void thread_ended(void *context)
{
    struct tn_thread *thread = context;
    if (thread->slot_generation != atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) ||
        thread->inside_cfa != 0 || thread->is_strict)
        return;
    tn_own_begin(thread);
    for (struct tn_thread *nested = thread->nested; nested != NULL; nested = nested->nested)
        if (nested->slot_generation == thread->slot_generation)
            end_slot(nested);
    tn_nested_close(thread);
    end_slot(thread);
    thread->is_ended = true;
    tn_own_end(thread);
}

void tn_thread_prepare(void)
{
    has_key = pthread_key_create(&key, thread_ended) == 0;
}

/* Where nobody will tell of it by a LOSS. */
void tn_count_slotless(uint32_t why)
{
    struct tn_shared_header *header = tn_hot.header;
    if (header != NULL)
        atomic_fetch_add_explicit(&header->lost_counts[TN_LOSS_BIT(why)], 1, memory_order_relaxed);
}

static void note_nested(struct tn_thread *thread)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    if (generation == 0 || thread->slot_generation != generation) {
        tn_count_slotless(TN_LOSS_NESTED);
        return;
    }
    atomic_fetch_add_explicit(&thread->ring->lost_count, 1, memory_order_relaxed);
    thread->nested_count++;
    thread->generation = TN_GENERATION_NONE; /* the next call outside takes the slow path, which reports it */
}

/* A handler may leave even this by a jump: then it is told again. */
static void tell_nested(struct tn_thread *thread)
{
    uint32_t count = thread->nested_count;
    tn_emit_loss(thread, count, TN_LOSS_NESTED);
    thread->nested_count -= count;
}

/* Make the thread able to record, and report what was lost meanwhile. */
static bool prepare(struct tn_thread *thread)
{
    if (!tn_start(thread))
        return false;
    thread->generation = tn_pause_now() == TN_PAUSE_NO ? thread->slot_generation : TN_GENERATION_NONE;
    if (thread->nested_count == 0)
        return true;
    tell_nested(thread);
    return true;
}

/* Whether both addresses lie in the thread's own stack, where the higher one is the older frame. */
static bool is_in_order(const struct tn_thread *thread, uintptr_t younger, uintptr_t older)
{
    uintptr_t size_bytes = thread->stack_high - thread->stack_low;
    return older >= younger && older - thread->stack_low < size_bytes &&
           younger - thread->stack_low < size_bytes;
}

static bool is_within(uintptr_t cfa, const stack_t *stack)
{
    return cfa - 1 - (uintptr_t)stack->ss_sp < stack->ss_size;
}

/* Whether a frame that the thread was in has been left by a jump, now that there is a call further out. A
 * handler's alternative stack may lie within the thread's own, above all frames: in thread-local memory, or
 * in an array of its first function. A call there has left nothing behind that is not there itself; one
 * elsewhere has left what is there. Cost: a system call, so it is asked late. */
static bool is_left(const struct tn_thread *thread, uintptr_t frame_cfa, uintptr_t caller_cfa)
{
    stack_t other = {.ss_flags = SS_DISABLE};
    bool is_known = !tn_is_filtered && tn_sys2(SYS_sigaltstack, 0, (long)&other) == 0;
    if (!is_known || (other.ss_flags & SS_DISABLE) != 0)
        return is_in_order(thread, frame_cfa, caller_cfa);
    bool is_frame_there = is_within(frame_cfa, &other);
    if (is_frame_there != is_within(caller_cfa, &other))
        return is_frame_there;
    return is_frame_there ? caller_cfa >= frame_cfa : is_in_order(thread, frame_cfa, caller_cfa);
}

void tn_thread_fail_operators(struct tn_thread *thread, const struct tn_operator_call *calls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (calls[i].function < TN_FUNCTION_FREE)
            tn_emit_failure(thread, calls[i].function, calls[i].size_bytes, calls[i].origin);
}

/* Remove operators that an exception has left: this call lies at or above their frames, on the same stack. */
static void drop_left_operators(struct tn_thread *thread, const struct tn_caller *caller)
{
    uint32_t depth = thread->operator_depth;
    uint32_t left = depth;
    while (left > 0 && is_in_order(thread, thread->operators[left - 1].cfa, caller->cfa) &&
           is_left(thread, thread->operators[left - 1].cfa, caller->cfa))
        left--;
    thread->operator_depth = left;
    tn_thread_fail_operators(thread, thread->operators + left, depth - left);
}

static bool is_inner(const struct tn_thread *thread, const struct tn_caller *caller)
{
    uint32_t depth = thread->operator_depth;
    return depth > 0 && thread->operators[depth - 1].cfa > caller->cfa && tn_operator_holds(caller->pc);
}

/* Whether the process and the thread can record; everything that happened before has been written then. */
static bool is_ready(struct tn_thread *thread, const struct tn_caller *caller)
{
    if (thread->generation != atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) &&
        !prepare(thread))
        return false;
    if (thread->operator_depth > 0)
        drop_left_operators(thread, caller);
    return true;
}

/* tn_enter_slow, for calls that are no inner call of an operator. */
static __attribute__((noinline)) enum tn_way enter_anew(struct tn_thread *thread,
                                                        const struct tn_caller *caller)
{
    if (thread->inside_cfa != 0) {
        /* Either this is a signal handler that has interrupted the shim; or one has left the shim by longjmp,
         * and the event that was being written was never published. */
        bool is_over = is_left(thread, thread->inside_cfa, caller->cfa);
        enum tn_nested what = is_over ? TN_NESTED_LOST : tn_nested_look(thread, caller);
        if (what == TN_NESTED_HANDLER)
            return TN_WAY_NESTED;
        if (what == TN_NESTED_LOST)
            note_nested(thread);
        if (!is_over)
            return TN_WAY_PASS;
        if (thread->ring != NULL)
            atomic_store_explicit(&thread->ring->mark_ticks, 0, memory_order_release);
        tn_trail_forget(thread->trail);
        if (is_inner(thread, caller))
            return TN_WAY_INNER;
    }
    thread->inside_cfa = caller->cfa;
    bool can_write = is_ready(thread, caller);
    if (TN_LIKELY(can_write && thread->generation != TN_GENERATION_NONE))
        return TN_WAY_RECORD;
    thread->inside_cfa = 0;
    return can_write ? TN_WAY_PAUSED : TN_WAY_PASS;
}

static __attribute__((noinline)) enum tn_way count_strict(struct tn_thread *thread)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    if (generation != 0 && thread->slot_generation == generation)
        atomic_fetch_add_explicit(&thread->ring->lost_count, 1, memory_order_relaxed);
    else
        tn_count_slotless(TN_LOSS_EARLY);
    return TN_WAY_PASS;
}

/* Whether all that there is to know of a call is that recording is paused. The thread has a slot, and has
 * seen the pause before. */
static inline bool is_plainly_paused(const struct tn_thread *thread)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    bool is_special = (thread->inside_cfa | thread->operator_depth | thread->own_depth |
                       thread->nested_count | thread->is_strict) != 0;
    return !is_special && generation != 0 && thread->slot_generation == generation &&
           tn_pause_now() != TN_PAUSE_NO;
}

enum tn_way tn_enter_release(struct tn_thread *thread, const struct tn_caller *caller)
{
    return enter_anew(thread, caller);
}

enum tn_way tn_enter_slow(struct tn_thread *thread, const struct tn_caller *caller)
{
    if (is_plainly_paused(thread))
        return TN_WAY_PAUSED;
    if (TN_UNLIKELY(thread->own_depth != 0))
        return TN_WAY_ARENA;
    if (TN_UNLIKELY(thread->is_strict))
        return count_strict(thread);
    if (TN_LIKELY(thread->inside_cfa == 0 && is_inner(thread, caller)))
        return TN_WAY_INNER;
    return enter_anew(thread, caller);
}
