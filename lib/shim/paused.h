/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_PAUSED_H
#define TENURE_SHIM_PAUSED_H

/* What becomes of the program's calls while recording is paused (ring.h, pauses). Births are counted;
 * releases are written without a call stack, or only counted while no block of the process is in the log. All
 * functions: the calling thread's tn_thread, after tn_enter has returned TN_WAY_PAUSED, unless said
 * otherwise. */

#include "enter.h"
#include "shim_thread.h"

#include "tenure/event.h"

#include <stdbool.h>

/* Count a birth. way: what tn_enter returned; nothing is done but for TN_WAY_PAUSED, nor if address is NULL.
 * Returns address. */
void *tn_paused_birth(enum tn_way way, struct tn_thread *thread, void *address);

/* Write or count a release; before the real call. address: not NULL. */
void tn_paused_death(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                     void *address);

/* Write the release by realloc, before the real call. address: not NULL.
 *
 * Returns  whether it was written; then the thread is between tn_enter and tn_leave, and
 * tn_paused_realloc_commit
 *          ends that */
bool tn_paused_realloc_begin(struct tn_thread *thread, const struct tn_caller *caller,
                             enum tn_function function, void *address);

/* Write or count how the realloc ended.
 *
 * is_told      what tn_paused_realloc_begin returned
 * address      what the real call returned
 * is_released  it returned NULL because it released the block */
void tn_paused_realloc_commit(struct tn_thread *thread, bool is_told, enum tn_function function,
                              void *address, bool is_released);

#endif
