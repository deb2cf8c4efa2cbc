/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_ATTRIBUTE_SITES_H
#define TENURE_FINISH_ATTRIBUTE_SITES_H

/* What the files of the step `sites` share: how events use stacks, the trie of stacks in memory, and the
 * sites that were written. One thread. */

#include "steps.h"

#include "tenure/log.h"
#include "tenure/site.h"

#include <stdbool.h>
#include <stddef.h>

/* How events use one stack. */
struct tn_stack_use {
    uint64_t count;   /* events by `function` */
    uint8_t function; /* enum tn_function: the most frequent one, births before releases; 0: no event has this
                         stack */
    bool is_birth;    /* function allocates */
};

/* A site that was written for a frame and a via; a list at the frame. */
struct tn_site_link {
    const char *via; /* borrowed from a class, or a function's name */
    int64_t site_id;
    uint32_t next; /* 1 + index of the next one of the frame; 0: none */
};

/* Count how events use stacks.
 *
 * uses, sizes        written; by stack id, node_count entries each, zeroed by the caller
 * ret_has_stackless  whether there are births without a stack
 * Returns            0; negative errno: job->error says what failed
 * Cost               one pass over the events; memory in proportion to the stacks */
int tn_finish_count_usage(struct tn_finish_job *job, struct tn_stack_use *uses, struct tn_site_use *sizes,
                          size_t node_count, bool *ret_has_stackless);

/* Load stacks and frames into a trie. The caller releases it with tn_site_trie_finish, also after a failure.
 *
 * Returns  0; negative errno: job->error says what failed */
int tn_finish_load_stacks(struct tn_finish_job *job, const struct tn_site_rules *rules,
                          struct tn_site_trie *trie);

/* Find allocation wrappers that no list names, mark them in the trie, and write them to meta.wrappers_found;
 * functions of which this run shows too little, to meta.wrappers_undecided.
 *
 * uses, sizes  by stack id, as tn_finish_count_usage wrote them
 * Returns  0; negative errno: job->error says what failed */
int tn_finish_find_wrappers(struct tn_finish_job *job, const struct tn_stack_use *uses,
                            const struct tn_site_use *sizes, struct tn_site_trie *trie);

/* Write `container` and stack.container_id. A log without them, from an older program, stays as it is.
 *
 * trie     with all stacks; borrowed
 * uses     by stack id, as tn_finish_count_usage wrote them
 * Returns  0; negative errno: job->error says what failed
 * Cost     a walk to the site for each stack of a birth */
int tn_finish_tag_containers(struct tn_finish_job *job, const struct tn_site_trie *trie,
                             const struct tn_stack_use *uses);

#endif
