/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_LEARN_H
#define TENURE_SHIM_LEARN_H

/* How the unwind rule of a return address is found out, the first time that a walk meets it. */

#include <stdint.h>

struct tn_thread;

/* Find out the rule of a return address, and put it into tn_shim_process.rules.
 *
 * Returns  the rule; never TN_RULE_UNKNOWN
 * Threads  any; takes the control lock, and the unwinder's
 * Cost     a few hundred instructions; 25,000 where libunwind has to be asked */
uint64_t tn_learn_rule(struct tn_thread *thread, uintptr_t pc);

#endif
