/* SPDX-License-Identifier: MIT */

/* What a check demands: limits from the command line, limits and exceptions from a policy file. Called by
 * `tenure check`. */

#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int out_of_memory(struct tn_error *error)
{
    return tn_error_set(error, -ENOMEM, "cannot check: out of memory");
}

/* ---------------------------------------------------------------------------------------- limits */

static bool has_limit(const struct tn_check_policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->limit_count; i++)
        if (strcmp(policy->limits[i].name, name) == 0)
            return true;
    return false;
}

/* What is wrong with "METRIC=VALUE" comes as the end of a sentence. Takes over name on success only. */
static int parse_limit(const struct tn_check_policy *policy, char *name, const char *value,
                       const char *const *kinds, struct tn_check_limit *limit, struct tn_error *error)
{
    int r = tn_metric_parse(name, kinds, &limit->metric, &limit->part, error);
    if (r < 0)
        return r;
    if (has_limit(policy, name))
        return tn_error_set(error, -EINVAL, "'%s' has a limit already; give one", name);
    char *end;
    uint64_t bytes;
    limit->name = name;
    limit->max = strtod(value, &end);
    if (end != value && *end == '\0' && isfinite(limit->max) && limit->max >= 0)
        return 0;
    if (strcmp(tn_metric_entries[limit->metric].unit, " B") == 0 && tn_parse_bytes(value, &bytes) == 0) {
        limit->max = (double)bytes;
        return 0;
    }
    return tn_error_set(error, -EINVAL, "'%s' is no number from 0 on", value);
}

static int add_limit(struct tn_check_policy *policy, const char *text, uint32_t line,
                     const char *const *kinds, struct tn_error *error)
{
    /* The last one: a model may have parameters, as in glibc:tcache=0. */
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text)
        return tn_error_set(error, -EINVAL, "'%s' is not METRIC=VALUE", text);
    struct tn_check_limit *limits =
        realloc(policy->limits, (policy->limit_count + 1) * sizeof(policy->limits[0]));
    if (limits == NULL)
        return out_of_memory(error);
    policy->limits = limits;
    struct tn_check_limit limit = {.line = line};
    char *name = strndup(text, (size_t)(equals - text));
    int r = name != NULL ? parse_limit(policy, name, equals + 1, kinds, &limit, error) : out_of_memory(error);
    if (r < 0)
        free(name);
    else
        limits[policy->limit_count++] = limit;
    return r;
}

int tn_check_policy_add_limit(struct tn_check_policy *policy, const char *text, const char *const *kinds,
                              struct tn_error *error)
{
    return add_limit(policy, text, 0, kinds, error);
}

bool tn_check_policy_has(const struct tn_check_policy *policy, enum tn_metric metric)
{
    for (size_t i = 0; i < policy->limit_count; i++)
        if (policy->limits[i].metric == metric)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------- exceptions */

/* Split text at the first ` word `; NULL: the word is not there. Returns what is behind it. */
static char *split_at(char *text, const char *word)
{
    char *at = strstr(text, word);
    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + strlen(word);
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " \t");
}

static void trim_end(char *text)
{
    for (size_t length = strlen(text); length > 0 && strchr(" \t\r", text[length - 1]) != NULL; length--)
        text[length - 1] = '\0';
}

static int fill_exception(struct tn_check_exception *exception, const char *metric, const char *place,
                          const char *reason, const char *const *kinds, struct tn_error *error)
{
    exception->name = strdup(metric);
    exception->place = strdup(place);
    exception->reason = strdup(reason);
    if (exception->name == NULL || exception->place == NULL || exception->reason == NULL)
        return out_of_memory(error);
    int r = tn_metric_parse(exception->name, kinds, &exception->metric, &exception->part, error);
    if (r == 0 && !tn_metric_entries[exception->metric].is_by_site)
        r = tn_error_set(error, -EINVAL, "'%s' belongs to the program as a whole: no site can be excepted",
                         metric);
    return r;
}

static void finish_exception(struct tn_check_exception *exception)
{
    free(exception->name);
    free(exception->place);
    free(exception->reason);
}

/* METRIC at PLACE because REASON */
static int add_exception(struct tn_check_policy *policy, char *text, uint32_t line, const char *const *kinds,
                         struct tn_error *error)
{
    char *place = split_at(text, " at "), *reason = place != NULL ? split_at(place, " because ") : NULL;
    if (reason == NULL)
        return tn_error_set(error, -EINVAL, "an exception is 'except METRIC at PLACE because REASON'");
    place = skip_blanks(place);
    reason = skip_blanks(reason);
    trim_end(text);
    trim_end(place);
    if (place[0] == '\0' || reason[0] == '\0')
        return tn_error_set(error, -EINVAL, "an exception needs a place and a reason");
    struct tn_check_exception *exceptions =
        realloc(policy->exceptions, (policy->exception_count + 1) * sizeof(exceptions[0]));
    if (exceptions == NULL)
        return out_of_memory(error);
    policy->exceptions = exceptions;
    struct tn_check_exception exception = {.line = line};
    int r = fill_exception(&exception, text, place, reason, kinds, error);
    if (r < 0)
        finish_exception(&exception);
    else
        exceptions[policy->exception_count++] = exception;
    return r;
}

/* ---------------------------------------------------------------------------------------- files */

static int read_line(struct tn_check_policy *policy, char *line, uint32_t number, const char *const *kinds,
                     struct tn_error *error)
{
    line = skip_blanks(line);
    trim_end(line);
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    size_t length = strcspn(line, " \t");
    bool is_limit = strncmp(line, "max", length) == 0 && length == strlen("max");
    bool is_exception = strncmp(line, "except", length) == 0 && length == strlen("except");
    char *rest = skip_blanks(line + length);
    if (is_limit)
        return add_limit(policy, rest, number, kinds, error);
    if (is_exception)
        return add_exception(policy, rest, number, kinds, error);
    return tn_error_set(error, -EINVAL, "a line begins with 'max', 'except' or '#'");
}

int tn_check_policy_read(struct tn_check_policy *policy, const char *name, char *text,
                         const char *const *kinds, struct tn_error *error)
{
    uint32_t number = 0;
    for (char *next = text; next != NULL && *next != '\0';) {
        char *line = next;
        number++;
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        struct tn_error reason = {0};
        int r = read_line(policy, line, number, kinds, &reason);
        if (r == -EINVAL)
            return tn_error_set(error, -EBADMSG, "%s, line %u: %s", name, number, reason.text);
        if (r < 0)
            return tn_error_set(error, r, "%s", reason.text);
    }
    return 0;
}

void tn_check_policy_finish(struct tn_check_policy *policy)
{
    for (size_t i = 0; i < policy->limit_count; i++)
        free(policy->limits[i].name);
    free(policy->limits);
    for (size_t i = 0; i < policy->exception_count; i++)
        finish_exception(&policy->exceptions[i]);
    free(policy->exceptions);
    *policy = (struct tn_check_policy){0};
}
