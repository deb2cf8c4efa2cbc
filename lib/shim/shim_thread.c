/* SPDX-License-Identifier: MIT */

/* The state of each thread, and the calls that the shim makes on its own behalf. Invariant: after the
 * outermost of them errno and the signal mask are what they were. Called by whatever calls the loader, libc
 * or libunwind, or takes a lock. */

#include "shim_thread.h"

#include "sys.h"

#include <errno.h>

#include "banned.h"

__thread struct tn_thread tn_thread = {.generation = TN_GENERATION_NONE,
                                       .slot_generation = TN_GENERATION_NONE};

void tn_own_begin(struct tn_thread *thread)
{
    uint64_t mask = 0;
    int saved_errno = errno;
    /* What a foreign call allocates comes through the entry points, which know only this one. */
    thread = tn_thread_outermost(thread);
    if (thread->own_depth != 0) {
        thread->own_depth++;
        return;
    }
    thread->has_own_mask = !tn_is_filtered;
    if (thread->has_own_mask)
        tn_signals_block(&mask);
    thread->own_mask = mask;
    thread->own_errno = saved_errno;
    thread->own_depth = 1;
}

bool tn_own_keep(struct tn_thread *thread, void *address)
{
    if (thread->own_kept_count == TN_OWN_KEPT_MAX)
        return false;
    thread->own_kept[thread->own_kept_count++] = address;
    return true;
}

void tn_own_end(struct tn_thread *thread)
{
    struct tn_thread *writer = thread;
    thread = tn_thread_outermost(thread);
    if (--thread->own_depth != 0)
        return;
    if (TN_UNLIKELY(thread->own_kept_count != 0))
        tn_own_release_kept(thread, writer);
    uint64_t mask = thread->own_mask;
    errno = thread->own_errno;
    if (thread->has_own_mask)
        tn_signals_restore(&mask);
}
