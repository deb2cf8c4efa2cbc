/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_LIST_KINDS_H
#define TENURE_TOOL_LIST_KINDS_H

/* What `tenure report` can print without a log: its kinds of findings and their thresholds. */

#include <stdbool.h>

/* Print all kinds on stdout, as text or as one JSON object. Returns the exit status. */
int tn_list_kinds(bool is_json);

/* Print all thresholds on stdout, by kind. Returns the exit status. */
int tn_list_thresholds(void);

struct tn_error;

/* Whether a list of names, separated by commas, names kinds only; "all" is one, too.
 *
 * option   where it was given, for the message
 * list     NULL: not given
 * Returns  0; -EINVAL, error says which one is none, and which was meant */
int tn_check_kinds(const char *option, const char *list, struct tn_error *error);

#endif
