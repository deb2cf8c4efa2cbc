/* SPDX-License-Identifier: MIT */
#ifndef TENURE_UNFINISHED_H
#define TENURE_UNFINISHED_H

/* Logs whose recording is over and that are not finished: names, sites, summaries or rows are missing, and
 * queries over them give nothing. Whoever reads such a log finishes it. */

#include "tenure/base.h"

struct tn_log;

/* Open a log for reading, and finish it first if that is due: wait for the process that does so, or do it
 * here, with progress. Where that cannot be done (no permission, no room), the log is opened as it is.
 *
 * Returns  as tn_log_open
 * Owns     as tn_log_open */
int tn_open_finished(const char *path, struct tn_log **ret_log, struct tn_error *error);

/* Print one line on stderr that says what is missing, and why; nothing for a finished log. */
void tn_say_unfinished(struct tn_log *log);

#endif
