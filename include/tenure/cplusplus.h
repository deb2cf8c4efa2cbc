/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CPLUSPLUS_H
#define TENURE_CPLUSPLUS_H

/* What to change where a new expression or a type of the C++ standard library makes the blocks: the title,
 * the advice and the code of findings in words of C++17, instead of malloc's. For kinds whose words would ask
 * for what cannot be done to such blocks. */

#include "tenure/finding.h"
#include "tenure/maker.h"

#include <stdbool.h>
#include <stdint.h>

/* What the sentences are about. Borrowed for the call; fields that a function does not mention may be 0. */
struct tn_cplusplus_scene {
    const struct tn_made_by *made_by; /* of the first site */
    const char *name;                 /* an identifier, for the code */
    const char *place;        /* of the first site, as tn_finding_place prints it, perhaps with more */
    const char *owner;        /* the function whose calls contain the blocks */
    uint64_t allocations;     /* blocks that the finding is about */
    uint64_t block_bytes;     /* the largest that was seen, or the pool's */
    uint64_t block_count;     /* live at once, at most */
    uint64_t alignment_bytes; /* a power of two */
    uint64_t element_bytes;   /* of a container; 0: not known */
    bool is_shared;           /* several threads take and give back */
};

/* Whether a kind has words for blocks of a maker; if not, what it would say cannot be done. */
bool tn_cplusplus_stack_has(enum tn_maker maker);
bool tn_cplusplus_pool_has(enum tn_maker maker);
bool tn_cplusplus_presize_has(enum tn_maker maker);
bool tn_cplusplus_overhead_has(enum tn_maker maker);

/* Set title and advice: blocks that no call of the owner leaves behind.
 *
 * scene    place, owner, allocations, block_bytes and block_count are needed
 * Returns  0 or -ENOMEM */
int tn_cplusplus_stack_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding);

/* Set title, advice and code: a pool.
 *
 * scene    all but owner is needed
 * Returns  0 or -ENOMEM */
int tn_cplusplus_pool_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding);

/* Set title and advice: buffers that grow.
 *
 * scene    place, allocations (buffers), block_bytes (to start with) and element_bytes are needed
 * Returns  0 or -ENOMEM */
int tn_cplusplus_presize_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding);

/* Set title and advice: blocks that hold less than they cost.
 *
 * scene    place, allocations, block_bytes (header and rounding at the peak) and block_count are needed
 * Returns  0 or -ENOMEM */
int tn_cplusplus_overhead_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding);

#endif
