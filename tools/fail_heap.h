/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_HEAP_H
#define TENURE_FAIL_HEAP_H

/* The small heap of `tenure fail --heap` and `tenure try --heap`. One thread. */

#include "options.h"

#include "tenure/fail.h"

/* Read the model of the heap, and check that such a heap can be laid out.
 *
 * command  limit_bytes is read; policy and pointer_bytes are written
 * Returns  0; -EINVAL: no such model, or it is given without a heap, or the heap is too small for it;
 * -ENOMEM; error
 *          says what failed */
int tn_fail_heap_read(const struct tn_arguments *arguments, struct tn_fail_command *command,
                      struct tn_error *error);

#endif
