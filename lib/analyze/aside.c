/* SPDX-License-Identifier: MIT */
#include "aside.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define BATCH_ITEMS 4096u
#define BATCHES     3u /* one is worked on, one is filled, one waits */

struct tn_aside {
    int (*work)(void *context, const void *items, size_t count);
    void *context; /* borrowed */
    size_t item_bytes;
    uint8_t *items; /* owned; BATCHES batches, one behind the other */
    size_t count;   /* items in the batch that is filled */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    uint64_t given, done; /* batches so far; done <= given < done + BATCHES */
    size_t counts[BATCHES];
    int error; /* the first one of `work` */
    bool is_closing;
};

static uint8_t *batch_of(const struct tn_aside *aside, uint64_t number)
{
    return aside->items + number % BATCHES * BATCH_ITEMS * aside->item_bytes;
}

static void *run(void *own)
{
    struct tn_aside *aside = own;
    pthread_mutex_lock(&aside->lock);
    for (;;) {
        while (aside->done == aside->given && !aside->is_closing)
            pthread_cond_wait(&aside->changed, &aside->lock);
        if (aside->is_closing)
            break;
        const uint8_t *items = batch_of(aside, aside->done);
        size_t count = aside->counts[aside->done % BATCHES];
        int r = aside->error;
        pthread_mutex_unlock(&aside->lock);
        if (r == 0)
            r = aside->work(aside->context, items, count);
        pthread_mutex_lock(&aside->lock);
        aside->error = r;
        aside->done++;
        pthread_cond_signal(&aside->changed);
    }
    pthread_mutex_unlock(&aside->lock);
    return NULL;
}

int tn_aside_open(size_t item_bytes, int (*work)(void *context, const void *items, size_t count),
                  void *context, struct tn_aside **ret_aside)
{
    struct tn_aside *aside = calloc(1, sizeof(*aside));
    if (aside == NULL)
        return -ENOMEM;
    aside->items = malloc((size_t)BATCHES * BATCH_ITEMS * item_bytes);
    if (aside->items == NULL) {
        free(aside);
        return -ENOMEM;
    }
    aside->item_bytes = item_bytes;
    aside->work = work;
    aside->context = context;
    pthread_mutex_init(&aside->lock, NULL);
    pthread_cond_init(&aside->changed, NULL);
    aside->has_thread = pthread_create(&aside->thread, NULL, run, aside) == 0;
    *ret_aside = aside;
    return 0;
}

/* Give the batch that was filled, and wait until no more than `most` are under way. */
static void give(struct tn_aside *aside, uint64_t most)
{
    if (!aside->has_thread) {
        if (aside->error == 0)
            aside->error = aside->work(aside->context, batch_of(aside, 0), aside->count);
        aside->count = 0;
        return;
    }
    pthread_mutex_lock(&aside->lock);
    aside->counts[aside->given++ % BATCHES] = aside->count;
    pthread_cond_signal(&aside->changed);
    while (aside->given - aside->done > most)
        pthread_cond_wait(&aside->changed, &aside->lock);
    pthread_mutex_unlock(&aside->lock);
    aside->count = 0;
}

void *tn_aside_add(struct tn_aside *aside)
{
    if (aside->count == BATCH_ITEMS)
        give(aside, BATCHES - 1);
    return batch_of(aside, aside->given) + aside->count++ * aside->item_bytes;
}

int tn_aside_wait(struct tn_aside *aside)
{
    give(aside, 0);
    return aside->error;
}

void tn_aside_close(struct tn_aside *aside)
{
    if (aside == NULL)
        return;
    if (aside->has_thread) {
        pthread_mutex_lock(&aside->lock);
        aside->is_closing = true;
        pthread_cond_signal(&aside->changed);
        pthread_mutex_unlock(&aside->lock);
        pthread_join(aside->thread, NULL);
    }
    pthread_mutex_destroy(&aside->lock);
    pthread_cond_destroy(&aside->changed);
    free(aside->items);
    free(aside);
}
