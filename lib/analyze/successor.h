/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_SUCCESSOR_H
#define TN_ANALYZE_SUCCESSOR_H

/* Tells a buffer that grew from two things that one helper made. Asked by the pass, at releases. */

#include "tenure/analysis.h"
#include "tenure/source_frames.h"

/* Whether the function that made a larger block, and then released one of the same site, had made that one by
 * another call: two names that one helper copied, not a buffer that grew.
 *
 * made, old, release  rows of the stacks of both births and of the release; not 0
 * Cost                their depth */
bool tn_successor_is_stranger(const struct tn_pass *pass, const struct tn_source_frames *frames,
                              uint32_t made, uint32_t old, uint32_t release);

#endif
