/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: the live blocks of each site, in the order of their births, and how many of them
 * one activation holds at once. Called at births and deaths. */
#include "stack_buffer.h"

#include <errno.h>
#include <stdlib.h>

int tn_buffer_blocks_grow(struct tn_stack_buffers *buffers, const struct tn_pass *pass)
{
    if (buffers->block_capacity >= pass->slot_capacity)
        return 0;
    void *blocks = realloc(buffers->blocks, pass->slot_capacity * sizeof(buffers->blocks[0]));
    if (blocks == NULL)
        return -ENOMEM;
    buffers->blocks = blocks;
    buffers->block_capacity = pass->slot_capacity;
    return 0;
}

/* Put a block into the list of its site, newest first. A resized block takes its old position. */
void tn_buffer_block_link(struct tn_stack_buffers *buffers, uint32_t slot)
{
    struct tn_contained_block *block = &buffers->blocks[slot];
    struct tn_contained_site *site = &buffers->sites[block->site];
    uint32_t newer = 0, older = site->newest, steps = 0;
    while (older != 0 && buffers->blocks[older - 1].birth_index > block->birth_index &&
           ++steps < TN_BUFFER_WALK_MAX) {
        newer = older;
        older = buffers->blocks[older - 1].older;
    }
    block->newer = newer;
    block->older = older;
    if (newer != 0)
        buffers->blocks[newer - 1].older = slot + 1;
    else
        site->newest = slot + 1;
    if (older != 0)
        buffers->blocks[older - 1].newer = slot + 1;
    site->live_count++;
}

void tn_buffer_block_unlink(struct tn_stack_buffers *buffers, const struct tn_contained_block *block)
{
    struct tn_contained_site *site = &buffers->sites[block->site];
    if (block->newer != 0)
        buffers->blocks[block->newer - 1].older = block->older;
    else
        site->newest = block->older;
    if (block->older != 0)
        buffers->blocks[block->older - 1].newer = block->newer;
    site->live_count--;
}

/* Live blocks of a site that were born in a thread since an event. Where the blocks of many threads lie in
 * between, the count is given up, and limit returned. */
uint64_t tn_buffer_blocks_since(const struct tn_stack_buffers *buffers,
                                const struct tn_contained_block *block, uint64_t since, uint64_t limit)
{
    uint64_t count = 0, steps = 0;
    for (uint32_t at = buffers->sites[block->site].newest; at != 0 && count < limit;
         at = buffers->blocks[at - 1].older) {
        const struct tn_contained_block *other = &buffers->blocks[at - 1];
        if (++steps == TN_BUFFER_WALK_MAX)
            return limit;
        if (other->thread != block->thread)
            continue;
        if (other->birth_event < since)
            break;
        count++;
    }
    return count;
}

/* Count the blocks that live in each activation in which a new one is born, for owners that are found only
 * later, further out than the block's own. Only where the count changes, from the deepest call outwards. */
int tn_buffer_blocks_at_once(struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                             const struct tn_contained_block *own)
{
    uint64_t count = 1, steps = 0;
    uint32_t node = own->stack_id, site = own->site;
    int r = 0;
    for (uint32_t at = own->older;
         at != 0 && r == 0 && count <= buffers->max_count && ++steps < TN_BUFFER_WALK_MAX;
         at = buffers->blocks[at - 1].older) {
        const struct tn_contained_block *other = &buffers->blocks[at - 1];
        if (other->thread != own->thread)
            continue;
        uint32_t level = tn_activations_owner(buffers->activations, own->thread, other->birth_event,
                                              pass->nodes[node].depth);
        if (level == 0)
            break;
        if (count > 1 && pass->nodes[node].depth != level)
            r = tn_stack_buffer_raise(buffers, site, node, count);
        while (pass->nodes[node].depth > level)
            node = pass->nodes[node].caller_id;
        count++;
    }
    return r == 0 && count > 1 ? tn_stack_buffer_raise(buffers, site, node, count) : r;
}
