/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: what the recording saw of who holds the blocks' address. A block that outlives the
 * owner's call and holds it often may keep it in another run. Called once a finding. */
#include "stack_buffer.h"

#include "tenure/kept_address.h"
#include "tenure/kinds.h"

int tn_stack_buffer_add_kept(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                             const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                             struct tn_finding *finding, struct tn_buffer *notes)
{
    struct tn_buffer_holders holders = {buffers, pass, owner->function, TN_BUFFER_HOLDERS_MAX};
    struct tn_kept_question question = {&buffers->links, tn_stack_buffer_is_gone, &holders};
    const struct tn_link_by_stack *kept = NULL;
    if (finding->confidence == TN_CONFIDENCE_WEAK)
        return 0;
    for (size_t i = 0; i < births->stack_count; i++)
        kept = tn_kept_address_find(pass, &question, births->stacks[i], kept);
    return kept != NULL ? tn_kept_address_tell(pass, &tn_kind_stack_buffer, kept, "the block", finding, notes)
                        : 0;
}
