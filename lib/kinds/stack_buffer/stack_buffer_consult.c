/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: what other processes of the same executable say against a local buffer. Their
 * counts of a site are added to those of the process that findings are about, as far as they speak against
 * it. Called once for each other process, before anything is stated. */
#include "stack_buffer.h"

int tn_stack_buffer_raise(struct tn_stack_buffers *buffers, uint32_t site, uint32_t node, uint64_t count)
{
    uint64_t key = (uint64_t)site << 32 | node;
    const uint64_t *known = tn_map_find(&buffers->at_once, key);
    return known != NULL && *known >= count ? 0 : tn_map_put(&buffers->at_once, key, count);
}

static uint64_t larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

/* Its owner must hold for the births in the other process as well. */
static void consult_stack(struct tn_contained_stack *own, const struct tn_contained_stack *theirs)
{
    if (theirs->instances == 0)
        return;
    if (own->owner_level == 0 || theirs->owner_level < own->owner_level) {
        own->owner_level = theirs->owner_level;
        own->death_frame = theirs->death_frame;
        own->inlined = theirs->inlined;
    } else if (theirs->owner_level == own->owner_level && theirs->inlined < own->inlined) {
        own->inlined = theirs->inlined;
    }
    own->instances += theirs->instances;
    own->doubtful += theirs->doubtful;
}

static void consult_site(struct tn_contained_site *own, const struct tn_contained_site *theirs)
{
    own->contrary += theirs->other_thread + theirs->no_owner + theirs->no_stack + theirs->left_live;
    own->doubtful += theirs->doubtful;
    own->carried += theirs->carried;
    own->refilled += theirs->refilled;
    own->is_below |= theirs->is_below;
    own->beyond_call += theirs->beyond_call;
    own->max_live_count = larger(own->max_live_count, theirs->max_live_count);
    own->max_thread_live_count = larger(own->max_thread_live_count, theirs->max_thread_live_count);
    own->is_hopeless |= theirs->is_hopeless;
}

int tn_stack_buffer_consult(void *state, const struct tn_pass *other, const void *other_state)
{
    struct tn_stack_buffers *own = state;
    const struct tn_stack_buffers *theirs = other_state;
    int r = 0;
    for (size_t i = 0; i < other->site_count; i++)
        if (own->sites[i].instances != 0)
            consult_site(&own->sites[i], &theirs->sites[i]);
    for (size_t i = 1; i < other->node_count; i++)
        if (own->sites[other->nodes[i].site].instances != 0)
            consult_stack(&own->stacks[i], &theirs->stacks[i]);
    for (size_t i = 0; i < theirs->at_once.capacity && r == 0; i++) {
        const struct tn_map_entry *entry = &theirs->at_once.entries[i];
        if (entry->key != 0)
            r = tn_stack_buffer_raise(own, (uint32_t)(entry->key >> 32), (uint32_t)entry->key, entry->value);
    }
    return r;
}
