/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ARCH_H
#define TENURE_SHIM_ARCH_H

/* The processor contract: all that the shim knows of the processor. A port of the shim is one more pair of
 * files like arch_x86_64.h and .c, and one more line below. Stacks grow downward, words have 8 bytes, and
 * code and stack addresses of programs have at most 48 bits (event.h), on every processor.
 *
 * The header of a processor defines
 *
 *   TN_CALLER()                  struct tn_caller of the function it stands in, which has a frame pointer
 *   tn_arch_chain_caller         from a frame pointer alone: the caller's registers
 *   TN_ARCH_CHAIN_BYTES          bytes at the frame pointer that tn_arch_chain_caller loads
 *   tn_arch_return_slot          where a frame's return address was saved
 *   tn_arch_return_address       the address in the word that was saved there
 *   tn_arch_return_word          the word that must stay there, for the frame to be the same
 *   TN_ARCH_FRAME_BYTES_MIN      least distance from a frame's stack pointer at a call to its own CFA
 *   TN_ARCH_CODE_ADDRESS_BITS    code addresses that rule_table.h keeps in one word with their rule
 *   TN_ARCH_CODE_ALIGN_BITS      low bits that are 0 in every return address
 *   TN_ARCH_FRAME_UNIT_BYTES     most frames are multiples of this
 *   TN_ARCH_RECORD_IS_LOW        frames mostly save the frame pointer near their low end, not below their CFA
 *   TN_ARCH_CFI_FP, _SP, _RETURN DWARF's numbers of frame pointer, stack pointer and return address column
 *   TN_ARCH_SIGNS_RETURN         unwind tables may say that return addresses are signed
 *   TN_ARCH_HAS_LINK             calls leave the return address in a register, TN_ARCH_UNWIND_RETURN
 *   tn_arch_syscall              a raw system call, negative errno on failure
 *   TN_ARCH_CLOCK                enum tn_clock of the processor's own clock
 *   tn_arch_ticks                reads it
 *   tn_arch_settle               waits until earlier instructions have ended
 *   TN_ARCH_UNWINDER             the soname of libunwind's generic form
 *   TN_ARCH_UNWIND_SYMBOL        makes the name of a symbol in it
 *   TN_ARCH_UNWIND_FP, _SP, _PC  libunwind's numbers of the registers that a walk follows, ..
 *   TN_ARCH_UNWIND_RETURN        .. and of the one that has the caller's address after a step
 *   TN_ARCH_PAGE_BYTES_MAX       the largest page that a kernel for it may have
 *   TN_ARCH_SIGNAL_CODE_BYTES    length of the code that tn_arch_is_signal_return looks at
 *
 * and its .c file the functions that are declared here. Outside the shim the processor matters in
 * lib/record/clock.c, which reads the same clock, and in lib/code/decode.c, which finds jumps in machine
 * code. */

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
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
#include "arch_aarch64.h"
#else
#error "the shim does not know this processor architecture yet"
#endif

/* Whether tn_arch_ticks counts at a constant rate on every processor, sleeping or not. */
bool tn_arch_ticks_are_constant(void);

/* Whether the code at pc is the trampoline that a signal handler returns to.
 *
 * pc  readable for TN_ARCH_SIGNAL_CODE_BYTES */
bool tn_arch_is_signal_return(uintptr_t pc);

/* Whether code without unwind information, interrupted at pc, is an entry of a procedure linkage table, which
 * has changed neither stack pointer nor return address register. Needs TN_ARCH_HAS_LINK, else false.
 *
 * pc  readable, as is its page */
bool tn_arch_is_linkage(uintptr_t pc);

/* Where in a signal frame the interrupted registers lie: bytes above the stack pointer at the trampoline. */
extern const uint32_t tn_arch_signal_pc_offset;
extern const uint32_t tn_arch_signal_sp_offset;
extern const uint32_t tn_arch_signal_fp_offset;
extern const uint32_t tn_arch_signal_link_offset; /* of the return address; 0 without TN_ARCH_HAS_LINK */

/* Call run(context) on another stack and come back.
 *
 * stack_high  one past the stack's highest byte, 16-byte aligned */
void tn_arch_call_on_stack(void (*run)(void *context), void *context, void *stack_high);

#endif
