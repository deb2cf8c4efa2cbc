/* SPDX-License-Identifier: MIT */
/* Handlers that allocate while the program allocates, in several threads: a timer interrupts wherever a
 * thread is, mostly inside the shim. The allocator (safe_heap.c) allows that.
 *
 * usage: handlers THREADS HANDLERS [jumps | nests]
 * Every thread goes on until its handler has run so often. jumps: every eighth handler leaves by siglongjmp;
 * nests: a second signal interrupts the handlers, too. Prints what was made and released. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEPT            8
#define ALTERNATE_BYTES 65536

static atomic_ulong made, released, handled;
static unsigned long wanted;
static int has_jumps;
static __thread volatile unsigned long count;
static __thread sigjmp_buf way_out;
static __thread void *volatile kept[KEPT];

static void keep(unsigned place, void *block)
{
    void *old = __atomic_exchange_n(&kept[place % KEPT], block, __ATOMIC_SEQ_CST);
    if (old != NULL) {
        atomic_fetch_add(&released, 1);
        free(old);
    }
}

static void on_timer(int number)
{
    unsigned long turn = ++count;
    for (int i = 0; i < 3; i++) {
        atomic_fetch_add(&made, 1);
        keep((unsigned)(turn + (unsigned long)i), malloc(100 + (size_t)number));
    }
    atomic_fetch_add(&made, 1);
    atomic_fetch_add(&released, 1);
    free(realloc(calloc(1, 50), 70));
    atomic_fetch_add(&made, 1);
    atomic_fetch_add(&released, 1);
    atomic_fetch_add(&handled, 1);
    if (has_jumps && turn % 8 == 0)
        siglongjmp(way_out, 1);
}

static __attribute__((noinline)) void descend(unsigned depth)
{
    if (depth > 0) {
        descend(depth - 1);
        __asm__ volatile("");
        return;
    }
    atomic_fetch_add(&made, 1);
    void *block = malloc(40);
    atomic_fetch_add(&released, 1);
    free(block);
}

static void set_timer(int number, long period_ns)
{
    timer_t timer;
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = number;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    const struct itimerspec often = {{0, period_ns}, {0, period_ns}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &often, NULL) < 0)
        abort();
}

static void *run(void *nests)
{
    static __thread char other_stack[ALTERNATE_BYTES];
    const stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
    sigaltstack(&stack, NULL);
    set_timer(SIGALRM, 150000);
    if (nests != NULL)
        set_timer(SIGUSR1, 110000);
    sigsetjmp(way_out, 1);
    for (unsigned depth = 0; count < wanted; depth++)
        descend(depth % 24);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (unsigned i = 0; i < KEPT; i++)
        keep(i, NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[16];
    unsigned thread_count = argc > 2 ? (unsigned)atoi(argv[1]) : 1;
    const char *how = argc > 3 ? argv[3] : "";
    if (thread_count > 16)
        return 2;
    wanted = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
    has_jumps = strcmp(how, "jumps") == 0;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_timer;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    for (unsigned i = 0; i < thread_count; i++)
        pthread_create(&threads[i], NULL, run, strcmp(how, "nests") == 0 ? (void *)how : NULL);
    for (unsigned i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    char text[128];
    int length = snprintf(text, sizeof(text), "made %lu released %lu handled %lu\n", made, released, handled);
    return write(STDOUT_FILENO, text, (size_t)length) == length ? 0 : 1;
}
