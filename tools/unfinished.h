/* SPDX-License-Identifier: MIT */
#ifndef TENURE_UNFINISHED_H
#define TENURE_UNFINISHED_H

/* The warning that a log is not finished: names, sites, summaries or rows are missing, and queries over them
 * give nothing. */

struct tn_log;

/* Print one line on stderr that says what is missing, and why; nothing for a finished log. */
void tn_say_unfinished(struct tn_log *log);

#endif
