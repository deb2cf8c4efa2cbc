/* SPDX-License-Identifier: MIT */
/* 2,000 threads that live for a moment, eight at a time; each leaves one block to the main thread. Each
 * thread's first allocation is made by pthread_getattr_np, under a lock of the thread's own. */
#include "truth.h"

#include <pthread.h>

#define THREAD_COUNT 2000
#define AT_ONCE      8

static void *run(void *argument)
{
    struct block *left = argument;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0)
        pthread_attr_destroy(&attributes);
    struct block a = MALLOC(48);
    struct block b = CALLOC(2, 30);
    *left = MALLOC(97);
    FREE(b);
    FREE(a);
    return NULL;
}

int main(void)
{
    static struct block left[THREAD_COUNT];
    pthread_t threads[AT_ONCE];
    for (int i = 0; i < THREAD_COUNT; i += AT_ONCE) {
        for (int n = 0; n < AT_ONCE; n++)
            pthread_create(&threads[n], NULL, run, &left[i + n]);
        for (int n = 0; n < AT_ONCE; n++)
            pthread_join(threads[n], NULL);
    }
    for (int i = 0; i < THREAD_COUNT; i++)
        FREE(left[i]);
    return 0;
}
