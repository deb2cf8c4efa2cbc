/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CONTAINED_H
#define TENURE_CONTAINED_H

/* Which calls contained the blocks that were born with each stack, as the kind that follows calls has counted
 * it (tn_analysis.contained). Plain data; read-only. */

#include <stddef.h>
#include <stdint.h>

struct tn_source_frames;

/* Blocks born with one stack whose deepest containing call was at one level: born and released while it
 * lasted. */
struct tn_contained_part {
    uint32_t stack_id; /* row */
    uint32_t level;    /* of that call in the stack, from the root, which is 1; 0: no call contained them */
    uint64_t blocks;   /* in all processes that were looked at; a chain of reallocs is one */
};

/* What was seen of the calls of a function that no call of the same function lay around. */
struct tn_contained_function {
    uint64_t calls;   /* that were seen */
    uint64_t at_once; /* the most that had live blocks at the same time */
};

/* All of it. Zeroed: nothing is known. */
struct tn_contained {
    const struct tn_source_frames *frames;   /* borrowed from the kind */
    struct tn_contained_part *parts;         /* owned; ascending by stack and level */
    size_t part_count;                       /* in parts */
    struct tn_contained_function *functions; /* owned; by index in frames->functions */
};

/* Release what it owns and zero it. Zeroed is fine. */
void tn_contained_finish(struct tn_contained *contained);

#endif
