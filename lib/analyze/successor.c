/* SPDX-License-Identifier: MIT */
/* Whether a block that is larger, and newer, than one which is released at once has taken it over, or is
 * another thing that the same helper made. Called by pass.c. */
#include "successor.h"

/* Whether two return addresses in one physical function are calls at different lines, of it or of a function
 * inlined there: a compiler may make several calls of one. */
static bool is_other_call(const struct tn_source_frames *frames, uint32_t one, uint32_t other)
{
    if (one >= frames->frame_count || other >= frames->frame_count)
        return false;
    uint32_t count = tn_source_frames_count(frames, one);
    if (count != tn_source_frames_count(frames, other))
        return true;
    for (uint32_t position = 0; position < count; position++)
        if (tn_source_frames_get(frames, one, position)->line !=
            tn_source_frames_get(frames, other, position)->line)
            return true;
    return false;
}

/* The outermost frames of two stacks that differ; *one == *other where one stack goes on from the other. */
static void find_fork(const struct tn_stack_node *nodes, uint32_t *one, uint32_t *other)
{
    while (nodes[*one].depth > nodes[*other].depth)
        *one = nodes[*one].caller_id;
    while (nodes[*other].depth > nodes[*one].depth)
        *other = nodes[*other].caller_id;
    while (nodes[*one].caller_id != nodes[*other].caller_id) {
        *one = nodes[*one].caller_id;
        *other = nodes[*other].caller_id;
    }
}

bool tn_successor_is_stranger(const struct tn_pass *pass, const struct tn_source_frames *frames,
                              uint32_t made, uint32_t old, uint32_t release)
{
    uint32_t other = made;
    find_fork(pass->nodes, &made, &release);
    find_fork(pass->nodes, &other, &old);
    return other != old && other == made &&
           is_other_call(frames, pass->nodes[old].frame_id, pass->nodes[made].frame_id);
}
