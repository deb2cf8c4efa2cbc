/* SPDX-License-Identifier: MIT */

/* The hooks that programs built with -finstrument-functions call at the beginning and the end of each
 * function. Of all this the log needs which of the frames that the thread's last event has shown have ended:
 * when a function is left, its frame and those deeper; when one is entered, whatever was active at its depth
 * or deeper, since it may have been left by a jump. Most hooks find that nothing has been allocated since the
 * last LEAVE, and write nothing. Hooks that the program brings itself are called, too. */

#include "emit.h"
#include "enter.h"
#include "real.h"
#include "stack_region.h"
#include "walk.h"

#include "banned.h"

/* A depth that ends every frame: used where the hook's own frame cannot be found. */
#define EVERYTHING_BYTES 1u

TN_EXPORT void __cyg_profile_func_enter(void *function, void *call_site);
TN_EXPORT void __cyg_profile_func_exit(void *function, void *call_site);

/* depth_bytes of the function that called the hook. */
static uint32_t depth_of_function(struct tn_thread *thread, const struct tn_caller *hook)
{
    struct tn_walk walk = {.at = *hook, .high = thread->stack_high};
    struct tn_trail_frame frame;
    if (hook->cfa - thread->stack_low >= thread->stack_high - thread->stack_low)
        walk.high = tn_region_high(thread, hook->cfa);
    enum tn_walk_step step = walk.high != 0 ? tn_step_any(&walk, thread, &frame) : TN_WALK_CUT;
    if (walk.is_own)
        tn_own_end(thread);
    uint32_t depth_bytes = step == TN_WALK_ON ? tn_depth_of(thread, &walk.at) : 0;
    return depth_bytes != 0 ? depth_bytes : EVERYTHING_BYTES;
}

static void emit_leave(struct tn_thread *thread, const struct tn_caller *hook)
{
    uint32_t depth_bytes = depth_of_function(thread, hook);
    uint64_t head_words = atomic_load_explicit(&thread->ring->head_words, memory_order_relaxed);
    if (head_words == thread->left_head_words && depth_bytes >= thread->left_depth_bytes)
        return;
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_LEAVE_WORDS, false);
    if (event == NULL)
        return;
    tn_event_put_leave(event, depth_bytes);
    tn_emit_end(thread, TN_EVENT_LEAVE_WORDS);
    thread->left_head_words = atomic_load_explicit(&thread->ring->head_words, memory_order_relaxed);
    thread->left_depth_bytes = depth_bytes;
}

/* A thread without an event has shown no frame that could have ended. */
static inline void hook(const struct tn_caller *caller)
{
    struct tn_thread *thread = &tn_thread;
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    if (generation == 0 || thread->generation != generation || thread->inside_cfa != 0)
        return;
    if (tn_enter(thread, caller) != TN_WAY_RECORD)
        return;
    emit_leave(thread, caller);
    tn_leave(thread);
}

TN_EXPORT void __cyg_profile_func_enter(void *function, void *call_site)
{
    const struct tn_caller caller = TN_CALLER();
    hook(&caller);
    if (TN_UNLIKELY(tn_real.function_enter != NULL))
        tn_real.function_enter(function, call_site);
}

TN_EXPORT void __cyg_profile_func_exit(void *function, void *call_site)
{
    const struct tn_caller caller = TN_CALLER();
    hook(&caller);
    if (TN_UNLIKELY(tn_real.function_exit != NULL))
        tn_real.function_exit(function, call_site);
}
