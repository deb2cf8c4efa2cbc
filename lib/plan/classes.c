/* SPDX-License-Identifier: MIT */
/* To which kind of lifetime the blocks of each stack belong: kept to the end, gone with a call, or in
 * between. */
#include "planning.h"

#define KEPT_PARTS 100 /* one in so many may be released, and the others still count as kept */
#define CONTAINED                                                                                            \
    0.9            /* share of the blocks that calls contain, at least, where a stack counts as contained */
#define LATE_MIN 4 /* fewer blocks that came after the start are no object that comes and goes */
#define REPEATED_MIN                                                                                         \
    10 /* calls of a function, at least: fewer may be those of an event loop that could be told apart */

static uint32_t function_at(const struct tn_planning *planning, uint32_t node)
{
    uint32_t frame_id = planning->pass->nodes[node].frame_id;
    return frame_id < planning->frames->frame_count ? planning->frames->frames[frame_id].source.function : 0;
}

uint32_t tn_plan_level_of(const struct tn_planning *planning, uint32_t stack_id, uint32_t function)
{
    const struct tn_stack_node *nodes = planning->pass->nodes;
    uint32_t level = 0;
    for (uint32_t node = stack_id; node != 0; node = nodes[node].caller_id)
        if (function_at(planning, node) == function)
            level = nodes[node].depth;
    return level;
}

/* The first part of a stack, or behind where it would be. */
static size_t find_parts(const struct tn_contained *contained, uint32_t stack_id)
{
    size_t low = 0, high = contained->part_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (contained->parts[middle].stack_id < stack_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t tn_plan_contained_at(const struct tn_planning *planning, uint32_t stack_id, uint32_t level)
{
    const struct tn_contained *contained = planning->contained;
    uint64_t blocks = 0;
    for (size_t i = find_parts(contained, stack_id);
         i < contained->part_count && contained->parts[i].stack_id == stack_id; i++)
        if (contained->parts[i].level >= level)
            blocks += contained->parts[i].blocks;
    return blocks;
}

/* The level of the innermost function of the program's own: the one that asked. */
static uint32_t own_level(const struct tn_planning *planning, uint32_t stack_id)
{
    const struct tn_stack_node *nodes = planning->pass->nodes;
    uint32_t node = stack_id;
    while (node != 0 && !planning->frames->functions[function_at(planning, node)].is_program)
        node = nodes[node].caller_id;
    return node != 0 ? nodes[node].depth : UINT32_MAX;
}

static uint32_t node_at(const struct tn_planning *planning, uint32_t stack_id, uint32_t level)
{
    const struct tn_stack_node *nodes = planning->pass->nodes;
    uint32_t node = stack_id;
    while (node != 0 && nodes[node].depth > level)
        node = nodes[node].caller_id;
    return node;
}

/* main contains whatever the program releases: only a function that is entered again ends a lifetime. */
static bool is_repeated(const struct tn_planning *planning, uint32_t stack_id, uint32_t level)
{
    uint32_t node = level != 0 ? node_at(planning, stack_id, level) : 0;
    return node != 0 && planning->contained->functions[function_at(planning, node)].calls >= REPEATED_MIN;
}

static void count_contained(struct tn_planning *planning)
{
    const struct tn_contained *contained = planning->contained;
    for (size_t i = 0; i < contained->part_count; i++) {
        const struct tn_contained_part *part = &contained->parts[i];
        struct tn_plan_stack *stack = &planning->stacks[part->stack_id];
        stack->settled += part->blocks;
        if (!is_repeated(planning, part->stack_id, part->level))
            continue;
        stack->contained += part->blocks;
        stack->own += part->level >= own_level(planning, part->stack_id) ? part->blocks : 0;
    }
}

static enum tn_lifetime_kind kind_of(const struct tn_plan_stack *stack)
{
    bool is_late = stack->late_births >= LATE_MIN && stack->late_births > stack->births / 2;
    if (stack->released <= stack->births / KEPT_PARTS)
        return is_late ? TN_LIFETIME_OBJECT : TN_LIFETIME_PROCESS;
    if (stack->settled != 0 && (double)stack->contained >= CONTAINED * (double)stack->settled)
        return TN_LIFETIME_TEMPORARY;
    return TN_LIFETIME_OBJECT;
}

void tn_plan_classify(struct tn_planning *planning)
{
    if (planning->frames != NULL)
        count_contained(planning);
    for (size_t id = 0; id < planning->stack_count; id++)
        if (planning->stacks[id].births != 0)
            planning->stacks[id].kind = (uint8_t)kind_of(&planning->stacks[id]);
}
