/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_CALL_ORDER_H
#define TN_ANALYZE_CALL_ORDER_H

/* Whether one call in a function can follow another one before the function returns, as its machine code
 * says. The modules' files are needed for that: where they are missing, or others by now, nothing is known,
 * and everything can follow. Answers are kept. */

#include "tenure/analysis.h"
#include "tenure/source_frames.h"

#include "tenure/map.h"

struct tn_call_order;

/* Begin. Returns 0 or -ENOMEM; the caller releases *ret_reach by tn_call_order_close. */
int tn_call_order_open(const struct tn_source_frames *frames, struct tn_call_order **ret_reach);

/* Release. NULL is fine. */
void tn_call_order_close(struct tn_call_order *reach);

/* Whether the call at a frame can follow the call at another one, within one activation.
 *
 * from, to  row ids of physical frames of one function
 * Returns   1 it can, or nobody knows; 0 it cannot; -ENOMEM, -EIO with the story told
 * Cost      a look-up, but for the first time that two frames are asked about */
int tn_call_order_follows(struct tn_call_order *reach, const struct tn_pass *pass, uint32_t from,
                          uint32_t to);

#endif
