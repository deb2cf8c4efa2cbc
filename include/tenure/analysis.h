/* SPDX-License-Identifier: MIT */
#ifndef TENURE_ANALYSIS_H
#define TENURE_ANALYSIS_H

/* What a kind's algorithm is to the shared pass over the events, and what the pass offers to it. An analysis
 * sees every birth and death of one process in true order, keeps what it needs in proportion to live blocks
 * and sites, and states its findings at the end. For lib/kinds, which implements it, and lib/analyze, which
 * runs it; both in one thread. */

#include "tenure/analyze.h"
#include "tenure/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an allocator keeps beside each block: glibc's on 64 bit. Rounding is measured. */
#define TN_HEADER_BYTES 8u

/* What a block costs in a heap: max(round_up(size + header, alignment), min). From the documents and sources
 * of the makers, for a 32-bit target but for glibc; the replay models the heaps themselves. */
struct tn_heap_cost {
    const char *policy;       /* name of the placement policy; NULL ends a table. Static storage */
    uint32_t header_bytes;    /* kept beside each block */
    uint32_t alignment_bytes; /* sizes with header are rounded up to a multiple; a power of two */
    uint32_t min_block_bytes; /* no block takes less */
};

/* The heaps that findings give costs for (heap_cost.c). */
extern const struct tn_heap_cost tn_heap_costs[];

/* Bytes of heap that a block takes. */
uint64_t tn_heap_block_bytes(const struct tn_heap_cost *cost, uint64_t size_bytes);

/* A node of the trie of stacks, kept by row id of `stack`. */
struct tn_stack_node {
    uint32_t frame_id;    /* row of `frame` */
    uint32_t caller_id;   /* 0 at the root; else of the depth below its own */
    uint32_t depth;       /* frames, this one included */
    uint32_t site;        /* index in tn_pass.sites of a stack that ends here; 0: it is no event's stack */
    uint64_t frame_bytes; /* this frame's CFA minus its callee's */
    uint64_t total_bytes; /* sum of frame_bytes from here to the root */
    bool is_cut;          /* its outermost frames are missing */
    uint8_t function;     /* enum tn_function of the first birth with this stack; 0: none has it yet */
};

/* A site, and what all analyses need to know of it at the end. The pass updates it at each event, before the
 * analyses see it. Sizes are those asked for, but for usable_bytes. */
struct tn_pass_site {
    uint64_t site_id;               /* row of `site` */
    uint64_t allocations;           /* births so far */
    uint64_t freed;                 /* deaths so far */
    uint64_t live_count;            /* allocations - freed */
    uint64_t peak_live_count;       /* highest live_count so far */
    uint64_t total_bytes;           /* of all births */
    uint64_t usable_bytes;          /* of all births, as the allocator reported */
    uint64_t live_bytes;            /* of the blocks that live */
    uint64_t peak_live_bytes;       /* highest live_bytes so far */
    uint64_t min_size_bytes;        /* smallest birth; valid once allocations is not 0 */
    uint64_t max_size_bytes;        /* largest birth */
    uint64_t max_alignment_bytes;   /* largest that was asked for; 0: none was */
    uint64_t freed_by_other_thread; /* deaths in another thread than the birth's */
    uint64_t live_count_at_peak; /* when the whole process had most bytes live; right once the pass is over */
    uint64_t live_bytes_at_peak; /* the same for bytes */
    uint64_t changed;            /* for the pass alone: 2 * allocations of the process at its last event, + 1
                                    for a death */
    uint64_t first_birth_index;  /* allocations of the process up to and with its first one */
    uint64_t last_birth_index;   /* the same for its last one */
    uint64_t first_birth_ns;     /* since the log's start */
    uint64_t last_birth_ns;      /* since the log's start */
    bool is_runtime; /* nothing to change for the user: the whole stack is the C library's or the loader's, or
                        the block is part of what the library hands out (fopen, pthread_create) */
};

/* Lines that tell a role from the rest of its site, at most. */
#define TN_ROLE_CALLERS_MAX 2u

/* A part of a site that is treated as a site of its own, because other things are true of it than of the
 * rest: its births with some stacks. It has an index in tn_pass.sites behind those of the sites. */
struct tn_pass_role {
    uint32_t whole;                        /* index in tn_pass.sites of the site that it is a part of */
    uint32_t callers[TN_ROLE_CALLERS_MAX]; /* rows of `frame`: lines that lead to the site in this role, the
                                              nearest first */
    uint32_t
        caller_count; /* in callers; 0: a call tells it, or it is what the other roles of the site leave */
    struct tn_finding_call call; /* where the calls on its line tell the roles of the site apart */
    bool is_outermost; /* callers[0] stands for its function: the outermost one of the program, which a thread
                          began with */
    uint64_t thread_id; /* row of `thread`: it is told by what a thread began with, and this one alone made
                           its births; else 0 */
    uint32_t *stacks;   /* owned; rows of `stack` that belong to it, ascending */
    size_t stack_count; /* in stacks */
};

/* A block that lives. The pass fills it before birth() and drops it after death(). Kept small: with a million
 * of them at once, it is what an analysis takes.
 *
 * A chain is one buffer that was resized: by realloc, or by the program or a container itself, which ask for
 * a larger block, copy, and release the old one (tn_pass_event.successor). */
struct tn_block {
    uint64_t id;                   /* of the allocation */
    uint64_t size_bytes;           /* asked for */
    uint64_t usable_size_bytes;    /* as the allocator reported */
    uint64_t birth_ns;             /* since the log's start */
    uint64_t birth_index;          /* allocations of the process up to and with this one: a clock */
    uint64_t birth_bytes;          /* that these asked for: a clock */
    uint64_t birth_event;          /* events of its thread up to and with its birth */
    uint64_t depth_bytes;          /* base of the thread's stack minus the caller's CFA */
    uint64_t chain_max_size_bytes; /* largest block of its chain so far */
    uint32_t chain_steps;          /* resizes that led to this block; 0: it is the first of its chain */
    uint32_t chain_grown;          /* resizes in a row, up to this block, that each made it larger */
    uint32_t alignment_bytes;      /* asked for; 0: none was */
    uint32_t site;                 /* index in tn_pass.sites, from 1 */
    uint32_t stack_id;             /* row; 0: none */
    uint32_t thread;               /* index in tn_pass.threads */
    uint32_t slot; /* 0 to tn_pass.slot_capacity - 1, its own while it lives, used again afterwards: for
                      arrays that an analysis keeps beside the blocks */
    enum tn_function function; /* that made it */
};

/* One event as analyses see it. A realloc is a death with function REALLOC or REALLOCARRAY and, unless it
 * released the block, right after it in its thread a birth whose event->previous_id names the dead block. */
struct tn_pass_event {
    const struct tn_log_event *event; /* as the log has it */
    const struct tn_block *block; /* born or dying; the counts of pass and site include this event already */
    const struct tn_block *successor; /* at a death that is no realloc: the block that took over its contents,
                                         by all signs: the process's last birth, of the same site and thread,
                                         at least a quarter larger, and the release stands behind that birth
                                         in the code of the function that made both. NULL: none */
    const struct tn_block *other_successor; /* likewise, but of another site: a container of the C++ library
                                               grew at another line of the program. NULL: none */
    uint64_t previous_size_bytes;     /* at a birth that realloc made of another block: that one's; else 0 */
    uint64_t previous_max_size_bytes; /* at the same births: the largest of the chain before it; else 0 */
    uint32_t thread;                  /* index in tn_pass.threads: of the event */
    uint64_t thread_event;            /* events of this thread up to and with this one */
};

/* A thread of the process. */
struct tn_pass_thread {
    uint64_t thread_id;        /* row of `thread` */
    uint64_t event_count;      /* so far */
    uint64_t stack_size_bytes; /* 0: not known */
    uint64_t max_depth_bytes;  /* deepest event so far, below the base of its stack */
};

/* Times of the process's life, ns since the log's start; 0: there is no such mark. */
struct tn_pass_marks {
    uint64_t main_ns;        /* main was entered */
    uint64_t initialised_ns; /* initialisation was done, as the program or the log's finishing says */
    uint64_t exit_ns;        /* exit began */
    uint64_t end_ns;         /* the process ended, or the log does */
};

/* When recording was paused: [start_ns, end_ns), since the log's start; end_ns UINT64_MAX: to the end. */
struct tn_pass_pause {
    uint64_t start_ns, end_ns;
};

struct tn_activations;
struct tn_code_files;
struct tn_contained;
struct tn_makers;
struct tn_planner_look;
struct tn_releases;
struct tn_site_origin;
struct tn_size_sources;
struct tn_source_frames;
struct tn_stack_profiles;
struct tn_worker;
struct sqlite3_stmt;

/* The pass: what was loaded before it, and what has been seen so far. Analyses only read it. */
struct tn_pass {
    struct tn_log *log;                       /* borrowed */
    const struct tn_kind *const *kinds;       /* borrowed; as tn_analyze got them */
    const struct tn_analyze_options *options; /* borrowed; process_id and min_allocations are filled */
    uint64_t process_id;                      /* row of the process that is analysed */
    struct tn_stack_node *nodes;              /* owned; by stack row id; 0 is not used */
    size_t node_count;                        /* highest id + 1 */
    struct tn_pass_site *sites;               /* owned; index 0: allocations without a stack and site */
    size_t site_count;                        /* in sites, 0 and roles included */
    struct tn_pass_role *roles;               /* owned; those of the sites from site_count - role_count on */
    size_t role_count;                        /* in roles */
    struct tn_stack_profiles *profiles;       /* owned; what hints at roles; NULL: not counted */
    struct tn_pass_thread *threads; /* owned; of the process; the last one, with thread_id 0, stands for
                                       events whose thread a damaged log does not know */
    size_t thread_count;            /* in threads */
    uint32_t slot_capacity;         /* slots that blocks have had so far, rounded up to the array's room */
    uint64_t allocation_count;      /* births so far: the clock of tn_block.birth_index */
    uint64_t allocated_bytes;       /* asked for so far */
    uint64_t live_bytes;            /* asked for, of the blocks that live */
    uint64_t peak_live_bytes;       /* highest so far */
    uint64_t peak_index;            /* the birth_index when it was */
    struct tn_pass_marks marks;     /* from the log */
    struct tn_pass_pause *pauses;   /* owned; in order of time */
    size_t pause_count;             /* in pauses */
    size_t pauses_begun;            /* of these, before the event that is told */
    bool lacks_start;     /* recording was paused before the first birth: what comes first is no start */
    uint64_t birth_total; /* births that the log holds of this process: the last one is the last */
    bool is_teardown;     /* exit has begun, or nothing but releases follows: blocks that die now lived
                             to the end for all that matters */
    struct tn_site_origin *origins; /* owned; by site: where its names come from; NULL: `site` has the rows */
    bool is_other;    /* it is not the process that findings are about, but looked at for what speaks against
                         them */
    bool is_complete; /* the recording was closed: what lives at the end lived to the end of the process */
    bool is_cut_off; /* the process ended, or the log does, in the middle of whatever it did: killed, replaced
                        by exec, still running, or not complete. A program that ends of itself was done */
    struct tn_code_files *code_files;     /* owned; machine code, for the engine's own files */
    struct tn_releases *releases;         /* owned; where blocks were released (tenure/releases.h) */
    struct tn_size_sources *size_sources; /* owned; where sizes come from (tenure/size_source.h) */
    struct tn_makers *makers;             /* owned; what makes the blocks of sites (tenure/maker.h) */
    struct tn_source_frames *frames;      /* owned; empty until tn_pass_frames is asked for them */
    struct tn_activations *activations;   /* owned; empty until tn_pass_activations is asked for them */
    struct tn_worker *watcher;    /* owned; for the engine: shows events to options->watch; NULL: nobody */
    struct tn_planner_look *look; /* owned; for the engine: what the planner saw in the last pass */
    struct tn_error *error;       /* borrowed; what failed, for the user */
};

/* The algorithm of one kind. Functions that it does not need are NULL. Each returns 0 or a negative errno,
 * which ends the pass. state is the analysis's own. */
struct tn_analysis {
    /* Before the first event; sites, stacks and threads are loaded. *ret_state is released by finish, also
     * after an error. */
    int (*begin)(const struct tn_pass *pass, void **ret_state);
    /* A block was born. */
    int (*birth)(void *state, const struct tn_pass *pass, const struct tn_pass_event *event);
    /* The block of a slot will die some events from now: prefetch what is kept of it. A hint: it may be told
     * of a block that lives on, and of a slot for which the analysis has no room yet. */
    void (*expect)(const void *state, uint32_t slot);
    /* A block died. */
    int (*death)(void *state, const struct tn_pass *pass, const struct tn_pass_event *event);
    /* Another process of the log, of the same executable, was shown to a state of its own, from begin to
     * survivor: take from it what speaks against findings. Sites and stacks have the same numbers in both.
     * NULL: other processes are not looked at. */
    int (*consult)(void *state, const struct tn_pass *other, const void *other_state);
    /* Each block that lives at the end, in order of slots; before conclude. */
    int (*survivor)(void *state, const struct tn_pass *pass, const struct tn_block *block);
    /* After the last event: add findings. */
    int (*conclude)(void *state, const struct tn_pass *pass, struct tn_findings *findings);
    /* After conclude, for the plan: tell which calls contained the blocks. *ret_contained is zeroed, and
     * released by the engine, also after an error. NULL: it does not follow calls. */
    int (*contained)(void *state, const struct tn_pass *pass, struct tn_contained *ret_contained);
    /* Release; state may be NULL or half made. */
    void (*finish)(void *state);
};

/* The role that a site of the pass is; NULL: it is a whole site. Valid until the pass gets other roles. */
static inline const struct tn_pass_role *tn_pass_role(const struct tn_pass *pass, uint32_t site)
{
    size_t whole_count = pass->site_count - pass->role_count;
    return site >= whole_count ? &pass->roles[site - whole_count] : NULL;
}

/* Whether a role is what the other roles of its site leave. */
static inline bool tn_pass_role_is_rest(const struct tn_pass_role *role)
{
    return role->caller_count == 0 && role->call.number == 0;
}

/* The whole site that a site of the pass is, or is a role of. */
static inline uint32_t tn_pass_whole(const struct tn_pass *pass, uint32_t site)
{
    const struct tn_pass_role *role = tn_pass_role(pass, site);
    return role != NULL ? role->whole : site;
}

/* Time that was recorded, up to a time of the log: without pauses. */
uint64_t tn_pass_recorded_ns(const struct tn_pass *pass, uint64_t time_ns);

/* The value of a threshold of any kind of the pass: as the user set it, else its default.
 *
 * Returns  the value; 0: no threshold has this name
 * Cost     the thresholds: call it in begin */
double tn_pass_threshold(const struct tn_pass *pass, const char *name);

/* Fill the pass's error: what was attempted, on which log, and why.
 *
 * code     a negative errno
 * what     "cannot read"
 * Returns  code */
int tn_pass_refuse(const struct tn_pass *pass, int code, const char *what);

/* What return addresses stand for, loaded from the log when this is first asked.
 *
 * ret_frames  valid as long as the pass
 * Returns     0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed */
int tn_pass_frames(const struct tn_pass *pass, const struct tn_source_frames **ret_frames);

/* The line of a frame, as a finding names it.
 *
 * frame_id  row of `frame`, inlined or not
 * ret_line  written when 0 is returned; the caller releases it by tn_finding_line_finish
 * Returns   0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost      one query */
int tn_pass_line(const struct tn_pass *pass, uint32_t frame_id, struct tn_finding_line *ret_line);

/* Append the names of threads: "main, worker (4)"; at most four names, the others are counted.
 *
 * set      bits by index in tn_pass.threads
 * Returns  0; -ENOMEM; -EIO, and the pass's error says what failed; out then holds a part
 * Cost     one query */
int tn_pass_name_threads(const struct tn_pass *pass, const uint64_t *set, struct tn_buffer *out);

/* Show all events of the pass's process once more, in true order, as the log has them.
 *
 * visit    returns 0, or a negative errno, which ends the reading
 * Returns  0; what visit returned; -EBADMSG, -EIO, -ENOMEM where the log cannot be read, and the pass's error
 *          says what failed
 * Cost     about a tenth of the pass */
int tn_pass_reread(const struct tn_pass *pass, int (*visit)(void *context, const struct tn_log_event *event),
                   void *context);

/* Prepare a statement on the log.
 *
 * ret_statement  the caller finalizes it
 * Returns        0; negative errno, and the pass's error says what failed */
int tn_pass_prepare(const struct tn_pass *pass, const char *sql, struct sqlite3_stmt **ret_statement);

/* Begin a finding: fills kind, tactic, and the sites with their names.
 *
 * kind         static storage
 * sites        indices in tn_pass.sites, the one to change first; NULL: about the whole program
 * ret_finding  the caller adds the rest and gives it to tn_findings_add, or releases it by tn_finding_finish
 * Returns      0, -ENOMEM, -EIO; ret_finding is then not written */
int tn_finding_begin(const struct tn_pass *pass, const struct tn_kind *kind, const uint32_t *sites,
                     size_t site_count, struct tn_finding *ret_finding);

/* Narrow a site of a finding to a role: to its births with some stacks, which a caller tells from the others.
 *
 * stacks       rows of `stack`, ascending; copied
 * allocations  births with these stacks
 * callers      lines that lead to the site in this role, the nearest first; copied
 * Returns      0; -ENOMEM: the site is as it was */
int tn_finding_narrow_site(struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count,
                           uint64_t allocations, const struct tn_finding_line *callers, size_t caller_count);

/* "function (file:line)" or "module+0xoffset", as titles and advice name a site.
 *
 * Returns  ret_text */
const char *tn_finding_place(const struct tn_finding_site *site, char *ret_text, size_t text_bytes);

#define TN_FINDING_PLACES_BYTES 512 /* suffices for what tn_finding_places prints */

/* Print several places as short as can be: "pdu.c:107, :129 and options.c:12"; of more than four, the first
 * three and how many more there are. A function's name stands where no line is known.
 *
 * sites     of a finding, not none
 * Returns   ret_text */
const char *tn_finding_places(const struct tn_finding_site *sites, size_t site_count, char *ret_text,
                              size_t text_bytes);

/* The SQL condition that selects the blocks of these sites in `allocation`, for queries: "process_id = 1 AND
 * site_id IN (3, 4)"; by stack_id where sites were changed by a wrapper expression given to the report.
 *
 * sites          indices in tn_pass.sites
 * ret_condition  the caller frees it
 * Returns        0 or -ENOMEM */
int tn_finding_where(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                     char **ret_condition);

/* The head of a query that knows how many blocks of these sites live after each of their births and deaths:
 * common table expressions, the last one `live(birth_index, is_death, live_count, live_bytes)`, a row for
 * each event, in true order. To be followed by a SELECT. Exact: ids are in order of birth, and
 * lifetime_allocations says after which birth a block died.
 *
 * sites      indices in tn_pass.sites
 * ret_query  the caller frees it
 * Returns    0 or -ENOMEM */
int tn_finding_live_query(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                          char **ret_query);

#endif
