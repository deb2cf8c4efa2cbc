/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_UNWINDER_H
#define TENURE_SHIM_UNWINDER_H

/* Unwind rules of return addresses, from the unwind tables or from libunwind; and libunwind itself for the
 * frames that no rule describes. */

#include "arch.h"

#include <stdbool.h>
#include <stdint.h>

struct tn_thread;

/* Load libunwind. Between tn_own_begin and tn_own_end, once a process. Returns false when the library, a
 * symbol or memory is missing: then nothing else here may be called. */
bool tn_unwinder_open(void);

/* Find out the rule of a return address, and put it into tn_shim_process.rules.
 *
 * Returns  the rule; TN_RULE_UNKNOWN when it cannot be had now
 * Threads  any; takes the unwinder's and the control lock
 * Cost     a few hundred instructions; 25,000 where libunwind has to be asked */
uint64_t tn_unwinder_learn_rule(struct tn_thread *thread, uintptr_t pc);

/* Have libunwind step out of one frame.
 *
 * frame    in: the frame; out: its caller, unchanged when there is none
 * high     one past the highest address that may be loaded
 * Returns  whether there is a caller
 * Threads  any; takes the unwinder's lock
 * Cost     10 to 30 microseconds */
bool tn_unwinder_step(struct tn_thread *thread, struct tn_caller *frame, uintptr_t high);

/* Take and drop the unwinder's lock around a fork, so that it is idle while the process is copied. */
void tn_unwinder_hold(void);
void tn_unwinder_release(void);

/* In a child of a fork that called no handlers: if the unwinder was at work when the process was copied, do
 * without it from now on. */
void tn_unwinder_recover(void);

#endif
