/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_ANALYSIS_H
#define TN_ANALYZE_ANALYSIS_H

/* What an analysis is to the shared pass, and what the pass offers to it. One file of this folder a kind; the
 * table in kinds.c lists them. An analysis sees every birth and death of one process in true order, keeps
 * what it needs in proportion to live blocks and sites, and states its findings at the end. */

#include "tenure/analyze.h"
#include "tenure/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_HEADER_BYTES                                                                                      \
    8u /* what an allocator keeps beside each block: glibc's on 64 bit. Rounding is measured */

/* What a block costs in a heap: max(round_up(size + header, alignment), min). From the documents and sources
 * of the makers, for a 32-bit target but for glibc; the replay models the heaps themselves. */
struct tn_heap_cost {
    const char *policy;
    uint32_t header_bytes, alignment_bytes, min_block_bytes;
};

/* The heaps that findings give costs for, ended by one without a policy (cost.c). */
extern const struct tn_heap_cost tn_heap_costs[];

/* Bytes of heap that a block of size_bytes takes. */
uint64_t tn_heap_block_bytes(const struct tn_heap_cost *cost, uint64_t size_bytes);

/* A node of the trie of stacks, by row id. */
struct tn_stack_node {
    uint32_t frame_id;
    uint32_t caller_id; /* 0 at the root; else below its own id */
    uint32_t depth;     /* frames, this one included */
    uint32_t
        site; /* index in tn_pass.sites of the site of a stack that ends here; 0: it is no event's stack */
    uint64_t frame_bytes; /* this frame's CFA minus its callee's */
    uint64_t total_bytes; /* sum of frame_bytes from here to the root */
    bool is_cut;
};

/* A site, and what all analyses need to know of it at the end. Kept by the pass, right after each event. */
struct tn_pass_site {
    uint64_t site_id; /* row of `site` */
    uint64_t allocations, freed, live_count, peak_live_count;
    uint64_t total_bytes, usable_bytes, live_bytes,
        peak_live_bytes; /* bytes asked for, but for usable_bytes */
    uint64_t min_size_bytes, max_size_bytes, max_alignment_bytes;
    uint64_t freed_by_other_thread;
    uint64_t live_count_at_peak, live_bytes_at_peak; /* when the whole process had most bytes live; right once
                                                        the pass is over */
    uint64_t
        changed; /* order of its last event: 2 * allocations of the process, + 1 for a death; the pass's */
    uint64_t first_birth_index, last_birth_index; /* allocations of the process up to and with it */
    uint64_t first_birth_ns, last_birth_ns;
    bool is_runtime; /* nothing to change for the user: the whole stack is the C library's or the loader's, or
                        the block is part of what the library hands out (fopen, pthread_create) */
};

/* A block that lives. The pass fills it before birth() and drops it after death(). Kept small: with a million
 * of them at once, it is what an analysis takes. */
struct tn_block {
    uint64_t id;
    uint64_t size_bytes, usable_size_bytes;
    uint64_t birth_ns;
    uint64_t birth_index; /* allocations of the process up to and with this one: a clock */
    uint64_t birth_event; /* events of its thread up to and with its birth */
    uint64_t depth_bytes; /* base of the thread's stack minus the caller's CFA */
    /* A chain is one buffer that was resized: by realloc, or by the program or a container itself, which ask
       for a larger block, copy, and release the old one (successor, below). */
    uint64_t chain_max_size_bytes; /* largest block of the chain so far */
    uint32_t chain_steps;          /* resizes that led to this block; 0: it is the first of its chain */
    uint32_t chain_grown;          /* resizes in a row, up to this block, that each made it larger */
    uint32_t alignment_bytes;
    uint32_t site;     /* index in tn_pass.sites, from 1 */
    uint32_t stack_id; /* row; 0: none */
    uint32_t thread;   /* index in tn_pass.threads, from 0 */
    uint32_t slot;     /* 0 to tn_pass.slot_capacity - 1, its own while it lives, used again afterwards: for
                          arrays that an analysis keeps beside the blocks */
    enum tn_function function;
};

/* One event as analyses see it. A realloc is a death with function REALLOC or REALLOCARRAY and, unless it
 * released the block, right after it in its thread a birth whose event->previous_id names the dead block. */
struct tn_pass_event {
    const struct tn_log_event *event;
    const struct tn_block *block; /* born or dying; the counts of pass and site include this event already */
    const struct tn_block *successor; /* at a death that is no realloc: the block that took over its contents,
                                         by all signs: the process's last birth, of the same site and thread,
                                         at least a quarter larger, and the release stands behind that birth
                                         in the code of the function that made both. NULL: none */
    /* At a birth that realloc made of another block: the size of that one, and the largest of its chain; else
     * 0. */
    uint64_t previous_size_bytes, previous_max_size_bytes;
    uint32_t thread;       /* index in tn_pass.threads: of the event */
    uint64_t thread_event; /* events of this thread up to and with this one */
};

/* A thread of the process. */
struct tn_pass_thread {
    uint64_t thread_id; /* row */
    uint64_t event_count;
    uint64_t stack_size_bytes; /* 0: not known */
    uint64_t max_depth_bytes;  /* deepest event so far */
};

/* Times of the process's life, ns since the log's start; 0: there is no such mark. */
struct tn_pass_marks {
    uint64_t main_ns, initialised_ns, exit_ns, end_ns;
};

struct tn_site_origin;

struct tn_pass {
    struct tn_log *log;                       /* borrowed */
    const struct tn_analyze_options *options; /* process_id and min_allocations are filled */
    uint64_t process_id;
    struct tn_stack_node *nodes; /* owned; by stack row id; 0 unused */
    size_t node_count;           /* highest id + 1 */
    struct tn_pass_site *sites;  /* owned; index 0: allocations without a stack and site */
    size_t site_count;
    struct tn_pass_thread *threads; /* owned; of the process; the last one, with thread_id 0, stands for
                                       events whose thread a damaged log does not know */
    size_t thread_count;
    uint32_t slot_capacity;    /* slots that blocks have had so far, rounded up to the array's room */
    uint64_t allocation_count; /* births so far: the clock of tn_block.birth_index */
    uint64_t allocated_bytes;  /* asked for so far */
    uint64_t live_bytes, peak_live_bytes, peak_index; /* highest so far, and the birth_index when it was */
    struct tn_pass_marks marks;
    uint64_t birth_total; /* births that the log holds of this process: the last one is followed by none */
    bool is_teardown;     /* exit has begun, or nothing but releases follows: blocks that die now lived to the
                             end for all that matters */
    struct tn_site_origin *origins; /* owned; by site: where its names come from; NULL: `site` has the rows */
    bool is_complete; /* the recording was closed: what lives at the end lived to the end of the process */
    struct tn_error *error;
};

/* One kind. Functions that it does not need are NULL. Each returns 0 or negative errno, which ends the pass.
 */
struct tn_analysis {
    struct tn_kind kind;
    int (*begin)(const struct tn_pass *pass, void **ret_state);
    int (*birth)(void *state, const struct tn_pass *pass, const struct tn_pass_event *event);
    int (*death)(void *state, const struct tn_pass *pass, const struct tn_pass_event *event);
    /* Each block that lives at the end, in order of slots; before conclude. */
    int (*survivor)(void *state, const struct tn_pass *pass, const struct tn_block *block);
    int (*conclude)(void *state, const struct tn_pass *pass, struct tn_findings *findings);
    void (*finish)(void *state); /* releases; state may be NULL or half made */
};

/* All kinds, ended by one without a name. */
extern const struct tn_analysis *const tn_analyses[];

/* The value of a threshold: as the user set it, else its default. name must be in the tables. */
double tn_pass_threshold(const struct tn_pass *pass, const char *name);

/* Begin a finding about sites (indices of tn_pass.sites): fills kind, sites with their names, tactic. The
 * caller adds the rest and gives it to tn_findings_add, or releases it by tn_finding_finish. Returns 0,
 * -ENOMEM, -EIO. */
int tn_finding_begin(const struct tn_pass *pass, const struct tn_analysis *analysis, const char *tactic,
                     const uint32_t *sites, size_t site_count, struct tn_finding *ret_finding);

/* Give title, advice, evidence, query, code or notes, printf-like. Releases what was there. Returns 0 or
 * -ENOMEM. */
int tn_finding_set(char **field, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "function (file:line)" or "module+0xoffset", as titles and advice name a site. Returns ret_text. */
const char *tn_finding_place(const struct tn_finding_site *site, char *ret_text, size_t text_bytes);

/* Give evidence: what a JSON writer made. Takes over text->data; text is empty afterwards.
 *
 * error    of the writer
 * Returns  0 or error, then text is released too */
int tn_finding_set_evidence(struct tn_finding *finding, struct tn_buffer *text, int error);

/* The SQL condition that selects the blocks of these sites in `allocation`, for queries: "process_id = 1 AND
 * site_id IN (3, 4)"; by stack_id where sites were changed by a wrapper expression given to the report.
 * Returns 0 or -ENOMEM. */
int tn_finding_where(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                     char **ret_condition);

/* The head of a query that knows how many blocks of these sites live after each of their births and deaths:
 * common table expressions, the last one `live(birth_index, is_death, live_count, live_bytes)`, a row for
 * each event, in true order. To be followed by a SELECT. Exact: ids are in order of birth, and
 * lifetime_allocations says after which birth a block died. Returns 0 or -ENOMEM. */
int tn_finding_live_query(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                          char **ret_query);

#endif
