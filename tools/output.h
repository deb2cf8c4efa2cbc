/* SPDX-License-Identifier: MIT */
#ifndef TENURE_OUTPUT_H
#define TENURE_OUTPUT_H

/* Output of a command: to stdout or a file. */

#include "tenure/base.h"

#include <stdbool.h>

/* Whether both paths name the same existing file. */
bool tn_output_is_same(const char *a, const char *b);

/* Write text into a file, all or nothing: a full disk leaves what was there before. A device or a pipe is
 * written to directly.
 *
 * path     NULL: stdout
 * Returns  TN_STATUS_DONE; TN_STATUS_MACHINE after a message on stderr */
int tn_output_write(const char *path, const struct tn_buffer *text);

#endif
