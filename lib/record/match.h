/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_MATCH_H
#define TN_RECORD_MATCH_H

/* Events in order -> births and deaths in the log. One matcher a process. The events of one address alternate
 * between birth and release; an event for which that is not so yet waits for its counterpart in another ring
 * (order.c holds it back), and is counted if none comes. One thread. */

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
    uint64_t inherited_frees;  /* in a fork child, by free or realloc, of a block that was not born in it */
    uint64_t unmatched_frees;  /* elsewhere, the same: nothing was known at the address */
    uint64_t unmatched_births; /* the address was still live: the death of the older block was not seen */
    uint64_t repaired_orders;  /* events that came before the one they follow */
    uint64_t unknown_stacks;   /* events whose stack was never described */
    uint64_t lost_ring, lost_nested, lost_no_slot, lost_early; /* by the LOSS events' reasons */
    uint64_t damaged_rings;
    uint64_t threads;
};

/* Which row of the log's `stack` each of the shim's stack ids means. Zeroed is empty. */
struct tn_stack_rows {
    uint32_t *rows; /* owned; by shim id; 0: not described yet */
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

/* In a table value: a realloc has begun, the block may or may not be released already. */
#define TN_MATCH_REALLOC_OPEN (UINT64_C(1) << 63)

enum tn_verdict {
    TN_VERDICT_DONE = 0, /* the event is in the log; step over it */
    TN_VERDICT_PARK = 1, /* its counterpart must come first; show it again */
};

/* Apply the event that a stream shows.
 *
 * is_forced  its counterpart does not come: take the event as it is, and count
 * Returns    enum tn_verdict; with PARK nothing has changed but what a second call knows; -EBADMSG: the
 *            event makes no sense (the ring is damaged); other negative errno: the writer's error, or -ENOMEM
 */
int tn_match_apply(struct tn_stream *stream, bool is_forced);

/* Whether an event of this kind can wait for, or end the waiting of, another one at an address. */
static inline bool tn_match_has_address(uint64_t head)
{
    uint32_t kind = tn_event_kind_of(head);
    return kind >= TN_EVENT_BIRTH && kind <= TN_EVENT_REALLOC_COMMIT;
}

/* Remember which row a shim's stack id means. Returns 0, -ENOMEM, or -EBADMSG for an id that cannot be. */
int tn_match_set_stack(struct tn_matcher *matcher, uint32_t shim_id, uint64_t row);

/* Take over what a fork child inherits: the stack ids of its parent. Returns 0 or -ENOMEM. */
int tn_match_inherit(struct tn_matcher *matcher, const struct tn_matcher *parent);

/* Release the memory; not the writer's rows. */
void tn_match_finish(struct tn_matcher *matcher);

#endif
