/* SPDX-License-Identifier: MIT */
#ifndef TN_TEST_TRIAL_ACTS_H
#define TN_TEST_TRIAL_ACTS_H

/* What the children of test_trial.c do, and at which places. */

#include <stdint.h>

/* Offsets of the frames of the two places where blocks are made, innermost first; the second frame of the
 * first place is the owner's. Written by trial_find_places. */
extern uintptr_t trial_probed[2][2];

void trial_find_places(void);

/* Do what a case does. Returns 0; 1: there is none of that name. A block that does not hold what was written
 * ends the process by status 77. */
int trial_act(const char *name);

#endif
