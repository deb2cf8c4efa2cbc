/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_WATCH_H
#define TN_ANALYZE_WATCH_H

/* Shows the events of the first pass to whoever the caller of tn_analyze names, in a thread of its own. */

#include "tenure/analysis.h"

/* Begin, where the options name a watch: pass->watcher. Returns 0 or -ENOMEM. */
int tn_watch_open(struct tn_pass *pass);

/* A birth, and a death with the block that dies. Where nobody watches, nothing happens. */
void tn_watch_birth(const struct tn_pass *pass, const struct tn_log_event *event);
void tn_watch_death(const struct tn_pass *pass, const struct tn_log_event *event,
                    const struct tn_block *block);

/* Wait for the last event to be seen, and end. Returns 0, or what the watch returned. Nothing open is fine.
 */
int tn_watch_close(struct tn_pass *pass);

#endif
