/* SPDX-License-Identifier: MIT */
/* Before main and after it: constructors of the program and of a library, atexit handlers, destructors of
 * thread-specific data, destructors of the library that run last of all. */
#include "truth.h"

#include <pthread.h>

#define KEY_ROUNDS 3

void early_touch(void);

static struct block from_first, from_second, for_exit, for_end;
static pthread_key_t key;
static pthread_barrier_t barrier;

__attribute__((constructor(150))) static void first(void)
{
    from_first = MALLOC(111);
}

__attribute__((constructor)) static void second(void)
{
    from_second = CALLOC(3, 41);
    FREE(from_first);
}

static void at_exit(void)
{
    FREE(for_exit);
    struct block block = MALLOC(222);
    FREE(block);
}

__attribute__((destructor)) static void last(void)
{
    FREE(for_end);
    struct block block = MALLOC(333);
    truth_keep(&block);
}

/* Sets its own key again, so that it runs in the later rounds of the destructors too. */
static void thread_end(void *value)
{
    struct block *block = value;
    FREE(*block);
    *block = MALLOC(block->size_bytes + 1);
    if (block->size_bytes < 500 + KEY_ROUNDS)
        pthread_setspecific(key, block);
    else
        FREE(*block);
}

static void *run(void *argument)
{
    struct block *block = argument;
    *block = MALLOC(500);
    pthread_setspecific(key, block);
    pthread_barrier_wait(&barrier);
    return NULL;
}

int main(void)
{
    static struct block of_threads[6];
    pthread_t threads[6];
    atexit(at_exit);
    for_exit = MALLOC(444);
    for_end = MALLOC(445);
    early_touch();
    pthread_key_create(&key, thread_end);
    pthread_barrier_init(&barrier, NULL, 6);
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, run, &of_threads[i]);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    FREE(from_second);
    return 0;
}
