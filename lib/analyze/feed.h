/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_FEED_H
#define TN_ANALYZE_FEED_H

/* The events of a process in batches, unpacked by a thread of its own while the analyses look at the batch
 * before: a quarter of the time is unpacking. Where no thread can be had, the caller unpacks. */

#include "tenure/log.h"

#include <stddef.h>
#include <stdint.h>

struct sqlite3;
struct tn_feed;

/* Begin. As tn_event_cursor_open; the database may be used by the caller meanwhile, for other statements. */
int tn_feed_open(struct sqlite3 *database, uint64_t process_id, struct tn_feed **ret_feed);

/* The next batch.
 *
 * ret_events  borrowed until the next call
 * Returns     events in the batch; 0 at the end; an error of tn_event_cursor_next, after all events before it
 */
int tn_feed_next(struct tn_feed *feed, const struct tn_log_event **ret_events);

/* End, also before the last event. NULL is fine. */
void tn_feed_close(struct tn_feed *feed);

#endif
