/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ARCH_H
#define TENURE_SHIM_ARCH_H

/* What differs between processor architectures. One more of them is one more pair of files with these names:
 *
 *   TN_CALLER()             struct tn_caller of the function it stands in (compiled with a frame pointer)
 *   tn_arch_syscall         a raw system call, negative errno on failure
 *   tn_arch_ticks           the processor's own clock
 *   TN_ARCH_RETURN_OFFSET   where a return address lies, relative to its frame's CFA
 *   TN_ARCH_UNWINDER        the soname of libunwind's generic form
 *   TN_ARCH_UNWIND_SYMBOL   makes the name of a symbol in it
 *   TN_ARCH_REG_x           libunwind's numbers of the three registers that a walk follows
 *
 * and the functions below. */

#include <stdbool.h>
#include <stdint.h>

/* The registers that a walk follows, and all that a frame's caller is found from by a simple rule. */
struct tn_caller {
    uintptr_t pc;  /* return address: one past the call */
    uintptr_t cfa; /* stack pointer before the call */
    uintptr_t fp;  /* frame pointer of the calling function */
};

#if defined(__x86_64__)
#include "arch_x86_64.h"
#else
#error "tenure does not know this processor architecture yet"
#endif

/* Whether tn_arch_ticks counts at a constant rate on every processor, sleeping or not. */
bool tn_arch_ticks_are_constant(void);

/* Whether the code at pc is the trampoline that a signal handler returns to. pc: readable for 16 bytes. */
bool tn_arch_is_signal_return(uintptr_t pc);

/* Where in a signal frame the interrupted registers lie, as offsets from the stack pointer at the trampoline.
 */
extern const uint32_t tn_arch_signal_pc_offset;
extern const uint32_t tn_arch_signal_sp_offset;
extern const uint32_t tn_arch_signal_fp_offset;

/* Call run(context) on another stack and come back.
 *
 * stack_high  one past the stack's highest byte, 16-byte aligned */
void tn_arch_call_on_stack(void (*run)(void *context), void *context, void *stack_high);

#endif
