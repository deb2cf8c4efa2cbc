/* SPDX-License-Identifier: MIT */
/* A cache that is replaced on each round, and a message that another thread releases: their lives nest in every
 * round, but neither knows the other.
 *
 * never {"kind": "combine", "sites": ["@cache"]}
 * never {"kind": "combine", "sites": ["@message"]}
 * allow {"kind": "pool"}
 * allow {"kind": "preallocate"}
 * allow {"kind": "permanent"}
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 4000

static char *cache;
static _Atomic(uintptr_t) mailbox;
static atomic_int stop, released;
static void *volatile sink;

__attribute__((noinline)) static void remember(int number)
{
    free(cache);
    cache = malloc(80); /* @cache */
    sink = cache;
    cache[0] = (char)number;
}

__attribute__((noinline)) static void produce(void)
{
    void *message = malloc(56); /* @message */
    uintptr_t none = 0;
    sink = message;
    while (!atomic_compare_exchange_weak(&mailbox, &none, (uintptr_t)message))
        none = 0;
}

static void *consume(void *unused)
{
    while (!atomic_load(&stop) || atomic_load(&mailbox) != 0) {
        uintptr_t message = atomic_exchange(&mailbox, 0);
        if (message == 0)
            continue;
        free((void *)message);
        atomic_fetch_add(&released, 1);
    }
    return unused;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, consume, NULL) != 0)
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        remember(i);
        produce();
        while (i % 100 != 0 && atomic_load(&released) <= i) {
        }
    }
    atomic_store(&stop, 1);
    pthread_join(thread, NULL);
    return 0;
}
