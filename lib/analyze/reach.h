/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_REACH_H
#define TN_ANALYZE_REACH_H

/* Whether one call in a function can follow another one before the function returns, as its machine code
 * says. The modules' files are needed for that: where they are missing, or others by now, nothing is known,
 * and everything can follow. Answers are kept. */

#include "analysis.h"
#include "frames.h"

#include "tenure/map.h"

struct tn_reach;

/* Begin. Returns 0 or -ENOMEM; the caller releases *ret_reach by tn_reach_finish. */
int tn_reach_begin(const struct tn_frames *frames, struct tn_reach **ret_reach);

/* Release. NULL is fine. */
void tn_reach_finish(struct tn_reach *reach);

/* Whether the call at a frame can follow the call at another one, within one activation.
 *
 * from, to  row ids of physical frames of one function
 * Returns   1 it can, or nobody knows; 0 it cannot; -ENOMEM, -EIO with the story told
 * Cost      a look-up, but for the first time that two frames are asked about */
int tn_reach_follows(struct tn_reach *reach, const struct tn_pass *pass, uint32_t from, uint32_t to);

#endif
