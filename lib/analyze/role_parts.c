/* SPDX-License-Identifier: MIT */
/* Divides the births of a site by the calls on its line, by the lines that lead to it, or by the outermost
 * function. Called by
 * role_candidates.c and roles.c. */
#include "roles.h"

#include "release_count.h"

#include "tenure/map.h"
#include "tenure/source_frames.h"

#include <errno.h>
#include <stdlib.h>

#define PARTS_MAX 8u /* of one site: a reader is told no more, and the rest is one part */

/* What tells a stack from others of its site. */
struct role_way {
    uint64_t key;
    uint32_t callers[TN_ROLE_CALLERS_MAX];
    uint32_t caller_count;
    struct tn_finding_call call; /* without its number */
};

struct dividing {
    const struct tn_pass *pass;
    const struct tn_source_frames *frames;
    const struct tn_finding_site *names;
    enum tn_role_level level;
    struct tn_role_part *parts; /* owned until it is done */
    size_t count, capacity;
    struct tn_map index; /* key of a part -> 1 + index in parts */
};

void tn_role_plan_finish(struct tn_role_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->splits[i].parts);
    free(plan->splits);
    tn_stack_profiles_close(plan->profiles);
    free(plan->part_of_stack);
    *plan = (struct tn_role_plan){0};
}

static uint64_t add_to_key(uint64_t key, const struct tn_source_frame *source)
{
    bool has_line = source->function != 0 && source->line != 0;
    uint64_t place = has_line ? (uint64_t)source->function << 32 | source->line : source->frame_id;
    return tn_mix(key ^ tn_mix(place + has_line)) | 1;
}

/* Which call of the site's line it is: the compiler may have made several copies of one call, which have one
 * column. Without columns the address tells them, but not where a copy of the function was inlined. */
static void take_call(const struct dividing *dividing, struct tn_source_cursor at, struct role_way *way)
{
    const struct tn_source_frames *frames = dividing->frames;
    const struct tn_source_frame *source = tn_source_cursor_frame(frames, dividing->pass, at);
    uint32_t physical = dividing->pass->nodes[at.node].frame_id;
    bool is_inlined = at.position + 1 < tn_source_frames_count(frames, physical);
    way->call.is_told = true;
    if (source->line == 0 || source->line != dividing->names->line || (source->column == 0 && is_inlined))
        return;
    way->call.column = source->column;
    way->call.offset_bytes = source->column == 0 ? frames->frames[physical].offset_bytes : 0;
    way->key = tn_mix(tn_mix(source->column) ^ way->call.offset_bytes) | 1;
}

static void take_callers(const struct dividing *dividing, struct tn_source_cursor at, struct role_way *way)
{
    uint32_t wanted = dividing->level == TN_ROLE_CALLER ? 1 : 2;
    while (way->caller_count < wanted) {
        at = tn_source_cursor_outwards(dividing->frames, dividing->pass, at);
        if (at.node == 0) { /* without these callers, it belongs to what the other parts leave */
            *way = (struct role_way){.key = 1};
            return;
        }
        const struct tn_source_frame *source = tn_source_cursor_frame(dividing->frames, dividing->pass, at);
        way->callers[way->caller_count++] = source->frame_id;
        way->key = add_to_key(way->key, source);
    }
}

static void take_outermost(const struct dividing *dividing, struct tn_source_cursor at, struct role_way *way)
{
    for (unsigned steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        const struct tn_source_frame *source = tn_source_cursor_frame(dividing->frames, dividing->pass, at);
        if (dividing->frames->functions[source->function].is_program) {
            *way = (struct role_way){.key = tn_mix(source->function) | 1, .caller_count = 1};
            way->callers[0] = source->frame_id;
        }
        at = tn_source_cursor_outwards(dividing->frames, dividing->pass, at);
    }
}

static struct role_way find_way(const struct dividing *dividing, uint32_t stack_id)
{
    struct role_way way = {.key = 1};
    struct tn_source_cursor inside;
    struct tn_source_cursor at =
        tn_source_cursor_find_site(dividing->frames, dividing->pass, dividing->names, stack_id, &inside);
    if (dividing->level == TN_ROLE_CALL)
        take_call(dividing, at, &way);
    else if (dividing->level == TN_ROLE_OUTERMOST)
        take_outermost(dividing, at, &way);
    else
        take_callers(dividing, at, &way);
    return way;
}

/* The part of a stack, a new one if there is none. */
static struct tn_role_part *find_part(struct dividing *dividing, const struct role_way *way)
{
    const uint64_t *known = tn_map_find(&dividing->index, way->key);
    if (known != NULL)
        return &dividing->parts[*known - 1];
    if (dividing->count == dividing->capacity) {
        size_t capacity = dividing->capacity * 2 + 8;
        void *parts = realloc(dividing->parts, capacity * sizeof(dividing->parts[0]));
        if (parts == NULL)
            return NULL;
        dividing->parts = parts;
        dividing->capacity = capacity;
    }
    if (tn_map_put(&dividing->index, way->key, dividing->count + 1) < 0)
        return NULL;
    struct tn_role_part *part = &dividing->parts[dividing->count++];
    *part = (struct tn_role_part){.key = way->key, .caller_count = way->caller_count, .call = way->call};
    for (uint32_t i = 0; i < way->caller_count; i++)
        part->callers[i] = way->callers[i];
    return part;
}

static int divide_stacks(struct dividing *dividing, uint32_t site, struct tn_role_plan *plan)
{
    const struct tn_pass *pass = dividing->pass;
    for (uint32_t id = 1; id < pass->node_count; id++) {
        if (tn_pass_whole(pass, pass->nodes[id].site) != site || pass->nodes[id].function == 0 ||
            !tn_release_stack_is_known(pass, dividing->frames, id))
            continue;
        struct role_way way = find_way(dividing, id);
        struct tn_role_part *part = find_part(dividing, &way);
        if (part == NULL)
            return -ENOMEM;
        tn_stack_profile_add(&part->profile, &plan->profiles->items[id]);
        plan->part_of_stack[id] = (uint32_t)(part - dividing->parts) + 1;
    }
    return 0;
}

/* The parts with most births keep a place of their own. */
static void mark_largest(const struct tn_role_part *parts, size_t count, bool *ret_is_kept)
{
    for (unsigned kept = 0; kept < PARTS_MAX && kept < count; kept++) {
        size_t largest = count;
        for (size_t i = 0; i < count; i++)
            if (!ret_is_kept[i] && !tn_role_part_is_rest(&parts[i]) &&
                (largest == count || parts[i].profile.births > parts[largest].profile.births))
                largest = i;
        if (largest < count)
            ret_is_kept[largest] = true;
    }
}

bool tn_role_parts_join(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split,
                        const bool *is_kept)
{
    size_t left = 0, kept = 0;
    struct tn_role_part rest = {.call.is_told = split->level == TN_ROLE_CALL};
    for (size_t i = 0; i < split->part_count; i++)
        left += !is_kept[i];
    if (left < 2)
        return false;
    uint32_t *index = calloc(split->part_count, sizeof(index[0]));
    if (index == NULL)
        return false; /* it stays in small parts */
    uint32_t rest_index = (uint32_t)(split->part_count - left) + 1;
    for (size_t i = 0; i < split->part_count; i++) {
        index[i] = is_kept[i] ? (uint32_t)kept + 1 : rest_index;
        if (is_kept[i])
            split->parts[kept++] = split->parts[i];
        else
            tn_stack_profile_add(&rest.profile, &split->parts[i].profile);
    }
    split->parts[kept] = rest;
    split->part_count = kept + 1;
    for (uint32_t id = 1; id < pass->node_count; id++)
        if (plan->part_of_stack[id] != 0 && tn_pass_whole(pass, pass->nodes[id].site) == split->site)
            plan->part_of_stack[id] = index[plan->part_of_stack[id] - 1];
    free(index);
    return true;
}

/* Where a call stands in its line; 0: it is none of those that can be told. */
static uint64_t place_in_line(const struct tn_role_part *part)
{
    return part->call.column != 0 ? part->call.column : part->call.offset_bytes;
}

/* Calls of one line are told by their order. */
static void number_calls(struct tn_role_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count && place_in_line(&parts[i]) != 0; k++)
            parts[i].call.number +=
                place_in_line(&parts[k]) != 0 && place_in_line(&parts[k]) <= place_in_line(&parts[i]);
}

static int divide(struct dividing *dividing, struct tn_role_plan *plan, struct tn_role_split *split)
{
    int r = divide_stacks(dividing, split->site, plan);
    bool *is_kept = calloc(dividing->count + 1, sizeof(is_kept[0]));
    if (r < 0 || is_kept == NULL) {
        free(is_kept);
        return r < 0 ? r : -ENOMEM;
    }
    free(split->parts);
    split->parts = dividing->parts;
    split->part_count = dividing->count;
    dividing->parts = NULL;
    number_calls(split->parts, split->part_count);
    mark_largest(split->parts, split->part_count, is_kept);
    tn_role_parts_join(dividing->pass, plan, split, is_kept);
    free(is_kept);
    return 0;
}

int tn_role_parts_make(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split)
{
    struct tn_finding named;
    struct dividing dividing = {.pass = pass, .level = split->level};
    int r = tn_pass_frames(pass, &dividing.frames);
    if (r == 0)
        r = tn_finding_begin(pass, pass->kinds[0], &split->site, 1, &named);
    if (r < 0)
        return r;
    dividing.names = &named.sites[0];
    r = divide(&dividing, plan, split);
    tn_finding_finish(&named);
    tn_map_finish(&dividing.index);
    free(dividing.parts);
    return r;
}
