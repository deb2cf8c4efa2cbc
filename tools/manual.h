/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MANUAL_H
#define TENURE_MANUAL_H

/* Manual pages in the format of man(7), from the same tables as --help. For print_pages.c, while tenure is
 * built. Any thread. */

#include "command.h"

/* Append tenure(1). Returns 0 or -ENOMEM. */
int tn_manual_print_overview(struct tn_buffer *out);

/* Append the page of a command, tenure-NAME(1). Returns 0 or -ENOMEM. */
int tn_manual_print_command(const struct tn_command *command, struct tn_buffer *out);

#endif
