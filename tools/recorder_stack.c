/* SPDX-License-Identifier: MIT */
/* Raises the limit of the stack as far as it may, and continues on a thread with a larger one where that is
 * not enough. Threads get their memory from mmap, which the limit does not concern. */
#include "recorder_stack.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

#define TOOL_STACK_BYTES_MIN ((rlim_t)1 << 20)

struct errand {
    int (*run)(void *);
    void *context;
    int result;
    sigset_t signals; /* that are blocked, for who runs it on a thread */
};

static void *do_errand(void *context)
{
    struct errand *errand = context;
    pthread_sigmask(SIG_SETMASK, &errand->signals, NULL);
    errand->result = errand->run(errand->context);
    return NULL;
}

/* Whether the kernel lets the stack of the first thread grow as far as it takes, from now on. */
static bool raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= TN_RECORDER_STACK_BYTES)
        return true;
    bool is_enough = limit.rlim_max >= TN_RECORDER_STACK_BYTES;
    limit.rlim_cur = is_enough ? TN_RECORDER_STACK_BYTES : limit.rlim_max;
    return setrlimit(RLIMIT_STACK, &limit) == 0 && is_enough;
}

/* Signals are for the other thread. */
static bool run_on_thread(struct errand *errand)
{
    sigset_t all;
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, TN_RECORDER_STACK_BYTES);
    pthread_setattr_default_np(&attributes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &errand->signals);
    bool is_running = pthread_create(&thread, &attributes, do_errand, errand) == 0;
    if (is_running)
        pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, &errand->signals, NULL);
    pthread_attr_destroy(&attributes);
    return is_running;
}

int tn_recorder_run_on_stack(int (*run)(void *), void *context)
{
    struct errand errand = {.run = run, .context = context};
    if (raise_limit() || !run_on_thread(&errand))
        return run(context);
    return errand.result;
}

int tn_tool_run_on_stack(int (*run)(void *), void *context)
{
    struct errand errand = {.run = run, .context = context};
    struct rlimit limit;
    bool is_enough = getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= TOOL_STACK_BYTES_MIN;
    return is_enough || !run_on_thread(&errand) ? run(context) : errand.result;
}
