/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_MATCHER_H
#define TN_RECORD_MATCHER_H

/* The state of matching: totals of the recording, and one matcher a process. match.c, fast_path.c and
 * thread_rows.c work on it. One thread. */

#include "address_table.h"
#include "clock.h"
#include "dead_blocks.h"

#include "tenure/event.h"
#include "tenure/log_write.h"
#include "tenure/ring.h"

#include <stdbool.h>
#include <stdint.h>

/* A table value: the allocation's id, and above it tn_log_size_class of its usable size. */
#define TN_MATCH_CLASS_SHIFT 55
#define TN_MATCH_ID_MASK     ((UINT64_C(1) << TN_MATCH_CLASS_SHIFT) - 1)
#define TN_MATCH_CLASS_MASK  (TN_SIZE_CLASSES - 1u)

/* Bit in a table value: a realloc of the block is open; it may or may not be released already. */
#define TN_MATCH_REALLOC_OPEN (UINT64_C(1) << 63)

struct tn_links;
struct tn_pools;
struct tn_mappings;
struct tn_stream;

/* Totals over all processes, for meta and the progress. */
struct tn_totals {
    uint64_t births;
    uint64_t deaths;
    uint64_t birth_bytes;       /* asked for */
    uint64_t inherited_frees;   /* releases in a fork child of blocks that its parent allocated */
    uint64_t unmatched_frees;   /* releases elsewhere of addresses at which no live block is known */
    uint64_t unrecorded_births; /* births during pauses */
    uint64_t unrecorded_frees;  /* releases of blocks that were born during pauses */
    uint64_t unmatched_births;  /* births at an address that was still live: its death was not seen */
    uint64_t repaired_orders;   /* events with inverted stamps that were put right */
    uint64_t unknown_stacks;    /* events whose stack was never described */
    uint64_t
        lost[TN_LOSS_REASON_COUNT]; /* events lost, by TN_LOSS_BIT of the reason; a damaged ring is full */
    uint64_t damaged_rings;
    uint64_t links_dropped;       /* links found for which their process had no row left */
    uint64_t pool_blocks;         /* rows of pool_block written */
    uint64_t pool_events_dropped; /* calls about pools for which their process had no row left */
    uint64_t threads;             /* rows written */
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
    bool was_paused;       /* once at least: it has blocks that are not in the log */
    uint64_t paused_ticks; /* recording is paused, and no birth has a later stamp; 0: it is not */
    struct tn_stack_rows stacks;
    struct tn_address_table table;      /* address -> TN_MATCH_*; with notes where links are wanted */
    struct tn_dead_blocks *dead;        /* borrowed; NULL: no links are wanted */
    struct tn_links *links;             /* owned; NULL until the first look */
    struct tn_pools *pools;             /* owned; NULL until the program tells of one */
    const struct tn_mappings *mappings; /* borrowed; of the process; NULL: none are known */
    struct tn_stream **open_reallocs;   /* owned; streams with an open REALLOC_BEGIN */
    uint32_t open_realloc_count;
    uint32_t open_realloc_capacity;
};

#endif
