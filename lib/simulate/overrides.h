/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIMULATE_OVERRIDES_H
#define TENURE_SIMULATE_OVERRIDES_H

/* How a source of events applies what is assumed of sites. */

#include "tenure/simulate.h"

/* Apply overrides to a birth, and count it.
 *
 * size_bytes  as recorded; becomes the size to replay
 * Returns     false: the block is left out
 * Cost        O(log sizes) */
bool tn_overrides_apply(struct tn_overrides *overrides, uint32_t site_id, uint64_t *size_bytes);

/* Zero the counts: a replay begins. */
void tn_overrides_restart(struct tn_overrides *overrides);

#endif
