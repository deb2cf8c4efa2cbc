/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_USAGES_H
#define TENURE_FINISH_USAGES_H

/* How often each stack called each function: counted once from the events, since that takes a third of the
 * time of reading them all, and told to each step that asks. One thread. */

#include "steps.h"

#include "tenure/log.h"

/* See how each stack was used, in no order.
 *
 * see      called once for each stack, function and is_birth; returns 0 or a negative errno, which ends it
 * Returns  0; what see returned; another negative errno
 * Cost     the first time one pass over the events, later in proportion to the stacks */
int tn_finish_each_usage(struct tn_finish_job *job,
                         int (*see)(void *context, const struct tn_stack_usage *usage), void *context);

/* Forget what was counted. */
void tn_finish_usages_forget(struct tn_finish_job *job);

#endif
