/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ARCH_X86_64_H
#define TENURE_SHIM_ARCH_X86_64_H

/* x86-64 as arch.h wants it; included by arch.h only. */

#include "arch.h"

#include <stdint.h>

/* rbp, pushed on entry, lies right below the return address. */
static inline __attribute__((always_inline)) struct tn_caller tn_arch_caller(void *pc, void *frame)
{
    struct tn_caller caller;
    caller.pc = (uintptr_t)pc;
    caller.cfa = (uintptr_t)frame + 16;
    caller.fp = *(const uintptr_t *)frame;
    return caller;
}

#define TN_CALLER() tn_arch_caller(__builtin_return_address(0), __builtin_frame_address(0))

#define TN_ARCH_RETURN_OFFSET       (-8)
#define TN_ARCH_UNWINDER            "libunwind-x86_64.so.8"
#define TN_ARCH_UNWIND_SYMBOL(name) "_Ux86_64_" name
#define TN_ARCH_LOCAL_SYMBOL(name)  "_ULx86_64_" name
#define TN_ARCH_REG_FP              6
#define TN_ARCH_REG_SP              7
#define TN_ARCH_REG_PC              16
#define TN_ARCH_REG_COUNT           17

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

/* Wait until everything before has been done, loads and locked operations too. */
static inline void tn_arch_settle(void)
{
    __asm__ volatile("lfence" ::: "memory");
}

/* Does not wait for what is before. */
static inline uint64_t tn_arch_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

#endif
