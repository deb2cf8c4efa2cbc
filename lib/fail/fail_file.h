/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_FILE_H
#define TENURE_FAIL_FILE_H

/* The file that a run and the library in the program share (inject.h). */

#include "tenure/fail.h"

/* Make it.
 *
 * path        must not exist
 * subject     NULL: nothing fails by its place
 * Returns     0 or a negative errno */
int tn_fail_file_make(const char *path, const struct tn_fail_command *command,
                      const struct tn_fail_subjects *subjects, const struct tn_fail_subject *subject,
                      uint64_t occurrence);

/* Read what the processes told. Returns 0 or a negative errno. */
int tn_fail_file_read(const char *path, struct tn_inject_head *ret_head);

#endif
