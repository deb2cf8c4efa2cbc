/* SPDX-License-Identifier: MIT */

/* Unpacks events in a thread of its own, a few batches ahead of the caller. A ring of batches, one lock, one
 * condition: `released <= taken <= filled` says which of them belong to whom. For lib/finish and
 * lib/analyze. */

#include "cursor.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH_EVENTS 2048 /* two batches fit a second-level cache: measured, larger ones are slower */
#define BATCHES      3    /* one is read, one is filled, one waits */

/* With a lower limit of processes there is no thread. */
#define PROCESSES_MIN 64u

struct batch {
    struct tn_log_event events[BATCH_EVENTS];
    int count; /* events; fewer than BATCH_EVENTS: the last batch */
    int error;
};

struct tn_event_feed {
    struct tn_event_cursor *cursor; /* owned; used by the thread alone while there is one */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    uint64_t filled, taken, released; /* batches so far; released <= taken <= filled <= released + BATCHES */
    bool is_closing;
    struct batch batches[BATCHES];
};

static void fill(struct tn_event_feed *feed, struct batch *batch)
{
    int r = 0;
    batch->count = 0;
    batch->error = 0;
    do {
        batch->count += r;
        r = tn_event_cursor_read(feed->cursor, &batch->events[batch->count],
                                 (uint32_t)(BATCH_EVENTS - batch->count));
    } while (r > 0 && batch->count + r < BATCH_EVENTS);
    if (r > 0)
        batch->count += r;
    else
        batch->error = r;
}

/* Nothing comes after this batch. */
static bool is_last(const struct batch *batch)
{
    return batch->error < 0 || batch->count < BATCH_EVENTS;
}

static void *run(void *own)
{
    struct tn_event_feed *feed = own;
    bool is_over = false;
    pthread_mutex_lock(&feed->lock);
    while (!is_over) {
        while (feed->filled == feed->released + BATCHES && !feed->is_closing)
            pthread_cond_wait(&feed->changed, &feed->lock);
        if (feed->is_closing)
            break;
        struct batch *batch = &feed->batches[feed->filled % BATCHES];
        pthread_mutex_unlock(&feed->lock);
        fill(feed, batch);
        is_over = is_last(batch);
        pthread_mutex_lock(&feed->lock);
        feed->filled++;
        pthread_cond_signal(&feed->changed);
    }
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

/* Where a user may have few processes, threads too, programs need them. */
static bool may_have_thread(void)
{
    struct rlimit limit;
    return geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) < 0 || limit.rlim_cur >= PROCESSES_MIN;
}

int tn_event_feed_open(struct sqlite3 *database, uint64_t process_id, struct tn_event_feed **ret_feed)
{
    struct tn_event_feed *feed = malloc(sizeof(*feed)); /* the batches need no clearing */
    if (feed == NULL)
        return -ENOMEM;
    feed->filled = feed->taken = feed->released = 0;
    feed->is_closing = feed->has_thread = false;
    int r = tn_event_cursor_open(database, process_id, &feed->cursor);
    if (r < 0) {
        free(feed);
        return r;
    }
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    /* only a connection that locks by itself can be used by two threads */
    if (sqlite3_db_mutex(database) != NULL && may_have_thread())
        feed->has_thread = pthread_create(&feed->thread, NULL, run, feed) == 0;
    *ret_feed = feed;
    return 0;
}

static struct batch *wait_for_batch(struct tn_event_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->released < feed->taken) {
        feed->released++;
        pthread_cond_signal(&feed->changed);
    }
    while (feed->filled == feed->taken)
        pthread_cond_wait(&feed->changed, &feed->lock);
    struct batch *batch = &feed->batches[feed->taken++ % BATCHES];
    pthread_mutex_unlock(&feed->lock);
    return batch;
}

int tn_event_feed_next(struct tn_event_feed *feed, const struct tn_log_event **ret_events)
{
    struct batch *last = feed->taken != 0 ? &feed->batches[(feed->taken - 1) % BATCHES] : NULL;
    if (last != NULL && is_last(last))
        return last->error;
    struct batch *batch = &feed->batches[0];
    if (feed->has_thread)
        batch = wait_for_batch(feed);
    else
        fill(feed, batch);
    feed->taken = feed->has_thread ? feed->taken : 1;
    *ret_events = batch->events;
    return batch->count != 0 ? batch->count : batch->error;
}

void tn_event_feed_close(struct tn_event_feed *feed)
{
    if (feed == NULL)
        return;
    if (feed->has_thread) {
        pthread_mutex_lock(&feed->lock);
        feed->is_closing = true;
        pthread_cond_signal(&feed->changed);
        pthread_mutex_unlock(&feed->lock);
        pthread_join(feed->thread, NULL);
    }
    tn_event_cursor_close(feed->cursor);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->changed);
    free(feed);
}
