/* SPDX-License-Identifier: MIT */
/* The value of `--policy`: names of policies with parameters, NAME[:KEY=VALUE]... Used by `simulate` and
 * `report`. */
#include "policy_option.h"

#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLICIES_KNOWN 64

static int unknown_policy(const char *option, const char *name, struct tn_error *error)
{
    const char *names[POLICIES_KNOWN];
    size_t count = 0;
    for (; count < POLICIES_KNOWN && tn_policy_at(count) != NULL; count++)
        names[count] = tn_policy_name(tn_policy_at(count));
    const char *nearest = tn_nearest_word(name, names, count, sizeof(names[0]));
    if (nearest != NULL)
        return tn_error_set(error, -EINVAL, "%s: unknown policy '%s': did you mean '%s'?", option, name,
                            nearest);
    return tn_error_set(error, -EINVAL, "%s: unknown policy '%s'; 'tenure simulate --help' lists them",
                        option, name);
}

/* One `:KEY=VALUE`. */
static int set_parameter(const char *option, const char *model, char *text, struct tn_heap_options *heap,
                         struct tn_error *error)
{
    char *value = strchr(text, '=');
    if (value == NULL)
        return tn_error_set(error, -EINVAL, "%s: '%s' of '%s' is no KEY=VALUE", option, text, model);
    *value = '\0';
    int r = tn_heap_options_set(heap, text, value + 1);
    if (r == 0)
        return 0;
    return tn_error_set(error, -EINVAL, "%s: %s '%s' of '%s'", option,
                        r == -ENOENT ? "there is no parameter" : "no such value of", text, model);
}

int tn_policy_option_parse(const char *option, const char *text, const struct tn_heap_options *heap,
                           struct tn_replay_options *ret_options, struct tn_error *error)
{
    struct tn_replay_options options;
    char *copy = strdup(text), *rest = NULL;
    if (copy == NULL)
        return tn_error_set(error, -ENOMEM, "cannot read '--policy': out of memory");
    char *name = strtok_r(copy, ":", &rest);
    const struct tn_policy *policy = name != NULL ? tn_policy_find(name) : NULL;
    int r = policy == NULL ? unknown_policy(option, name != NULL ? name : "", error) : 0;
    if (r == 0) {
        tn_replay_options_init(&options, policy);
        options.heap = *heap;
    }
    for (char *word = NULL; r == 0 && (word = strtok_r(NULL, ":", &rest)) != NULL;)
        r = set_parameter(option, text, word, &options.heap, error);
    free(copy);
    if (r == 0)
        *ret_options = options;
    return r;
}

int tn_policy_option_models(const char *option, char *text, struct tn_what_if_model *models,
                            size_t *ret_count, struct tn_error *error)
{
    struct tn_heap_options heap;
    char *rest = NULL;
    size_t count = 0;
    int r = 0;
    tn_heap_options_init(&heap);
    for (char *word = strtok_r(text, ",", &rest); word != NULL && r == 0; word = strtok_r(NULL, ",", &rest)) {
        if (count == TN_POLICY_OPTION_MAX)
            return tn_error_set(error, -EINVAL, "%s: at most %d models", option, TN_POLICY_OPTION_MAX);
        struct tn_what_if_model *model = &models[count++];
        *model = (struct tn_what_if_model){.name = word};
        r = tn_policy_option_parse(option, word, &heap, &model->options, error);
        model->derives_pools = r == 0 && tn_policy_needs_pools(model->options.policy);
    }
    *ret_count = count;
    return r == 0 && count == 0 ? unknown_policy(option, "", error) : r;
}
