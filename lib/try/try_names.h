/* SPDX-License-Identifier: MIT */
#ifndef TN_TRY_NAMES_H
#define TN_TRY_NAMES_H

/* Names of the frames that the second allocator told. One thread. */

#include "tenure/trial.h"

/* Print a stack, innermost frame first: "grab (a.c:1) < read_line (a.c:9) < main (a.c:30)".
 *
 * program   path of what was executed
 * ret_text  "" where no stack was told; what was there is released, the caller frees it
 * Returns   0 or -ENOMEM */
int tn_try_name_stack(const struct tn_trial_head *head, const struct tn_inject_stack *stack,
                      const char *program, char **ret_text);

#endif
