/* SPDX-License-Identifier: MIT */

/* x86-64's part of the processor contract that is no inline function: the clock's properties, signal frames,
 * and the switch to another stack, in assembly. See arch.h; called by shim_session.c, walk.c and unwinder.c.
 */

#include "arch.h"

#include <cpuid.h>

/* Offsets in ucontext_t, at which the stack pointer stands in the trampoline: uc_mcontext at 40, and there
 * rbp, rsp and rip are the tenth, fifteenth and sixteenth of the general registers (sys/ucontext.h). */
const uint32_t tn_arch_signal_fp_offset = 40 + 10 * 8;
const uint32_t tn_arch_signal_link_offset = 0;
const uint32_t tn_arch_signal_sp_offset = 40 + 15 * 8;
const uint32_t tn_arch_signal_pc_offset = 40 + 16 * 8;

bool tn_arch_ticks_are_constant(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0)
        return false;
    return (d & 1u << 8) != 0; /* invariant TSC: Intel SDM 3, 17.17.1; AMD APM 2, 13.2.4 */
}

bool tn_arch_is_linkage(uintptr_t pc)
{
    (void)pc;
    return false; /* linkage tables have unwind information */
}

bool tn_arch_is_signal_return(uintptr_t pc)
{
    static const uint8_t code[TN_ARCH_SIGNAL_CODE_BYTES] = {
        0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}; /* mov $15,%rax; syscall */
    for (unsigned i = 0; i < sizeof(code); i++)
        if (((const uint8_t *)pc)[i] != code[i])
            return false;
    return true;
}

__asm__(
    ".text\n"
    ".globl tn_arch_call_on_stack\n"
    ".hidden tn_arch_call_on_stack\n"
    ".type tn_arch_call_on_stack, @function\n"
    "tn_arch_call_on_stack:\n"
    "    .cfi_startproc\n"
    "    endbr64\n"
    "    push %rbp\n"
    "    .cfi_def_cfa_offset 16\n"
    "    .cfi_offset %rbp, -16\n"
    "    mov %rsp, %rbp\n"
    "    .cfi_def_cfa_register %rbp\n"
    "    mov %rdi, %rax\n"
    "    mov %rsi, %rdi\n"
    "    mov %rdx, %rsp\n"
    "    call *%rax\n"
    "    mov %rbp, %rsp\n"
    "    pop %rbp\n"
    "    .cfi_def_cfa %rsp, 8\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size tn_arch_call_on_stack, . - tn_arch_call_on_stack\n");
