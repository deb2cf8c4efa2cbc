/* SPDX-License-Identifier: MIT */
#ifndef TN_CHART_CHART_PASS_H
#define TN_CHART_CHART_PASS_H

/* What the pass over the events counts, before it is cut down to what a page shows. One thread. */

#include "tenure/charts.h"
#include "tenure/map.h"

#include <stdbool.h>

struct tn_allocation;

/* What a stack did in one interval of stack_bin_ns. */
struct tn_chart_cell {
    uint64_t allocated_bytes; /* asked for */
    uint32_t allocations;     /* made; stays at its greatest value */
    uint32_t short_lived;     /* of these, gone soon; likewise */
};

/* What a stack did in all. */
struct tn_chart_stack {
    uint64_t allocations, allocated_bytes; /* as in struct tn_chart_leaf */
    uint64_t peak_bytes, short_lived;      /* likewise */
    uint64_t live_bytes;                   /* now; at the end those of the leaf */
    uint64_t released, released_bytes;     /* blocks that it released */
    struct tn_chart_cell *cells; /* owned; TN_CHART_STACK_BINS_MAX of them; NULL: no birth yet, or counted
                        with the others of the pass */
};

/* The pass. */
struct tn_chart_pass {
    struct tn_log *log;               /* borrowed; by tn_chart_pass_open */
    const struct tn_summary *summary; /* borrowed; by tn_chart_pass_open */
    struct tn_charts *charts;         /* owned; its bins and intervals, by tn_chart_pass_open */
    struct tn_chart_stack *stacks;    /* owned; by stack id; 0: no stack was taken */
    uint64_t stack_count;             /* in stacks, at least 1 */
    uint64_t celled;                  /* stacks that have cells */
    struct tn_chart_cell
        *others; /* owned; the cells of those that have none; TN_CHART_STACK_BINS_MAX of them */
    uint64_t live_bytes, live_count; /* now */
    uint64_t peak_live_bytes;        /* of the process, known before */
    bool has_peak;                   /* the moment of the peak was seen */
    uint64_t bin;                    /* the latest that has begun */
    struct tn_map sizes;             /* size + 1 -> blocks */
    struct tn_map threads;           /* thread id -> allocations */
    struct tn_map handovers;         /* thread id << 32 | id of the thread that released -> blocks */
    int error;                       /* 0, or -ENOMEM: nothing is counted any more */
};

/* charts is there. Make room, and divide the time of the process into TN_CHART_BINS_MAX intervals.
 *
 * Returns  0; -ENOMEM, -EBADMSG, -EIO. tn_chart_pass_close releases what was taken, also then */
int tn_chart_pass_open(struct tn_chart_pass *pass, struct tn_log *log, const struct tn_summary *summary);

/* All events were counted. Join intervals by twos as long as they have few allocations, and set
 * charts->bin_ns, stack_bin_ns. */
void tn_chart_pass_join(struct tn_chart_pass *pass);

/* Release what the pass holds, but charts. Zeroed is fine. */
void tn_chart_pass_close(struct tn_chart_pass *pass);

/* tree.c: the trees, names and shares from what was counted; tn_chart_pass_join comes before. Returns 0,
 * -ENOMEM, -EBADMSG or -EIO. */
int tn_chart_make_trees(struct tn_chart_pass *pass, struct tn_log *log);

/* rows.c: sizes, threads, hand-overs and marks. Returns 0, -ENOMEM, -EBADMSG or -EIO. */
int tn_chart_load_rows(struct tn_chart_pass *pass, struct tn_log *log, const struct tn_summary *summary);

#endif
