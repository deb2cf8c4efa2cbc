/* SPDX-License-Identifier: MIT */
/* Stacks that are not the thread's own (coroutines), and jumps that leave frames behind. */
#include "truth.h"

#include <setjmp.h>
#include <ucontext.h>

#define CONTEXT_COUNT 4
#define ROUNDS        50

static ucontext_t main_context, contexts[CONTEXT_COUNT];
static char stacks[CONTEXT_COUNT][32768];
static struct block held[CONTEXT_COUNT];
static jmp_buf place;

static void coroutine(int self)
{
    for (int i = 0; i <= ROUNDS; i++) {
        held[self] = MALLOC(400 + (size_t)self);
        swapcontext(&contexts[self], &main_context);
        FREE(held[self]);
    }
}

static void jump(int levels)
{
    if (levels == 0)
        longjmp(place, 1);
    struct block block = MALLOC(450);
    FREE(block);
    if (levels > 0)
        jump(levels - 1);
}

int main(void)
{
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = stacks[i];
        contexts[i].uc_stack.ss_size = sizeof(stacks[i]);
        contexts[i].uc_link = &main_context;
        void (*function)(void) = (void (*)(void))coroutine;
        makecontext(&contexts[i], function, 1, i);
    }
    for (int i = 0; i < CONTEXT_COUNT * ROUNDS; i++)
        swapcontext(&main_context, &contexts[i % CONTEXT_COUNT]);
    for (int i = 0; i < CONTEXT_COUNT; i++)
        truth_keep(&held[i]);
    for (volatile int i = 0; i < 20; i++)
        if (setjmp(place) == 0)
            jump(10);
    return 0;
}
