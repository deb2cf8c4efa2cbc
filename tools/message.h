/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MESSAGE_H
#define TENURE_MESSAGE_H

/* Messages of the tools: lines on stderr, as `tenure: what, on what, why, what to do`, and the exit status
 * that belongs to an error. Any thread. */

#include "tenure/base.h"

/* Print one line on stderr, with "tenure: " before it. */
void tn_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print an error's text.
 *
 * Returns  the exit status for its code: TN_STATUS_MACHINE for no permission, a full disk and the like;
 *          TN_STATUS_USAGE for -EINVAL; else TN_STATUS_INPUT */
int tn_say_error(const struct tn_error *error);

/* Write all of text to stdout.
 *
 * Returns  0, also when the reader closed the pipe, as in `tenure report | head`; TN_STATUS_MACHINE: it
 *          failed, and the reason was printed */
int tn_print_out(const struct tn_buffer *text);

#endif
