/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ARCH_AARCH64_H
#define TENURE_SHIM_ARCH_AARCH64_H

/* 64-bit Arm as arch.h wants it; included by arch.h only. Only GCC tells a function where its own frame
 * begins
 * (__builtin_dwarf_cfa): the frame record lies at the low end of GCC's frames, and anywhere in clang's. */

#include "arch.h"

#include <stdint.h>

#if defined(__aarch64__)
#if defined(__clang__)
#error "the shim is built by gcc on this processor: clang does not say where a function's frame begins"
#endif

/* A frame record: the caller's frame pointer, and above it the return address (AAPCS64, 6.4.6). How far it is
 * to the stack pointer before the call, the record does not say; code without unwind information is taken to
 * have nothing above. */
#define TN_ARCH_CHAIN_BYTES 16

/* A return address without the signature that pointer authentication put into its upper bits. xpaclri, a
 * hint, which older processors ignore. */
static inline __attribute__((always_inline)) uintptr_t tn_arch_return_address(uintptr_t word)
{
    register uintptr_t x30 __asm__("x30") = word;
    __asm__("hint #7" : "+r"(x30));
    return x30;
}

static inline __attribute__((always_inline)) struct tn_caller tn_arch_chain_caller(uintptr_t fp)
{
    const uintptr_t *record = (const uintptr_t *)fp;
    return (struct tn_caller){
        .pc = tn_arch_return_address(record[1]), .cfa = fp + TN_ARCH_CHAIN_BYTES, .fp = record[0]};
}

static inline __attribute__((always_inline)) struct tn_caller tn_arch_caller(void *pc, void *frame, void *cfa)
{
    struct tn_caller caller;
    caller.pc = (uintptr_t)pc;
    caller.cfa = (uintptr_t)cfa;
    caller.fp = *(const uintptr_t *)frame;
    return caller;
}

#define TN_CALLER()                                                                                          \
    tn_arch_caller(__builtin_return_address(0), __builtin_frame_address(0), __builtin_dwarf_cfa())

/* Above the caller's frame pointer: the two make the frame record. */
static inline __attribute__((always_inline)) uintptr_t tn_arch_return_slot(uintptr_t cfa, uintptr_t fp_slot)
{
    (void)cfa;
    return fp_slot + 8;
}

/* The slot's word is compared as it is, signature and all. fp_slot 0: the frame had no plain rule, and nobody
 * will compare. */
static inline __attribute__((always_inline)) uintptr_t tn_arch_return_word(uintptr_t pc, uintptr_t fp_slot)
{
    return fp_slot != 0 ? *(const uintptr_t *)(fp_slot + 8) : pc;
}

#define TN_ARCH_FRAME_BYTES_MIN 16 /* the frame record */

#define TN_ARCH_CODE_ADDRESS_BITS 48
#define TN_ARCH_CODE_ALIGN_BITS   2
#define TN_ARCH_FRAME_UNIT_BYTES  16u
#define TN_ARCH_RECORD_IS_LOW     true

#define TN_ARCH_CFI_FP       29
#define TN_ARCH_CFI_SP       31
#define TN_ARCH_CFI_RETURN   30
#define TN_ARCH_SIGNS_RETURN true
#define TN_ARCH_HAS_LINK     true

#define TN_ARCH_UNWINDER            "libunwind-aarch64.so.8"
#define TN_ARCH_UNWIND_SYMBOL(name) "_Uaarch64_" name
#define TN_ARCH_UNWIND_FP           29
#define TN_ARCH_UNWIND_SP           31
#define TN_ARCH_UNWIND_PC           32
#define TN_ARCH_UNWIND_RETURN       30 /* after a step */

#define TN_ARCH_SIGNAL_CODE_BYTES 8

#define TN_ARCH_CLOCK TN_CLOCK_COUNTER

/* syscall(): its arguments lie where tn_syscall_watched wants them. 167 is prctl, 277 seccomp. hint #34 is
 * bti c. */
#define TN_ARCH_WATCH_SYSCALL                                                                                \
    __asm__(                                                                                                 \
        ".text\n"                                                                                            \
        ".globl syscall\n"                                                                                   \
        ".type syscall, %function\n"                                                                         \
        "syscall:\n"                                                                                         \
        "    .cfi_startproc\n"                                                                               \
        "    hint #34\n"                                                                                     \
        "    cmp x0, #167\n"                                                                                 \
        "    b.eq 1f\n"                                                                                      \
        "    cmp x0, #277\n"                                                                                 \
        "    b.eq 1f\n"                                                                                      \
        "    adrp x16, tn_syscall_next\n"                                                                    \
        "    ldr x16, [x16, :lo12:tn_syscall_next]\n"                                                        \
        "    cbz x16, 1f\n"                                                                                  \
        "    br x16\n"                                                                                       \
        "1:  b tn_syscall_watched\n"                                                                         \
        "    .cfi_endproc\n"                                                                                 \
        ".size syscall, . - syscall\n");

/* dlopen and dlmopen of libc are entered by a jump, since they look who has called them, for search paths and
 * namespaces. Before, where it has to be seen: tn_dlopen_see, with the same arguments. */
#define TN_ARCH_WATCH_DLOPEN                                                                                 \
    __asm__(                                                                                                 \
        ".text\n"                                                                                            \
        ".globl dlopen\n"                                                                                    \
        ".type dlopen, %function\n"                                                                          \
        "dlopen:\n"                                                                                          \
        "    .cfi_startproc\n"                                                                               \
        "    hint #34\n"                                                                                     \
        "    tbnz w1, #3, 1f\n" /* RTLD_DEEPBIND */                                                          \
        "    adrp x16, tn_dlopen_next\n"                                                                     \
        "    ldr x16, [x16, :lo12:tn_dlopen_next]\n"                                                         \
        "    cbz x16, 1f\n"                                                                                  \
        "    br x16\n"                                                                                       \
        "1:  stp x29, x30, [sp, #-32]!\n"                                                                    \
        "    .cfi_adjust_cfa_offset 32\n"                                                                    \
        "    .cfi_rel_offset x29, 0\n"                                                                       \
        "    .cfi_rel_offset x30, 8\n"                                                                       \
        "    mov x29, sp\n"                                                                                  \
        "    stp x0, x1, [sp, #16]\n"                                                                        \
        "    bl tn_dlopen_see\n"                                                                             \
        "    ldp x0, x1, [sp, #16]\n"                                                                        \
        "    ldp x29, x30, [sp], #32\n"                                                                      \
        "    .cfi_adjust_cfa_offset -32\n"                                                                   \
        "    .cfi_restore x29\n"                                                                             \
        "    .cfi_restore x30\n"                                                                             \
        "    adrp x16, tn_dlopen_next\n"                                                                     \
        "    ldr x16, [x16, :lo12:tn_dlopen_next]\n"                                                         \
        "    br x16\n"                                                                                       \
        "    .cfi_endproc\n"                                                                                 \
        ".size dlopen, . - dlopen\n"                                                                         \
        ".globl dlmopen\n"                                                                                   \
        ".type dlmopen, %function\n"                                                                         \
        "dlmopen:\n"                                                                                         \
        "    .cfi_startproc\n"                                                                               \
        "    hint #34\n"                                                                                     \
        "    stp x29, x30, [sp, #-48]!\n"                                                                    \
        "    .cfi_adjust_cfa_offset 48\n"                                                                    \
        "    .cfi_rel_offset x29, 0\n"                                                                       \
        "    .cfi_rel_offset x30, 8\n"                                                                       \
        "    mov x29, sp\n"                                                                                  \
        "    stp x0, x1, [sp, #16]\n"                                                                        \
        "    str x2, [sp, #32]\n"                                                                            \
        "    bl tn_dlmopen_see\n"                                                                            \
        "    ldr x2, [sp, #32]\n"                                                                            \
        "    ldp x0, x1, [sp, #16]\n"                                                                        \
        "    ldp x29, x30, [sp], #48\n"                                                                      \
        "    .cfi_adjust_cfa_offset -48\n"                                                                   \
        "    .cfi_restore x29\n"                                                                             \
        "    .cfi_restore x30\n"                                                                             \
        "    adrp x16, tn_dlmopen_next\n"                                                                    \
        "    ldr x16, [x16, :lo12:tn_dlmopen_next]\n"                                                        \
        "    br x16\n"                                                                                       \
        "    .cfi_endproc\n"                                                                                 \
        ".size dlmopen, . - dlmopen\n");

#define TN_ARCH_PAGE_BYTES_MAX 65536

static inline long tn_arch_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

/* Wait until everything before has ended: loads by the first barrier, and the counter is not read early
 * because of the second (Arm ARM, D13.2.1: its reads are not ordered otherwise). */
static inline void tn_arch_settle(void)
{
    __asm__ volatile("dsb ishld\n\tisb" ::: "memory");
}

/* The virtual counter. Does not wait for earlier instructions. */
static inline uint64_t tn_arch_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

#endif
#endif
