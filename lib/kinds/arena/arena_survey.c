/* SPDX-License-Identifier: MIT */
/* The kind `arena`: which sites have their blocks made in the calls of a function, and which of them an arena
 * there could serve: those of whose blocks none, or hardly any, outlived the call. A line asks for memory in
 * one way only, so blocks that escape now and then keep their line on the heap. Called by arena_choose.c and
 * arena_finding.c. */
#include "arenas.h"

#include <errno.h>
#include <stdlib.h>

uint64_t tn_arena_escapes_at(const struct tn_arenas *arenas, const struct tn_pass *pass,
                             struct tn_arena_escapes *escapes, uint32_t level)
{
    const struct tn_arena_stack *stack = &arenas->stacks[escapes->stack_id];
    if (stack->settled == 0 || stack->min_level >= level)
        return 0;
    if (escapes->level == 0)
        escapes->level = pass->nodes[escapes->stack_id].depth + 1;
    while (escapes->level > level) {
        uint64_t key = (uint64_t)escapes->stack_id << 32 | escapes->level--;
        const uint64_t *known = tn_map_find(&arenas->owners, key);
        escapes->kept += known != NULL ? *known : 0;
    }
    return stack->settled - escapes->kept;
}

static int add_stack(struct tn_arenas *arenas, const struct tn_pass *pass, struct tn_arena_site *site,
                     uint32_t stack_id, uint32_t node)
{
    const struct tn_arena_stack *counts = &arenas->stacks[stack_id];
    if ((site->stack_count & (site->stack_count - 1)) == 0) {
        size_t capacity = site->stack_count != 0 ? site->stack_count * 2 : 1;
        uint32_t *stacks = realloc(site->stacks, capacity * sizeof(stacks[0]));
        if (stacks == NULL)
            return -ENOMEM;
        site->stacks = stacks;
    }
    site->stacks[site->stack_count++] = stack_id;
    site->births += counts->births;
    site->resizes += counts->resizes;
    site->doubtful += counts->doubtful;
    if (counts->births > site->node_births) {
        site->node_births = counts->births;
        site->node = node;
    }
    struct tn_arena_escapes escapes = {.stack_id = stack_id};
    site->settled += counts->settled;
    site->escapes += tn_arena_escapes_at(arenas, pass, &escapes, pass->nodes[node].depth);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct tn_arena_site *left = a, *right = b;
    if (left->is_served != right->is_served)
        return left->is_served ? -1 : 1;
    if (left->births != right->births)
        return left->births < right->births ? 1 : -1;
    return (left->site > right->site) - (left->site < right->site);
}

/* Sites with blocks to the front, in order. */
static void arrange(struct tn_arena_survey *survey, size_t site_count, double max_escapes)
{
    for (size_t i = 0; i < site_count; i++) {
        struct tn_arena_site *site = &survey->sites[i];
        site->is_served = (double)site->escapes <= max_escapes * (double)site->settled;
        if (site->births != 0)
            survey->sites[survey->count++] = *site;
    }
    qsort(survey->sites, survey->count, sizeof(survey->sites[0]), compare);
    while (survey->served_count < survey->count && survey->sites[survey->served_count].is_served)
        survey->served_count++;
}

int tn_arena_survey(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t function,
                    double max_escapes, struct tn_arena_survey *ret_survey)
{
    int r = 0;
    *ret_survey = (struct tn_arena_survey){.sites = calloc(pass->site_count, sizeof(ret_survey->sites[0]))};
    if (ret_survey->sites == NULL)
        return -ENOMEM;
    for (uint32_t id = 1; id < pass->node_count && r == 0; id++) {
        uint32_t index = pass->nodes[id].site;
        if (arenas->stacks[id].births == 0 || !arenas->can_serve[index])
            continue;
        uint32_t node = tn_arena_node(arenas, pass, id, function);
        ret_survey->sites[index].site = index;
        if (node != 0)
            r = add_stack(arenas, pass, &ret_survey->sites[index], id, node);
    }
    /* what was not finished is released by the list, which then has all of them */
    ret_survey->count = r < 0 ? pass->site_count : 0;
    if (r == 0)
        arrange(ret_survey, pass->site_count, max_escapes);
    return r;
}

void tn_arena_survey_finish(struct tn_arena_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++)
        free(survey->sites[i].stacks);
    free(survey->sites);
    *survey = (struct tn_arena_survey){0};
}
