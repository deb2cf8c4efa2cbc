/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_LOADED_RUN_H
#define TENURE_TOOL_LOADED_RUN_H

/* Everything that `diff` and `check` need of a log, loaded at once: its summary with all sites, its findings,
 * where its sites were called from, and what heaps it needs. Shows progress. */

#include "tenure/check.h"
#include "tenure/compare.h"

#include <stdbool.h>

#define TN_RUN_MODELS_MAX 16

/* Models that the events of a log are replayed on. Strings are borrowed. */
struct tn_run_models {
    const char *names[TN_RUN_MODELS_MAX]; /* as tn_policy_option_parse takes them; each once */
    size_t count;                         /* in names */
};

/* What is wanted of a log. By the caller. */
struct tn_run_request {
    uint64_t process_id; /* 0: the one with most allocations */
    bool wants_findings;
    bool wants_contexts;
    bool wants_after_init;
    bool allows_loss; /* else a log that is not complete, or lost something, is refused */
};

/* A log that was loaded. Zeroed is empty. */
struct tn_loaded_run {
    struct tn_summary summary;
    struct tn_findings findings;      /* if wanted */
    struct tn_call_contexts contexts; /* if wanted */
    struct tn_after_init after_init;  /* if wanted */
    struct tn_check_heap heaps[TN_RUN_MODELS_MAX];
    size_t heap_count; /* in heaps; by tn_loaded_run_measure */
};

/* Load a log.
 *
 * ret_run  tn_loaded_run_finish releases it, also after an error
 * Returns  0; -ENODATA: it has no process, or can say too little and that is not allowed; else as the parts'
 *          own functions; error says what failed and what to do */
int tn_loaded_run_load(const char *path, const struct tn_run_request *request, struct tn_loaded_run *ret_run,
                       struct tn_error *error);

/* Add a model to a list, unless it is there.
 *
 * option   where it was given, for messages
 * Returns  0; -EINVAL: no such model, or too many; -ENOMEM; error says what is wrong */
int tn_run_models_add(struct tn_run_models *models, const char *option, const char *name,
                      struct tn_error *error);

/* Replay a log on models, each to its smallest heap.
 *
 * run      of the log at path; gets heaps, one for each model
 * Returns  0, also where a model has no heap that survives; as tn_simulate_policy; error says what failed
 * Cost     20 million events a model at most */
int tn_loaded_run_measure(const char *path, const struct tn_run_models *models, struct tn_loaded_run *run,
                          struct tn_error *error);

/* Release what it owns; it is empty again. Zeroed is fine. */
void tn_loaded_run_finish(struct tn_loaded_run *run);

#endif
