/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SUMMARY_H
#define TENURE_SUMMARY_H

/* What a report says of a recording before any finding: plain data, loaded from a log and owning all it
 * holds. Reports are written from it and need no log, no SQL and no lock. A log that is being written, was
 * cut short or is not finished gives what it has; the fields below say what that means for each of them. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_log;

/* The lists of a summary, and the number of lists. */
enum tn_summary_list {
    TN_SUMMARY_BY_ALLOCATIONS,       /* most allocations first */
    TN_SUMMARY_BY_SMALL_SHORT_LIVED, /* most of them first; sites without any are left out */
    TN_SUMMARY_BY_PEAK_LIVE_BYTES,   /* highest peak first */
    TN_SUMMARY_LIST_COUNT
};

/* Quantiles of a lifetime on one clock, over the allocations that died. All 0 when none did. */
struct tn_summary_quantiles {
    /* In the unit of the clock: ns, allocations or bytes. p50 <= p90 <= p99 <= max. */
    uint64_t p50, p90, p99, max;
};

/* One site of one process. Strings are owned by the summary, never NULL. */
struct tn_summary_site {
    uint64_t site_id;         /* row of `site`; 0 in an unfinished log */
    char *function;           /* demangled; "" when not known */
    char *file;               /* "" when not known */
    uint32_t line;            /* 0 when not known */
    char *module;             /* path; "" outside every module */
    uint64_t offset_bytes;    /* return address in the module; 0 where the line is known */
    char *via;                /* "malloc", "strdup", ...; in an unfinished log the allocation function */
    uint64_t allocations;     /* that the site made in this process; at least 1 */
    uint64_t total_bytes;     /* asked for by all of them */
    uint64_t usable_bytes;    /* got for all of them */
    uint64_t min_size_bytes;  /* smallest size asked for */
    uint64_t max_size_bytes;  /* largest size asked for */
    double mean_size_bytes;   /* total_bytes / allocations */
    uint64_t distinct_sizes;  /* 0: not counted (unfinished log) */
    uint64_t peak_live_count; /* blocks live at once, at most */
    uint64_t peak_live_bytes; /* bytes asked for that were live at once, at most; at another time maybe */
    uint64_t live_at_end;     /* blocks that were not released */
    uint64_t freed;           /* of allocations: released before the end */
    uint64_t freed_by_other_thread;          /* of freed: not by the thread that allocated */
    uint64_t short_lived;                    /* released before the process had asked for another 32 KiB */
    uint64_t small_short_lived;              /* of these, the ones of at most 1,024 bytes */
    struct tn_summary_quantiles lifetime_ns; /* all three 0 when has_quantiles is false */
    struct tn_summary_quantiles lifetime_allocations; /* of the process, made meanwhile */
    struct tn_summary_quantiles lifetime_bytes;       /* asked for by the process meanwhile */
    bool has_quantiles;                               /* false in an unfinished log */
};

/* A list of sites, best first. */
struct tn_summary_sites {
    struct tn_summary_site *sites; /* owned; NULL when count is 0 */
    size_t count;                  /* in sites */
};

/* A line that asks for memory, by name only. Strings are owned by the summary, never NULL. */
struct tn_summary_place {
    uint64_t site_id;      /* row of `site`; 0: none */
    char *function;        /* demangled; "" when not known */
    char *file;            /* "" when not known */
    uint32_t line;         /* 0 when not known */
    char *module;          /* path; "" outside every module */
    uint64_t offset_bytes; /* return address in the module; 0 where the line is known */
    char *via;             /* "malloc", "strdup", ... */
};

/* Who holds whose address: blocks of one site, or a global variable, hold those of another site at an offset.
 * Where several moments show it, the one with the largest share tells. */
struct tn_summary_link {
    struct tn_summary_place holder; /* site_id 0 and all texts "": a global holds */
    char *global_module;            /* owned: path of the module of the global; "" where a block holds */
    uint64_t offset_bytes;         /* of the address in the holder; of a global its address minus load bias */
    char *holder_type;             /* owned: what the holder probably is: "struct txn"; "" when not known */
    char *holder_member;           /* owned: its member there: "token"; "" when not known */
    struct tn_summary_place held;  /* whose address it is */
    uint64_t inner_offset_bytes;   /* how far behind the held block's start it points; 0 to 64 */
    char *moment;                  /* owned: "holder death", "event 4", ...; as in the log's table link */
    uint64_t looks;                /* that found it; 1 or more */
    uint64_t looks_made;           /* of these the share is taken; 3 or more */
    double share;                  /* looks of looks_made; 0.1 .. 1 */
    uint64_t distinct_held_blocks; /* of each pair of stacks, added up; 3 or more */
};

/* How many pools a summary lists, and how many sizes of each. */
#define TN_SUMMARY_POOLS      16u
#define TN_SUMMARY_POOL_SIZES 4u

/* Blocks of one size in a pool. */
struct tn_summary_pool_size {
    uint64_t size_bytes;      /* of each */
    uint64_t allocations;     /* handed out */
    uint64_t peak_live_count; /* in use at once, at most */
};

/* A pool that the program describes. Its blocks are no allocations. */
struct tn_summary_pool {
    uint64_t id;              /* row of `pool` */
    char *name;               /* owned: that the program gave it, or its address; never NULL */
    uint64_t allocations;     /* blocks handed out */
    uint64_t frees;           /* of these, taken back */
    uint64_t resets;          /* calls that took all back */
    uint64_t total_bytes;     /* of all blocks handed out */
    uint64_t live_count;      /* in use at the end (so far, while it runs) */
    uint64_t live_bytes;      /* of these */
    uint64_t peak_live_count; /* in use at once, at most */
    uint64_t peak_live_bytes; /* the same, bytes; at another time maybe */
    uint64_t unknown_frees;   /* of blocks that the log does not know */
    uint64_t unseen_frees;    /* handed out at an address that was in use */
    size_t size_count;        /* different sizes */
    size_t listed_sizes;      /* in sizes */
    struct tn_summary_pool_size sizes[TN_SUMMARY_POOL_SIZES]; /* those with most bytes at their peak first */
};

/* Totals of one process (or of all: tn_summary.all). */
struct tn_summary_totals {
    uint64_t allocations;       /* births: calls that returned a block */
    uint64_t frees;             /* deaths: frees, and reallocs that moved or released a block */
    uint64_t reallocs;          /* births that realloc made of an older block */
    uint64_t failures;          /* calls to which the real allocator returned NULL */
    uint64_t total_bytes;       /* asked for by all allocations */
    uint64_t usable_bytes;      /* got by all allocations */
    uint64_t live_count;        /* at the end (so far, while it runs) */
    uint64_t live_bytes;        /* asked for by these */
    uint64_t peak_live_bytes;   /* of `all`: of the process with the highest peak */
    uint64_t peak_live_count;   /* allocations live when live_bytes was at its peak */
    uint64_t peak_ns;           /* when that was, ns since the log's start */
    uint64_t small_short_lived; /* allocations of at most 1,024 bytes, released before another 32 KiB */
    uint64_t threads;           /* seen */
};

/* One process of the recording. */
struct tn_summary_process {
    uint64_t id;          /* row of `process`, from 1 */
    uint64_t parent_id;   /* 0: a root */
    uint32_t pid;         /* that the system gave it */
    char *executable;     /* never NULL */
    char *command_line;   /* never NULL */
    char *exit_kind;      /* exit, signal, exec, lost, running, unknown */
    int exit_code;        /* -1 where it cannot be known; a signal's number with "signal" */
    uint64_t start_ns;    /* since the log's start */
    uint64_t end_ns;      /* since the log's start; the log's last time while it runs */
    uint64_t allocations; /* as in the totals */
    uint64_t frees;       /* as in the totals */
};

/* What was not recorded, or could not be matched, in all processes. All 0: the log is whole. */
struct tn_summary_losses {
    uint64_t events_lost;   /* events that the shim could not hand over */
    uint64_t damaged_parts; /* rings and headers that the program wrote over: events are missing, not known
                             * how many */
    uint64_t processes_unrecorded; /* processes of the tree that could not be recorded, and told so */
    uint64_t unmatched_frees;      /* frees of blocks that were born before the recording, or unseen */
    uint64_t unmatched_births;     /* blocks whose release was not seen, at an address that was born again */
    uint64_t stacks_cut;           /* stacks that reached the depth limit */
    uint64_t inherited_frees; /* in forked children: releases of the parent's blocks (no loss, counted) */
    uint64_t pauses;          /* of the recording, that somebody asked for */
    uint64_t paused_ns;       /* spent in them */
    uint64_t unrecorded_allocations; /* made meanwhile */
    uint64_t unrecorded_frees;       /* of blocks that were made meanwhile */
};

/* Everything. Zeroed is empty. */
struct tn_summary {
    char *path;           /* of the log, as it was opened */
    uint64_t log_bytes;   /* size of the file, its -wal included */
    char *program;        /* executable of the first process; "" without one */
    char *program_label;  /* the same for people: before it, in front of a bracket, the name of the link or
                             script that was run, if that is another; NULL: as program */
    char *command_line;   /* of the first process */
    char *started_at;     /* UTC, ISO 8601; "" when missing */
    char *tool_version;   /* of the tool that recorded; "" when missing */
    char *wrappers;       /* functions that were found to allocate for their callers, by name, separated by
                             ", "; "" without any. What another run may not show has "(by use)" behind it, what this
                             one does not show enough of "perhaps" before it */
    char *wrappers_found; /* the same with the numbers that speak for it, a JSON list (meta.wrappers_found) */
    char *wrappers_undecided; /* those of which this run does not show enough, likewise */
    uint64_t duration_ns;     /* from the log's start to its last event */
    bool is_closed;           /* the recording was closed in order (meta.closed) */
    bool is_complete;         /* and every event is there that recording should have (meta.complete) */
    bool is_finished;         /* names, sites and summaries are there (meta.finished) */
    bool lacks_free_stacks;   /* recorded without the stacks of releases (--free-stacks no) */
    uint64_t process_id;      /* the process that totals and lists are about; 0 without any */
    struct tn_summary_losses losses;
    struct tn_summary_process *processes;                 /* owned, in order of id */
    size_t process_count;                                 /* in processes */
    struct tn_summary_totals all;                         /* over all processes */
    struct tn_summary_totals totals;                      /* of process_id */
    size_t site_count;                                    /* sites of process_id, listed or not */
    struct tn_summary_sites lists[TN_SUMMARY_LIST_COUNT]; /* by enum tn_summary_list */
    struct tn_summary_link *links; /* owned; the strongest first; tn_summary_load_links fills it */
    size_t link_count;             /* in links */
    struct tn_summary_pool
        *pools;        /* owned: of process_id, the largest peaks first; at most TN_SUMMARY_POOLS */
    size_t pool_count; /* in pools */
    size_t all_pools;  /* of process_id, listed or not */
};

/* Load a summary.
 *
 * log          open; stays open and the caller's
 * process_id   whose totals and lists are wanted; 0: the one with most allocations
 * top          how many sites each list holds at most
 * ret_summary  written whole on success; tn_summary_finish releases what it owns
 * Returns      0; -ENOENT no such process; -EBADMSG a damaged log; -ENOMEM, -EIO: error says what failed and
 *              what to do
 * Cost         a few queries on a finished log; else one pass over the events of the process, about 100 ns an
 *              event */
int tn_summary_load(struct tn_log *log, uint64_t process_id, size_t top, struct tn_summary *ret_summary,
                    struct tn_error *error);

/* Add who holds whose address in process_id to a summary: the links that chance does not explain, by the
 * limits of tenure/log.h. A log that has none, or is not finished, gives none.
 *
 * summary  loaded from the same log, without links
 * Returns  0; -ENOMEM, -EIO: error says what failed and what to do, and the summary is as before
 * Cost     one query over at most 65,536 links */
int tn_summary_load_links(struct tn_log *log, struct tn_summary *summary, struct tn_error *error);

/* Release what it owns; it is empty again. NULL and zeroed are fine. */
void tn_summary_finish(struct tn_summary *summary);

#endif
