/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_ASIDE_H
#define TN_ANALYZE_ASIDE_H

/* Work that an analysis does beside the pass: small items are handed over in batches to a thread of its own,
 * which takes them in the order in which they were given. For a kind that costs as much as all the others. */

#include <stddef.h>

struct tn_aside;

/* Begin. Memory: three batches of 4,096 items.
 *
 * item_bytes  size of an item; a multiple of 8
 * work        called with some items, in the other thread; what it uses belongs to it until tn_aside_wait.
 *             Returns 0, or a negative errno after which it is not called again
 * Returns     0 or -ENOMEM. Where no thread can be had, the caller's does the work
 * Owns        the caller owns *ret_aside; tn_aside_close releases it */
int tn_aside_open(size_t item_bytes, int (*work)(void *context, const void *items, size_t count),
                  void *context, struct tn_aside **ret_aside);

/* Where the next item is to be written, before the next call of any of these functions. Waits while three
 * batches are full. */
void *tn_aside_add(struct tn_aside *aside);

/* Wait until all items are done. Returns 0, or what `work` returned first. */
int tn_aside_wait(struct tn_aside *aside);

/* End; items that are not yet done may be left out. NULL is fine. */
void tn_aside_close(struct tn_aside *aside);

#endif
