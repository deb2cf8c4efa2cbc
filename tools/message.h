/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MESSAGE_H
#define TENURE_MESSAGE_H

/* How the tools speak: errors on stderr as `tenure: what, on what, why, what to do`, and the exit status that
 * belongs to an error. */

#include "tenure/base.h"

/* Print one line on stderr, with "tenure: " before it. */
void tn_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print an error's story and return the exit status of its code: no permission, a full disk and the like are
 * TN_STATUS_MACHINE, everything else about a file is TN_STATUS_INPUT. */
int tn_say_error(const struct tn_error *error);

/* Write text to stdout, all of it. Returns the exit status: 0, or TN_STATUS_MACHINE after saying why. A
 * closed pipe is no error: `tenure report | head` is a fine thing to do. */
int tn_print_out(const struct tn_buffer *text);

#endif
