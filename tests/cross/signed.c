/* SPDX-License-Identifier: MIT */
/* Return addresses that are signed, where the processor signs (-mbranch-protection). The block that is made
 * below N calls of down has 100 + N bytes.
 *
 * usage: signed */
#include <stdlib.h>

#define CALLS 8

static void *volatile sink;

static __attribute__((noinline)) void make(int calls)
{
    sink = malloc((size_t)(100 + calls));
    free(sink);
}

static __attribute__((noinline)) int down(int calls)
{
    make(calls);
    return calls < CALLS ? down(calls + 1) + 1 : 1;
}

int main(void)
{
    return down(1) - CALLS;
}
