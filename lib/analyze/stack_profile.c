/* SPDX-License-Identifier: MIT */
/* Counts by stack what may differ between the roles of a site. Called by pass.c at each event. */
#include "stack_profile.h"

#include "tenure/source_frames.h"

#include <errno.h>
#include <stdlib.h>

/* Calls between the allocator and a function that could own the block: further out lie event loops. */
#define OWNER_DISTANCE_MAX 9u

int tn_stack_profiles_open(const struct tn_pass *pass, struct tn_stack_profiles **ret_profiles)
{
    struct tn_stack_profiles *profiles = calloc(1, sizeof(*profiles));
    *ret_profiles = profiles;
    if (profiles == NULL)
        return -ENOMEM;
    profiles->items = calloc(pass->node_count, sizeof(profiles->items[0]));
    profiles->last_site = calloc(pass->thread_count, sizeof(profiles->last_site[0]));
    return profiles->items != NULL && profiles->last_site != NULL ? 0 : -ENOMEM;
}

void tn_stack_profiles_close(struct tn_stack_profiles *profiles)
{
    if (profiles == NULL)
        return;
    free(profiles->items);
    free(profiles->last_site);
    free(profiles);
}

/* The function that both stacks went through last; TN_PROFILE_MIXED: there is none that could own a block. */
static uint32_t find_owner(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t birth,
                           uint32_t release)
{
    const struct tn_stack_node *nodes = pass->nodes;
    uint32_t depth = nodes[birth].depth;
    while (nodes[birth].depth > nodes[release].depth)
        birth = nodes[birth].caller_id;
    while (nodes[release].depth > nodes[birth].depth)
        release = nodes[release].caller_id;
    while (nodes[birth].caller_id != nodes[release].caller_id) {
        birth = nodes[birth].caller_id;
        release = nodes[release].caller_id;
    }
    if (nodes[birth].depth == 0 || nodes[birth].frame_id >= frames->frame_count ||
        depth - nodes[birth].depth > OWNER_DISTANCE_MAX)
        return TN_PROFILE_MIXED;
    uint32_t function = frames->frames[nodes[birth].frame_id].source.function;
    return function != 0 ? function : TN_PROFILE_MIXED;
}

static int sample_owner(const struct tn_pass *pass, const struct tn_block *block, uint32_t stack_id,
                        struct tn_stack_profile *own)
{
    const struct tn_source_frames *frames;
    own->owner_samples++;
    if (block->stack_id == 0 || stack_id == 0)
        return 0;
    int r = tn_pass_frames(pass, &frames);
    if (r < 0)
        return r;
    uint32_t owner = find_owner(pass, frames, block->stack_id, stack_id);
    own->owner = own->owner == 0 || own->owner == owner ? owner : TN_PROFILE_MIXED;
    return 0;
}

int tn_stack_profiles_death(const struct tn_pass *pass, const struct tn_block *block, uint32_t stack_id,
                            uint32_t thread)
{
    struct tn_stack_profile *own = &pass->profiles->items[block->stack_id];
    own->deaths++;
    own->released += !pass->is_teardown;
    own->elsewhere += block->thread != thread;
    if (own->owner_samples >= TN_PROFILE_SAMPLES)
        return 0;
    return sample_owner(pass, block, stack_id, own);
}

static uint32_t join(uint32_t one, uint32_t other)
{
    if (one == 0 || other == 0)
        return one | other;
    return one == other ? one : TN_PROFILE_MIXED;
}

void tn_stack_profile_add(struct tn_stack_profile *sum, const struct tn_stack_profile *own)
{
    if (own->births == 0)
        return;
    if (sum->births == 0 || own->min_size_bytes < sum->min_size_bytes)
        sum->min_size_bytes = own->min_size_bytes;
    if (own->max_size_bytes > sum->max_size_bytes)
        sum->max_size_bytes = own->max_size_bytes;
    sum->births += own->births;
    sum->released += own->released;
    sum->elsewhere += own->elsewhere;
    sum->deaths += own->deaths;
    if (own->peak_live > sum->peak_live)
        sum->peak_live = own->peak_live;
    sum->owner = join(sum->owner, own->owner);
    sum->neighbour = join(sum->neighbour, own->neighbour);
    sum->thread = join(sum->thread, own->thread);
}
