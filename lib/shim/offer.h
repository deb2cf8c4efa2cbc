/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_OFFER_H
#define TENURE_SHIM_OFFER_H

/* The shared memory that a process offers to a recorder, until the recorder has accepted it. */

#include "shim_process.h"

struct tn_offer {
    int fd;                          /* of the memfd */
    struct tn_shared_header *header; /* mapped, written */
    struct tn_shared_sizes sizes;
    struct tn_shared_parts parts; /* mapped: the first slots, the control ring */
};

/* Make it, as large as the most slots need, or as the limit of file sizes allows.
 *
 * Returns  0, and tn_offer_accept or tn_offer_drop ends it; negative errno, and nothing is left */
int tn_offer_make(struct tn_offer *offer);

/* Take it into use: fills tn_hot, all but its generation, and closes the descriptor. */
void tn_offer_accept(struct tn_offer *offer);

/* Release it. */
void tn_offer_drop(struct tn_offer *offer);

#endif
