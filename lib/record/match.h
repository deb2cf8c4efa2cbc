/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_MATCH_H
#define TN_RECORD_MATCH_H

/* Turns ordered events into births and deaths in the log; one matcher a process. The events of one address
 * alternate between birth and release. An event that breaks this came before its counterpart in another ring:
 * it waits for that one (order.c holds it back), and is counted as unmatched if none comes. One thread. */

#include "address_table.h"
#include "clock.h"
#include "stream.h"

#include "tenure/log_write.h"

#include <stdbool.h>
#include <stdint.h>

/* Totals over all processes, for meta and the progress. */
struct tn_totals {
    uint64_t births;
    uint64_t deaths;
    uint64_t birth_bytes;      /* asked for */
    uint64_t inherited_frees;  /* releases in a fork child of blocks that its parent allocated */
    uint64_t unmatched_frees;  /* releases elsewhere of addresses at which no live block is known */
    uint64_t unmatched_births; /* births at an address that was still live: its death was not seen */
    uint64_t repaired_orders;  /* events with inverted stamps that were put right */
    uint64_t unknown_stacks;   /* events whose stack was never described */
    uint64_t lost_ring;        /* events lost because the thread's ring was full or damaged */
    uint64_t lost_nested;  /* the same, because the thread was inside the shim already (signal handlers) */
    uint64_t lost_no_slot; /* the same, because all rings were taken */
    uint64_t lost_early;   /* the same, before the recorder was connected */
    uint64_t damaged_rings;
    uint64_t threads; /* rows written */
};

/* Row of the log's `stack` for each of the shim's stack ids. Zeroed is empty. */
struct tn_stack_rows {
    uint32_t *rows; /* owned; by shim id; 0: no STACK event seen yet */
    uint32_t count; /* room */
};

struct tn_matcher {
    struct tn_log_writer *writer;     /* borrowed */
    struct tn_totals *totals;         /* borrowed */
    const struct tn_clock_map *clock; /* borrowed */
    uint64_t process_id;              /* row */
    uint64_t last_ns;                 /* of the last event written; times of a process never fall */
    uint32_t stream_count;            /* rings in which an event was seen */
    bool is_fork_child;
    struct tn_stack_rows stacks;
    struct tn_address_table table;    /* address -> TN_MATCH_* */
    struct tn_stream **open_reallocs; /* owned; streams with an open REALLOC_BEGIN */
    uint32_t open_realloc_count;
    uint32_t open_realloc_capacity;
};

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
