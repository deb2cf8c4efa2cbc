/* SPDX-License-Identifier: MIT */

/* 64-bit Arm's part of the processor contract that is no inline function: the clock's properties, signal
 * frames, and the switch to another stack, in assembly. See arch.h; called by shim_session.c, walk.c and
 * unwinder.c. */

#include "arch.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

/* At the trampoline the stack pointer stands at a siginfo_t, behind which lies the ucontext_t
 * (arch/arm64/kernel/signal.c: struct rt_sigframe). */
#define FRAME_OFFSET(member) (uint32_t)(sizeof(siginfo_t) + offsetof(ucontext_t, uc_mcontext.member))

const uint32_t tn_arch_signal_fp_offset = FRAME_OFFSET(regs[29]);
const uint32_t tn_arch_signal_link_offset = FRAME_OFFSET(regs[30]);
const uint32_t tn_arch_signal_sp_offset = FRAME_OFFSET(sp);
const uint32_t tn_arch_signal_pc_offset = FRAME_OFFSET(pc);

bool tn_arch_ticks_are_constant(void)
{
    return true; /* Arm ARM, D12.1.1: the system counter has a fixed frequency, and does not stop */
}

/* Whether an instruction is one of a linkage table's entries: bti c; adrp x16, ..; ldr x17, [x16, ..];
 * add x16, x16, ..; br x17 (AAELF64, ld and lld). */
static bool is_linkage_code(uint32_t code)
{
    return code == 0xd503245f || (code & 0x9f00001f) == 0x90000010 || (code & 0xffc003ff) == 0xf9400211 ||
           (code & 0xff8003ff) == 0x91000210 || code == 0xd61f0220;
}

/* The first entry, which calls the loader, goes on alike, but begins with stp x16, x30, [sp, #-16]!. Where
 * the page begins in between, it is not looked for before. */
bool tn_arch_is_linkage(uintptr_t pc)
{
    const uintptr_t page_bytes = 4096;
    if (pc % sizeof(uint32_t) != 0 || !is_linkage_code(*(const uint32_t *)pc))
        return false;
    for (uintptr_t at = pc; is_linkage_code(*(const uint32_t *)at); at -= sizeof(uint32_t)) {
        bool is_first =
            *(const uint32_t *)at == 0xd503245f || (*(const uint32_t *)at & 0x9f00001f) == 0x90000010;
        if (at % page_bytes == 0)
            return is_first;
        if (*(const uint32_t *)(at - sizeof(uint32_t)) == 0xa9bf7bf0)
            return false;
    }
    return true;
}

bool tn_arch_is_signal_return(uintptr_t pc)
{
    const uint32_t *code = (const uint32_t *)pc;
    if (pc % sizeof(*code) != 0)
        return false;
    return code[0] == 0xd2801168 && code[1] == 0xd4000001; /* mov x8, #139; svc #0 */
}

__asm__(
    ".text\n"
    ".globl tn_arch_call_on_stack\n"
    ".hidden tn_arch_call_on_stack\n"
    ".type tn_arch_call_on_stack, %function\n"
    "tn_arch_call_on_stack:\n"
    "    .cfi_startproc\n"
    "    hint #34\n"
    "    stp x29, x30, [sp, #-16]!\n"
    "    .cfi_def_cfa_offset 16\n"
    "    .cfi_offset x29, -16\n"
    "    .cfi_offset x30, -8\n"
    "    mov x29, sp\n"
    "    .cfi_def_cfa_register x29\n"
    "    mov x9, x0\n"
    "    mov x0, x1\n"
    "    mov sp, x2\n"
    "    blr x9\n"
    "    mov sp, x29\n"
    "    ldp x29, x30, [sp], #16\n"
    "    .cfi_def_cfa sp, 0\n"
    "    .cfi_restore x29\n"
    "    .cfi_restore x30\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size tn_arch_call_on_stack, . - tn_arch_call_on_stack\n");
