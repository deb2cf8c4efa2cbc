/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_PLACES_H
#define TN_ANALYZE_PLACES_H

/* Walk a stack by source frames: inlined functions are frames of their own. */

#include "frames.h"

/* How far out a stack is walked, in source frames: far more than a buffer is ever passed down. */
#define TN_PLACE_STEPS_MAX 256u

/* A source frame of a stack. */
struct tn_place_cursor {
    uint32_t node;     /* of the trie; 0: past the root */
    uint32_t position; /* 0: the innermost function of the node's frame */
};

/* The source frame itself. */
const struct tn_code_place *tn_place_of(const struct tn_frames *frames, const struct tn_pass *pass,
                                        struct tn_place_cursor at);

/* The next one towards the root. */
struct tn_place_cursor tn_place_outwards(const struct tn_frames *frames, const struct tn_pass *pass,
                                         struct tn_place_cursor at);

/* Where in a stack of its births the site is; the innermost frame where it is not found. *ret_inside is the
 * frame that it called, node 0 if that is the allocation function itself. */
struct tn_place_cursor tn_place_find_site(const struct tn_frames *frames, const struct tn_pass *pass,
                                          const struct tn_finding_site *site, uint32_t stack_id,
                                          struct tn_place_cursor *ret_inside);

/* Whether the blocks of a site belong to a function of the runtime, which nobody can give memory to: fopen,
 * throw, ... */
bool tn_place_is_opaque(const struct tn_frames *frames, const struct tn_pass *pass,
                        const struct tn_finding_site *site, uint32_t stack_id);

#endif
