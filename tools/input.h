/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_INPUT_H
#define TENURE_TOOL_INPUT_H

/* Text files that a user writes and a command reads whole: scripts, sizes, policies. */

#include "tenure/base.h"

/* Read a file.
 *
 * max_bytes  what is longer is refused
 * text       is appended to, and ended by a 0 that its size does not count; the caller releases it, also
 * after
 *            an error
 * Returns    0; -EBADMSG: it is too long; another negative errno: it cannot be read; error says what failed
 */
int tn_input_read(const char *path, uint64_t max_bytes, struct tn_buffer *text, struct tn_error *error);

#endif
