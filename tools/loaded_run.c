/* SPDX-License-Identifier: MIT */
#include "loaded_run.h"

#include "policy_option.h"
#include "progress.h"

#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/log.h"
#include "tenure/simulate.h"
#include "unfinished.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- loading */

static int check_loss(const struct tn_summary *summary, const struct tn_run_request *request,
                      struct tn_error *error)
{
    if (summary->process_id == 0)
        return tn_error_set(error, -ENODATA, "nothing was recorded in the log, %s: it has no process",
                            summary->path);
    if (request->allows_loss || !tn_check_is_lossy(summary))
        return 0;
    const char *what = !summary->is_complete   ? "it is still being written, or was cut short"
                       : !summary->is_finished ? "its names and summaries are missing"
                                               : "events were lost or could not be matched";
    return tn_error_set(
        error, -ENODATA,
        "the log says too little for an answer, %s: %s; 'tenure info' tells more; record again, "
        "or accept it with --allow-incomplete",
        summary->path, what);
}

static int analyze(struct tn_log *log, struct tn_loaded_run *run, struct tn_error *error)
{
    struct tn_progress progress = {.what = "analysing"};
    struct tn_analyze_options options = {.process_id = run->summary.process_id,
                                         .min_allocations = TN_MIN_ALLOCATIONS,
                                         .progress = tn_progress_show,
                                         .user = &progress};
    int r = tn_analyze(log, tn_kinds, &options, &run->findings, error);
    tn_progress_end(&progress);
    return r;
}

static int load(struct tn_log *log, const struct tn_run_request *request, struct tn_loaded_run *run,
                struct tn_error *error)
{
    int r = tn_summary_load(log, request->process_id, SIZE_MAX, &run->summary, error);
    if (r == 0)
        r = check_loss(&run->summary, request, error);
    if (r == 0 && request->wants_findings)
        r = analyze(log, run, error);
    if (r == 0 && request->wants_contexts)
        r = tn_call_contexts_load(log, &run->contexts, error);
    if (r == 0 && request->wants_after_init)
        r = tn_check_count_after_init(log, run->summary.process_id, &run->after_init, error);
    return r;
}

int tn_loaded_run_load(const char *path, const struct tn_run_request *request, struct tn_loaded_run *ret_run,
                       struct tn_error *error)
{
    struct tn_log *log = NULL;
    int r = tn_open_finished(path, &log, error);
    *ret_run = (struct tn_loaded_run){0};
    if (r == 0)
        r = load(log, request, ret_run, error);
    tn_log_close(log);
    return r;
}

/* ---------------------------------------------------------------------------------------- models */

int tn_run_models_add(struct tn_run_models *models, const char *option, const char *name,
                      struct tn_error *error)
{
    struct tn_heap_options heap;
    struct tn_replay_options options;
    for (size_t i = 0; i < models->count; i++)
        if (strcmp(models->names[i], name) == 0)
            return 0;
    tn_heap_options_init(&heap);
    int r = tn_policy_option_parse(option, name, &heap, &options, error);
    if (r < 0)
        return r;
    if (models->count == TN_RUN_MODELS_MAX)
        return tn_error_set(error, -EINVAL, "%s: at most %d models", option, TN_RUN_MODELS_MAX);
    models->names[models->count++] = name;
    return 0;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* The smallest safe heap of one model, and how fragmented it is. */
static int measure_model(const struct tn_replay_source *source, const char *name, struct tn_check_heap *heap,
                         struct tn_error *error)
{
    struct tn_simulated_policy policy = {0};
    struct tn_heap_options options;
    tn_heap_options_init(&options);
    int r = tn_policy_option_parse("a model", name, &options, &policy.options, error);
    if (r == 0)
        r = tn_simulate_policy(source, &policy, error);
    if (r == 0) {
        const struct tn_replay_fragmentation *fragmentation = &policy.result.fragmentation;
        *heap = (struct tn_check_heap){
            .policy = name,
            .smallest_bytes = policy.result.minimum.safe_bytes,
            .fragmentation_percent =
                percent(fragmentation->external_mean_bytes, fragmentation->live_mean_bytes),
        };
    }
    tn_simulated_policy_finish(&policy);
    return r;
}

static int measure(struct tn_log *log, const struct tn_run_models *models, struct tn_loaded_run *run,
                   struct tn_error *error)
{
    struct tn_log_source *source = NULL;
    struct tn_progress progress = {.what = "replaying"};
    int r = tn_log_source_open(log, run->summary.process_id, &source, error);
    for (size_t i = 0; i < models->count && r == 0; i++) {
        struct tn_replay_source events = tn_log_source_events(source);
        tn_progress_show(&progress, i, models->count);
        r = measure_model(&events, models->names[i], &run->heaps[i], error);
        run->heap_count += r == 0;
    }
    tn_progress_end(&progress);
    tn_log_source_close(source);
    return r;
}

int tn_loaded_run_measure(const char *path, const struct tn_run_models *models, struct tn_loaded_run *run,
                          struct tn_error *error)
{
    struct tn_log *log = NULL;
    if (models->count == 0)
        return 0;
    int r = tn_open_finished(path, &log, error);
    if (r == 0)
        r = measure(log, models, run, error);
    tn_log_close(log);
    return r;
}

void tn_loaded_run_finish(struct tn_loaded_run *run)
{
    tn_summary_finish(&run->summary);
    tn_findings_finish(&run->findings);
    tn_call_contexts_finish(&run->contexts);
    free(run->after_init.by_site);
    *run = (struct tn_loaded_run){0};
}
