/* SPDX-License-Identifier: MIT */

/* Calls of the program while recording is paused. Invariant: a block whose birth is in the log dies in the
 * log, paused or not. Called by the entry points (interpose.c, interpose_new.c). */

#include "paused.h"

#include "emit.h"

#include "banned.h"

void *tn_paused_birth(enum tn_way way, struct tn_thread *thread, void *address)
{
    if (way == TN_WAY_PAUSED && address != NULL)
        tn_ring_count(&thread->ring->unrecorded_births);
    return address;
}

void tn_paused_death(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                     void *address)
{
    /* A block from another thread that records again has come with what that thread has seen of pause. */
    if (tn_pause_now() == TN_PAUSE_ALL) {
        tn_ring_count(&thread->ring->unrecorded_frees);
        return;
    }
    tn_enter_paused(thread, caller);
    tn_emit_release(thread, TN_EVENT_DEATH, function, address,
                    (struct tn_origin){0, tn_depth_of(thread, caller)});
    tn_leave(thread);
}

bool tn_paused_realloc_begin(struct tn_thread *thread, const struct tn_caller *caller,
                             enum tn_function function, void *address)
{
    if (tn_pause_now() == TN_PAUSE_ALL)
        return false;
    tn_enter_paused(thread, caller);
    tn_emit_release(thread, TN_EVENT_REALLOC_BEGIN, function, address,
                    (struct tn_origin){0, tn_depth_of(thread, caller)});
    return true;
}

void tn_paused_realloc_commit(struct tn_thread *thread, bool is_told, enum tn_function function,
                              void *address, bool is_released)
{
    bool is_gone = address != NULL || is_released;
    tn_paused_birth(TN_WAY_PAUSED, thread, address);
    if (is_told) {
        tn_emit_realloc_end(thread, function, (struct tn_origin){0, 0}, 0,
                            is_gone ? TN_EVENT_FLAG_RELEASED : TN_EVENT_FLAG_FAILED);
        tn_leave(thread);
    } else if (is_gone) {
        tn_ring_count(&thread->ring->unrecorded_frees);
    }
}
