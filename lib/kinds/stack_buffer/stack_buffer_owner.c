/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: the function that could own a site's buffer, the same for all stacks of its
 * births: the innermost one of the program that contained every block. Called once a site, at the end. */
#include "stack_buffer.h"

#include "tenure/source_frames.h"

/* Blocks that an activation makes, in times of those that live at once: an array is filled once, or fewer
 * times than this. */
#define MANY_ROUNDS 2u

/* The innermost source frame that contained all births with one stack. */
static struct tn_source_cursor first_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                           uint32_t stack_id)
{
    const struct tn_contained_stack *counts = &buffers->stacks[stack_id];
    uint32_t node = stack_id;
    while (pass->nodes[node].depth > counts->owner_level)
        node = pass->nodes[node].caller_id;
    uint32_t count = tn_source_frames_count(buffers->frames, pass->nodes[node].frame_id);
    uint32_t inlined = counts->inlined < count ? counts->inlined : count - 1;
    return (struct tn_source_cursor){node, count - 1 - inlined};
}

static bool is_inside(const struct tn_pass *pass, struct tn_source_cursor one, struct tn_source_cursor other)
{
    uint32_t depth = pass->nodes[one.node].depth, other_depth = pass->nodes[other.node].depth;
    return depth > other_depth || (depth == other_depth && one.position < other.position);
}

/* Walk outwards to the innermost frame of a function that contained all births. ret_steps: source frames from
 * the site to it. */
static bool find_function(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                          const struct tn_finding_site *site, uint32_t stack_id, uint32_t function,
                          struct tn_source_cursor *ret_at, uint32_t *ret_steps)
{
    struct tn_source_cursor inside,
        at = tn_source_cursor_find_site(buffers->frames, pass, site, stack_id, &inside);
    struct tn_source_cursor first = first_owner(buffers, pass, stack_id);
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        if (!is_inside(pass, at, first) &&
            tn_source_cursor_frame(buffers->frames, pass, at)->function == function) {
            *ret_at = at;
            *ret_steps = steps;
            return true;
        }
        at = tn_source_cursor_outwards(buffers->frames, pass, at);
    }
    return false;
}

/* Most blocks that lived at once in one activation of the owner, as counted at births with one stack: what
 * was counted for calls further in lies within it. */
static uint64_t count_at_once(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                              uint32_t site, uint32_t stack_id, uint32_t owner_node)
{
    uint64_t most = 1;
    for (uint32_t node = stack_id; node != 0; node = pass->nodes[node].caller_id) {
        const uint64_t *count = tn_map_find(&buffers->at_once, (uint64_t)site << 32 | node);
        if (count != NULL && *count > most)
            most = *count;
        if (node == owner_node)
            break;
    }
    return most;
}

static bool holds_for_all(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                          const struct tn_buffer_births *births, struct tn_buffer_owner *owner)
{
    for (size_t i = 0; i < births->stack_count; i++) {
        struct tn_source_cursor at;
        uint32_t steps;
        if (!find_function(buffers, pass, births->names, births->stacks[i], owner->function, &at, &steps))
            return false;
        if (steps > owner->frames_down)
            owner->frames_down = steps;
        uint64_t count = count_at_once(buffers, pass, births->site, births->stacks[i], at.node);
        if (count > owner->max_live_count)
            owner->max_live_count = count;
    }
    return true;
}

/* Whether the runtime asks for the block and releases it within one of its own functions, so that its owner
 * lies inside the site: no program could change that. */
static bool is_internal(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                        const struct tn_buffer_births *births)
{
    for (size_t i = 0; i < births->stack_count; i++) {
        struct tn_source_cursor inside,
            at = tn_source_cursor_find_site(buffers->frames, pass, births->names, births->stacks[i], &inside);
        if (is_inside(pass, first_owner(buffers, pass, births->stacks[i]), at))
            return true;
    }
    return false;
}

bool tn_stack_buffer_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                           const struct tn_buffer_births *births, struct tn_buffer_owner *ret_owner)
{
    if (is_internal(buffers, pass, births))
        return false;
    struct tn_source_cursor at = first_owner(buffers, pass, births->stacks[0]);
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        const struct tn_source_frame *place = tn_source_cursor_frame(buffers->frames, pass, at);
        struct tn_buffer_owner owner = {.function = place->function,
                                        .frame_id = place->frame_id,
                                        .node = at.node,
                                        .max_live_count = buffers->sites[births->site].max_live_count};
        if (place->function != 0 && buffers->frames->functions[place->function].is_program &&
            holds_for_all(buffers, pass, births, &owner)) {
            *ret_owner = owner;
            return true;
        }
        at = tn_source_cursor_outwards(buffers->frames, pass, at);
    }
    return false;
}

/* A call of the owner that makes many blocks over its life, while several live, and has others make or
 * release them, drives a queue: how many wait in it, and for how long, is not the call's to say. A function
 * that was never seen to return holds whatever passes through it, unless it makes and releases the blocks
 * itself. Of one that is inlined, or whose code does not show that it was left and entered again, many calls
 * look like one: several blocks at once may be a queue that is filled over several calls; where its code
 * shows that it was entered anew, a loop carries the block from one to the next. But what one call of the
 * owner has made and released is that call's alone: it ended in a jump to free, and was left a moment too
 * early. */
enum tn_buffer_owning tn_stack_buffer_owning(const struct tn_stack_buffers *buffers,
                                             const struct tn_pass *pass,
                                             const struct tn_buffer_births *births,
                                             const struct tn_buffer_owner *owner)
{
    const struct tn_contained_site *counts = &buffers->sites[births->site];
    const struct tn_activations *activations = buffers->activations;
    uint32_t physical = buffers->frames->frames[pass->nodes[owner->node].frame_id].source.function;
    bool is_inlined = physical != owner->function;
    bool is_queue = is_inlined && owner->max_live_count > 1;
    bool is_own = owner->frames_down == 0 && !counts->is_below && !is_queue;
    if (counts->carried != 0 && counts->is_below)
        return TN_OWNING_LOOP;
    if (is_own || counts->beyond_call == 0 ||
        counts->instances <= MANY_ROUNDS * owner->max_live_count * activations->entered[physical])
        return TN_OWNING_CALLS;
    if (owner->max_live_count > 1 && (!is_inlined || counts->is_below))
        return TN_OWNING_LOOP;
    if (!is_inlined && activations->has_returned[physical])
        return TN_OWNING_CALLS;
    if (is_inlined || !tn_activations_can_tell(activations, pass, physical))
        return counts->is_below || is_queue ? TN_OWNING_UNTOLD : TN_OWNING_CALLS;
    return TN_OWNING_LOOP;
}
