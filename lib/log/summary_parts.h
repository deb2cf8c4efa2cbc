/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_SUMMARY_PARTS_H
#define TN_LOG_SUMMARY_PARTS_H

/* The two sources of a summary's sites and peaks: the tables of a finished log, or a pass over the events. */

#include "tenure/summary.h"

#include <stddef.h>
#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;

/* A text column as a string of our own; "" for NULL. NULL: no memory. */
char *tn_summary_text(struct sqlite3_stmt *statement, int column);

/* Fill the lists, site_count and small_short_lived of summary->process_id from site and site_summary. */
int tn_summary_read_sites(struct sqlite3 *database, struct tn_summary *summary, size_t top);

/* Fill live_bytes and the peak of a process from timeline.
 *
 * Returns  0; -ENODATA when the table does not reach the end of the process's events */
int tn_summary_read_timeline(struct sqlite3 *database, uint64_t process_id, struct tn_summary_totals *totals);

/* Fill peaks, live bytes and small_short_lived of all processes, and the lists and site_count of
 * summary->process_id, from the events. Sites are then the places that called the allocation function. */
int tn_summary_scan(struct sqlite3 *database, struct tn_summary *summary, size_t top);

/* Release a site's strings. */
void tn_summary_finish_site(struct tn_summary_site *site);

#endif
