/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: the function that could own a site's buffer, the same for all stacks of its
 * births: the innermost one of the program that contained every block. Called once a site, at the end. */
#include "stack_buffer.h"

#include "tenure/source_frames.h"

/* The innermost source frame that contained all births with one stack. */
static struct tn_source_cursor first_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                           uint32_t stack_id)
{
    const struct tn_contained_stack *counts = &buffers->stacks[stack_id];
    uint32_t node = stack_id;
    while (pass->nodes[node].depth > counts->owner_level)
        node = pass->nodes[node].caller_id;
    uint32_t count = tn_source_frames_count(&buffers->frames, pass->nodes[node].frame_id);
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
        at = tn_source_cursor_find_site(&buffers->frames, pass, site, stack_id, &inside);
    struct tn_source_cursor first = first_owner(buffers, pass, stack_id);
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        if (!is_inside(pass, at, first) &&
            tn_source_cursor_frame(&buffers->frames, pass, at)->function == function) {
            *ret_at = at;
            *ret_steps = steps;
            return true;
        }
        at = tn_source_cursor_outwards(&buffers->frames, pass, at);
    }
    return false;
}

static bool holds_for_all(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                          const struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count,
                          struct tn_buffer_owner *owner)
{
    for (size_t i = 0; i < stack_count; i++) {
        struct tn_source_cursor at;
        uint32_t steps;
        if (!find_function(buffers, pass, site, stacks[i], owner->function, &at, &steps))
            return false;
        if (steps > owner->frames_down)
            owner->frames_down = steps;
    }
    return true;
}

/* Whether the runtime asks for the block and releases it within one of its own functions, so that its owner
 * lies inside the site: no program could change that. */
static bool is_internal(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                        const struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count)
{
    for (size_t i = 0; i < stack_count; i++) {
        struct tn_source_cursor inside,
            at = tn_source_cursor_find_site(&buffers->frames, pass, site, stacks[i], &inside);
        if (is_inside(pass, first_owner(buffers, pass, stacks[i]), at))
            return true;
    }
    return false;
}

bool tn_stack_buffer_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                           const struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count,
                           struct tn_buffer_owner *ret_owner)
{
    if (is_internal(buffers, pass, site, stacks, stack_count))
        return false;
    struct tn_source_cursor at = first_owner(buffers, pass, stacks[0]);
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        const struct tn_source_frame *source = tn_source_cursor_frame(&buffers->frames, pass, at);
        struct tn_buffer_owner owner = {source->function, source->frame_id, 0, at.node};
        if (source->function != 0 && buffers->frames.functions[source->function].is_program &&
            holds_for_all(buffers, pass, site, stacks, stack_count, &owner)) {
            *ret_owner = owner;
            return true;
        }
        at = tn_source_cursor_outwards(&buffers->frames, pass, at);
    }
    return false;
}
