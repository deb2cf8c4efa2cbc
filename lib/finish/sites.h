/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_SITES_H
#define TENURE_FINISH_SITES_H

/* What the step `sites` is made of: the use that events make of stacks, the stacks and their frames in
 * memory, and the table of sites that is written. */

#include "job.h"

#include "tenure/log.h"
#include "tenure/site.h"

#include <stdbool.h>
#include <stddef.h>

/* What events say of one stack. */
struct tn_stack_use {
    uint64_t count;   /* births by `function`; releases where no birth has this stack */
    uint8_t function; /* enum tn_function, the most frequent one; 0: the stack is no event's */
    bool is_birth;    /* function allocates */
};

/* One stack: a node of the trie, and how it is used. Arrays are indexed by id, 0 is not used. */
struct tn_stack_node {
    uint32_t frame_id;  /* its innermost frame: physical */
    uint32_t caller_id; /* 0 at the root; else below its own id, so that a walk ends */
};

/* One frame, as the walk to the site needs it. Those inlined stand before the physical one, innermost first.
 */
struct tn_frame_entry {
    uint32_t frame_id;
    uint32_t first_link; /* 1 + index of the first site made of it so far; 0: none */
    bool is_physical;    /* the last one of its group */
    struct tn_site_class class;
};

/* A site that was made of a frame and a via. */
struct tn_site_link {
    const char *via; /* borrowed from a class, or a function's name */
    int64_t site_id;
    uint32_t next; /* as first_link */
};

struct tn_stack_forest {
    struct tn_stack_node *nodes;    /* owned */
    size_t node_count;              /* highest id + 1 */
    struct tn_frame_entry *entries; /* owned */
    size_t entry_count;
    uint32_t *groups; /* owned; frame id -> 1 + index of the first entry of its group; 0: none */
    size_t group_count;
};

/* Count how events use stacks. uses: owned by the caller, node_count entries, zeroed. Cost: one pass over the
 * events; memory in proportion to the stacks. */
int tn_finish_count_uses(struct tn_finish_job *job, struct tn_stack_use *uses, size_t node_count,
                         bool *ret_has_stackless);

/* Load stacks and frames. Released by tn_finish_forest_finish, also after a failure. */
int tn_finish_forest_load(struct tn_finish_job *job, const struct tn_site_rules *rules,
                          struct tn_stack_forest *forest);

/* Release. */
void tn_finish_forest_finish(struct tn_stack_forest *forest);

/* Find the site of a stack: the entry of the frame, and via (function where it is reached directly).
 * NULL when the stack has no frame. */
struct tn_frame_entry *tn_finish_forest_site(const struct tn_stack_forest *forest, uint64_t stack_id,
                                             const char *function, const char **ret_via);

#endif
