/* SPDX-License-Identifier: MIT */
#include "models.h"

#include "options.h"
#include "progress.h"
#include "what_if.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLICIES_KNOWN 64
#define MODELS_MAX     16

static int unknown_policy(const char *command, const char *name, struct tn_error *error)
{
    const char *names[POLICIES_KNOWN];
    size_t count = 0;
    for (; count < POLICIES_KNOWN && tn_policy_at(count) != NULL; count++)
        names[count] = tn_policy_name(tn_policy_at(count));
    const char *nearest = tn_nearest_word(name, names, count, sizeof(names[0]));
    if (nearest != NULL)
        return tn_error_set(error, -EINVAL,
                            "option '--policy' of '%s': unknown policy '%s': did you mean '%s'?", command,
                            name, nearest);
    return tn_error_set(error, -EINVAL,
                        "option '--policy' of '%s': unknown policy '%s'; 'tenure simulate --help' lists them",
                        command, name);
}

/* One `:KEY=VALUE`. */
static int set_parameter(const char *command, const char *model, char *text, struct tn_heap_options *heap,
                         struct tn_error *error)
{
    char *value = strchr(text, '=');
    if (value == NULL)
        return tn_error_set(error, -EINVAL, "option '--policy' of '%s': '%s' of '%s' is no KEY=VALUE",
                            command, text, model);
    *value = '\0';
    int r = tn_heap_options_set(heap, text, value + 1);
    if (r == 0)
        return 0;
    return tn_error_set(error, -EINVAL, "option '--policy' of '%s': %s '%s' of '%s'", command,
                        r == -ENOENT ? "there is no parameter" : "no such value of", text, model);
}

int tn_model_parse(const char *command, const char *text, const struct tn_heap_options *heap,
                   struct tn_replay_options *ret_options, struct tn_error *error)
{
    struct tn_replay_options options;
    char *copy = strdup(text), *rest = NULL;
    if (copy == NULL)
        return tn_error_set(error, -ENOMEM, "cannot read '--policy': out of memory");
    char *name = strtok_r(copy, ":", &rest);
    const struct tn_policy *policy = name != NULL ? tn_policy_find(name) : NULL;
    int r = policy == NULL ? unknown_policy(command, name != NULL ? name : "", error) : 0;
    if (r == 0) {
        tn_replay_options_init(&options, policy);
        options.heap = *heap;
    }
    for (char *word = NULL; r == 0 && (word = strtok_r(NULL, ":", &rest)) != NULL;)
        r = set_parameter(command, text, word, &options.heap, error);
    free(copy);
    if (r == 0)
        *ret_options = options;
    return r;
}

/* Words are cut out of text, which the models' names then borrow. */
static int read_models(const char *command, char *text, struct tn_what_if_model *models, size_t *ret_count,
                       struct tn_error *error)
{
    struct tn_heap_options heap;
    char *rest = NULL;
    size_t count = 0;
    int r = 0;
    tn_heap_options_init(&heap);
    for (char *word = strtok_r(text, ",", &rest); word != NULL && r == 0; word = strtok_r(NULL, ",", &rest)) {
        if (count == MODELS_MAX)
            return tn_error_set(error, -EINVAL, "option '--policy' of '%s': at most %d models", command,
                                MODELS_MAX);
        struct tn_what_if_model *model = &models[count++];
        *model = (struct tn_what_if_model){.name = word};
        r = tn_model_parse(command, word, &heap, &model->options, error);
        model->derives_pools = r == 0 && tn_policy_needs_pools(model->options.policy);
    }
    *ret_count = count;
    return r == 0 && count == 0 ? unknown_policy(command, "", error) : r;
}

/* Append one delta. Returns 0 or -ENOMEM. */
static int note_delta(struct tn_finding_saving *saving, const char *policy, int64_t bytes)
{
    struct tn_finding_heap_delta *deltas =
        realloc(saving->heap_deltas, (saving->heap_delta_count + 1) * sizeof(*deltas));
    if (deltas == NULL)
        return -ENOMEM;
    saving->heap_deltas = deltas;
    char *name = strdup(policy);
    if (name == NULL)
        return -ENOMEM;
    deltas[saving->heap_delta_count++] = (struct tn_finding_heap_delta){.policy = name, .bytes = bytes};
    return 0;
}

/* The changes name their findings, which belong to the list: found again by their place in it. */
static int note_all(const struct tn_what_if *what_if, const struct tn_what_if_model *models,
                    size_t model_count, struct tn_findings *findings)
{
    for (size_t i = 0; i < what_if->count; i++) {
        const struct tn_what_if_change *change = &what_if->changes[i];
        if (change->finding == NULL)
            continue;
        struct tn_finding *finding = &findings->items[change->finding - findings->items];
        finding->saving.outside_bytes = change->outside_bytes;
        finding->saving.outside = change->outside;
        for (size_t m = 0; m < model_count; m++) {
            if (change->measures[m].heap_bytes == 0 || models[m].heap_bytes == 0)
                continue;
            int r = note_delta(&finding->saving, models[m].name, change->measures[m].heap_delta_bytes);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int measure(struct tn_replay_log *trace, struct tn_what_if_model *models, size_t model_count,
                   const struct tn_models_effort *effort, struct tn_findings *findings,
                   struct tn_error *error)
{
    const struct tn_finding *chosen[TN_MODELS_FINDINGS_MAX];
    struct tn_progress progress = {.what = "replaying"};
    struct tn_replay_source source = tn_replay_log_source(trace);
    struct tn_what_if what_if = {0};
    size_t count = 0;
    for (size_t i = 0; i < findings->count && count < effort->finding_max; i++)
        if (findings->items[i].confidence != TN_CONFIDENCE_WEAK && tn_what_if_applies(&findings->items[i]))
            chosen[count++] = &findings->items[i];
    if (count == 0)
        return 0;
    int r = tn_what_if_run(&source, models, model_count, chosen, count, effort->max_events, tn_progress_show,
                           &progress, &what_if, error);
    tn_progress_end(&progress);
    if (r < 0)
        return r;
    r = note_all(&what_if, models, model_count, findings);
    tn_what_if_finish(&what_if);
    return r < 0 ? tn_error_set(error, r, "cannot note what was measured: out of memory") : 0;
}

int tn_models_measure(struct tn_log *log, const char *command, const char *policies,
                      const struct tn_models_effort *effort, struct tn_findings *findings,
                      struct tn_error *error)
{
    struct tn_what_if_model models[MODELS_MAX];
    struct tn_replay_log *trace = NULL;
    size_t model_count = 0;
    char *text = strdup(policies);
    if (text == NULL)
        return tn_error_set(error, -ENOMEM, "cannot measure: out of memory");
    int r = read_models(command, text, models, &model_count, error);
    if (r == 0)
        r = tn_replay_log_open(log, findings->process_id, &trace, error);
    if (r == 0)
        r = measure(trace, models, model_count, effort, findings, error);
    tn_replay_log_close(trace);
    free(text);
    return r;
}
