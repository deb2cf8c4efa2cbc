/* SPDX-License-Identifier: MIT */
/* Signal handlers that allocate: raised at a known point, on an alternative stack, and from a timer while the
 * program is inside malloc_usable_size, the one function of the family that may be interrupted safely. */
#include "truth.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#define TIMER_HITS 200

static volatile sig_atomic_t hits;

static void on_signal(int number)
{
    struct block block = MALLOC(number == SIGUSR1 ? 310 : 320);
    FREE(block);
    hits++;
}

static void install(int number, int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
}

int main(void)
{
    static char other_stack[65536];
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
    sigaltstack(&stack, NULL);
    install(SIGUSR1, 0);
    install(SIGUSR2, SA_ONSTACK);
    install(SIGALRM, SA_RESTART);
    for (int i = 0; i < 100; i++) {
        struct block block = MALLOC(330);
        raise(i % 2 ? SIGUSR1 : SIGUSR2);
        FREE(block);
    }
    struct itimerval often = {.it_interval = {.tv_usec = 500}, .it_value = {.tv_usec = 500}};
    struct itimerval never = {{0}};
    struct block block = MALLOC(340);
    setitimer(ITIMER_REAL, &often, NULL);
    volatile size_t sum = 0;
    while (hits < 100 + TIMER_HITS)
        sum += malloc_usable_size(block.address);
    setitimer(ITIMER_REAL, &never, NULL);
    FREE(block);
    return sum == 0;
}
