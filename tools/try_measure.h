/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TRY_MEASURE_H
#define TENURE_TRY_MEASURE_H

/* What the heap was asked for in a recording of `tenure try`. One thread. */

#include "tenure/try.h"

/* Measure the process with most allocations.
 *
 * side     gets heap_calls, failures, peak_bytes and region_bytes
 * Returns  0; -EBADMSG, -EIO, -ENOMEM: error says what failed
 * Cost     some replays */
int tn_try_measure(struct tn_log *log, struct tn_try_side *side, struct tn_error *error);

#endif
