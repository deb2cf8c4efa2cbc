/* SPDX-License-Identifier: MIT */
/* Near miss: coroutines run on stacks of their own, in turn on the same memory. A block is asked for by one
 * coroutine and released by its successor, which has the same function at the same position.
 *
 * never {"kind": "stack-buffer", "sites": ["@passed"]}
 * never {"kind": "stack-buffer", "sites": ["@note"]}
 * allow {"kind": "preallocate", "sites": ["@note"]}
 * allow {"kind": "preallocate", "sites": ["@passed"]}
 */
#include <stdlib.h>
#include <ucontext.h>

#define COROUTINES   200
#define PASSED_BYTES 60
#define NOTE_BYTES   20

static ucontext_t main_context, context;
static char stack[65536];
static char *passed;

static void run(void)
{
    if (passed) {
        free(passed);
        passed = NULL;
        return;
    }
    passed = malloc(PASSED_BYTES); /* @passed */
    passed[0] = 1;
}

static void start(void)
{
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = sizeof(stack);
    context.uc_link = &main_context;
    makecontext(&context, run, 0);
    swapcontext(&main_context, &context);
}

int main(void)
{
    char *note = NULL;
    for (int i = 0; i < COROUTINES; i++) {
        start();
        free(note);
        note = malloc(NOTE_BYTES); /* @note */
    }
    return passed != NULL || note == NULL;
}
