/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_MATCH_H
#define TN_RECORD_MATCH_H

/* Turns ordered events into births and deaths in the log; one matcher a process. The events of one address
 * alternate between birth and release. An event that breaks this came before its counterpart in another ring:
 * it waits for that one (order.c holds it back), and is counted as unmatched if none comes. One thread. */

#include "matcher.h"
#include "stream.h"

#include "tenure/log_write.h"

#include <stdbool.h>
#include <stdint.h>

enum tn_verdict {
    TN_VERDICT_DONE = 0, /* the event is applied; step over it */
    TN_VERDICT_PARK = 1, /* its counterpart must come first; apply it again later */
};

/* Apply the event that a stream stands at (tn_stream_peek).
 *
 * is_forced  its counterpart did not come in time: apply the event as it is, and count it as unmatched
 * Returns    enum tn_verdict; with PARK call it again later; -EBADMSG: malformed event, the ring is damaged;
 *            other negative errno: the writer's error, or -ENOMEM
 */
int tn_match_apply(struct tn_stream *stream, bool is_forced);

/* Whether an event is about one address: only such events wait for each other. */
static inline bool tn_match_has_address(uint64_t head)
{
    uint32_t kind = tn_event_kind_of(head);
    return (kind >= TN_EVENT_BIRTH && kind <= TN_EVENT_REALLOC_COMMIT) || kind == TN_EVENT_POOL_BIRTH ||
           kind == TN_EVENT_POOL_DEATH;
}

/* Set the row of a shim's stack id. Returns 0; -ENOMEM; -EBADMSG: the id is 0 or far beyond all others. */
int tn_match_set_stack(struct tn_matcher *matcher, uint32_t shim_id, uint64_t row);

/* Copy the parent's stack ids to a fork child, which goes on using them. Returns 0 or -ENOMEM. */
int tn_match_inherit(struct tn_matcher *matcher, const struct tn_matcher *parent);

/* Release the memory; not the writer's rows. */
void tn_match_finish(struct tn_matcher *matcher);

#endif
