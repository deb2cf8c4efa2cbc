/* SPDX-License-Identifier: MIT */
/* Threads on stacks of 16 KiB, with much thread-local memory beside them, from a library that is new to each.
 */
#include "truth.h"

#include <pthread.h>

#define THREAD_COUNT 64
#define STACK_BYTES  16384

static __thread char heavy[2048];

static void deeper(int levels)
{
    volatile char room[64];
    room[0] = (char)levels;
    if (room[0] > 0) {
        deeper(levels - 1);
        return;
    }
    struct block a = MALLOC(70);
    struct block b = ALIGNED(256, 512);
    REALLOC(a, 140);
    FREE(a);
    FREE(b);
}

static void *run(void *unused)
{
    (void)unused;
    heavy[100] = 1;
    for (int i = 0; i < 10; i++)
        deeper(i);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREAD_COUNT];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) != 0)
        return 2;
    for (int i = 0; i < THREAD_COUNT; i++)
        if (pthread_create(&threads[i], &attributes, run, NULL) != 0)
            return 3;
    for (int i = 0; i < THREAD_COUNT; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
