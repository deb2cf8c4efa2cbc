/* SPDX-License-Identifier: MIT */
#ifndef TENURE_WORKER_H
#define TENURE_WORKER_H

/* Worker thread for an expensive analysis; keeps event order. The pass writes small items into batches, and
 * the worker processes batch after batch while the pass goes on. For a kind that costs as much as all the
 * others. */

#include <stddef.h>

struct tn_worker;

/* Begin. Memory: three batches of 4,096 items.
 *
 * item_bytes  size of an item; a multiple of 8
 * work        called in the worker with consecutive items. What it uses belongs to it until tn_worker_wait.
 *             Returns 0, or a negative errno after which it is not called again
 * context     given to work
 * Returns     0 or -ENOMEM. Where no thread can be had, the caller's own runs work
 * Owns        the caller owns *ret_worker; tn_worker_close releases it */
int tn_worker_open(size_t item_bytes, int (*work)(void *context, const void *items, size_t count),
                   void *context, struct tn_worker **ret_worker);

/* Room for the next item, to be written before the next call of any of these functions. Waits while all three
 * batches are full. Never NULL. Only the thread that opened the worker calls it. */
void *tn_worker_add(struct tn_worker *worker);

/* Wait until all items have been processed.
 *
 * Returns  0, or the first other value that `work` returned */
int tn_worker_wait(struct tn_worker *worker);

/* Stop the thread and release; items that wait are dropped. NULL is fine. */
void tn_worker_close(struct tn_worker *worker);

#endif
