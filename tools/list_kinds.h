/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_LIST_KINDS_H
#define TENURE_TOOL_LIST_KINDS_H

/* What `tenure report` can print without a log: its kinds of findings and their thresholds. */

#include <stdbool.h>

/* Print all kinds on stdout, as text or as one JSON object. Returns the exit status. */
int tn_list_kinds(bool is_json);

/* Print all thresholds on stdout, by kind. Returns the exit status. */
int tn_list_thresholds(void);

#endif
