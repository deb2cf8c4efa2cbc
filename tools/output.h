/* SPDX-License-Identifier: MIT */
#ifndef TENURE_OUTPUT_H
#define TENURE_OUTPUT_H

/* Output of a command: to stdout or a file. */

#include "tenure/base.h"

#include <stdbool.h>

/* Whether two paths name the same file; false if one does not exist. */
bool tn_output_is_same(const char *a, const char *b);

/* Write text into a file, all or nothing: if the disk is full, the old file stays. A device or a pipe is
 * written to directly.
 *
 * path     NULL: stdout
 * Returns  the exit status; what failed was printed */
int tn_output_write(const char *path, const struct tn_buffer *text);

#endif
