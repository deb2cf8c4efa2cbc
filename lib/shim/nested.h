/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_NESTED_H
#define TENURE_SHIM_NESTED_H

/* Calls of signal handlers that have interrupted the shim. What the shim was doing may be half done: the
 * event in the ring, the remembered stacks, the samples. So the handlers of a thread record through a second
 * struct tn_thread, with a ring of its own, as if they were another thread; the recorder orders the events of
 * both by their stamps, and gives both the same row (ring.h, TN_RING_TID_NESTED). A handler that interrupts
 * such a call in turn gets a third one, and so on; beyond the fourth, calls are lost, and counted. */

#include "shim_thread.h"

/* What a call is that comes while the thread is inside the shim. */
enum tn_nested {
    TN_NESTED_HANDLER, /* of a handler: to be recorded through thread->nested */
    TN_NESTED_INNER, /* of the real allocator's, whose calloc calls malloc, say: no event of the program's */
    TN_NESTED_LOST,  /* of a handler, or it is not known; it can only be counted */
};

/* Find out what a call is, by a walk from it to the call that the thread is inside, and make thread->nested
 * ready.
 *
 * thread   the calling one; it is inside the shim
 * caller   of the entry point
 * Returns  TN_NESTED_LOST: the walk came to no end; too many handlers have interrupted one another; the
 * process is
 *          not recorded yet, or the thread has ended; system calls are filtered; or there is no memory
 * Cost     a walk; the first time, memory is mapped */
enum tn_nested tn_nested_look(struct tn_thread *thread, const struct tn_caller *caller);

/* What a thread's nested one has in common with it, when that one gets a slot. The search for addresses is
 * not: it may have been interrupted. */
void tn_nested_share(struct tn_thread *nested);

/* Give back what tn_nested_look has made. At the thread's end. */
void tn_nested_close(struct tn_thread *thread);

/* Forget its slot, in the child of a fork. */
void tn_nested_drop_slot(struct tn_thread *thread);

#endif
