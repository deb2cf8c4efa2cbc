/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_CAPTURE_H
#define TENURE_SHIM_CAPTURE_H

/* Take the call stack of an event. */

#include "samples.h"
#include "shim_thread.h"
#include "trail.h"

/* The same as tn_capture, for a stack that no memo knows. */
struct tn_origin tn_capture_slow(struct tn_thread *thread, const struct tn_caller *caller);

/* Take the caller's stack, and announce it to the recorder if it is new.
 *
 * Returns  its id and the caller's depth; id 0: it could not be taken
 * Threads  the calling one; between tn_enter and tn_leave
 * Cost     a dozen loads of a stack that is remembered; else some 20 cycles a new frame */
static inline struct tn_origin tn_capture(struct tn_thread *thread, const struct tn_caller *caller)
{
    struct tn_trail *trail = thread->trail;
    uint32_t epoch = atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_acquire);
    if (TN_UNLIKELY(trail == NULL || trail->epoch != epoch))
        return tn_capture_slow(thread, caller);
    struct tn_memo *memo = tn_trail_recall(trail, caller);
    if (TN_LIKELY(memo != NULL)) {
        if (TN_UNLIKELY((memo->young_for & thread->samples.wants) != 0))
            memo->young_for = tn_samples_see_young(thread, memo->origin.stack_id);
        return memo->origin;
    }
    return tn_capture_slow(thread, caller);
}

#endif
