/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_ATTRIBUTE_SITES_H
#define TENURE_FINISH_ATTRIBUTE_SITES_H

/* What the step `sites` is made of: the use that events make of stacks, the stacks and their frames in
 * memory, and the table of sites that is written. */

#include "steps.h"

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

/* A site that was made of a frame and a via. */
struct tn_site_link {
    const char *via; /* borrowed from a class, or a function's name */
    int64_t site_id;
    uint32_t next; /* as first_link */
};

/* Count how events use stacks.
 *
 * uses, sizes  owned by the caller, node_count entries each, zeroed
 * Cost         one pass over the events; memory in proportion to the stacks */
int tn_finish_count_usage(struct tn_finish_job *job, struct tn_stack_use *uses, struct tn_site_use *sizes,
                          size_t node_count, bool *ret_has_stackless);

/* Load stacks and frames. Released by tn_site_trie_finish, also after a failure. */
int tn_finish_load_stacks(struct tn_finish_job *job, const struct tn_site_rules *rules,
                          struct tn_site_trie *trie);

/* Find the allocation wrappers that no list names, mark them in the trie, and note them in
 * meta.wrappers_found. */
int tn_finish_find_wrappers(struct tn_finish_job *job, const struct tn_site_use *sizes,
                            struct tn_site_trie *trie);

#endif
