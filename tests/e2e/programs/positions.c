/* SPDX-License-Identifier: MIT */
/* Where on the stack a call stood: the position of the caller and of all its ancestors. */
#include "truth.h"

#include <string.h>

extern void *__libc_stack_end;

#define LEVELS 6

static const void *frames[LEVELS + 1];

/* The frame's CFA, and the stack pointer in it. */
#if defined(__aarch64__)
#define CFA()                        ((const char *)__builtin_dwarf_cfa())
#define READ_STACK_POINTER(variable) __asm__ volatile("mov %0, sp" : "=r"(variable))
#else
#define CFA()                        ((const char *)__builtin_frame_address(0) + 16)
#define READ_STACK_POINTER(variable) __asm__ volatile("mov %%rsp, %0" : "=r"(variable))
#endif

static void note_call(const char *stack_pointer)
{
    truth_number("call_position", (uint64_t)((const char *)__libc_stack_end - stack_pointer));
}

__attribute__((noinline)) static void innermost(void)
{
    frames[0] = CFA();
    const char *stack_pointer;
    READ_STACK_POINTER(stack_pointer);
    struct block block = MALLOC(4321);
    truth_number("frame_bytes", (uint64_t)(CFA() - stack_pointer));
    note_call(stack_pointer);
    FREE(block);
}

__attribute__((noinline)) static void level(int n)
{
    char room[1024];
    memset(room, n, sizeof(room));
    __asm__ volatile("" : : "r"(room) : "memory");
    frames[LEVELS - n] = CFA();
    if (n == LEVELS - 1) {
        innermost();
        frames[1] = CFA();
        return;
    }
    level(n + 1);
    __asm__ volatile("" : : "r"(room) : "memory");
}

int main(void)
{
    const char *stack_pointer;
    READ_STACK_POINTER(stack_pointer);
    struct block block = MALLOC(4322);
    note_call(stack_pointer);
    level(0);
    FREE(block);
    for (int i = 0; i < LEVELS; i++)
        truth_number("frame_bytes", (uint64_t)((const char *)frames[i + 1] - (const char *)frames[i]));
    return 0;
}
