/* SPDX-License-Identifier: MIT */
/* Makes allocation events and nothing else: each thread keeps a set of live blocks and replaces one after the
 * other, from stacks of about ten frames. At the end it says "done" and, with a third argument, waits for a
 * byte on its standard input, so that its memory can be looked at.
 * usage: events THREADS EVENTS_PER_THREAD [LIVE_PER_THREAD [wait]] */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define DEPTH 8

struct job {
    unsigned seed;
    long events;
    long live_count;
    void **live;
};

static void *(*volatile allocate)(size_t) = malloc;

__attribute__((noinline)) static void replace(struct job *job, int depth)
{
    if (depth > 0) {
        replace(job, depth - 1);
        __asm__ volatile("" ::: "memory");
        return;
    }
    job->seed = job->seed * 1664525u + 1013904223u;
    void **place = &job->live[job->seed % (unsigned long)job->live_count];
    free(*place);
    *place = allocate(16 + (job->seed >> 20) % 240);
}

static void *run(void *argument)
{
    struct job *job = argument;
    for (long i = 0; i < job->events; i += 2)
        replace(job, DEPTH);
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    long events = argc > 2 ? atol(argv[2]) : 1000000;
    long live_count = argc > 3 ? atol(argv[3]) : 1000;
    pthread_t ids[64];
    struct job jobs[64];
    if (threads < 1 || threads > 64 || live_count < 1)
        return 2;
    for (int i = 0; i < threads; i++) {
        jobs[i] = (struct job){.seed = (unsigned)i, .events = events, .live_count = live_count};
        jobs[i].live = calloc((size_t)live_count, sizeof(void *));
        if (jobs[i].live == NULL || pthread_create(&ids[i], NULL, run, &jobs[i]) != 0)
            return 3;
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    char byte;
    if (write(1, "done\n", 5) != 5 || (argc > 4 && read(0, &byte, 1) != 1))
        return 4;
    return 0;
}
