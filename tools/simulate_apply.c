/* SPDX-License-Identifier: MIT */
/* The options `--apply` and `--plan` of `simulate`: analyses the log, chooses findings by kind, number or
 * key, and has lib/simulate measure what they would change. Called by cmd_simulate.c. */
#include "simulate_print.h"

#include "progress.h"
#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/map.h"

#include <errno.h>
#include <string.h>

#define FINDINGS_MAX 12 /* measured; each takes some replays on each model */

/* The findings of a plan: those of the given numbers or keys, weak ones too if they are asked for. */
static int choose_plan(struct tn_simulation *simulation, const char *plan, const struct tn_finding **chosen,
                       size_t *ret_count, struct tn_error *error)
{
    size_t count = 0;
    for (const char *at = plan; *at != '\0' || count == 0;) {
        size_t length = strcspn(at, ",");
        if (length == 0 || count == FINDINGS_MAX)
            return tn_error_set(error, -EINVAL,
                                "option '--plan' of 'simulate': '%s' is no list of up to %d findings, by "
                                "number or key, as in 1,3,5a0c91fe",
                                plan, FINDINGS_MAX);
        const struct tn_finding *finding = tn_findings_find(&simulation->findings, at, length);
        if (finding == NULL || !tn_what_if_applies(finding))
            return tn_error_set(error, -EINVAL, "option '--plan' of 'simulate': the finding '%.*s' %s",
                                (int)(length < 64 ? length : 64), at,
                                finding == NULL ? "is not there: 'tenure report' tells numbers and keys"
                                                : "states something that no replay can show");
        chosen[count++] = finding;
        at += length + (at[length] == ',');
    }
    *ret_count = count;
    return 0;
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

int tn_simulate_apply(struct tn_simulation *simulation, struct tn_log *log, const char *kinds,
                      const char *plan, struct tn_error *error)
{
    const struct tn_finding *chosen[FINDINGS_MAX];
    struct tn_progress analysing = {.what = "analysing", .has_lines = true},
                       replaying = {.what = "replaying"};
    struct tn_analyze_options options = {
        .process_id = tn_log_source_process(simulation->log),
        .min_allocations = TN_MIN_ALLOCATIONS,
        .only = plan != NULL                ? "all"
                : strcmp(kinds, "all") != 0 ? kinds
                                            : NULL,
        .progress = tn_progress_show,
        .user = &analysing,
    };
    struct tn_what_if_effort effort = {.progress = tn_progress_show, .user = &replaying};
    int r = tn_analyze(log, tn_kinds, &options, &simulation->findings, error);
    tn_progress_end(&analysing);
    if (r < 0)
        return r;
    make_models(simulation);
    size_t count = 0;
    if (plan == NULL)
        count =
            tn_what_if_choose(&simulation->findings, FINDINGS_MAX, NULL, chosen, &simulation->findings_left);
    else
        r = choose_plan(simulation, plan, chosen, &count, error);
    if (r == 0 && count > 0)
        r = tn_log_source_tell_roles(simulation->log, chosen, count, error);
    effort.roles = tn_log_source_roles(simulation->log);
    /* events that were kept before this tell no roles */
    struct tn_replay_source source =
        effort.roles->count != 0 ? tn_log_source_events(simulation->log) : simulation->source;
    if (r == 0 && count > 0)
        r = tn_what_if_run(&source, simulation->models, simulation->policy_count, chosen, count, &effort,
                           &simulation->what_if, error);
    tn_progress_end(&replaying);
    simulation->has_changes = r == 0;
    return r;
}
