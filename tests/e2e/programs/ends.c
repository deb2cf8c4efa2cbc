/* SPDX-License-Identifier: MIT */
/* Every way to end: usage: ends return|exit|_exit|quick|abort|kill|segv|exec|thread */
#include "truth.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void work(void)
{
    for (size_t i = 0; i < 1000; i++) {
        struct block block = MALLOC(i % 64);
        if (i % 10 == 0)
            truth_keep(&block);
        else
            FREE(block);
    }
}

static void *exit_from_thread(void *unused)
{
    (void)unused;
    struct block block = MALLOC(900);
    truth_keep(&block);
    exit(7);
}

static void end_by_signal(const char *how)
{
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(how, "segv") == 0)
        *(volatile int *)(uintptr_t)8 = 1;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "return";
    work();
    if (strcmp(how, "return") == 0)
        return 3;
    if (strcmp(how, "exit") == 0)
        exit(4);
    if (strcmp(how, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exit_from_thread, NULL);
        pthread_join(thread, NULL);
    }
    truth_print();
    if (strcmp(how, "_exit") == 0)
        _exit(5);
    if (strcmp(how, "quick") == 0)
        quick_exit(6);
    end_by_signal(how);
    return 1;
}
