/* SPDX-License-Identifier: MIT */
/* Every stack of a log in memory: nodes by stack id, frames in groups (a physical frame with those inlined
 * into it), function names interned. Walks go from a stack's innermost frame to its caller, whose depth is
 * always lower, so that they end. Called by lib/finish and lib/analyze. */
#include "stack_trie.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tn_site_trie_begin(struct tn_site_trie *trie, size_t node_count, size_t group_count, size_t frame_count)
{
    *trie = (struct tn_site_trie){
        .node_count = node_count, .group_count = group_count, .frame_capacity = frame_count};
    trie->nodes = calloc(node_count + 1, sizeof(trie->nodes[0]));
    trie->groups = calloc(group_count + 1, sizeof(trie->groups[0]));
    trie->frames = calloc(frame_count + 1, sizeof(trie->frames[0]));
    trie->function_index = calloc(1, sizeof(*trie->function_index));
    trie->function_count = 1;
    return trie->nodes != NULL && trie->groups != NULL && trie->frames != NULL && trie->function_index != NULL
               ? 0
               : -ENOMEM;
}

void tn_site_trie_add_stack(struct tn_site_trie *trie, uint64_t id, uint64_t frame_id, uint64_t caller_id,
                            uint64_t depth)
{
    if (id < trie->node_count && caller_id < trie->node_count && depth <= UINT32_MAX)
        trie->nodes[id] = (struct tn_site_node){(uint32_t)frame_id, (uint32_t)caller_id, (uint32_t)depth};
}

void tn_site_trie_end_stacks(struct tn_site_trie *trie)
{
    for (size_t id = 1; id < trie->node_count; id++) {
        struct tn_site_node *node = &trie->nodes[id];
        if (node->depth == 0 || (node->caller_id != 0 && trie->nodes[node->caller_id].depth >= node->depth))
            *node = (struct tn_site_node){0};
    }
}

static uint64_t hash_of(const char *name)
{
    uint64_t hash = 1;
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return tn_mix(hash) | 1;
}

static int grow_functions(struct tn_site_trie *trie)
{
    if (trie->function_count < trie->function_capacity)
        return 0;
    size_t capacity = trie->function_capacity * 2 + 256;
    struct tn_site_function *functions = realloc(trie->functions, capacity * sizeof(functions[0]));
    if (functions == NULL)
        return -ENOMEM;
    functions[0] = (struct tn_site_function){0};
    trie->functions = functions;
    trie->function_capacity = capacity;
    return 0;
}

static int intern_function(struct tn_site_trie *trie, const char *name, uint32_t *ret_function)
{
    uint64_t hash = hash_of(name);
    const uint64_t *first = tn_map_find(trie->function_index, hash);
    uint32_t head = first != NULL ? (uint32_t)*first : 0;
    for (uint32_t function = head; function != 0; function = trie->functions[function].next) {
        if (strcmp(trie->functions[function].name, name) != 0)
            continue;
        *ret_function = function;
        return 0;
    }
    int r = grow_functions(trie);
    char *copy = r == 0 ? strdup(name) : NULL;
    if (copy == NULL)
        return -ENOMEM;
    uint32_t function = (uint32_t)trie->function_count++;
    trie->functions[function] = (struct tn_site_function){copy, head};
    r = tn_map_put(trie->function_index, hash, function);
    if (r == 0)
        *ret_function = function;
    return r;
}

int tn_site_trie_add_frame(struct tn_site_trie *trie, const struct tn_site_rules *rules, uint64_t frame_id,
                           uint64_t group_id, const struct tn_site_source *source)
{
    if (group_id >= trie->group_count || trie->frame_count == trie->frame_capacity)
        return 0;
    uint32_t number = 0;
    int r = source->function != NULL ? intern_function(trie, source->function, &number) : 0;
    if (r < 0)
        return r;
    struct tn_site_frame *frame = &trie->frames[trie->frame_count++];
    frame->frame_id = (uint32_t)frame_id;
    frame->function = number;
    bool has_line = number != 0 && source->line != 0;
    frame->place = has_line ? (uint64_t)number << 32 | source->line : UINT64_C(1) << 63 | frame_id;
    frame->is_physical = frame_id == group_id;
    tn_site_classify(rules, source, &frame->class);
    if (trie->groups[group_id] == 0)
        trie->groups[group_id] = (uint32_t)trie->frame_count;
    return 0;
}

struct tn_site_frame *tn_site_trie_group(const struct tn_site_trie *trie, uint32_t frame_id)
{
    if (frame_id >= trie->group_count || trie->groups[frame_id] == 0)
        return NULL;
    return &trie->frames[trie->groups[frame_id] - 1];
}

/* In a damaged log a group may lack its physical frame. */
struct tn_site_frame *tn_site_trie_next(const struct tn_site_trie *trie, struct tn_site_frame *frame)
{
    bool is_last = frame->is_physical || frame + 1 == trie->frames + trie->frame_count;
    return is_last ? NULL : frame + 1;
}

struct tn_site_frame *tn_site_trie_find(const struct tn_site_trie *trie, uint64_t stack_id,
                                        const char *function, const char **ret_via)
{
    struct tn_site_search search = {0};
    struct tn_site_frame *innermost = NULL;
    *ret_via = function;
    for (uint64_t id = stack_id; id != 0 && id < trie->node_count; id = trie->nodes[id].caller_id) {
        struct tn_site_frame *frame = tn_site_trie_group(trie, trie->nodes[id].frame_id);
        for (; frame != NULL; frame = tn_site_trie_next(trie, frame)) {
            if (innermost == NULL)
                innermost = frame;
            if (!tn_site_step(&search, &frame->class))
                continue;
            if (search.via != NULL)
                *ret_via = search.via;
            return frame;
        }
    }
    return innermost;
}

void tn_site_trie_skip_innermost(struct tn_site_trie *trie, uint64_t stack_id)
{
    if (stack_id == 0 || stack_id >= trie->node_count)
        return;
    struct tn_site_frame *frame = tn_site_trie_group(trie, trie->nodes[stack_id].frame_id);
    if (frame == NULL || frame->class.kind != TN_SITE_PROGRAM)
        return;
    if (frame->function != 0)
        tn_site_class_wrapper(trie->functions[frame->function].name, &frame->class);
    else
        frame->class.kind = TN_SITE_WRAPPER;
}

void tn_site_trie_finish(struct tn_site_trie *trie)
{
    for (size_t i = 1; trie->functions != NULL && i < trie->function_count; i++)
        free(trie->functions[i].name);
    free(trie->functions);
    if (trie->function_index != NULL)
        tn_map_finish(trie->function_index);
    free(trie->function_index);
    free(trie->nodes);
    free(trie->groups);
    free(trie->frames);
    *trie = (struct tn_site_trie){0};
}
