/* SPDX-License-Identifier: MIT */
/* The kind `combine`: which members outlive the parent that they were made with. A table that the first node
 * of a list has made, and that goes with the last one, lives as long as its node where lists are short; as a
 * member it would be released under the others. The pass counts what dies together, so this takes a second
 * look at the events, for groups of which a member has blocks outside. Runs once, at the end. */
#include "combine.h"

#include "tenure/analysis.h"

#include <errno.h>
#include <stdlib.h>

/* Births between a parent and a member that is made with it, beside two for each member. */
#define BIRTH_SLACK 8u

#define NONE UINT32_MAX

/* A parent and what was made with it. Released when all of that has died. */
struct thing {
    uint64_t birth_index;             /* allocations of the process up to and with the parent's birth */
    uint64_t death_index;             /* allocations when the parent died; 0: it lives */
    uint64_t birth_count;             /* births of its thread when the parent was born */
    uint64_t death_count;             /* deaths of its group's parents up to and with the parent's */
    uint32_t group;                   /* index in groups */
    uint32_t live_count;              /* the parent and its members; 0: free, then `next` is valid */
    uint32_t next;                    /* next free one; NONE: none */
    uint8_t made[TN_COMBINE_MEMBERS]; /* blocks of each member so far, at most 255 */
};

/* What a site is in the groups that are looked at. */
struct role {
    uint32_t group_1; /* 1 + index in groups; 0: none */
    uint32_t member;  /* 0: the parent */
};

struct second_look {
    const struct tn_combine *combine;
    const struct tn_pass *pass;
    struct tn_combine_group *groups; /* borrowed */
    struct role *roles;              /* owned; by site */
    struct thing *things;            /* owned */
    uint32_t thing_count, thing_capacity, free_thing;
    struct tn_map blocks;        /* id -> thing << 8 | member */
    struct tn_map resized;       /* likewise, of a block that realloc took, until its birth */
    struct tn_map newest;        /* group and thread -> 1 + thing */
    struct tn_map thread_births; /* thread -> births */
    uint64_t *death_counts;      /* owned; by group: deaths of its parents */
    uint64_t birth_count;        /* of the process */
};

static int new_thing(struct second_look *look, uint32_t *ret_thing)
{
    if (look->free_thing != NONE) {
        *ret_thing = look->free_thing;
        look->free_thing = look->things[*ret_thing].next;
        return 0;
    }
    if (look->thing_count == look->thing_capacity) {
        uint32_t capacity = look->thing_capacity * 2 + 256;
        void *things = realloc(look->things, capacity * sizeof(look->things[0]));
        if (things == NULL)
            return -ENOMEM;
        look->things = things;
        look->thing_capacity = capacity;
    }
    *ret_thing = look->thing_count++;
    return 0;
}

static void drop_thing(struct second_look *look, uint32_t thing)
{
    if (--look->things[thing].live_count != 0)
        return;
    look->things[thing].next = look->free_thing;
    look->free_thing = thing;
}

static uint64_t newest_key(uint32_t group, uint64_t thread_id)
{
    return (uint64_t)(group + 1) << 40 | (thread_id + 1);
}

/* Births of a thread, this one included. */
static int count_birth(struct second_look *look, uint64_t thread_id, uint64_t *ret_count)
{
    uint64_t *known = tn_map_find(&look->thread_births, thread_id + 1);
    look->birth_count++;
    *ret_count = known != NULL ? ++*known : 1;
    return known != NULL ? 0 : tn_map_put(&look->thread_births, thread_id + 1, 1);
}

static int begin_thing(struct second_look *look, const struct tn_log_event *event, uint32_t group,
                       uint64_t birth_count)
{
    uint32_t thing;
    int r = new_thing(look, &thing);
    if (r < 0)
        return r;
    look->things[thing] = (struct thing){.birth_index = look->birth_count,
                                         .birth_count = birth_count,
                                         .group = group,
                                         .live_count = 1,
                                         .next = NONE};
    r = tn_map_put(&look->newest, newest_key(group, event->thread_id), (uint64_t)thing + 1);
    return r < 0 ? r : tn_map_put(&look->blocks, event->allocation_id, (uint64_t)thing << 8);
}

/* Whether a new block of a member is made with the newest parent: nothing says so but that it is among the
 * next births, and that the parent has not got its own yet. */
static bool is_made_with(const struct second_look *look, const struct thing *thing, const struct role *role,
                         uint64_t birth_count)
{
    const struct tn_combine_group *group = &look->groups[role->group_1 - 1];
    if (thing->live_count == 0 || thing->death_index != 0)
        return false;
    return group->is_nest || (thing->made[role->member] < group->per_group[role->member] &&
                              birth_count - thing->birth_count <= BIRTH_SLACK + 2 * group->member_count);
}

static int add_member(struct second_look *look, const struct tn_log_event *event, const struct role *role,
                      uint64_t birth_count)
{
    const uint64_t *newest = tn_map_find(&look->newest, newest_key(role->group_1 - 1, event->thread_id));
    struct thing *thing = newest != NULL ? &look->things[*newest - 1] : NULL;
    if (thing == NULL || thing->group != role->group_1 - 1 || !is_made_with(look, thing, role, birth_count))
        return 0;
    thing->live_count++;
    thing->made[role->member] += thing->made[role->member] < UINT8_MAX;
    return tn_map_put(&look->blocks, event->allocation_id, (*newest - 1) << 8 | role->member);
}

static int read_birth(struct second_look *look, const struct tn_log_event *event)
{
    uint64_t birth_count, resized;
    int r = count_birth(look, event->thread_id, &birth_count);
    if (r < 0)
        return r;
    if (event->previous_id != 0 && tn_map_remove(&look->resized, event->previous_id, &resized))
        return tn_map_put(&look->blocks, event->allocation_id, resized);
    if (event->stack_id == 0 || event->stack_id >= look->pass->node_count)
        return 0;
    const struct role *role = &look->roles[look->pass->nodes[event->stack_id].site];
    if (role->group_1 == 0)
        return 0;
    return role->member == 0 ? begin_thing(look, event, role->group_1 - 1, birth_count)
                             : add_member(look, event, role, birth_count);
}

/* A member may go a little later than its parent, as in a pair, but not after the next parent. */
static bool is_late(const struct second_look *look, const struct thing *thing)
{
    uint64_t late = look->birth_count - thing->death_index;
    uint64_t whole = look->birth_count - thing->birth_index + 1;
    return thing->death_index != 0 && (look->death_counts[thing->group] != thing->death_count ||
                                       (double)late > (1 - look->combine->shared_life) * (double)whole);
}

static void end_block(struct second_look *look, uint64_t entry)
{
    struct thing *thing = &look->things[entry >> 8];
    uint32_t member = entry & UINT8_MAX;
    if (member == 0) {
        thing->death_index = look->birth_count;
        thing->death_count = ++look->death_counts[thing->group];
    } else {
        look->groups[thing->group].outlived[member] += is_late(look, thing);
    }
    drop_thing(look, (uint32_t)(entry >> 8));
}

static int read_event(void *context, const struct tn_log_event *event)
{
    struct second_look *look = context;
    uint64_t entry;
    if (event->is_birth)
        return read_birth(look, event);
    if (!tn_map_remove(&look->blocks, event->allocation_id, &entry))
        return 0;
    if (event->function == TN_FUNCTION_REALLOC || event->function == TN_FUNCTION_REALLOCARRAY)
        return tn_map_put(&look->resized, event->allocation_id, entry);
    end_block(look, entry);
    return 0;
}

/* What lives at the end has outlived a parent that is gone, unless the program was stopped in between. */
static void end_survivors(struct second_look *look)
{
    for (size_t i = 0; i < look->blocks.capacity && !look->pass->is_cut_off; i++)
        if (look->blocks.entries[i].key != 0 && (look->blocks.entries[i].value & UINT8_MAX) != 0)
            end_block(look, look->blocks.entries[i].value);
}

/* Pairs of few groups have no exception; similar sites are no parts of one thing. */
static bool is_suspect(const struct tn_combine_group *group)
{
    bool has_outside = false;
    for (size_t i = 1; i < group->member_count; i++)
        has_outside |= group->outside[i] != 0;
    return has_outside && group->relation != TN_COMBINE_SIMILAR && !group->is_few;
}

static bool assign_roles(struct second_look *look, size_t count)
{
    bool is_asked = false;
    for (size_t i = 0; i < count; i++) {
        const struct tn_combine_group *group = &look->groups[i];
        for (size_t k = 0; k < group->member_count && is_suspect(group); k++) {
            look->roles[group->sites[k]] = (struct role){(uint32_t)i + 1, (uint32_t)k};
            is_asked = true;
        }
    }
    return is_asked;
}

int tn_combine_count_outlived(const struct tn_combine *combine, const struct tn_pass *pass,
                              struct tn_combine_group *groups, size_t count)
{
    struct second_look look = {.combine = combine, .pass = pass, .groups = groups, .free_thing = NONE};
    int r = 0;
    look.roles = calloc(combine->site_count, sizeof(look.roles[0]));
    look.death_counts = calloc(count + 1, sizeof(look.death_counts[0]));
    if (look.roles == NULL || look.death_counts == NULL)
        r = -ENOMEM;
    else if (assign_roles(&look, count)) {
        r = tn_pass_reread(pass, read_event, &look);
        end_survivors(&look);
    }
    tn_map_finish(&look.blocks);
    tn_map_finish(&look.resized);
    tn_map_finish(&look.newest);
    tn_map_finish(&look.thread_births);
    free(look.death_counts);
    free(look.things);
    free(look.roles);
    return r;
}
