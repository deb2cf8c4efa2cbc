/* SPDX-License-Identifier: MIT */
/* A source that edits the events of another one, as some rules say. What is known of a block that a rule
 * has changed is kept from its birth to its death, by the id of the block; events of other blocks pass
 * unchanged. Combined blocks have ids of their own, above all that a source gives. Called by lib/simulate,
 * to measure findings. */
#include "dense_map.h"
#include "tenure/replay.h"

#include <errno.h>
#include <stdlib.h>

#define COMBINED_ID (UINT64_C(1) << 63) /* ids of combined blocks: no source gives so high ones */

/* A block that a rule has changed: what must be known until its release. */
struct moved {
    uint32_t rule;
    uint32_t group;  /* COMBINE: index of the combined block */
    uint64_t bytes;  /* REMOVE: its size; RESERVE: what it has in the heap */
    uint64_t member; /* COMBINE: bit of the group that is free again when the block is gone; 0: none */
    bool is_in_heap;
};

/* A combined block. */
struct group {
    uint64_t id;
    uint64_t members; /* bit map: positions in the rule that have a block */
    uint32_t live_count;
};

/* All changed and combined blocks, known by their index; indexes of those that are gone are used again. */
struct slots {
    struct moved *moved;  /* owned */
    struct group *groups; /* owned */
    size_t moved_count, moved_capacity, group_count, group_capacity;
    uint32_t *spare_moved, *spare_groups; /* owned; indexes that are free again */
    size_t spare_moved_count, spare_group_count;
};

struct rule_state {
    struct tn_replay_effect effect;
    uint64_t live_count, live_bytes;
};

struct tn_replay_plan {
    struct tn_replay_source source;
    const struct tn_replay_rule *rules; /* borrowed */
    size_t rule_count;
    struct tn_dense_map rule_of_site; /* site + 1 -> struct rule_member, packed */
    struct tn_dense_map moved_of_id;  /* block -> index of its struct moved */
    struct tn_map current;            /* thread and rule -> index of the group begun last + 1 */
    struct slots slots;
    struct rule_state *states; /* owned */
    uint64_t combined;         /* ids given */
};

static int take_slot(uint32_t **spares, size_t *spare_count, void **items, size_t *count, size_t *capacity,
                     size_t item_bytes, uint32_t *ret_index)
{
    if (*spare_count > 0) {
        *ret_index = (*spares)[--*spare_count];
        return 0;
    }
    if (*count == *capacity) {
        size_t more = *capacity != 0 ? *capacity * 2 : 64;
        void *grown = realloc(*items, more * item_bytes);
        if (grown == NULL)
            return -ENOMEM;
        *items = grown;
        uint32_t *spare = realloc(*spares, more * sizeof(*spare));
        if (spare == NULL)
            return -ENOMEM;
        *spares = spare;
        *capacity = more;
    }
    *ret_index = (uint32_t)(*count)++;
    return 0;
}

static int new_moved(struct tn_replay_plan *plan, uint64_t id, const struct moved *moved)
{
    struct slots *slots = &plan->slots;
    void *items = slots->moved;
    uint32_t index = 0;
    int r = take_slot(&slots->spare_moved, &slots->spare_moved_count, &items, &slots->moved_count,
                      &slots->moved_capacity, sizeof(*moved), &index);
    slots->moved = items;
    if (r == 0)
        r = tn_dense_map_put(&plan->moved_of_id, id, index);
    if (r == 0)
        slots->moved[index] = *moved;
    return r;
}

static int new_group(struct tn_replay_plan *plan, uint32_t *ret_index)
{
    struct slots *slots = &plan->slots;
    void *items = slots->groups;
    int r = take_slot(&slots->spare_groups, &slots->spare_group_count, &items, &slots->group_count,
                      &slots->group_capacity, sizeof(struct group), ret_index);
    slots->groups = items;
    if (r == 0)
        slots->groups[*ret_index] = (struct group){.id = COMBINED_ID | ++plan->combined};
    return r;
}

/* The positions of a site in its rule: `count` of them, from `position` on. */
struct rule_member {
    uint32_t rule;
    unsigned position, count;
};

static uint64_t pack_member(struct rule_member member)
{
    return (uint64_t)member.rule << 16 | member.count << 8 | member.position;
}

static struct rule_member unpack_member(uint64_t packed)
{
    return (struct rule_member){(uint32_t)(packed >> 16), packed & 0xff, packed >> 8 & 0xff};
}

/* A site that is named again right behind itself has one position more. */
static void add_position(uint64_t *packed, size_t index, size_t position)
{
    struct rule_member member = unpack_member(*packed);
    if (member.rule != index || member.position + member.count != position ||
        position >= TN_REPLAY_MEMBERS_MAX)
        return;
    member.count++;
    *packed = pack_member(member);
}

/* Which member an entry is. Only COMBINE has members; there all lie below the limit. */
static size_t position_of(const struct tn_replay_rule *rule, size_t entry)
{
    if (rule->positions != NULL)
        return rule->positions[entry];
    return entry < TN_REPLAY_MEMBERS_MAX ? entry : TN_REPLAY_MEMBERS_MAX - 1;
}

static int add_rule(struct tn_replay_plan *plan, size_t index, struct tn_error *error)
{
    const struct tn_replay_rule *rule = &plan->rules[index];
    if (rule->site_count == 0 || (rule->change == TN_REPLAY_COMBINE && rule->positions == NULL &&
                                  rule->site_count > TN_REPLAY_MEMBERS_MAX))
        return tn_error_set(error, -EINVAL, "a change applies to no site, or combines more than %d",
                            TN_REPLAY_MEMBERS_MAX);
    for (size_t i = 0; i < rule->site_count; i++) {
        uint64_t key = (uint64_t)rule->site_ids[i] + 1;
        size_t position = position_of(rule, i);
        uint64_t *found = tn_dense_map_find(&plan->rule_of_site, key);
        if (found != NULL) {
            add_position(found, index, position);
            continue;
        }
        struct rule_member member = {(uint32_t)index, (unsigned)position, 1};
        if (tn_dense_map_put(&plan->rule_of_site, key, pack_member(member)) < 0)
            return tn_error_set(error, -ENOMEM, "cannot prepare a replay: out of memory");
    }
    return 0;
}

int tn_replay_plan_open(const struct tn_replay_source *source, const struct tn_replay_rule *rules,
                        size_t rule_count, struct tn_replay_plan **ret_plan, struct tn_error *error)
{
    struct tn_replay_plan *plan = calloc(1, sizeof(*plan));
    if (plan != NULL)
        plan->states = calloc(rule_count + 1, sizeof(*plan->states));
    if (plan == NULL || plan->states == NULL) {
        tn_replay_plan_close(plan);
        return tn_error_set(error, -ENOMEM, "cannot prepare a replay: out of memory");
    }
    plan->source = *source;
    plan->rules = rules;
    plan->rule_count = rule_count;
    for (size_t i = 0; i < rule_count; i++) {
        int r = add_rule(plan, i, error);
        if (r < 0) {
            tn_replay_plan_close(plan);
            return r;
        }
    }
    *ret_plan = plan;
    return 0;
}

static void forget(struct tn_replay_plan *plan)
{
    tn_dense_map_finish(&plan->moved_of_id);
    tn_map_finish(&plan->current);
    free(plan->slots.moved);
    free(plan->slots.groups);
    free(plan->slots.spare_moved);
    free(plan->slots.spare_groups);
    plan->slots = (struct slots){0};
    plan->combined = 0;
}

void tn_replay_plan_close(struct tn_replay_plan *plan)
{
    if (plan == NULL)
        return;
    forget(plan);
    tn_dense_map_finish(&plan->rule_of_site);
    free(plan->states);
    free(plan);
}

struct tn_replay_effect tn_replay_plan_effect(const struct tn_replay_plan *plan, size_t rule)
{
    struct tn_replay_effect effect = plan->states[rule].effect;
    if (plan->rules[rule].change == TN_REPLAY_MOVE)
        effect.outside_peak_bytes = plan->rules[rule].bytes * plan->rules[rule].count;
    return effect;
}

/* The block is outside the heap from now on. */
static int leave_heap(struct tn_replay_plan *plan, uint32_t rule, const struct tn_replay_event *event)
{
    struct rule_state *state = &plan->states[rule];
    state->effect.allocations_removed++;
    state->live_count++;
    state->live_bytes += event->size_bytes;
    if (state->live_bytes > state->effect.outside_peak_bytes)
        state->effect.outside_peak_bytes = state->live_bytes;
    struct moved moved = {.rule = rule, .bytes = event->size_bytes};
    return new_moved(plan, event->id, &moved);
}

/* The block gets at once what it will grow to; a larger one stays as it is. */
static int reserve(struct tn_replay_plan *plan, uint32_t rule, struct tn_replay_event *event)
{
    if (event->size_bytes < plan->rules[rule].bytes)
        event->size_bytes = plan->rules[rule].bytes;
    struct moved moved = {.rule = rule, .bytes = event->size_bytes, .is_in_heap = true};
    int r = new_moved(plan, event->id, &moved);
    return r < 0 ? r : 1;
}

/* The bit of a member's first position that has no block; 0: all have one. */
static uint64_t find_free(uint64_t members, const struct rule_member *member)
{
    for (unsigned i = member->position; i < member->position + member->count; i++)
        if ((members & UINT64_C(1) << i) == 0)
            return UINT64_C(1) << i;
    return 0;
}

/* The rule that comes first of those for the site of an event and for its role. NULL: there is none. */
static const uint64_t *find_rule(struct tn_replay_plan *plan, const struct tn_replay_event *event)
{
    const uint64_t *of_site = tn_dense_map_find(&plan->rule_of_site, (uint64_t)event->site_id + 1);
    if (event->role == 0)
        return event->site_id != 0 ? of_site : NULL;
    const uint64_t *of_role =
        tn_dense_map_find(&plan->rule_of_site, (uint64_t)(TN_REPLAY_ROLE | event->role) + 1);
    if (of_role == NULL || event->site_id == 0 || of_site == NULL)
        return of_role != NULL ? of_role : event->site_id != 0 ? of_site : NULL;
    return unpack_member(*of_role).rule <= unpack_member(*of_site).rule ? of_role : of_site;
}

/* A block of the rule's first site begins a combined block. Blocks of the other sites become part of the
 * one that began last on their thread if it has none at their position yet; otherwise they stay as they
 * are, because the program uses such lines for other things, too. */
static int combine(struct tn_replay_plan *plan, const struct rule_member *member,
                   struct tn_replay_event *event)
{
    uint32_t rule = member->rule;
    uint64_t key = tn_mix((uint64_t)event->thread_id << 32 | rule) | 1, bit = 0;
    uint64_t *current = tn_map_find(&plan->current, key);
    if (current != NULL && *current != 0)
        bit = find_free(plan->slots.groups[*current - 1].members, member);
    bool joins = bit != 0;
    if (!joins && member->position != 0)
        return 1;
    uint32_t index = joins ? (uint32_t)(*current - 1) : 0;
    bit = joins ? bit : UINT64_C(1) << member->position;
    int r = joins ? 0 : new_group(plan, &index);
    if (r == 0 && !joins)
        r = tn_map_put(&plan->current, key, (uint64_t)index + 1);
    struct moved moved = {
        .rule = rule, .group = index, .bytes = key, .member = member->position != 0 ? bit : 0};
    if (r == 0)
        r = new_moved(plan, event->id, &moved);
    if (r < 0)
        return r;
    struct group *group = &plan->slots.groups[index];
    group->members |= bit;
    group->live_count++;
    if (joins) {
        plan->states[rule].effect.allocations_removed++;
        return 0;
    }
    event->id = group->id;
    event->size_bytes = plan->rules[rule].bytes;
    return 1;
}

/* Returns 1: the event (as it is now) reaches the heap, 0: it does not, or negative errno. */
static int change_placement(struct tn_replay_plan *plan, struct tn_replay_event *event)
{
    const uint64_t *found = find_rule(plan, event);
    if (found == NULL)
        return 1;
    struct rule_member member = unpack_member(*found);
    uint32_t rule = member.rule;
    switch (plan->rules[rule].change) {
    case TN_REPLAY_REMOVE:
        return leave_heap(plan, rule, event);
    case TN_REPLAY_MOVE:
        if (event->size_bytes > plan->rules[rule].bytes ||
            plan->states[rule].live_count >= plan->rules[rule].count)
            return 1;
        return leave_heap(plan, rule, event);
    case TN_REPLAY_RESERVE:
        return reserve(plan, rule, event);
    case TN_REPLAY_COMBINE:
        return combine(plan, &member, event);
    }
    return 1;
}

/* A block that was placed at another site begins to grow here. It would have had its room from the start: the
 * call is saved, though the heap gives the room only now. */
static int reserve_late(struct tn_replay_plan *plan, struct tn_replay_event *event)
{
    const uint64_t *found = find_rule(plan, event);
    if (found == NULL)
        return 1;
    uint32_t rule = unpack_member(*found).rule;
    if (plan->rules[rule].change != TN_REPLAY_RESERVE || event->size_bytes > plan->rules[rule].bytes)
        return 1;
    plan->states[rule].effect.allocations_removed++;
    return reserve(plan, rule, event);
}

static int change_resize(struct tn_replay_plan *plan, struct tn_replay_event *event)
{
    const uint64_t *index = tn_dense_map_find(&plan->moved_of_id, event->id);
    if (index == NULL)
        return reserve_late(plan, event);
    struct moved *moved = &plan->slots.moved[*index];
    struct rule_state *state = &plan->states[moved->rule];
    if (moved->is_in_heap && event->size_bytes > moved->bytes) {
        moved->bytes = event->size_bytes;
        return 1;
    }
    state->effect.allocations_removed++;
    if (plan->rules[moved->rule].change == TN_REPLAY_REMOVE) {
        state->live_bytes += event->size_bytes - moved->bytes;
        moved->bytes = event->size_bytes;
        if (state->live_bytes > state->effect.outside_peak_bytes)
            state->effect.outside_peak_bytes = state->live_bytes;
    }
    return 0;
}

/* The combined block dies with its last member. */
static int leave_group(struct tn_replay_plan *plan, const struct moved *moved, struct tn_replay_event *event)
{
    struct group *group = &plan->slots.groups[moved->group];
    group->members &= ~moved->member;
    if (--group->live_count > 0)
        return 0;
    event->id = group->id;
    uint64_t *current = tn_map_find(&plan->current, moved->bytes);
    if (current != NULL && *current == (uint64_t)moved->group + 1)
        *current = 0;
    plan->slots.spare_groups[plan->slots.spare_group_count++] = moved->group;
    return 1;
}

static int change_release(struct tn_replay_plan *plan, struct tn_replay_event *event)
{
    uint64_t index = 0;
    if (!tn_dense_map_remove(&plan->moved_of_id, event->id, &index))
        return 1;
    struct moved moved = plan->slots.moved[index];
    plan->slots.spare_moved[plan->slots.spare_moved_count++] = (uint32_t)index;
    if (moved.is_in_heap)
        return 1;
    if (plan->rules[moved.rule].change == TN_REPLAY_COMBINE)
        return leave_group(plan, &moved, event);
    plan->states[moved.rule].live_count--;
    plan->states[moved.rule].live_bytes -= moved.bytes;
    return 0;
}

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct tn_replay_plan *plan = state;
    for (;;) {
        struct tn_replay_event event;
        int r = plan->source.next(plan->source.state, &event, error);
        if (r <= 0)
            return r;
        if (event.kind == TN_REPLAY_PLACE)
            r = change_placement(plan, &event);
        else if (event.kind == TN_REPLAY_RESIZE)
            r = change_resize(plan, &event);
        else
            r = change_release(plan, &event);
        if (r < 0)
            return tn_error_set(error, r, "cannot replay a change: out of memory");
        if (r > 0) {
            *ret_event = event;
            return 1;
        }
    }
}

static int go_back(void *state, struct tn_error *error)
{
    struct tn_replay_plan *plan = state;
    forget(plan);
    for (size_t i = 0; i < plan->rule_count; i++)
        plan->states[i] = (struct rule_state){0};
    return plan->source.rewind(plan->source.state, error);
}

struct tn_replay_source tn_replay_plan_source(struct tn_replay_plan *plan)
{
    return (struct tn_replay_source){.state = plan, .next = next, .rewind = go_back};
}
