/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_CALL_ORDER_H
#define TN_ANALYZE_CALL_ORDER_H

/* Whether one call in a function can follow another one before the function returns, by its machine code.
 * This needs the modules' files: where one is missing, or is no longer the one that was recorded, any call
 * can follow any other. Answers are kept. One thread at a time. */

#include "tenure/analysis.h"
#include "tenure/source_frames.h"

#include "tenure/map.h"

struct tn_call_order;

/* Begin, without any answer yet.
 *
 * frames   borrowed until tn_call_order_close
 * Returns  0 or -ENOMEM; the caller releases *ret_order by tn_call_order_close */
int tn_call_order_open(const struct tn_source_frames *frames, struct tn_call_order **ret_order);

/* Release. NULL is fine. */
void tn_call_order_close(struct tn_call_order *order);

/* Whether the call at a frame can follow the call at another one, within one activation.
 *
 * from, to  row ids of physical frames of one function
 * Returns   1 it can, or that is not known; 0 it cannot; -ENOMEM, -EIO, and the pass's error says what failed
 * Cost      a look-up, but for the first time that two frames are asked about */
int tn_call_order_follows(struct tn_call_order *order, const struct tn_pass *pass, uint32_t from,
                          uint32_t to);

/* How many inlined functions, from the physical one inwards, were under way from a call to a later one in one
 * physical function: those that both stand in, and that the way between them need not enter anew. Where a
 * function is inlined into a loop, its calls in the rounds of that loop have one position on the stack, and
 * nothing else tells them apart.
 *
 * from, to     as above
 * ret_inlined  written on success
 * Returns      0; -ENOMEM, -EIO, and the pass's error says what failed
 * Cost         as above; the first time that a module is asked about reads its debug information */
int tn_call_order_inlined(struct tn_call_order *order, const struct tn_pass *pass, uint32_t from, uint32_t to,
                          uint32_t *ret_inlined);

/* Whether the code of a function's module can be read and followed. A module that cannot be opened for want
 * of memory counts as not known. */
bool tn_call_order_is_known(const struct tn_call_order *order, const struct tn_pass *pass, uint32_t function);

#endif
