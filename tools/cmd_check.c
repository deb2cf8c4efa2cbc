/* SPDX-License-Identifier: MIT */

/* The command `check`: reads limits and exceptions, loads what they need of a log, has it checked, and prints
 * the answer in the form that a CI system reads. */

#include "command.h"
#include "input.h"
#include "loaded_run.h"
#include "message.h"
#include "output.h"
#include "screen.h"

#include "tenure/kinds.h"
#include "tenure/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_MAX_BYTES (UINT64_C(1) << 20)
#define KINDS_MAX        64

enum check_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT, FORMAT_SARIF, FORMAT_COUNT };

static const char *const format_names[FORMAT_COUNT] = {"text", "json", "junit", "sarif"};

/* What was asked for. Strings are borrowed. */
struct check_request {
    const char *path;
    enum check_format format;
    struct tn_screen screen;       /* where it goes */
    const char *kinds[KINDS_MAX];  /* names of all kinds, ended by NULL */
    struct tn_check_policy policy; /* owned */
    struct tn_run_models models;   /* of policy; borrows from it */
    struct tn_run_request wanted;  /* of the log */
    char source_root[PATH_MAX];    /* "": none */
};

/* ---------------------------------------------------------------------------------------- options */

static int read_format(const struct tn_arguments *arguments, struct check_request *request,
                       struct tn_error *error)
{
    const char *name = tn_option_text(arguments, "format");
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (name == NULL || strcmp(name, format_names[i]) == 0) {
            request->format = (enum check_format)i;
            return 0;
        }
    return tn_error_set(error, -EINVAL,
                        "option '--format' of 'check': unknown format '%s': there are text, json, junit and "
                        "sarif",
                        name);
}

static void list_kinds(struct check_request *request)
{
    for (size_t i = 0; i + 1 < KINDS_MAX && tn_kinds[i] != NULL; i++)
        request->kinds[i] = tn_kinds[i]->name;
}

static int read_limits(const struct tn_arguments *arguments, struct check_request *request,
                       struct tn_error *error)
{
    size_t position = 0;
    struct tn_error reason = {0};
    for (const char *text; (text = tn_option_next(arguments, "max", &position)) != NULL;) {
        int r = tn_check_policy_add_limit(&request->policy, text, request->kinds, &reason);
        if (r < 0)
            return tn_error_set(error, r, "option '--max' of 'check': %s", reason.text);
    }
    return 0;
}

static int read_policy(const char *path, struct check_request *request, struct tn_error *error)
{
    struct tn_buffer text = {0};
    int r = tn_input_read(path, POLICY_MAX_BYTES, &text, error);
    if (r == 0)
        r = tn_check_policy_read(&request->policy, path, (char *)text.data, request->kinds, error);
    tn_buffer_finish(&text);
    return r;
}

/* The models that the limits name. */
static int read_models(const char *file, struct check_request *request, struct tn_error *error)
{
    for (size_t i = 0; i < request->policy.limit_count; i++) {
        const struct tn_check_limit *limit = &request->policy.limits[i];
        char where[512];
        if (limit->metric != TN_METRIC_SMALLEST_HEAP && limit->metric != TN_METRIC_FRAGMENTATION)
            continue;
        if (limit->line == 0)
            snprintf(where, sizeof(where), "option '--max' of 'check'");
        else
            snprintf(where, sizeof(where), "%s, line %u", file, limit->line);
        int r = tn_run_models_add(&request->models, where, limit->part, error);
        if (r < 0)
            return r == -EINVAL && limit->line != 0 ? (error->code = -EBADMSG) : r;
    }
    return 0;
}

/* The root that source files are named relative to: absolute, without a slash at its end. */
static int read_source_root(const struct tn_arguments *arguments, struct check_request *request,
                            struct tn_error *error)
{
    const char *given = tn_option_text(arguments, "source-root");
    char *absolute = realpath(given != NULL ? given : ".", NULL);
    if (absolute == NULL && given != NULL)
        return tn_error_set(error, -EINVAL, "option '--source-root' of 'check': cannot use '%s': %s", given,
                            strerror(errno));
    if (absolute != NULL && strcmp(absolute, "/") != 0)
        snprintf(request->source_root, sizeof(request->source_root), "%s", absolute);
    free(absolute);
    return 0;
}

static int read_request(const struct tn_arguments *arguments, struct check_request *request,
                        struct tn_error *error)
{
    const char *file = tn_option_text(arguments, "policy-file");
    request->path = arguments->operands[0];
    request->wanted.allows_loss = tn_option_is_given(arguments, "allow-incomplete");
    list_kinds(request);
    int r = tn_screen_read(arguments, tn_option_text(arguments, "output"), &request->screen, error);
    if (r == 0)
        r = read_format(arguments, request, error);
    if (r == 0)
        r = tn_option_count(arguments, "process", 1, INT64_MAX, 0, &request->wanted.process_id, error);
    if (r == 0)
        r = read_source_root(arguments, request, error);
    if (r == 0 && request->screen.output != NULL && tn_output_is_same(request->path, request->screen.output))
        r = tn_error_set(error, -EINVAL,
                         "option '--output' of 'check': '%s' is the log itself; name another file",
                         request->screen.output);
    if (r == 0)
        r = read_limits(arguments, request, error);
    if (r == 0 && file != NULL)
        r = read_policy(file, request, error);
    if (r == 0 && request->policy.limit_count == 0)
        r = tn_error_set(
            error, -EINVAL,
            "'check' has nothing to check: give '--max METRIC=VALUE' or '--policy-file FILE'; see "
            "'tenure check --help'");
    return r == 0 ? read_models(file, request, error) : r;
}

/* ---------------------------------------------------------------------------------------- checking */

static int write_result(const struct check_request *request, const struct tn_check_result *result,
                        struct tn_buffer *out)
{
    switch (request->format) {
    case FORMAT_JSON:
        return tn_check_write_json(result, out);
    case FORMAT_JUNIT:
        return tn_check_write_junit(result, out);
    case FORMAT_SARIF:
        return tn_check_write_sarif(result, request->source_root, out);
    default:
        return tn_report_check_text(result, &request->screen.style, out);
    }
}

static int print(const struct check_request *request, const struct tn_check_result *result)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    if (write_result(request, result, &text) < 0)
        tn_say("cannot write the result: out of memory");
    else
        status = request->format == FORMAT_TEXT ? tn_screen_write(&request->screen, &text)
                                                : tn_output_write(request->screen.output, &text);
    tn_buffer_finish(&text);
    return status == TN_STATUS_DONE && result->violated_count != 0 ? TN_STATUS_NO : status;
}

static int check(const struct check_request *request, const struct tn_loaded_run *loaded)
{
    struct tn_check_subject subject = {
        .summary = &loaded->summary,
        .findings = request->wanted.wants_findings ? &loaded->findings : NULL,
        .after_init = request->wanted.wants_after_init ? &loaded->after_init : NULL,
        .heaps = loaded->heaps,
        .heap_count = loaded->heap_count,
    };
    struct tn_check_result result;
    struct tn_error error = {0};
    if (tn_check(&request->policy, &subject, &result, &error) < 0)
        return tn_say_error(&error);
    int status = print(request, &result);
    tn_check_result_finish(&result);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct check_request request = {0};
    struct tn_loaded_run loaded = {0};
    struct tn_error error = {0};
    int r = read_request(arguments, &request, &error);
    request.wanted.wants_findings = tn_check_policy_has(&request.policy, TN_METRIC_FINDINGS);
    request.wanted.wants_after_init = tn_check_policy_has(&request.policy, TN_METRIC_AFTER_INIT);
    if (r == 0)
        r = tn_loaded_run_load(request.path, &request.wanted, &loaded, &error);
    if (r == 0)
        r = tn_loaded_run_measure(request.path, &request.models, &loaded, &error);
    int status = r == 0 ? check(&request, &loaded) : tn_say_error(&error);
    tn_loaded_run_finish(&loaded);
    tn_check_policy_finish(&request.policy);
    return status;
}

static const struct tn_option options[] = {
    {0, "max", "METRIC=VALUE", "the most that is allowed; may be repeated", NULL},
    {0, "policy-file", "FILE",
     "limits, and exceptions of single sites: lines\n'max METRIC=VALUE' and\n'except METRIC at PLACE because "
     "REASON'",
     NULL},
    {0, "format", "text|json|junit|sarif", "how to write it (default: text)", NULL},
    {'o', "output", "FILE", "write it into FILE instead of stdout", NULL},
    {0, "source-root", "DIR",
     "name source files below DIR relative to it, in sarif\n(default: the working directory)", NULL},
    {0, "process", "ID",
     "the process to check, by its id in the log (default: the\none with most allocations)", NULL},
    {0, "allow-incomplete", NULL, "judge a log that is incomplete or lost events, too", NULL},
    TN_SCREEN_OPTIONS,
};

const struct tn_command tn_command_check = {
    .name = "check",
    .summary = "Check a log against limits, for continuous integration",
    .usage = "[OPTIONS] LOG",
    .details =
        "Metrics: allocations_after_init, small_short_lived_per_s, findings (those that are not weak) or\n"
        "findings.KIND, smallest_heap_bytes.MODEL, fragmentation_percent.MODEL, peak_live_bytes and\n"
        "live_at_end (blocks). Models are those of 'tenure simulate --policy'.\n"
        "Exit status: 0 all limits are kept, 1 one is violated, 3 the log cannot be used or says too "
        "little.\n"
        "\n"
        "Example: tenure check --max findings.stack-buffer=0 --max smallest_heap_bytes.tlsf=64K app.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
