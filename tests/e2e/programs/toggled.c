/* SPDX-License-Identifier: MIT */

/* Threads that allocate, pass blocks to each other and release them, until a line comes on stdin; then
 * everything is released. Prints how many blocks of 24 bytes and more it has allocated. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOTS   512u
#define THREADS 3u

static _Atomic(void *) slots[SLOTS];
static _Atomic uint64_t births;
static _Atomic int is_over;

static void *work(void *seed)
{
    uint32_t state = (uint32_t)(uintptr_t)seed;
    while (!is_over) {
        state = state * 1664525u + 1013904223u;
        void *block = NULL;
        if ((state >> 8 & 1) != 0) {
            block = malloc(24 + (state >> 24));
            births++;
        }
        void *old = atomic_exchange(&slots[state >> 16 & (SLOTS - 1)], block);
        if (old != NULL && (state >> 9 & 7) == 0) {
            old = realloc(old, 300);
            births++;
        }
        free(old);
        if ((state >> 12 & 255) == 0)
            usleep(100);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    char line[1];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)(i * 7919 + 1));
    if (write(1, "r\n", 2) != 2 || read(0, line, 1) != 1)
        return 3;
    is_over = 1;
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i < SLOTS; i++)
        free(slots[i]);
    char text[32];
    int length = snprintf(text, sizeof(text), "made %llu\n", (unsigned long long)births);
    return write(1, text, (size_t)length) == length ? 0 : 4;
}
