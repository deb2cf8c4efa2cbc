/* SPDX-License-Identifier: MIT */
/* Shows a kind the events once more, as the log has them, for a question that arises only when the pass is
 * over. Called by kinds that conclude. */
#include "tenure/analysis.h"

#include "tenure/log.h"

int tn_pass_reread(const struct tn_pass *pass, int (*visit)(void *context, const struct tn_log_event *event),
                   void *context)
{
    struct tn_event_feed *feed;
    const struct tn_log_event *events;
    int r = tn_event_feed_open(tn_log_database(pass->log), pass->process_id, &feed);
    if (r < 0)
        return tn_pass_refuse(pass, r, "cannot read events");
    int count;
    while (r == 0 && (count = tn_event_feed_next(feed, &events)) != 0) {
        r = count < 0 ? tn_pass_refuse(pass, count, "cannot read events") : 0;
        for (int i = 0; i < count && r == 0; i++)
            r = visit(context, &events[i]);
    }
    tn_event_feed_close(feed);
    return r;
}
