/* SPDX-License-Identifier: MIT */
/* Worker thread for expensive analyses; keeps event order. Batches go round in a ring: the caller fills one
 * while the worker processes those before it, and waits when all are full. Everything below `lock` is read
 * and written under it. */
#include "tenure/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define BATCH_ITEMS 4096u
#define BATCHES     3u /* one is processed, one is filled, one waits */

struct tn_worker {
    int (*work)(void *context, const void *items, size_t count);
    void *context; /* borrowed */
    size_t item_bytes;
    uint8_t *items; /* owned; BATCHES batches one after the other */
    size_t count;   /* items in the batch that is being filled */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    uint64_t given, done; /* batches that were submitted, and processed; done <= given < done + BATCHES */
    size_t counts[BATCHES];
    int error; /* the first error of `work` */
    bool is_closing;
};

static uint8_t *batch_of(const struct tn_worker *worker, uint64_t number)
{
    return worker->items + number % BATCHES * BATCH_ITEMS * worker->item_bytes;
}

static void *run(void *own)
{
    struct tn_worker *worker = own;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (worker->done == worker->given && !worker->is_closing)
            pthread_cond_wait(&worker->changed, &worker->lock);
        if (worker->is_closing)
            break;
        const uint8_t *items = batch_of(worker, worker->done);
        size_t count = worker->counts[worker->done % BATCHES];
        int r = worker->error;
        pthread_mutex_unlock(&worker->lock);
        if (r == 0)
            r = worker->work(worker->context, items, count);
        pthread_mutex_lock(&worker->lock);
        worker->error = r;
        worker->done++;
        pthread_cond_signal(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

int tn_worker_open(size_t item_bytes, int (*work)(void *context, const void *items, size_t count),
                   void *context, struct tn_worker **ret_worker)
{
    struct tn_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        return -ENOMEM;
    worker->items = malloc((size_t)BATCHES * BATCH_ITEMS * item_bytes);
    if (worker->items == NULL) {
        free(worker);
        return -ENOMEM;
    }
    worker->item_bytes = item_bytes;
    worker->work = work;
    worker->context = context;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    worker->has_thread = pthread_create(&worker->thread, NULL, run, worker) == 0;
    *ret_worker = worker;
    return 0;
}

/* Submit the batch that was filled, and wait until at most `most` are pending. */
static void submit(struct tn_worker *worker, uint64_t most)
{
    if (!worker->has_thread) {
        if (worker->error == 0)
            worker->error = worker->work(worker->context, batch_of(worker, 0), worker->count);
        worker->count = 0;
        return;
    }
    pthread_mutex_lock(&worker->lock);
    worker->counts[worker->given++ % BATCHES] = worker->count;
    pthread_cond_signal(&worker->changed);
    while (worker->given - worker->done > most)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    worker->count = 0;
}

void *tn_worker_add(struct tn_worker *worker)
{
    if (worker->count == BATCH_ITEMS)
        submit(worker, BATCHES - 1);
    return batch_of(worker, worker->given) + worker->count++ * worker->item_bytes;
}

int tn_worker_wait(struct tn_worker *worker)
{
    submit(worker, 0);
    return worker->error;
}

void tn_worker_close(struct tn_worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->has_thread) {
        pthread_mutex_lock(&worker->lock);
        worker->is_closing = true;
        pthread_cond_signal(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
        pthread_join(worker->thread, NULL);
    }
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->changed);
    free(worker->items);
    free(worker);
}
