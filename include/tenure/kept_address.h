/* SPDX-License-Identifier: MIT */
#ifndef TENURE_KEPT_ADDRESS_H
#define TENURE_KEPT_ADDRESS_H

/* Which blocks that outlive a call were seen to hold the address of blocks that do not: they may keep it in
 * another run. Never enough to refute, and no link proves nothing. Kinds ask when they state findings. One
 * thread. */

#include "tenure/site_links.h"

/* What is asked. */
struct tn_kept_question {
    const struct tn_site_links *links; /* borrowed */
    /* Whether blocks born with a stack are gone when the owner's call returns, and stored in nothing that is
     * not. */
    bool (*is_gone)(const void *context, uint32_t stack_id);
    const void *context; /* for is_gone */
};

/* The link that speaks most clearly against the blocks of a stack being gone with the call: to a block that
 * outlives it, or that is held by such a one, before a global variable; then the largest share of looks.
 *
 * held_stack  row
 * best        found for other stacks of the same blocks; NULL: none
 * Returns     the better of both; NULL: none. Borrowed from the links */
const struct tn_link_by_stack *tn_kept_address_find(const struct tn_pass *pass,
                                                    const struct tn_kept_question *question,
                                                    uint32_t held_stack, const struct tn_link_by_stack *best);

/* Say where blocks are kept that a block holds: as a condition ("address-kept"), or in a note where the code
 * says already that the address is stored ("address-stored"), or that a variable does.
 *
 * kind     whose finding it is
 * link     as found
 * blocks   what is kept: "the block"
 * notes    lines are appended
 * Returns  0; -ENOMEM, -EIO */
int tn_kept_address_tell(const struct tn_pass *pass, const struct tn_kind *kind,
                         const struct tn_link_by_stack *link, const char *blocks, struct tn_finding *finding,
                         struct tn_buffer *notes);

#endif
