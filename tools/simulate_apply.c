/* SPDX-License-Identifier: MIT */
/* The options `--apply` and `--plan` of `simulate`: analyses the log, chooses findings by kind, number or
 * key, or the steps of its plan by letter, and has lib/simulate measure what they would change. Called by
 * cmd_simulate.c. */
#include "simulate_print.h"

#include "chosen_findings.h"
#include "progress.h"
#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/map.h"
#include "tenure/planner.h"

#include <string.h>

/* What is measured. */
struct choice {
    struct tn_chosen_findings chosen;             /* borrowed from the simulation */
    const struct tn_finding *sure[TN_CHOSEN_MAX]; /* of these, in the same order, those that no condition
                                                     decides */
    size_t sure_count;
};

static void choose_sure(struct choice *choice)
{
    for (size_t i = 0; i < choice->chosen.count; i++)
        if (choice->chosen.items[i]->confidence != TN_CONFIDENCE_CONDITIONAL)
            choice->sure[choice->sure_count++] = choice->chosen.items[i];
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
        {.findings = choice->chosen.items, .count = choice->chosen.count},
        {.findings = choice->sure, .count = choice->sure_count, .is_subtotal = true},
    };
    bool has_subtotal = choice->sure_count != 0 && choice->sure_count < choice->chosen.count;
    if (choice->chosen.has_steps) {
        effort->sets = sets;
        effort->set_count = has_subtotal ? 2 : 1;
    }
    int r = tn_log_source_tell_roles(simulation->log, choice->chosen.items, choice->chosen.count, error);
    effort->roles = tn_log_source_roles(simulation->log);
    /* events that were kept before this tell no roles */
    struct tn_replay_source source =
        effort->roles->count != 0 ? tn_log_source_events(simulation->log) : simulation->source;
    if (r == 0)
        r = tn_what_if_run(&source, simulation->models, simulation->policy_count, choice->chosen.items,
                           choice->chosen.has_steps ? 0 : choice->chosen.count, effort, &simulation->what_if,
                           error);
    return r;
}

int tn_simulate_apply(struct tn_simulation *simulation, struct tn_log *log, const char *kinds,
                      const char *plan, struct tn_error *error)
{
    struct choice choice = {.sure_count = 0};
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
        choice.chosen.count = tn_what_if_choose(&simulation->findings, TN_CHOSEN_NAMES, NULL,
                                                choice.chosen.items, &simulation->findings_left);
    else
        r = tn_choose_findings(&simulation->findings, "simulate", plan, &choice.chosen, error);
    choose_sure(&choice);
    if (r == 0 && choice.chosen.count > 0)
        r = measure(simulation, &choice, &effort, error);
    tn_progress_end(&replaying);
    simulation->has_changes = r == 0;
    return r;
}
