/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_UNWINDER_H
#define TENURE_SHIM_UNWINDER_H

/* libunwind: rules of return addresses that the unwind tables do not state plainly, and steps out of frames
 * that no rule describes. A build without libunwind has no_unwinder.c, which never has an answer. */

#include "arch.h"

#include <stdbool.h>
#include <stdint.h>

/* Load libunwind. Between tn_own_begin and tn_own_end, once a process. Where the library, a symbol or memory
 * is missing, it has no answers: everything else here may be called all the same. */
void tn_unwinder_open(void);

/* The rule of a return address, as one step of libunwind shows it.
 *
 * Returns  false when libunwind is not there or cannot be asked (ret_rule unchanged)
 * Threads  any, between tn_own_begin and tn_own_end; takes the unwinder's lock
 * Cost     25,000 instructions */
bool tn_unwinder_probe(uintptr_t pc, uint64_t *ret_rule);

/* Have libunwind step out of one frame.
 *
 * frame    in: the frame; out, with 1: its caller
 * link     what the return address register held in the frame; 0: not known
 * high     one past the highest address that may be loaded
 * Returns  1; 0: there is no caller; -EAGAIN: libunwind is not there or cannot be asked
 * Threads  any, between tn_own_begin and tn_own_end; takes the unwinder's lock
 * Cost     10 to 30 microseconds */
int tn_unwinder_step(struct tn_caller *frame, uintptr_t link, uintptr_t high);

/* Take and drop the unwinder's lock around a fork, so that it is idle while the process is copied. */
void tn_unwinder_hold(void);
void tn_unwinder_release(void);

/* In a child of a fork that called no handlers: if the unwinder was at work when the process was copied, do
 * without it from now on. */
void tn_unwinder_recover(void);

#endif
