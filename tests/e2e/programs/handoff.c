/* SPDX-License-Identifier: MIT */
/* Eight threads hand blocks to each other. All sizes fall into one class of the allocator, so that an address
 * is reused at once, by whichever thread comes next; sizes tell the threads apart. */
#include "truth.h"

#include <pthread.h>

#define THREAD_COUNT  8
#define MAILBOX_COUNT 4
#define ROUNDS        60000

struct mailbox {
    _Alignas(64) struct block *content;
};

static struct mailbox mailboxes[MAILBOX_COUNT];
static pthread_barrier_t barrier;

/* Blocks travel with their stories: the story lies in the pool, the pointer to it in the mailbox. */
static struct block pool[THREAD_COUNT][ROUNDS];

static void settle(struct block *block, unsigned choice)
{
    if (choice % 16 == 0)
        REALLOC(*block, block->size_bytes < 41 ? 41 : 42);
    FREE(*block);
}

static void *run(void *argument)
{
    unsigned self = (unsigned)(uintptr_t)argument;
    unsigned state = self * 2654435761u + 1;
    pthread_barrier_wait(&barrier);
    for (unsigned i = 0; i < ROUNDS; i++) {
        state = state * 1664525u + 1013904223u;
        struct block *mine = &pool[self][i];
        *mine = i % 2 ? MALLOC(33 + self) : CALLOC(1, 33 + self);
        struct mailbox *box = &mailboxes[(state >> 20) % MAILBOX_COUNT];
        struct block *found = __atomic_exchange_n(&box->content, mine, __ATOMIC_ACQ_REL);
        if (found != NULL)
            settle(found, state >> 24);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREAD_COUNT];
    pthread_barrier_init(&barrier, NULL, THREAD_COUNT);
    for (unsigned i = 0; i < THREAD_COUNT; i++)
        pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < THREAD_COUNT; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < MAILBOX_COUNT; i++)
        if (mailboxes[i].content != NULL)
            FREE(*mailboxes[i].content);
    return 0;
}
