/* SPDX-License-Identifier: MIT */
/* Looks at the events again with some sites split into roles, and keeps those splits by which more is said.
 * Called by analyze.c. */
#include "roles.h"

#include "makers.h"
#include "pass.h"
#include "release_count.h"

#include "tenure/activation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 2u /* levels that a site is tried at */
#define LOOKS_MAX 4u /* in all, until what was decided last is looked at */
/* A split must be worth this share of what can be said of a site at best. */
#define GAIN_MIN 0.02
/* And this share of what can be said of the process. Else it only makes more findings. */
#define PROCESS_GAIN_MIN 0.005

/* ---------------------------------------------------------------------------------------- the pass */

void tn_pass_drop_roles(struct tn_pass *pass)
{
    for (size_t i = 0; i < pass->role_count; i++) {
        const struct tn_pass_role *role = &pass->roles[i];
        for (size_t s = 0; s < role->stack_count; s++)
            pass->nodes[role->stacks[s]].site = role->whole;
        free(role->stacks);
    }
    free(pass->roles);
    pass->roles = NULL;
    pass->site_count -= pass->role_count;
    pass->role_count = 0;
}

static size_t count_parts(const struct tn_role_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += plan->splits[i].part_count;
    return count;
}

static int take_stacks(struct tn_pass *pass, const struct tn_role_plan *plan, uint32_t part,
                       struct tn_pass_role *role)
{
    role->stacks = calloc(pass->node_count, sizeof(role->stacks[0]));
    if (role->stacks == NULL)
        return -ENOMEM;
    for (uint32_t id = 1; id < pass->node_count; id++)
        if (pass->nodes[id].site == role->whole && plan->part_of_stack[id] == part + 1)
            role->stacks[role->stack_count++] = id;
    uint32_t *fitting = realloc(role->stacks, (role->stack_count + 1) * sizeof(fitting[0]));
    if (fitting != NULL)
        role->stacks = fitting;
    return 0;
}

/* The thread that made all blocks of a part which the outermost function tells; 0: several did. */
static uint64_t thread_of(const struct tn_pass *pass, const struct tn_role_split *split,
                          const struct tn_role_part *part)
{
    uint32_t thread = part->profile.thread;
    bool is_one = split->level == TN_ROLE_OUTERMOST && !tn_role_part_is_rest(part) && thread != 0 &&
                  thread != TN_PROFILE_MIXED;
    return is_one ? pass->threads[thread - 1].thread_id : 0;
}

static int take_split(struct tn_pass *pass, const struct tn_role_plan *plan, struct tn_role_split *split)
{
    size_t first = pass->role_count;
    for (uint32_t p = 0; p < split->part_count; p++) {
        struct tn_role_part *part = &split->parts[p];
        struct tn_pass_role *role = &pass->roles[pass->role_count];
        *role = (struct tn_pass_role){.whole = split->site,
                                      .caller_count = part->caller_count,
                                      .call = part->call,
                                      .thread_id = thread_of(pass, split, part),
                                      .is_outermost = split->level == TN_ROLE_OUTERMOST};
        memcpy(role->callers, part->callers, sizeof(role->callers));
        int r = take_stacks(pass, plan, p, role);
        if (r < 0)
            return r;
        part->site = (uint32_t)pass->site_count;
        pass->sites[part->site] = pass->sites[split->site];
        pass->site_count++;
        pass->role_count++;
    }
    for (size_t i = first; i < pass->role_count; i++)
        for (size_t s = 0; s < pass->roles[i].stack_count; s++)
            pass->nodes[pass->roles[i].stacks[s]].site = (uint32_t)(pass->site_count - pass->role_count + i);
    return 0;
}

static int restart(struct tn_pass *pass)
{
    for (size_t i = 0; i < pass->site_count; i++)
        pass->sites[i] =
            (struct tn_pass_site){.site_id = pass->sites[i].site_id, .is_runtime = pass->sites[i].is_runtime};
    for (size_t i = 0; i < pass->thread_count; i++)
        pass->threads[i].event_count = pass->threads[i].max_depth_bytes = 0;
    pass->slot_capacity = 0;
    pass->allocation_count = pass->allocated_bytes = 0;
    pass->live_bytes = pass->peak_live_bytes = pass->peak_index = 0;
    pass->is_teardown = false;
    pass->pauses_begun = 0;
    tn_releases_close(pass->releases);
    pass->releases = NULL;
    tn_makers_close(pass->makers);
    pass->makers = NULL;
    tn_activations_finish(pass->activations);
    *pass->activations = (struct tn_activations){0};
    int r = tn_releases_open(pass->site_count, &pass->releases);
    return r < 0 ? r : tn_makers_open(&pass->makers);
}

int tn_pass_take_roles(struct tn_pass *pass, struct tn_role_plan *plan)
{
    size_t part_count = count_parts(plan);
    tn_pass_drop_roles(pass);
    struct tn_pass_site *sites = realloc(pass->sites, (pass->site_count + part_count) * sizeof(sites[0]));
    pass->sites = sites != NULL ? sites : pass->sites;
    pass->roles = calloc(part_count + 1, sizeof(pass->roles[0]));
    int r = sites != NULL && pass->roles != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < plan->count && r == 0; i++)
        r = take_split(pass, plan, &plan->splits[i]);
    if (r == 0)
        r = restart(pass);
    return r < 0 ? tn_pass_refuse(pass, r, "cannot split sites") : 0;
}

/* ---------------------------------------------------------------------------------------- a look */

static int look(struct tn_pass *pass, const struct tn_role_engine *engine, struct tn_role_plan *plan,
                struct tn_findings *ret_findings)
{
    tn_findings_finish(ret_findings);
    ret_findings->process_id = pass->process_id;
    int r = tn_pass_take_roles(pass, plan);
    if (r == 0)
        r = engine->state(pass, ret_findings);
    return r < 0 ? r : tn_findings_compete(ret_findings, pass->kinds);
}

/* What is said of the process as a whole. */
static int sum_up(const struct tn_pass *pass, const struct tn_findings *findings, double *ret_sum)
{
    double *values = calloc(pass->site_count, sizeof(values[0]));
    if (values == NULL)
        return -ENOMEM;
    tn_role_values(pass, findings, values);
    *ret_sum = 0;
    for (size_t i = 0; i < pass->site_count; i++) {
        const struct tn_pass_site *site = &pass->sites[i];
        if (pass->allocation_count != 0)
            *ret_sum += values[i] * (double)site->allocations / (double)pass->allocation_count;
        if (pass->peak_live_bytes != 0)
            *ret_sum += values[i] * (double)site->live_bytes_at_peak / (double)pass->peak_live_bytes;
    }
    free(values);
    return 0;
}

/* ---------------------------------------------------------------------------------------- decisions */

/* What is said of the parts, less what is said of the whole. What is true of "elsewhere" alone helps nobody.
 *
 * is_open  parts of which less is said will be one, of which as much may be said as of the whole */
static double gain_of(const struct tn_pass *pass, const struct tn_role_split *split, const double *values,
                      bool is_open)
{
    double gain = 0;
    for (size_t i = 0; i < split->part_count; i++) {
        const struct tn_role_part *part = &split->parts[i];
        double more = values[part->site] - split->value;
        if (more < 0 ? !is_open : !tn_role_part_is_rest(part))
            gain += tn_role_part_share(pass, split, part) * more;
    }
    return gain;
}

/* The larger one of a site's shares of the allocations and of the peak of the process. */
static double share_of_process(const struct tn_pass *pass, const struct tn_role_split *split)
{
    double calls = (double)split->allocations / (double)(pass->allocation_count + 1);
    double bytes = (double)split->peak_bytes / (double)(pass->peak_live_bytes + 1);
    return calls > bytes ? calls : bytes;
}

/* Parts of which no more is said than of the whole are one. Returns whether the parts are others now, or
 * -ENOMEM.
 */
static int join_others(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split,
                       const double *values)
{
    bool *is_kept = calloc(split->part_count + 1, sizeof(is_kept[0]));
    if (is_kept == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < split->part_count; i++)
        is_kept[i] = !tn_role_part_is_rest(&split->parts[i]) && values[split->parts[i].site] > split->value;
    bool has_changed = tn_role_parts_join(pass, plan, split, is_kept);
    free(is_kept);
    return has_changed;
}

static bool is_worth_it(const struct tn_pass *pass, const struct tn_role_split *split, double gain)
{
    return gain > GAIN_MIN && gain * share_of_process(pass, split) > PROCESS_GAIN_MIN;
}

/* Settle a split that may say more. Returns 1: it has other parts now, to be looked at; 0: as it is, it is
 * worth it, or it is not settled; or -ENOMEM. */
static int settle(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split,
                  const double *values)
{
    if (!is_worth_it(pass, split, gain_of(pass, split, values, true)))
        return 0;
    bool is_so_now = is_worth_it(pass, split, gain_of(pass, split, values, false));
    int r = join_others(pass, plan, split, values);
    split->is_settled = r > 0 || is_so_now;
    return r;
}

/* Settle a split, drop one that says no more after all, or go on with the next level. Returns 1: it is to be
 * looked at again; 0; or a negative errno. */
static int decide(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split,
                  const double *values, bool is_last)
{
    bool was_settled = split->is_settled;
    int r = was_settled ? 0 : settle(pass, plan, split, values);
    if (r < 0 || (!was_settled && split->is_settled))
        return r;
    if (was_settled && is_worth_it(pass, split, gain_of(pass, split, values, false)))
        return 0;
    r = was_settled || is_last ? 0 : tn_role_candidate_advance(pass, plan, split);
    if (was_settled || is_last)
        split->level = TN_ROLE_LEVEL_END;
    return r < 0 ? r : 1;
}

/* Sites whose parts say no more at any level stay whole. */
static void drop_whole(struct tn_role_plan *plan)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->splits[i].level < TN_ROLE_LEVEL_END)
            plan->splits[kept++] = plan->splits[i];
        else
            free(plan->splits[i].parts);
    }
    plan->count = kept;
}

/* Decide on all splits after a look. Returns as decide. */
static int decide_all(const struct tn_pass *pass, struct tn_role_plan *plan,
                      const struct tn_findings *findings, bool is_last)
{
    double *values = calloc(pass->site_count, sizeof(values[0]));
    int r = values != NULL ? 0 : -ENOMEM, changed = 0;
    if (r == 0)
        tn_role_values(pass, findings, values);
    for (size_t i = 0; i < plan->count && r >= 0; i++) {
        r = decide(pass, plan, &plan->splits[i], values, is_last);
        changed |= r > 0;
    }
    free(values);
    drop_whole(plan);
    return r < 0 ? r : changed;
}

/* Look until every site is settled. */
static int try_levels(struct tn_pass *pass, const struct tn_role_engine *engine, struct tn_role_plan *plan,
                      struct tn_findings *split)
{
    int r = 1;
    for (unsigned looks = 1; r == 1 && looks <= LOOKS_MAX && plan->count != 0; looks++) {
        r = look(pass, engine, plan, split);
        if (r == 0)
            r = decide_all(pass, plan, split, looks >= TRIES_MAX);
    }
    return r == 1 && plan->count != 0 ? look(pass, engine, plan, split) : r < 0 ? r : 0;
}

/* What the sites that stay split are not worth as they are, beside what is said of the process. */
static double sum_losses(const struct tn_pass *pass, const struct tn_role_plan *plan)
{
    double sum = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct tn_role_split *split = &plan->splits[i];
        if (pass->allocation_count != 0)
            sum += split->loss * (double)split->allocations / (double)pass->allocation_count;
        if (pass->peak_live_bytes != 0)
            sum += split->loss * (double)split->peak_bytes / (double)pass->peak_live_bytes;
    }
    return sum;
}

static int find(struct tn_pass *pass, const struct tn_role_engine *engine, struct tn_role_plan *plan,
                struct tn_findings *findings)
{
    struct tn_findings split = {0};
    double before = 0, after = 0;
    int r = sum_up(pass, findings, &before);
    if (r == 0)
        r = try_levels(pass, engine, plan, &split);
    if (r == 0 && plan->count != 0)
        r = sum_up(pass, &split, &after);
    if (r == 0 && plan->count != 0 && after > before - sum_losses(pass, plan)) {
        tn_role_merge(pass, plan, findings, &split);
        struct tn_findings whole = *findings;
        *findings = split;
        split = whole;
    }
    tn_findings_finish(&split);
    return r;
}

int tn_roles_find(struct tn_pass *pass, const struct tn_role_engine *engine, struct tn_findings *findings)
{
    struct tn_role_plan plan = {.profiles = pass->profiles};
    pass->profiles = NULL;
    int r = tn_findings_compete(findings, pass->kinds);
    if (r == 0)
        r = tn_role_candidates_choose(pass, findings, &plan);
    if (r == 0 && plan.count != 0)
        r = find(pass, engine, &plan, findings);
    tn_role_plan_finish(&plan);
    return r;
}
