/* SPDX-License-Identifier: MIT */
/* Where blocks are made: whether a call is at a place of the plan, which call of an owner it belongs to, and
 * the stacks of births, each kept once. */
#include "trial_parts.h"

#include <string.h>

#define STACKS_MAX 8192 /* half a power of two of table entries; of further births nothing is told */
#define TABLE_MAX  (2 * STACKS_MAX)

/* A birth's frames. Written once, before its entry of the table. */
static struct kept_stack {
    uintptr_t frames[TN_TRIAL_BIRTH_FRAMES];
    uint32_t count;
} stacks[STACKS_MAX + 1];
static uint32_t stack_count;
static uint32_t table[TABLE_MAX]; /* ids, by hash; 0: free */

static struct tn_preload_places places;

void tn_trial_births_open(void)
{
    places = (struct tn_preload_places){
        .modules = tn_trial_modules(tn_trial_head),
        .steps = tn_trial_steps(tn_trial_head),
        .places = tn_trial_places(tn_trial_head),
        .place_bytes = sizeof(struct tn_trial_place),
        .module_count = tn_trial_head->module_count,
        .place_count = tn_trial_head->place_count,
    };
}

static bool is_stack(const struct kept_stack *stack, const struct tn_preload_frame *frames, uint32_t count)
{
    if (stack->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (stack->frames[i] != frames[i].address)
            return false;
    return true;
}

/* The id of a stack, which is kept if it is new; 0: there is no room. With the lock held. */
static uint32_t keep_stack(const struct tn_preload_frame *frames, uint32_t count)
{
    uint64_t hash = count;
    for (uint32_t i = 0; i < count; i++)
        hash = (hash ^ frames[i].address) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t at = (uint32_t)(hash >> 40) % TABLE_MAX;
    for (; table[at] != 0; at = (at + 1) % TABLE_MAX)
        if (is_stack(&stacks[table[at]], frames, count))
            return table[at];
    if (stack_count == STACKS_MAX)
        return 0;
    struct kept_stack *stack = &stacks[++stack_count];
    for (uint32_t i = 0; i < count; i++)
        stack->frames[i] = frames[i].address;
    stack->count = count;
    table[at] = stack_count;
    return stack_count;
}

size_t tn_trial_stack_find(uint32_t id, struct tn_preload_frame *ret_frames)
{
    for (uint32_t i = 0; i < stacks[id].count; i++)
        ret_frames[i] = (struct tn_preload_frame){.address = stacks[id].frames[i]};
    return stacks[id].count;
}

/* The owner's own CFA is the stack pointer with which its caller called it. */
static struct tn_trial_owner owner_of(const struct tn_trial_place *place,
                                      const struct tn_preload_frame *frames, size_t count)
{
    if (place->owner == TN_TRIAL_NO_OWNER || place->owner + 1 >= count)
        return (struct tn_trial_owner){0};
    return (struct tn_trial_owner){
        .cfa = frames[place->owner + 1].cfa,
        .function = frames[place->owner].function,
        .return_address = frames[place->owner + 1].address,
    };
}

bool tn_trial_find_birth(uintptr_t caller, struct tn_trial_birth *ret_birth)
{
    struct tn_preload_frame frames[TN_TRIAL_STEPS_MAX + 1];
    size_t count;
    uint32_t found = tn_preload_find_place(&places, caller, frames, TN_TRIAL_STEPS_MAX + 1, &count);
    if (found == places.place_count)
        return false;
    const struct tn_trial_place *place = &tn_trial_places(tn_trial_head)[found];
    *ret_birth = (struct tn_trial_birth){
        .place = place,
        .change = &tn_trial_changes(tn_trial_head)[place->change],
        .owner = owner_of(place, frames, count),
    };
    tn_trial_lock();
    ret_birth->stack =
        keep_stack(frames, (uint32_t)(count < TN_TRIAL_BIRTH_FRAMES ? count : TN_TRIAL_BIRTH_FRAMES));
    tn_trial_unlock();
    return true;
}
