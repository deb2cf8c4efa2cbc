/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: the live blocks that each thread made at each site, in the order of their births,
 * and how many of them one activation holds at once. Called at births and deaths. */
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

static int begin_list(struct tn_stack_buffers *buffers)
{
    if (buffers->list_count < buffers->list_capacity)
        return 0;
    size_t capacity = buffers->list_capacity == 0 ? 64 : 2 * buffers->list_capacity;
    void *lists = realloc(buffers->lists, capacity * sizeof(buffers->lists[0]));
    if (lists == NULL)
        return -ENOMEM;
    buffers->lists = lists;
    buffers->list_capacity = capacity;
    return 0;
}

int tn_buffer_list_find(struct tn_stack_buffers *buffers, uint32_t site, uint32_t thread, uint32_t *ret_list)
{
    struct tn_contained_site *counts = &buffers->sites[site];
    if (counts->thread_1 != thread + 1) {
        uint64_t key = (uint64_t)site << 32 | (thread + 1);
        const uint64_t *list = tn_map_find(&buffers->threads, key);
        uint64_t found = list != NULL ? *list : buffers->list_count;
        if (list == NULL) {
            int r = begin_list(buffers);
            if (r < 0 || (r = tn_map_put(&buffers->threads, key, found)) < 0)
                return r;
            buffers->lists[buffers->list_count++] = (struct tn_contained_list){0};
        }
        counts->thread_1 = thread + 1;
        counts->list = (uint32_t)found;
    }
    *ret_list = counts->list;
    return 0;
}

/* A resized block takes its old position. */
void tn_buffer_block_link(struct tn_stack_buffers *buffers, uint32_t slot)
{
    struct tn_contained_block *block = &buffers->blocks[slot];
    struct tn_contained_list *list = &buffers->lists[block->list];
    uint32_t newer = 0, older = list->newest, steps = 0;
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
        list->newest = slot + 1;
    if (older != 0)
        buffers->blocks[older - 1].newer = slot + 1;
    list->live_count++;
}

void tn_buffer_block_unlink(struct tn_stack_buffers *buffers, const struct tn_contained_block *block)
{
    struct tn_contained_list *list = &buffers->lists[block->list];
    if (block->newer != 0)
        buffers->blocks[block->newer - 1].older = block->older;
    else
        list->newest = block->older;
    if (block->older != 0)
        buffers->blocks[block->older - 1].newer = block->newer;
    list->live_count--;
}

uint64_t tn_buffer_blocks_since(const struct tn_stack_buffers *buffers,
                                const struct tn_contained_block *block, uint64_t since, uint64_t limit)
{
    uint64_t count = 0;
    for (uint32_t at = buffers->lists[block->list].newest; at != 0 && count < limit;
         at = buffers->blocks[at - 1].older) {
        if (buffers->blocks[at - 1].birth_event < since)
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
    uint64_t count = 1;
    uint32_t node = own->stack_id, site = own->site;
    int r = 0;
    for (uint32_t at = own->older; at != 0 && r == 0 && count <= buffers->max_count;
         at = buffers->blocks[at - 1].older) {
        const struct tn_contained_block *other = &buffers->blocks[at - 1];
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
