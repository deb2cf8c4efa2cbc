/* SPDX-License-Identifier: MIT */
#include "stack_buffer.h"

#include <stdlib.h>
#include <string.h>

/* How far out an owner is looked for, in source frames: far more than a buffer is ever passed down. */
#define STEPS_MAX 256u

/* Functions of the runtime that return a block of which the caller may dispose, so that a buffer of the
 * caller's could take its place: strcpy for strdup, snprintf for asprintf, fgets for getline. */
static const char *const replaceable[] = {
    "strdup",
    "strndup",
    "wcsdup",
    "asprintf",
    "vasprintf",
    "getline",
    "getdelim",
    "realpath",
    "getcwd",
    "std::string",
    "std::vector",
    "std::basic_string",
    "std::make_unique",
    "std::make_shared",
    "std::unique_ptr",
    "std::shared_ptr",
    NULL,
};

/* A source frame of a stack. */
struct place_cursor {
    uint32_t node;     /* 0: past the root */
    uint32_t position; /* 0: the innermost function of the node's frame */
};

static const struct tn_code_place *place_of(const struct tn_stack_buffers *buffers,
                                            const struct tn_pass *pass, struct place_cursor at)
{
    return tn_frames_place(&buffers->frames, pass->nodes[at.node].frame_id, at.position);
}

static struct place_cursor outwards(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                    struct place_cursor at)
{
    if (at.position + 1 < tn_frames_places(&buffers->frames, pass->nodes[at.node].frame_id))
        return (struct place_cursor){at.node, at.position + 1};
    return (struct place_cursor){pass->nodes[at.node].caller_id, 0};
}

static bool is_site(const struct tn_stack_buffers *buffers, const struct tn_code_place *place,
                    const struct tn_finding_site *site)
{
    const char *name = buffers->frames.functions[place->function].name;
    if (strcmp(place->function != 0 ? name : "", site->function) != 0)
        return false;
    if (site->line != 0)
        return place->line == site->line;
    return place->frame_id < buffers->frames.frame_count &&
           buffers->frames.frames[place->frame_id].offset_bytes == site->offset_bytes;
}

/* Where in a stack of its births the site is; the innermost frame where it is not found. */
static struct place_cursor find_site(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                     const struct tn_finding_site *site, uint32_t stack_id,
                                     struct place_cursor *ret_inside)
{
    struct place_cursor at = {stack_id, 0}, inside = {0, 0};
    for (uint32_t steps = 0; at.node != 0 && steps < STEPS_MAX; steps++) {
        if (is_site(buffers, place_of(buffers, pass, at), site)) {
            *ret_inside = inside;
            return at;
        }
        inside = at;
        at = outwards(buffers, pass, at);
    }
    *ret_inside = (struct place_cursor){0, 0};
    return (struct place_cursor){stack_id, 0};
}

/* The innermost source frame that contained all births with a stack. */
static struct place_cursor first_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                       uint32_t stack_id)
{
    const struct tn_contained_stack *counts = &buffers->stacks[stack_id];
    uint32_t node = stack_id;
    while (pass->nodes[node].depth > counts->owner_level)
        node = pass->nodes[node].caller_id;
    uint32_t places = tn_frames_places(&buffers->frames, pass->nodes[node].frame_id);
    uint32_t inlined = counts->inlined < places ? counts->inlined : places - 1;
    return (struct place_cursor){node, places - 1 - inlined};
}

static bool is_inside(const struct tn_pass *pass, struct place_cursor one, struct place_cursor other)
{
    uint32_t depth = pass->nodes[one.node].depth, other_depth = pass->nodes[other.node].depth;
    return depth > other_depth || (depth == other_depth && one.position < other.position);
}

/* The innermost owner that is this function. ret_steps: source frames from the site to it. */
static bool find_function(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                          const struct tn_finding_site *site, uint32_t stack_id, uint32_t function,
                          struct place_cursor *ret_at, uint32_t *ret_steps)
{
    struct place_cursor inside, at = find_site(buffers, pass, site, stack_id, &inside);
    struct place_cursor first = first_owner(buffers, pass, stack_id);
    for (uint32_t steps = 0; at.node != 0 && steps < STEPS_MAX; steps++) {
        if (!is_inside(pass, at, first) && place_of(buffers, pass, at)->function == function) {
            *ret_at = at;
            *ret_steps = steps;
            return true;
        }
        at = outwards(buffers, pass, at);
    }
    return false;
}

static bool holds_for_all(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                          const struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count,
                          struct tn_buffer_owner *owner)
{
    for (size_t i = 0; i < stack_count; i++) {
        struct place_cursor at;
        uint32_t steps;
        if (!find_function(buffers, pass, site, stacks[i], owner->function, &at, &steps))
            return false;
        if (steps > owner->frames_down)
            owner->frames_down = steps;
    }
    return true;
}

/* A block that the runtime asks for and releases within one of its own functions has its owner inside the
 * site: no program could change that. */
static bool is_internal(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                        const struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count)
{
    for (size_t i = 0; i < stack_count; i++) {
        struct place_cursor inside, at = find_site(buffers, pass, site, stacks[i], &inside);
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
    struct place_cursor at = first_owner(buffers, pass, stacks[0]);
    for (uint32_t steps = 0; at.node != 0 && steps < STEPS_MAX; steps++) {
        const struct tn_code_place *place = place_of(buffers, pass, at);
        struct tn_buffer_owner owner = {place->function, place->frame_id, 0, at.node};
        if (place->function != 0 && buffers->frames.functions[place->function].is_program &&
            holds_for_all(buffers, pass, site, stacks, stack_count, &owner)) {
            *ret_owner = owner;
            return true;
        }
        at = outwards(buffers, pass, at);
    }
    return false;
}

bool tn_stack_buffer_is_opaque(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                               const struct tn_finding_site *site, uint32_t stack_id)
{
    struct place_cursor inside;
    find_site(buffers, pass, site, stack_id, &inside);
    if (inside.node == 0)
        return false;
    const struct tn_code_frame *frame = &buffers->frames.frames[pass->nodes[inside.node].frame_id];
    const struct tn_code_place *place = place_of(buffers, pass, inside);
    bool is_runtime =
        place->function != 0 ? buffers->frames.functions[place->function].is_runtime : frame->is_runtime;
    if (!is_runtime)
        return false;
    for (size_t i = 0; replaceable[i] != NULL; i++)
        if (strcmp(site->via, replaceable[i]) == 0)
            return false;
    for (int i = 1; i < TN_FUNCTION_COUNT; i++)
        if (strcmp(site->via, tn_function_name((enum tn_function)i)) == 0)
            return false;
    return true;
}
