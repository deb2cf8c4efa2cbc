/* SPDX-License-Identifier: MIT */
#ifndef TENURE_OUTPUT_H
#define TENURE_OUTPUT_H

/* Where a command's text goes: stdout or a file. */

#include "tenure/base.h"

#include <stdbool.h>

/* Whether two paths name one file that exists. */
bool tn_output_is_same(const char *a, const char *b);

/* Write text into a file, all or nothing: a full disk leaves what was there before. A device or a pipe is
 * written to as it is.
 *
 * path     NULL: stdout
 * Returns  the exit status, after saying what went wrong */
int tn_output_write(const char *path, const struct tn_buffer *text);

#endif
