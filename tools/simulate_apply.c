/* SPDX-License-Identifier: MIT */
/* The options `--apply` and `--plan` of `simulate`: analyses the log, chooses findings by kind, number or
 * key, or the steps of its plan by letter, and has lib/simulate measure what they would change. Called by
 * cmd_simulate.c. */
#include "simulate_print.h"

#include "progress.h"
#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/map.h"
#include "tenure/plan.h"
#include "tenure/planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 12 /* measured; each takes some replays on each model */
#define PARTS_MAX    64 /* of steps, which are measured together only */

/* What was asked for by name. */
struct choice {
    const struct tn_finding *findings[PARTS_MAX]; /* borrowed from the simulation */
    const struct tn_finding
        *sure[PARTS_MAX]; /* of these, in the same order, those that no condition decides */
    size_t count, sure_count;
    bool has_steps; /* a letter was among the names: all are measured together, in this order */
};

/* Append one finding, unless it is there. */
static void choose(struct choice *choice, const struct tn_finding *finding)
{
    for (size_t i = 0; i < choice->count; i++)
        if (choice->findings[i] == finding)
            return;
    choice->findings[choice->count++] = finding;
    if (finding->confidence != TN_CONFIDENCE_CONDITIONAL)
        choice->sure[choice->sure_count++] = finding;
}

/* The findings of these numbers or keys, weak ones too if they are asked for. */
static int choose_names(struct tn_simulation *simulation, const char *plan, const char *names,
                        struct choice *choice, struct tn_error *error)
{
    size_t most = choice->has_steps ? PARTS_MAX : FINDINGS_MAX;
    for (const char *at = names; *at != '\0' || choice->count == 0;) {
        size_t length = strcspn(at, ",");
        if (length == 0 || choice->count == most)
            return tn_error_set(
                error, -EINVAL,
                "option '--plan' of 'simulate': '%s' is no list of up to %d findings or steps, by "
                "number, key or letter, as in 1,3,5a0c91fe or A,B",
                plan, FINDINGS_MAX);
        const struct tn_finding *finding = tn_findings_find(&simulation->findings, at, length);
        const struct tn_finding *refuted = tn_findings_find_refuted(&simulation->findings, at, length);
        if (refuted != NULL)
            return tn_error_set(error, -EINVAL,
                                "option '--plan' of 'simulate': a trial has refuted the finding '%.*s': %s",
                                (int)length, at, refuted->refuted_by.what);
        if (finding == NULL || !tn_what_if_applies(finding))
            return tn_error_set(error, -EINVAL, "option '--plan' of 'simulate': the finding '%.*s' %s",
                                (int)(length < 64 ? length : 64), at,
                                finding == NULL ? "is not there: 'tenure report' tells numbers and keys"
                                                : "states something that no replay can show");
        choose(choice, finding);
        at += length + (at[length] == ',');
    }
    return 0;
}

static int choose_plan(struct tn_simulation *simulation, const char *plan, struct choice *choice,
                       struct tn_error *error)
{
    char *names = NULL, letter = 0;
    int r = tn_plan_expand(simulation->findings.program_plan, plan, &names, &letter);
    if (r == -EINVAL)
        return tn_error_set(
            error, r,
            "option '--plan' of 'simulate': the plan has no step '%c': 'tenure report' tells its "
            "steps",
            letter);
    if (r < 0)
        return tn_error_set(error, r, "cannot choose findings: out of memory");
    choice->has_steps = strcmp(names, plan) != 0;
    r = choose_names(simulation, plan, names, choice, error);
    free(names);
    return r;
}

static void make_models(struct tn_simulation *simulation)
{
    for (size_t i = 0; i < simulation->policy_count; i++) {
        const struct tn_simulated_policy *policy = &simulation->policies[i];
        struct tn_what_if_model *model = &simulation->models[i];
        *model = (struct tn_what_if_model){
            .name = policy->label, .options = policy->options, .derives_pools = policy->pools != NULL};
        if (!simulation->has_heap)
            model->options.heap.heap_bytes = TN_HEAP_UNLIMITED;
    }
}

/* Findings one by one and together, or those of steps together. */
static int measure(struct tn_simulation *simulation, const struct choice *choice,
                   struct tn_what_if_effort *effort, struct tn_error *error)
{
    const struct tn_what_if_set sets[] = {
        {.findings = choice->findings, .count = choice->count},
        {.findings = choice->sure, .count = choice->sure_count, .is_subtotal = true},
    };
    bool has_subtotal = choice->sure_count != 0 && choice->sure_count < choice->count;
    if (choice->has_steps) {
        effort->sets = sets;
        effort->set_count = has_subtotal ? 2 : 1;
    }
    int r = tn_log_source_tell_roles(simulation->log, choice->findings, choice->count, error);
    effort->roles = tn_log_source_roles(simulation->log);
    /* events that were kept before this tell no roles */
    struct tn_replay_source source =
        effort->roles->count != 0 ? tn_log_source_events(simulation->log) : simulation->source;
    if (r == 0)
        r = tn_what_if_run(&source, simulation->models, simulation->policy_count, choice->findings,
                           choice->has_steps ? 0 : choice->count, effort, &simulation->what_if, error);
    return r;
}

int tn_simulate_apply(struct tn_simulation *simulation, struct tn_log *log, const char *kinds,
                      const char *plan, struct tn_error *error)
{
    struct choice choice = {.count = 0};
    struct tn_progress analysing = {.what = "analysing", .has_lines = true},
                       replaying = {.what = "replaying"};
    struct tn_analyze_options options = {
        .process_id = tn_log_source_process(simulation->log),
        .min_allocations = TN_MIN_ALLOCATIONS,
        .only = plan != NULL                ? "all"
                : strcmp(kinds, "all") != 0 ? kinds
                                            : NULL,
        .planner = plan != NULL ? &tn_planner : NULL,
        .progress = tn_progress_show,
        .user = &analysing,
    };
    struct tn_what_if_effort effort = {.progress = tn_progress_show, .user = &replaying};
    int r = tn_analyze(log, tn_kinds, &options, &simulation->findings, error);
    tn_progress_end(&analysing);
    if (r < 0)
        return r;
    make_models(simulation);
    if (plan == NULL)
        choice.count = tn_what_if_choose(&simulation->findings, FINDINGS_MAX, NULL, choice.findings,
                                         &simulation->findings_left);
    else
        r = choose_plan(simulation, plan, &choice, error);
    if (r == 0 && choice.count > 0)
        r = measure(simulation, &choice, &effort, error);
    tn_progress_end(&replaying);
    simulation->has_changes = r == 0;
    return r;
}
