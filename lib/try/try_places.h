/* SPDX-License-Identifier: MIT */
#ifndef TN_TRY_PLACES_H
#define TN_TRY_PLACES_H

/* Where the blocks of findings are made, as stacks that another process has as well. One thread. */

#include "try_stacks.h"

#include "tenure/finding.h"

#define TN_TRY_STEPS_MAX 64         /* frames of one place: a deeper one is compared by these */
#define TN_TRY_NO_OWNER  UINT32_MAX /* of a place whose blocks no function owns */

/* A frame of a place. */
struct tn_try_step {
    uint64_t module, offset_bytes; /* as struct tn_try_frame */
};

/* A stack on which blocks are made, from the allocation function outwards as far as it matters. */
struct tn_try_place {
    size_t first_step; /* in steps, the innermost */
    uint32_t step_count;
    uint32_t owner;       /* of these, the function whose return ends the blocks; TN_TRY_NO_OWNER */
    uint32_t site;        /* index in the finding's sites: which member of a structure it makes */
    uint64_t first_birth; /* id of the first allocation that was made on a stack of this place */
};

/* All places of some findings. Zeroed is empty; tn_try_places_finish releases it. */
struct tn_try_places {
    struct tn_try_place *items; /* owned */
    size_t count, capacity;
    struct tn_try_step *steps; /* owned */
    size_t step_count, step_capacity;
    size_t missing_count; /* places of the last finding that was added that lie in files which are not what
                             was recorded */
};

/* Append the places of a finding.
 *
 * owner    function that the blocks do not outlive, which places then reach to; NULL: none. A place without
 * it
 *          is left out, and counts as missing
 * Returns  0; -EBADMSG, -EIO: the log cannot be read; -ENOMEM */
int tn_try_places_add(struct tn_try_places *places, struct tn_try_stacks *stacks,
                      const struct tn_finding *finding, const struct tn_finding_line *owner);

/* Release. Zeroed is fine. */
void tn_try_places_finish(struct tn_try_places *places);

#endif
