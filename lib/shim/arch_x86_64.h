/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ARCH_X86_64_H
#define TENURE_SHIM_ARCH_X86_64_H

/* x86-64 as arch.h wants it; included by arch.h only. */

#include "arch.h"

#include <stdint.h>

/* A function with a frame pointer begins with push %rbp; mov %rsp, %rbp: at the frame pointer lies the
 * caller's, above it the return address, and above that the stack pointer was before the call. */
#define TN_ARCH_CHAIN_BYTES 16

static inline __attribute__((always_inline)) struct tn_caller tn_arch_chain_caller(uintptr_t fp)
{
    const uintptr_t *record = (const uintptr_t *)fp;
    return (struct tn_caller){.pc = record[1], .cfa = fp + TN_ARCH_CHAIN_BYTES, .fp = record[0]};
}

/* As tn_arch_chain_caller, but that the compiler knows the return address without a load. */
static inline __attribute__((always_inline)) struct tn_caller tn_arch_caller(void *pc, void *frame)
{
    struct tn_caller caller;
    caller.pc = (uintptr_t)pc;
    caller.cfa = (uintptr_t)frame + TN_ARCH_CHAIN_BYTES;
    caller.fp = *(const uintptr_t *)frame;
    return caller;
}

#define TN_CALLER() tn_arch_caller(__builtin_return_address(0), __builtin_frame_address(0))

/* The call itself pushes the return address.
 *
 * cfa      of the frame; with 0 the result is the distance from it
 * fp_slot  where the frame saved its caller's frame pointer. Where calls leave the return address in a
 *          register, frames save the two side by side, and one that saves neither has no plain rule: then it
 *          does not matter what is passed */
static inline __attribute__((always_inline)) uintptr_t tn_arch_return_slot(uintptr_t cfa, uintptr_t fp_slot)
{
    (void)fp_slot;
    return cfa - 8;
}

static inline __attribute__((always_inline)) uintptr_t tn_arch_return_address(uintptr_t word)
{
    return word;
}

static inline __attribute__((always_inline)) uintptr_t tn_arch_return_word(uintptr_t pc, uintptr_t fp_slot)
{
    (void)fp_slot;
    return pc;
}

#define TN_ARCH_FRAME_BYTES_MIN 8 /* the return address */

#define TN_ARCH_CODE_ADDRESS_BITS 47
#define TN_ARCH_CODE_ALIGN_BITS   0
#define TN_ARCH_FRAME_UNIT_BYTES  8u
#define TN_ARCH_RECORD_IS_LOW     false

#define TN_ARCH_CFI_FP       6
#define TN_ARCH_CFI_SP       7
#define TN_ARCH_CFI_RETURN   16
#define TN_ARCH_SIGNS_RETURN false
#define TN_ARCH_HAS_LINK     false

#define TN_ARCH_UNWINDER            "libunwind-x86_64.so.8"
#define TN_ARCH_UNWIND_SYMBOL(name) "_Ux86_64_" name
#define TN_ARCH_UNWIND_FP           6
#define TN_ARCH_UNWIND_SP           7
#define TN_ARCH_UNWIND_PC           16
#define TN_ARCH_UNWIND_RETURN       16

#define TN_ARCH_SIGNAL_CODE_BYTES 9

#define TN_ARCH_CLOCK TN_CLOCK_TSC

/* syscall(): its arguments lie where tn_syscall_watched wants them. 157 is prctl, 317 seccomp. */
#define TN_ARCH_WATCH_SYSCALL                                                                                \
    __asm__(                                                                                                 \
        ".text\n"                                                                                            \
        ".globl syscall\n"                                                                                   \
        ".type syscall, @function\n"                                                                         \
        "syscall:\n"                                                                                         \
        "    .cfi_startproc\n"                                                                               \
        "    endbr64\n"                                                                                      \
        "    cmp $157, %rdi\n"                                                                               \
        "    je 1f\n"                                                                                        \
        "    cmp $317, %rdi\n"                                                                               \
        "    je 1f\n"                                                                                        \
        "    mov tn_syscall_next(%rip), %r11\n"                                                              \
        "    test %r11, %r11\n"                                                                              \
        "    je 1f\n"                                                                                        \
        "    jmp *%r11\n"                                                                                    \
        "1:  jmp tn_syscall_watched\n"                                                                       \
        "    .cfi_endproc\n"                                                                                 \
        ".size syscall, . - syscall\n");

/* dlopen and dlmopen of libc are entered by a jump, since they look who has called them, for search paths and
 * namespaces. Before, where it has to be seen: tn_dlopen_see, with the same arguments. */
#define TN_ARCH_WATCH_DLOPEN                                                                                 \
    __asm__(                                                                                                 \
        ".text\n"                                                                                            \
        ".globl dlopen\n"                                                                                    \
        ".type dlopen, @function\n"                                                                          \
        "dlopen:\n"                                                                                          \
        "    .cfi_startproc\n"                                                                               \
        "    endbr64\n"                                                                                      \
        "    test $8, %esi\n" /* RTLD_DEEPBIND */                                                            \
        "    jne 1f\n"                                                                                       \
        "    mov tn_dlopen_next(%rip), %r11\n"                                                               \
        "    test %r11, %r11\n"                                                                              \
        "    je 1f\n"                                                                                        \
        "    jmp *%r11\n"                                                                                    \
        "1:  push %rdi\n"                                                                                    \
        "    .cfi_adjust_cfa_offset 8\n"                                                                     \
        "    push %rsi\n"                                                                                    \
        "    .cfi_adjust_cfa_offset 8\n"                                                                     \
        "    sub $8, %rsp\n"                                                                                 \
        "    .cfi_adjust_cfa_offset 8\n"                                                                     \
        "    call tn_dlopen_see\n"                                                                           \
        "    add $8, %rsp\n"                                                                                 \
        "    .cfi_adjust_cfa_offset -8\n"                                                                    \
        "    pop %rsi\n"                                                                                     \
        "    .cfi_adjust_cfa_offset -8\n"                                                                    \
        "    pop %rdi\n"                                                                                     \
        "    .cfi_adjust_cfa_offset -8\n"                                                                    \
        "    jmp *tn_dlopen_next(%rip)\n"                                                                    \
        "    .cfi_endproc\n"                                                                                 \
        ".size dlopen, . - dlopen\n"                                                                         \
        ".globl dlmopen\n"                                                                                   \
        ".type dlmopen, @function\n"                                                                         \
        "dlmopen:\n"                                                                                         \
        "    .cfi_startproc\n"                                                                               \
        "    endbr64\n"                                                                                      \
        "    push %rdi\n"                                                                                    \
        "    .cfi_adjust_cfa_offset 8\n"                                                                     \
        "    push %rsi\n"                                                                                    \
        "    .cfi_adjust_cfa_offset 8\n"                                                                     \
        "    push %rdx\n"                                                                                    \
        "    .cfi_adjust_cfa_offset 8\n"                                                                     \
        "    call tn_dlmopen_see\n"                                                                          \
        "    pop %rdx\n"                                                                                     \
        "    .cfi_adjust_cfa_offset -8\n"                                                                    \
        "    pop %rsi\n"                                                                                     \
        "    .cfi_adjust_cfa_offset -8\n"                                                                    \
        "    pop %rdi\n"                                                                                     \
        "    .cfi_adjust_cfa_offset -8\n"                                                                    \
        "    jmp *tn_dlmopen_next(%rip)\n"                                                                   \
        "    .cfi_endproc\n"                                                                                 \
        ".size dlmopen, . - dlmopen\n");

#define TN_ARCH_PAGE_BYTES_MAX 4096

static inline long tn_arch_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Wait until everything before has ended, loads and locked operations too. */
static inline void tn_arch_settle(void)
{
    __asm__ volatile("lfence" ::: "memory");
}

/* The time stamp counter. Does not wait for earlier instructions. */
static inline uint64_t tn_arch_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

#endif
