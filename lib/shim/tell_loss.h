/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_TELL_LOSS_H
#define TENURE_SHIM_TELL_LOSS_H

/* Tells the recorder of this process, or of an ancestor, that this process runs on unrecorded (session.h,
 * LOST). */

#include "tenure/ring.h"
#include "tenure/session.h"

#include <stdbool.h>

/* Tell it. Between tn_own_begin and tn_own_end, by the thread that starts the process.
 *
 * reason   START or FORK: how the recorder is found
 * Returns  whether it was told; if not, there is none, or it cannot be reached
 * Cost     as tn_hello_exchange */
bool tn_tell_loss(enum tn_hello_reason reason, enum tn_child_loss loss);

#endif
