/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_VERIFY_STACK_H
#define TENURE_SHIM_VERIFY_STACK_H

/* With TENURE_CHECK_STACKS: is every new stack what libunwind says it is? For tests. */

#include "arch.h"

#include <stdbool.h>
#include <stdint.h>

struct tn_thread;

/* Compare the caller's stack, as it was announced, with libunwind's own backtrace; count a difference, and
 * print it if the option says so.
 *
 * frames   frame_count of them, as tn_frame_put wrote them
 * Threads  any; between tn_own_begin and tn_own_end, without a lock */
void tn_verify_stack(struct tn_thread *thread, const struct tn_caller *caller, const uint64_t *frames,
                     uint32_t frame_count, bool is_cut);

#endif
