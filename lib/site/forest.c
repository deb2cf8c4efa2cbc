/* SPDX-License-Identifier: MIT */
#include "tenure/site.h"

#include <errno.h>
#include <stdlib.h>

int tn_site_forest_begin(struct tn_site_forest *forest, size_t node_count, size_t group_count,
                         size_t frame_count)
{
    *forest = (struct tn_site_forest){
        .node_count = node_count, .group_count = group_count, .frame_capacity = frame_count};
    forest->nodes = calloc(node_count + 1, sizeof(forest->nodes[0]));
    forest->groups = calloc(group_count + 1, sizeof(forest->groups[0]));
    forest->frames = calloc(frame_count + 1, sizeof(forest->frames[0]));
    return forest->nodes != NULL && forest->groups != NULL && forest->frames != NULL ? 0 : -ENOMEM;
}

void tn_site_forest_add_stack(struct tn_site_forest *forest, uint64_t id, uint64_t frame_id,
                              uint64_t caller_id)
{
    /* a stack is interned after its caller; anything else is damage, and could make a circle */
    if (id < forest->node_count && caller_id < id)
        forest->nodes[id] = (struct tn_site_node){(uint32_t)frame_id, (uint32_t)caller_id};
}

void tn_site_forest_add_frame(struct tn_site_forest *forest, const struct tn_site_rules *rules,
                              uint64_t frame_id, uint64_t group_id, const char *function, const char *module,
                              uint64_t offset_bytes)
{
    if (group_id >= forest->group_count || forest->frame_count == forest->frame_capacity)
        return;
    struct tn_site_frame *frame = &forest->frames[forest->frame_count++];
    frame->frame_id = (uint32_t)frame_id;
    frame->is_physical = frame_id == group_id;
    tn_site_classify(rules, function, module, offset_bytes, &frame->class);
    if (forest->groups[group_id] == 0)
        forest->groups[group_id] = (uint32_t)forest->frame_count;
}

/* The first frame of a group, or NULL. */
static struct tn_site_frame *group_of(const struct tn_site_forest *forest, uint32_t frame_id)
{
    if (frame_id >= forest->group_count || forest->groups[frame_id] == 0)
        return NULL;
    return &forest->frames[forest->groups[frame_id] - 1];
}

/* The next frame of the group, or NULL. In a damaged log the group may lack its physical frame. */
static struct tn_site_frame *next_of_group(const struct tn_site_forest *forest, struct tn_site_frame *frame)
{
    bool is_last = frame->is_physical || frame + 1 == forest->frames + forest->frame_count;
    return is_last ? NULL : frame + 1;
}

struct tn_site_frame *tn_site_forest_find(const struct tn_site_forest *forest, uint64_t stack_id,
                                          const char *function, const char **ret_via)
{
    struct tn_site_walk walk = {0};
    struct tn_site_frame *innermost = NULL;
    *ret_via = function;
    for (uint64_t id = stack_id; id != 0 && id < forest->node_count; id = forest->nodes[id].caller_id) {
        struct tn_site_frame *frame = group_of(forest, forest->nodes[id].frame_id);
        for (; frame != NULL; frame = next_of_group(forest, frame)) {
            if (innermost == NULL)
                innermost = frame;
            if (!tn_site_step(&walk, &frame->class))
                continue;
            if (walk.via != NULL)
                *ret_via = walk.via;
            return frame;
        }
    }
    return innermost;
}

void tn_site_forest_finish(struct tn_site_forest *forest)
{
    free(forest->nodes);
    free(forest->groups);
    free(forest->frames);
    *forest = (struct tn_site_forest){0};
}
