/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CHARTS_H
#define TENURE_CHARTS_H

/* What the HTML page shows of one process beside summary and findings: figures over time, by size, by call
 * stack and by thread, as plain data of bounded size, whatever the log's. Who reads the events anyway shows
 * them to a tn_chart_pass; lib/report writes what comes of it. One thread at a time. */

#include "tenure/base.h"

#include <stddef.h>
#include <stdint.h>

struct tn_allocation;
struct tn_log;
struct tn_summary;

/* Intervals of time at most. Fewer, by halves, where they would have fewer than four allocations each. */
#define TN_CHART_BINS_MAX 480u
#define TN_CHART_BINS_MIN 60u

/* Intervals for figures by call stack: they take room for each stack. */
#define TN_CHART_STACK_BINS_MAX 120u

/* Call stacks that are told by interval; the others together are one. */
#define TN_CHART_STACKS_MAX 1000u

/* Sizes that are told one by one; with more, 16 classes between two powers of two. */
#define TN_CHART_SIZES_MAX 4000u

/* Frames of a tree of stacks; what is left out counts for the frame that called it. */
#define TN_CHART_NODES_MAX 8000u

/* Marks, threads and hand-overs between threads: the first, the busiest, the largest. */
#define TN_CHART_MARKS_MAX     200u
#define TN_CHART_THREADS_MAX   200u
#define TN_CHART_HANDOVERS_MAX 20u

/* An interval of time. A state counts for an interval from its event on, and when the interval begins. */
struct tn_chart_bin {
    uint64_t live_min_bytes;  /* asked for by live blocks, at least */
    uint64_t live_max_bytes;  /* and at most; >= live_min_bytes */
    uint64_t live_max_count;  /* live blocks, at most */
    uint64_t allocations;     /* made in it */
    uint64_t allocated_bytes; /* asked for in it */
};

/* Blocks of one size, or of a class of sizes. */
struct tn_chart_size {
    uint64_t size_bytes;      /* as asked for; of a class its smallest */
    uint64_t allocations;     /* of this size */
    uint64_t allocated_bytes; /* that they asked for */
};

/* A function in a tree of stacks. */
struct tn_chart_node {
    uint32_t parent; /* index of its caller's node; of node 0, the root, 0. Below its own index */
    uint32_t name;   /* index of a name; of the root not used */
};

/* A function, as the trees name it. Strings are owned, never NULL. */
struct tn_chart_name {
    char *function; /* demangled; without a name "module+0x12" */
    char *file;     /* of one of its calls; "" where it is not known */
    char *module;   /* path; "" outside every module */
    uint32_t line;  /* of that call; 0: not known */
};

/* What stacks that end at one node did for one site. */
struct tn_chart_leaf {
    uint32_t node;            /* index of a node */
    uint64_t site_id;         /* row of `site`; 0: none */
    uint64_t allocations;     /* made; in a tree of releases: blocks released */
    uint64_t allocated_bytes; /* that they asked for */
    uint64_t peak_bytes;      /* live when the process had most bytes live, for the first time */
    uint64_t short_lived;     /* allocations that were gone before the process asked for 32 KiB more */
    uint64_t live_bytes;      /* never released */
};

/* A tree of call stacks, outermost function first. Its leaves add up to all allocations, or all releases. */
struct tn_chart_tree {
    struct tn_chart_node *nodes;  /* owned; parents before children; node 0 is the root */
    size_t node_count;            /* in nodes; 0: there is no tree */
    struct tn_chart_leaf *leaves; /* owned */
    size_t leaf_count;            /* in leaves */
    uint64_t left_out_nodes;      /* that were too small to be told */
};

/* What a leaf did in one interval. */
struct tn_chart_share {
    uint32_t bin;             /* interval of time.stack_bin_ns */
    uint32_t leaf;            /* index in the tree of allocations; leaf_count: all the others together */
    uint64_t allocations;     /* made in it */
    uint64_t allocated_bytes; /* asked for in it */
    uint64_t short_lived;     /* of the allocations made in it */
};

/* A mark. */
struct tn_chart_mark {
    uint64_t time_ns; /* since the log's start */
    char *text;       /* owned */
};

/* A thread of the process. */
struct tn_chart_thread {
    uint64_t id;               /* row of `thread` */
    uint64_t tid;              /* the kernel's */
    char *name;                /* owned; never NULL */
    uint64_t start_ns, end_ns; /* since the log's start; end_ns of the process while it runs */
    uint64_t stack_size_bytes; /* 0: not known */
    uint64_t allocations;      /* that it made */
};

/* Blocks that one thread asked for and another one released. */
struct tn_chart_handover {
    uint64_t thread_id;      /* row of `thread`: who asked */
    uint64_t free_thread_id; /* who released */
    uint64_t blocks;         /* how many */
};

/* Moments of a map of the heap, and the cells that each divides the addresses into. */
#define TN_CHART_MOMENTS 120u
#define TN_CHART_CELLS   320u

/* What fills a cell of the map: most of its bytes. From TN_CHART_CELL_SITE on, blocks of the site whose id is
 * so much less. */
enum tn_chart_cell_kind {
    TN_CHART_CELL_UNTOUCHED = 0, /* above the highest block of the moment */
    TN_CHART_CELL_FREE = 1,      /* free, below it */
    TN_CHART_CELL_SITE = 2,      /* of site 0, which is not known */
};

/* Neighbouring cells that are filled alike. */
struct tn_chart_run {
    uint32_t filled; /* enum tn_chart_cell_kind, or more */
    uint32_t cells;  /* how many; of a moment TN_CHART_CELLS together */
};

/* The heap of a model at one moment. */
struct tn_chart_moment {
    uint64_t time_ns;          /* since the log's start; of the event that led to it */
    uint64_t live_bytes;       /* asked for by live blocks */
    uint64_t hole_bytes;       /* free below the highest block */
    struct tn_chart_run *runs; /* owned; by address */
    size_t run_count;          /* in runs */
};

/* The heap of a model over time: of each of TN_CHART_MOMENTS intervals the moment at which most was free
 * below the highest block. */
struct tn_chart_map {
    uint64_t heap_bytes;             /* smallest region for the whole run; 0: there is no map */
    struct tn_chart_moment *moments; /* owned; in time order */
    size_t moment_count;             /* in moments */
};

/* How far a heap reached in one interval of time. */
struct tn_chart_reach {
    uint64_t top_bytes;  /* end of the highest block, at most */
    uint64_t hole_bytes; /* free below it, at most */
};

/* All of it. Zeroed is empty. */
struct tn_charts {
    uint64_t from_ns;                    /* begin of interval 0, since the log's start */
    uint64_t bin_ns;                     /* length of an interval; all are equally long */
    uint64_t stack_bin_ns;               /* length of an interval of shares, a multiple of bin_ns */
    size_t stack_bin_count;              /* intervals of shares */
    struct tn_chart_bin *bins;           /* owned */
    size_t bin_count;                    /* in bins */
    struct tn_chart_size *sizes;         /* owned; ascending */
    size_t size_count;                   /* in sizes */
    uint64_t distinct_sizes;             /* asked for; more than size_count: classes */
    struct tn_chart_name *names;         /* owned; of the nodes of both trees */
    size_t name_count;                   /* in names */
    struct tn_chart_tree births, deaths; /* by the stacks that asked, and that released */
    struct tn_chart_share *shares;       /* owned; by bin, then by leaf */
    size_t share_count;                  /* in shares */
    struct tn_chart_mark marks[TN_CHART_MARKS_MAX];             /* in time order */
    size_t mark_count;                                          /* in marks */
    uint64_t left_out_marks;                                    /* beyond those */
    struct tn_chart_thread threads[TN_CHART_THREADS_MAX];       /* most allocations first */
    size_t thread_count;                                        /* in threads */
    uint64_t left_out_threads;                                  /* beyond those */
    struct tn_chart_handover handovers[TN_CHART_HANDOVERS_MAX]; /* most blocks first */
    size_t handover_count;                                      /* in handovers */
    struct tn_chart_map before, after; /* of the events, and as if the plan had been followed; on a
                                          first-fit heap; by tn_simulate_map (tenure/simulate.h) */
    uint64_t map_bytes;                /* that all cells of a moment stand for, in both maps */
    size_t applied;                    /* findings; 0: there is no `after` */
    struct tn_chart_reach *reaches;    /* owned; by interval of bins, of `before`; NULL: there is no map */
    uint64_t handed_over;              /* blocks released by another thread, in all */
};

/* Counts events. */
struct tn_chart_pass;

/* Begin to count what the page shows of summary->process_id.
 *
 * log       finished; stays open and the caller's
 * summary   of the same log: its peak tells which moment leaf.peak_bytes are of. Borrowed until the end
 * Returns   0; -EBADMSG a damaged log; -ENOMEM; -EIO: error says what failed and what to do
 * Owns      the caller owns *ret_pass; tn_charts_end or tn_charts_drop releases it
 * Cost      memory in proportion to stacks, and 2 KB a stack that allocates */
int tn_charts_begin(struct tn_log *log, const struct tn_summary *summary, struct tn_chart_pass **ret_pass,
                    struct tn_error *error);

/* A block is born. Its thread, stack, size and birth_ns are read. All births and deaths of the process, in
 * order.
 *
 * pass      a struct tn_chart_pass
 * Returns   0, or -ENOMEM
 * Cost      some 15 ns */
int tn_charts_birth(void *pass, const struct tn_allocation *allocation);

/* A block dies. The same is read, and death_ns, lifetime_bytes, free_thread_id and free_stack_id.
 *
 * pass      a struct tn_chart_pass
 * Returns   0, or -ENOMEM
 * Cost      some 15 ns */
int tn_charts_death(void *pass, const struct tn_allocation *allocation);

/* All events were shown: make the page's data of what was counted.
 *
 * pass      is released, also after an error
 * ret_charts  written whole on success; tn_charts_finish releases what it owns
 * Returns   as tn_charts_begin */
int tn_charts_end(struct tn_chart_pass *pass, struct tn_charts *ret_charts, struct tn_error *error);

/* Release without a result. NULL is fine. */
void tn_charts_drop(struct tn_chart_pass *pass);

/* Release what it owns; it is empty again. NULL and zeroed are fine. */
void tn_charts_finish(struct tn_charts *charts);

#endif
