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

/* A table value: the allocation's id, and above it tn_log_size_class of its usable size. */
#define TN_MATCH_CLASS_SHIFT 55
#define TN_MATCH_ID_MASK     ((UINT64_C(1) << TN_MATCH_CLASS_SHIFT) - 1)
#define TN_MATCH_CLASS_MASK  (TN_SIZE_CLASSES - 1u)

/* Bit in a table value: a realloc of the block is open; it may or may not be released already. */
#define TN_MATCH_REALLOC_OPEN (UINT64_C(1) << 63)

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
    return kind >= TN_EVENT_BIRTH && kind <= TN_EVENT_REALLOC_COMMIT;
}

/* Set the row of a shim's stack id. Returns 0; -ENOMEM; -EBADMSG: the id is 0 or far beyond all others. */
int tn_match_set_stack(struct tn_matcher *matcher, uint32_t shim_id, uint64_t row);

/* Copy the parent's stack ids to a fork child, which goes on using them. Returns 0 or -ENOMEM. */
int tn_match_inherit(struct tn_matcher *matcher, const struct tn_matcher *parent);

/* Release the memory; not the writer's rows. */
void tn_match_finish(struct tn_matcher *matcher);

#endif
