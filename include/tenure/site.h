/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SITE_H
#define TENURE_SITE_H

/* Finds which frame of a stack is the site, and via what it reached the allocator. The site is the innermost
 * frame that is neither in the C or C++ runtime nor in an allocation wrapper; `via` is the outermost name
 * among the skipped frames, simplified for a reader. Used by the finishing pass and by analyses. What is
 * skipped, and why, stands in lib/site/tables.c and is explained in docs/sites.md. Open rules are read only:
 * any number of threads may use them. A trie belongs to one thread at a time. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_SITE_VIA_BYTES 96

enum tn_site_kind {
    TN_SITE_PROGRAM = 0, /* code that the programmer can change */
    TN_SITE_RUNTIME = 1, /* C library, C++ or Rust standard library, compiler support, allocator */
    TN_SITE_WRAPPER = 2, /* allocates on behalf of its caller: xmalloc, g_malloc, ... */
};

/* What is known of one frame. */
struct tn_site_class {
    enum tn_site_kind kind;
    char via[TN_SITE_VIA_BYTES]; /* skipped frames: name for a reader, cut to fit; "": says nothing (an
                                    allocator template, a function without a name); program: "" */
};

struct tn_site_rules;

/* Make the rules.
 *
 * wrapper_regex  POSIX extended regular expression; a function whose name it matches anywhere is a wrapper,
 *                and so is one without a name if it matches "module+0xoffset", as reports write it; NULL:
 *                only the table's
 * Returns        0; -EINVAL: not a regular expression; -ENOMEM; error says what failed and what to do
 * Owns           the caller owns *ret_rules; tn_site_rules_close releases it */
int tn_site_rules_open(const char *wrapper_regex, struct tn_site_rules **ret_rules, struct tn_error *error);

/* Add a wrapper by its exact name. Before the rules are used by other threads.
 *
 * Returns  0 or -ENOMEM */
int tn_site_rules_add_wrapper(struct tn_site_rules *rules, const char *function);

/* Release. NULL is fine. */
void tn_site_rules_close(struct tn_site_rules *rules);

/* What is known of the source of a frame. Strings are borrowed. */
struct tn_site_source {
    const char *function;  /* demangled name as tn_symbol_look_up gives it; NULL: unknown */
    const char *file;      /* NULL: unknown, or the compiler wrote the function */
    uint32_t line;         /* 0: the same */
    const char *module;    /* path; NULL: outside every module */
    uint64_t offset_bytes; /* return address in the module */
};

/* Classify one frame.
 *
 * ret_class  written in any case
 * Cost       about 1 us: once for each frame, not for each stack */
void tn_site_classify(const struct tn_site_rules *rules, const struct tn_site_source *source,
                      struct tn_site_class *ret_class);

/* What the C++ or Rust standard library's function is to a reader: "std::vector" of its push_back. For names
 * alone, without rules.
 *
 * function  demangled
 * ret_via   TN_SITE_VIA_BYTES; "" where the name says nothing, or is not such a library's
 * Threads   any */
void tn_site_library_via(const char *function, char *ret_via);

/* Whether a module belongs to the runtime: C library, loader, C++ or Rust standard library, allocator.
 *
 * path     of the module; only its last component counts
 * Threads  any
 * Cost     one pass over some thirty names */
bool tn_site_is_runtime_module(const char *path);

/* Whether what reached the allocator by `via` is kept by the C or C++ library: made for itself (atexit), or
 * part of an object that it hands out (fopen). No advice about such blocks is any use, and on a machine with
 * another library they are not there. False for functions that hand their block to the caller (strdup).
 *
 * via      as tn_site_classify and tn_site_trie_find write it; NULL: false
 * Threads  any
 * Cost     one pass over some hundred names: for each site, not for each allocation */
bool tn_site_is_library_object(const char *via);

/* A search for the site of a stack, from the innermost frame outwards. Zeroed: at the start. */
struct tn_site_search {
    const char *via; /* outermost name so far that is not ""; borrowed from its class; NULL: none */
};

/* Take the next frame outwards; inlined functions come before the frame that contains them.
 *
 * Returns  true: this frame is the site, and search->via is how it reached the allocator (NULL: directly).
 *          If the stack ends before, its innermost frame is the site, reached directly */
bool tn_site_step(struct tn_site_search *search, const struct tn_site_class *frame);

/* Every stack of a log with its frames, for finding sites. The caller feeds it row by row, since this layer
 * does not know the log. Arrays are indexed by row id; 0 is not used. */

/* One stack: a node of the trie. */
struct tn_site_node {
    uint32_t frame_id;  /* its innermost physical frame */
    uint32_t caller_id; /* 0 at the root; else of lower depth, so that walks end */
    uint32_t depth;     /* frames, this one included; 0: there is no such stack */
};

/* One frame, as finding sites needs it. Inlined frames stand before their physical one, innermost first.
 */
struct tn_site_frame {
    uint32_t frame_id;
    uint32_t function;   /* index in tn_site_trie.functions; 0: without a name */
    uint32_t first_link; /* the caller's, 0 at first: head of a list of sites made of this frame */
    bool is_physical;    /* the last one of its group */
    uint64_t place;      /* equal for equal lines of one function, however often it was inlined */
    struct tn_site_class class;
};

/* A function name; functions of several modules may share it. */
struct tn_site_function {
    char *name;    /* owned */
    uint32_t next; /* another one with the same hash; 0: none */
};

struct tn_map;

struct tn_site_trie {
    struct tn_site_node *nodes;   /* owned */
    size_t node_count;            /* highest id + 1 */
    struct tn_site_frame *frames; /* owned */
    size_t frame_count, frame_capacity;
    uint32_t *groups; /* owned; id of a physical frame -> 1 + index of its group's first frame; 0: none */
    size_t group_count;
    struct tn_site_function *functions; /* owned; 0 unused */
    size_t function_count, function_capacity;
    struct tn_map *function_index; /* owned; hash of a name -> index */
};

/* Make room for a log's stacks.
 *
 * node_count   highest row id of a stack + 1
 * group_count  highest row id of a frame + 1
 * frame_count  frames that will be added, at most
 * Returns      0 or -ENOMEM
 * Owns         the caller releases by tn_site_trie_finish, also after a failure */
int tn_site_trie_begin(struct tn_site_trie *trie, size_t node_count, size_t group_count, size_t frame_count);

/* Add a stack. In any order.
 *
 * depth  frames, this one included */
void tn_site_trie_add_stack(struct tn_site_trie *trie, uint64_t id, uint64_t frame_id, uint64_t caller_id,
                            uint64_t depth);

/* Say that all stacks were added. One whose caller is not nearer to the root is damage, and is left out. */
void tn_site_trie_end_stacks(struct tn_site_trie *trie);

/* Add a frame. Frames of one group follow each other, innermost first, the physical one last.
 *
 * group_id  the physical frame; frame_id itself for that one
 * Returns   0 or -ENOMEM */
int tn_site_trie_add_frame(struct tn_site_trie *trie, const struct tn_site_rules *rules, uint64_t frame_id,
                           uint64_t group_id, const struct tn_site_source *source);

/* Find the site of a stack.
 *
 * function  name of the allocation function, for a stack that reaches it directly
 * ret_via   written in any case; borrowed from the trie, or function itself
 * Returns   the frame; NULL when the stack has none. If all frames are skipped it is the innermost one,
 *           whose class is then not TN_SITE_PROGRAM
 * Cost      the frames that are skipped */
struct tn_site_frame *tn_site_trie_find(const struct tn_site_trie *trie, uint64_t stack_id,
                                        const char *function, const char **ret_via);

/* The innermost frame of a physical frame's group, or NULL if the trie has none. */
struct tn_site_frame *tn_site_trie_group(const struct tn_site_trie *trie, uint32_t frame_id);

/* The next frame of the group, outwards; NULL after the physical one. */
struct tn_site_frame *tn_site_trie_next(const struct tn_site_trie *trie, struct tn_site_frame *frame);

/* Take the innermost frame of a stack for a wrapper: its function allocates for its caller, as all know who
 * made this stack. Nothing happens for a stack that is not there, or whose innermost frame is skipped anyway.
 */
void tn_site_trie_skip_innermost(struct tn_site_trie *trie, uint64_t stack_id);

/* How births use one stack, for finding wrappers. */
struct tn_site_use {
    uint64_t births; /* 0: none, and the sizes mean nothing */
    uint64_t min_size_bytes, max_size_bytes;
};

/* How often blocks born at one stack were released at another, other than by realloc. */
struct tn_site_release {
    uint32_t birth_stack, release_stack;
    uint64_t count;
};

/* What the machine code says of a call in a function that may be a wrapper. */
enum tn_site_code {
    TN_SITE_CODE_NOT_KNOWN = 0,
    TN_SITE_CODE_KEEPS,    /* the block does not reach the caller as the function's result */
    TN_SITE_CODE_HANDS,    /* it does, on a way at least */
    TN_SITE_CODE_CONSTANT, /* it does, and the sizes stand in the code: the function makes things of its own
                            */
    TN_SITE_CODE_PASSES,   /* it does, and the function was given the size */
};

/* One such call. */
struct tn_site_call {
    uint32_t stack; /* of the birth */
    uint32_t node;  /* the stack of the function that calls: stack itself, if it calls the allocator */
    bool is_last;   /* use speaks for a wrapper: look also where the code could only deny it */
};

/* Who reads the machine code. */
struct tn_site_reader {
    /* What the code says of a call. Returns 0 or -ENOMEM. The same question is asked again and again. */
    int (*look)(void *context, struct tn_site_call call, enum tn_site_code *ret_code);
    void *context; /* the caller's */
};

/* What speaks for a wrapper. */
enum tn_site_evidence {
    TN_SITE_BY_USE,    /* how it was used in this run: another run may show less */
    TN_SITE_BY_CODE,   /* its machine code: the same in every run */
    TN_SITE_UNDECIDED, /* it hands its blocks back, and was used too little to tell: it is none in this log */
};

/* A wrapper that was found, and why. */
struct tn_site_wrapper {
    const char *function;           /* borrowed from the trie */
    enum tn_site_evidence evidence; /* by what */
    uint64_t allocations;           /* made by it */
    uint64_t callers;               /* places that call it, or the wrapper around it */
    uint64_t fixed_callers;         /* of those, with at least five allocations, all of one size */
    uint64_t sizes;                 /* distinct sizes among these */
};

/* Whether tn_site_find_wrappers, with releases, can find anything: most programs have no wrappers, and need
 * no sample of releases.
 *
 * uses, reader  as there
 * Returns       0 or -ENOMEM
 * Cost          one pass over the stacks, until the first one is found */
int tn_site_may_have_wrappers(struct tn_site_trie *trie, const struct tn_site_use *uses,
                              const struct tn_site_reader *reader, bool *ret_may_have);

/* Find allocation wrappers that no list names: functions that allocate what their callers ask for, hand it
 * back, and do not release it themselves; docs/sites.md has the conditions. Marks their frames in the trie,
 * so that sites are found beyond them. Wrappers of wrappers are found, too.
 *
 * uses           by stack id, trie->node_count of them
 * reader         NULL: no machine code can be read, and use alone decides
 * releases       a sample is enough; may be empty
 * ret_wrappers   owned by the caller (free), in the order in which they were found; frames of undecided ones
 *                are not marked
 * Returns        0 or -ENOMEM
 * Cost           some passes over the stacks */
int tn_site_find_wrappers(struct tn_site_trie *trie, const struct tn_site_use *uses,
                          const struct tn_site_release *releases, size_t release_count,
                          const struct tn_site_reader *reader, struct tn_site_wrapper **ret_wrappers,
                          size_t *ret_count);

/* Release; empty again. */
void tn_site_trie_finish(struct tn_site_trie *trie);

#endif
