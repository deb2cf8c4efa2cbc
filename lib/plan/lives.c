/* SPDX-License-Identifier: MIT */
/* What is counted of each stack while events pass: how many blocks, how many at once, how many of them stay.
 */
#include "planning.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct tn_planning *planning = calloc(1, sizeof(*planning));
    if (planning == NULL)
        return -ENOMEM;
    *ret_state = planning;
    planning->stacks = calloc(pass->node_count + 1, sizeof(planning->stacks[0]));
    planning->stack_count = pass->node_count;
    uint64_t highest = 0;
    for (size_t i = 0; i < pass->site_count; i++)
        highest = pass->sites[i].site_id > highest ? pass->sites[i].site_id : highest;
    planning->counts = calloc(highest + 1, sizeof(planning->counts[0]));
    return planning->stacks != NULL && planning->counts != NULL ? 0 : -ENOMEM;
}

/* As the pass does it for sites: what was live at the peak is what was live after the last event before it.
 */
static void settle_peak(const struct tn_pass *pass, struct tn_plan_stack *stack, uint64_t now)
{
    if (2 * pass->peak_index >= stack->changed)
        stack->peak_bytes = stack->live_bytes;
    stack->changed = now;
}

static int birth(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_planning *planning = state;
    const struct tn_block *block = event->block;
    struct tn_plan_stack *stack = &planning->stacks[block->stack_id];
    /* a peak that this very birth is includes it: it is settled at the next event */
    if (pass->peak_index != block->birth_index)
        settle_peak(pass, stack, 2 * block->birth_index);
    stack->changed = 2 * block->birth_index;
    if (stack->births++ == 0)
        stack->first_index = block->birth_index;
    stack->last_index = block->birth_index;
    stack->live_bytes += block->size_bytes;
    if (++stack->live_count > stack->peak_live_count)
        stack->peak_live_count = stack->live_count;
    struct tn_plan_count *count = &planning->counts[pass->sites[block->site].site_id];
    if (++count->live_count > count->peak_live_count)
        count->peak_live_count = count->live_count;
    bool has_mark = pass->marks.initialised_ns != 0;
    stack->late_births +=
        has_mark ? block->birth_ns > pass->marks.initialised_ns : block->birth_index > pass->birth_total / 10;
    return 0;
}

static bool is_resize(const struct tn_pass_event *event)
{
    enum tn_function function = (enum tn_function)event->event->function;
    return function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY ||
           event->successor != NULL;
}

static int death(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_planning *planning = state;
    struct tn_plan_stack *stack = &planning->stacks[event->block->stack_id];
    settle_peak(pass, stack, 2 * pass->allocation_count + 1);
    stack->live_bytes -= event->block->size_bytes;
    stack->live_count--;
    planning->counts[pass->sites[event->block->site].site_id].live_count--;
    stack->released += !pass->is_teardown && !is_resize(event);
    return 0;
}

static void finish(void *state)
{
    struct tn_planning *planning = state;
    if (planning == NULL)
        return;
    free(planning->stacks);
    free(planning->counts);
    free(planning->by_site);
    free(planning->same_site);
    free(planning->site_starts);
    free(planning);
}

const struct tn_analysis tn_plan_lives = {.begin = begin, .birth = birth, .death = death, .finish = finish};

static int find_same_sites(struct tn_planning *planning)
{
    const struct tn_pass *pass = planning->pass;
    struct tn_map first = {0};
    int r = 0;
    planning->same_site = calloc(pass->site_count + 1, sizeof(planning->same_site[0]));
    if (planning->same_site == NULL)
        return -ENOMEM;
    for (uint32_t site = 0; site < pass->site_count && r == 0; site++) {
        uint64_t key = pass->sites[site].site_id;
        const uint64_t *found = key != 0 ? tn_map_find(&first, key) : NULL;
        planning->same_site[site] = found != NULL ? (uint32_t)*found : site;
        if (found == NULL && key != 0)
            r = tn_map_put(&first, key, site);
    }
    tn_map_finish(&first);
    return r;
}

uint32_t tn_plan_site_of(const struct tn_planning *planning, uint32_t stack_id)
{
    return planning->same_site[planning->pass->nodes[stack_id].site];
}

int tn_plan_lives_end(struct tn_planning *planning)
{
    const struct tn_pass *pass = planning->pass;
    planning->site_starts = calloc(pass->site_count + 2, sizeof(planning->site_starts[0]));
    planning->by_site = calloc(planning->stack_count + 1, sizeof(planning->by_site[0]));
    if (planning->site_starts == NULL || planning->by_site == NULL || find_same_sites(planning) < 0)
        return -ENOMEM;
    size_t *starts = planning->site_starts;
    for (uint32_t id = 0; id < planning->stack_count; id++) {
        struct tn_plan_stack *stack = &planning->stacks[id];
        settle_peak(pass, stack, UINT64_MAX);
        stack->row = TN_PLAN_NONE;
        stack->left = 1;
        if (stack->births != 0)
            starts[tn_plan_site_of(planning, id) + 2]++;
    }
    for (size_t site = 2; site < pass->site_count + 2; site++)
        starts[site] += starts[site - 1];
    for (uint32_t id = 0; id < planning->stack_count; id++)
        if (planning->stacks[id].births != 0)
            planning->by_site[starts[tn_plan_site_of(planning, id) + 1]++] = id;
    return 0;
}
