/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_RECORDED_H
#define TENURE_FAIL_RECORDED_H

/* Finds out which blocks a run of `tenure fail` has leaked: the run is made once more, and recorded. One
 * thread. */

#include "fail_sweep.h"

struct tn_log;

/* Make the run of the sweep's only result once more, recorded, and say in the result what it never released.
 *
 * sweep    one run was made, and its result has leaked
 * log      of the run without a failure
 * Returns  0, also where the second run did not leak; negative errno: error says what failed */
int tn_fail_leaks_find(struct tn_fail_sweep *sweep, struct tn_log *log, struct tn_error *error);

#endif
