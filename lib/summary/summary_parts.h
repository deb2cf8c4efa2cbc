/* SPDX-License-Identifier: MIT */
#ifndef TN_SUMMARY_PARTS_H
#define TN_SUMMARY_PARTS_H

/* The two sources of a summary's sites and peaks: the tables of a finished log, or a pass over the events. */

#include "tenure/summary.h"

#include <stddef.h>
#include <stdint.h>

struct sqlite3;

/* from_tables.c: fill the lists, site_count and small_short_lived of summary->process_id.
 *
 * top      how many sites each list holds at most
 * Returns  0 or a negative errno; what was filled is released by tn_summary_finish */
int tn_summary_read_sites(struct sqlite3 *database, struct tn_summary *summary, size_t top);

/* from_tables.c: fill live_bytes and the peak of a process from timeline.
 *
 * totals   its allocations and live_count are read
 * Returns  0; -ENODATA when the table does not reach the end of the process's events; another negative
 *          errno */
int tn_summary_read_timeline(struct sqlite3 *database, uint64_t process_id, struct tn_summary_totals *totals);

/* from_events.c: fill peaks, live bytes and small_short_lived of all processes, and the lists and site_count
 * of summary->process_id, in one pass over the events. Sites are then the frames that called the allocation
 * function.
 *
 * top      how many sites each list holds at most
 * Returns  0 or a negative errno; what was filled is released by tn_summary_finish */
int tn_summary_from_events(struct sqlite3 *database, struct tn_summary *summary, size_t top);

/* pool_use.c: fill the pools of summary->process_id. Returns 0 or a negative errno; what was filled is
 * released by tn_summary_finish. */
int tn_summary_read_pools(struct sqlite3 *database, struct tn_summary *summary);

/* pool_use.c: release them. */
void tn_summary_finish_pools(struct tn_summary *summary);

/* Release a site's strings. */
void tn_summary_finish_site(struct tn_summary_site *site);

/* ownership.c: release the links. */
void tn_summary_finish_links(struct tn_summary *summary);

#endif
