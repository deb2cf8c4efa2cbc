/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_ARENA_H
#define TN_KINDS_ARENA_H

/* Arenas: which functions' calls contain the blocks that are made in them (arenas.c), what each call holds
 * (arena_calls.c), which functions are worth an arena (arena_choose.c), what a chosen one serves
 * (arena_survey.c), who holds what outlives the calls (arena_links.c), and what is stated (arena_finding.c,
 * arena_code.c). */

#include "tenure/activation.h"
#include "tenure/contained.h"
#include "tenure/map.h"
#include "tenure/site_links.h"

struct tn_buffer;

#define TN_ARENA_ALIGNMENT_BYTES 8u /* of blocks in an arena: a pointer of the recorded program */

/* A call that is under way. Item 0 of a thread stands for what no call of it contains. Written by
 * arena_calls.c. */
struct tn_arena_call {
    uint64_t since;           /* number of the event that first showed it, in its thread */
    uint32_t function;        /* index in tn_source_frames.functions */
    bool is_outermost;        /* no call of the same function lies further out: it would own the arena */
    uint64_t contained_count; /* blocks that were born and died in it */
    uint64_t contained_bytes; /* of these, rounded up to the alignment */
    uint64_t live_count;      /* live blocks of which it is the deepest call that is still under way */
    uint64_t live_bytes;      /* of these, rounded up */
    uint64_t base_bytes;      /* live_bytes of its caller's call when it began */
    uint64_t peak_bytes;      /* most bytes that were live at once of blocks born in it */
};

/* The calls of one thread. */
struct tn_arena_thread {
    struct tn_arena_call *items; /* owned; by level */
    uint32_t depth;              /* levels in use, item 0 not counted */
    uint32_t capacity;           /* room in items */
    uint32_t hold_level;         /* deepest level with live blocks: that one and all further out hold some */
};

/* What is counted of a function, over its outermost calls. */
struct tn_arena_function {
    uint64_t calls;         /* that were seen */
    uint64_t serving_calls; /* that are over, and contained a block */
    uint64_t max_bytes;     /* that blocks which died in one call took together, at most */
    uint64_t min_bytes;     /* the same in the call with the fewest, of those that contained any */
    uint64_t peak_bytes;    /* of these blocks live at once in one call, at most */
    uint64_t holding_calls; /* that have live blocks now */
    uint64_t max_holding;   /* the most of these */
    bool has_whole_call;    /* min_bytes is of calls that no block outlived: where there are such calls */
};

/* What is counted of the births with one stack, by row id. */
struct tn_arena_stack {
    uint64_t births;    /* resizes included */
    uint64_t resizes;   /* of the births: by realloc */
    uint64_t doubtful;  /* died before their birth's line in the code of the call that contained them */
    uint64_t settled;   /* blocks of which it is known what contained them, in all processes */
    uint32_t min_level; /* the outermost level that a block needed; valid once settled is not 0 */
};

/* What is kept beside a live block. A chain of reallocs is one block, but in what it takes. */
struct tn_arena_block {
    uint64_t birth_event; /* of its chain's first block, in its thread */
    uint32_t thread;      /* of that birth; index in tn_pass.threads */
    uint32_t first_stack; /* row of the stack of that birth; 0: it is not followed */
    uint32_t stack_id;    /* row of the stack of its own birth */
    uint64_t bytes;       /* rounded up */
    bool is_moved;        /* another thread resized it */
};

/* What realloc took, until the block that it became. */
struct tn_arena_resize {
    uint64_t id;                 /* of the dead block; 0: none */
    struct tn_arena_block block; /* what was kept of it */
};

/* State of the kind. */
struct tn_arenas {
    const struct tn_source_frames *frames;    /* the pass's */
    const struct tn_activations *activations; /* the pass's */
    struct tn_arena_thread *threads;          /* owned; by thread */
    size_t thread_count;                      /* in threads */
    struct tn_arena_function *functions;      /* owned; by function */
    struct tn_arena_stack *stacks;            /* owned; by stack row id */
    uint8_t *outermost;                       /* owned; by node of the trie: enum tn_arena_place */
    struct tn_map owners;            /* stack and level -> blocks that this level contained, no deeper one */
    struct tn_arena_block *blocks;   /* owned; by slot */
    size_t block_capacity;           /* room in blocks */
    struct tn_arena_resize *resizes; /* owned; by thread */
    bool *can_serve;                 /* owned; by site: its lines can ask an arena; filled at the end */
    struct tn_site_links links;      /* of the process; loaded at the end */
};

/* Follow a thread to what its last event has shown: calls that are over are summed up, new ones begin.
 *
 * thread_event  number of that event in the thread
 * Returns       0 or -ENOMEM
 * Cost          the calls that changed */
int tn_arena_calls_follow(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t thread,
                          uint64_t thread_event);

/* A block lives from now on in a call, at a level of its thread. */
void tn_arena_calls_add(struct tn_arenas *arenas, uint32_t thread, uint32_t level, uint64_t bytes);

/* A block that lived in a call, at a level of its thread, is gone. */
void tn_arena_calls_drop(struct tn_arenas *arenas, uint32_t thread, uint32_t level, uint64_t bytes);

/* At the end: all calls of all threads are over. */
void tn_arena_calls_finish(struct tn_arenas *arenas);

/* Whether no node further out is a call of the same function. */
bool tn_arena_is_outermost(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t node);

/* The node of a stack at which an arena of a function would begin; 0: the function is not in it.
 *
 * Cost  the depth of the stack */
uint32_t tn_arena_node(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t stack_id,
                       uint32_t function);

/* For the plan: tn_analysis.contained. */
int tn_arena_contained(void *state, const struct tn_pass *pass, struct tn_contained *ret_contained);

/* What an arena of a function would hold, and cost. */
struct tn_arena_candidate {
    uint32_t function;    /* index in tn_source_frames.functions */
    uint64_t births;      /* in its calls */
    uint64_t served;      /* of these: at sites that an arena can serve */
    uint64_t free_served; /* of these: that no arena chosen before serves */
    uint32_t site_count;  /* sites that are served */
    uint64_t arena_bytes; /* of one */
    uint64_t arena_count; /* calls at once */
    double peak_bytes;    /* of the process, at its peak: those of blocks that are served */
    double score;         /* share of the calls served, less the share that the peak rises by */
};

/* Thresholds of the kind, as the user set them. */
struct tn_arena_limits {
    uint64_t calls;           /* arena.calls */
    double allocations_share; /* arena.allocations-share */
    double contained;         /* arena.contained */
    double escapes;           /* arena.escapes */
    uint64_t max_bytes;       /* arena.max-bytes */
};

#define TN_ARENA_NESTED_MAX 6u

/* A function that was chosen, and those that lie within it or around it. */
struct tn_arena_choice {
    struct tn_arena_candidate own;
    struct tn_arena_candidate
        nested[TN_ARENA_NESTED_MAX]; /* that serve some of the same blocks, most first */
    size_t nested_count;             /* in nested */
};

/* Choose the functions that are worth an arena, best first; each serves blocks that those before it do not.
 *
 * ret_choices  the caller frees it; NULL where ret_count is 0
 * Returns      0 or -ENOMEM
 * Cost         the stacks times their depth, once and once more for each choice */
int tn_arena_choose(struct tn_arenas *arenas, const struct tn_pass *pass,
                    struct tn_arena_choice **ret_choices, size_t *ret_count);

/* What one site has to do with an arena. */
struct tn_arena_site {
    uint32_t site;        /* index in tn_pass.sites */
    uint32_t *stacks;     /* owned; rows of the stacks of its births in the function's calls */
    size_t stack_count;   /* in stacks */
    uint64_t births;      /* with these stacks */
    uint64_t resizes;     /* of these: by realloc */
    uint64_t settled;     /* see tn_arena_stack */
    uint64_t escapes;     /* of these: that outlived the call */
    bool is_served;       /* few enough of them */
    uint64_t doubtful;    /* see tn_arena_stack */
    uint32_t node;        /* of the trie: the function, in the stack with most births */
    uint64_t node_births; /* with that stack */
};

/* All sites whose blocks are made in calls of one function, those that are served first, each part by births.
 */
struct tn_arena_survey {
    struct tn_arena_site *sites; /* owned */
    size_t served_count;         /* sites that are served */
    size_t count;                /* in sites */
};

/* How many blocks with one stack outlived calls, from the inside outwards. */
struct tn_arena_escapes {
    uint32_t stack_id; /* row; by the caller, the rest zeroed */
    uint32_t level;    /* down to which kept is summed up; 0: nothing yet */
    uint64_t kept;     /* blocks that this level or a deeper one contained */
};

/* How many blocks outlived the call at a level, which is no deeper than that of the call before. */
uint64_t tn_arena_escapes_at(const struct tn_arenas *arenas, const struct tn_pass *pass,
                             struct tn_arena_escapes *escapes, uint32_t level);

/* List the sites.
 *
 * max_escapes  share of its blocks that may outlive the call where a site is served
 * ret_survey  the caller releases it by tn_arena_survey_finish, also after an error
 * Returns     0 or -ENOMEM */
int tn_arena_survey(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t function,
                    double max_escapes, struct tn_arena_survey *ret_survey);

/* Add to an entry of the evidence who holds the blocks of a site; nothing where that is not known.
 *
 * Returns  0; -ENOMEM, -EIO */
int tn_arena_add_holder(const struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t site,
                        struct tn_evidence_set *entry);

/* Add a note on who holds what outlives the call, of the line with most such blocks whose holder is known.
 *
 * Returns  0; -ENOMEM, -EIO */
int tn_arena_note_holder(const struct tn_arenas *arenas, const struct tn_pass *pass,
                         const struct tn_arena_survey *survey, struct tn_buffer *notes);

/* Release what it owns. Zeroed is fine. */
void tn_arena_survey_finish(struct tn_arena_survey *survey);

/* State one arena.
 *
 * Returns  0; -ENOMEM, -EIO */
int tn_arena_state(struct tn_arenas *arenas, const struct tn_pass *pass, const struct tn_arena_choice *choice,
                   struct tn_findings *findings);

/* Append an arena to paste, for plain C, FreeRTOS and Zephyr.
 *
 * function     whose calls have it; identifiers are made of its name
 * arena_bytes  a multiple of TN_ARENA_ALIGNMENT_BYTES, above 0
 * arena_count  calls at once, above 0
 * Returns      0 or -ENOMEM (out then holds a part of it) */
int tn_arena_code(const char *function, uint64_t arena_bytes, uint64_t arena_count, struct tn_buffer *out);

#endif
