/* SPDX-License-Identifier: MIT */
#ifndef TENURE_WHAT_IF_H
#define TENURE_WHAT_IF_H

/* What findings would change: the trace is edited as each finding says, alone and all together, and replayed
 * on models of heaps. One thread. */

#include "tenure/finding.h"
#include "tenure/replay.h"

/* A model that changes are measured on. */
struct tn_what_if_model {
    const char *name;                 /* borrowed; as it was asked for */
    struct tn_replay_options options; /* heap.heap_bytes: the heap that was given, or TN_HEAP_UNLIMITED */
    bool derives_pools;               /* pools follow from the trace, anew for each change */
    uint64_t heap_bytes; /* smallest safe heap of the trace as it is; 0: not found; by tn_what_if_run */
    bool has_survived;   /* the trace as it is, in the heap that was given; by tn_what_if_run */
};

/* One change on one model. */
struct tn_what_if_measure {
    uint64_t heap_bytes;      /* smallest safe heap after the change; 0: not found */
    int64_t heap_delta_bytes; /* after minus before; 0 where one is not known */
    bool has_survived;        /* in the heap that was given */
    bool removes_failure;     /* it did not before */
};

/* One change. */
struct tn_what_if_change {
    const struct tn_finding *finding; /* borrowed; NULL: all together */
    uint64_t allocations_removed;     /* calls that no longer reach the heap */
    uint64_t outside_bytes;           /* RAM that it needs elsewhere */
    const char *outside;              /* "stack", "static", "pool", "mixed"; NULL: nowhere. Static storage */
    struct tn_what_if_measure *measures; /* owned; one for each model */
};

struct tn_what_if {
    struct tn_what_if_change *changes; /* owned; the most useful first, at the end all together if several */
    size_t count;
};

/* Whether a replay can show what a finding says. */
bool tn_what_if_applies(const struct tn_finding *finding);

/* Measure changes.
 *
 * source      the trace as it is
 * models      model_count of them; heap_bytes and has_survived are written
 * findings    finding_count, by tn_what_if_applies; in the order in which they may claim a site
 * max_events  to be replayed in search of each smallest heap
 * progress    told how many replays are done of all, or NULL
 * Returns     0; an error of the source; -ENOMEM; with the story in error
 * Owns        the caller owns what ret_what_if holds; tn_what_if_finish releases it */
int tn_what_if_run(const struct tn_replay_source *source, struct tn_what_if_model *models, size_t model_count,
                   const struct tn_finding *const *findings, size_t finding_count, uint64_t max_events,
                   void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                   struct tn_what_if *ret_what_if, struct tn_error *error);

/* Release. Zeroed is fine. */
void tn_what_if_finish(struct tn_what_if *what_if);

#endif
