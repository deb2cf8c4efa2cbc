/* SPDX-License-Identifier: MIT */

/* `tenure report`: checks its options, finds the log where none was named, and has the report written; of
 * several logs, what they say together. */

#include "command.h"
#include "list_kinds.h"
#include "message.h"
#include "newest_log.h"
#include "output.h"
#include "policy_option.h"
#include "report_log.h"
#include "report_runs.h"
#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------------------------------- options */

/* "text, json and html": the names of all formats. Returns 0 or -ENOMEM. */
static int list_formats(struct tn_buffer *out)
{
    int r = 0;
    for (const struct tn_report_format *format = tn_report_formats; format->name != NULL && r == 0; format++)
        r = tn_buffer_print(out, "%s%s",
                            format == tn_report_formats ? ""
                            : format[1].name != NULL    ? ", "
                                                        : " and ",
                            format->name);
    return r;
}

static int check_format(const struct tn_arguments *arguments, const struct tn_report_format **ret_format,
                        struct tn_error *error)
{
    const char *name = tn_option_text(arguments, "format");
    if (name == NULL)
        name = "text";
    *ret_format = tn_report_format_find(name);
    if (*ret_format != NULL && (*ret_format)->missing != NULL)
        return tn_error_set(error, -ENOTSUP, "this tenure cannot write %s: %s", name, (*ret_format)->missing);
    if (*ret_format != NULL)
        return 0;
    struct tn_buffer names = {0};
    int r = list_formats(&names);
    if (r == 0)
        r = tn_error_set(error, -EINVAL,
                         "option '--format' of 'report': unknown format '%s': there are %s; see "
                         "'tenure report --help'",
                         name, (const char *)names.data);
    else
        tn_error_set(error, r, "cannot list the formats: out of memory");
    tn_buffer_finish(&names);
    return r;
}

static int check_confidence(const struct tn_arguments *arguments, enum tn_confidence *ret_least,
                            struct tn_error *error)
{
    const char *name = tn_option_text(arguments, "confidence");
    *ret_least = TN_CONFIDENCE_CONDITIONAL;
    if (name == NULL)
        return 0;
    for (int level = TN_CONFIDENCE_WEAK; level <= TN_CONFIDENCE_PROVEN; level++) {
        *ret_least = (enum tn_confidence)level;
        if (strcmp(tn_confidence_name(*ret_least), name) == 0)
            return 0;
    }
    return tn_error_set(error, -EINVAL,
                        "option '--confidence' of 'report': '%s' is not weak, conditional, consistent or "
                        "proven; see 'tenure report --help'",
                        name);
}

static int check_code(const struct tn_arguments *arguments, const char **ret_code, struct tn_error *error)
{
    const char *name = tn_option_text(arguments, "code");
    *ret_code = name;
    if (name == NULL || tn_report_knows_code(name))
        return 0;
    return tn_error_set(error, -EINVAL,
                        "option '--code' of 'report': '%s' is not c, freertos, zephyr, threadx, all or none; "
                        "see 'tenure report --help'",
                        name);
}

/* Take NAME=NUMBER apart; tn_analyze checks whether there is such a threshold. */
static int take_threshold(struct tn_report_request *request, const char *text, struct tn_error *error)
{
    size_t index = request->analyze.value_count;
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    char *end = NULL;
    double value = equals != NULL ? strtod(equals + 1, &end) : 0;
    if (length == 0 || length >= TN_THRESHOLD_NAME_BYTES || end == equals + 1 || *end != '\0' ||
        index == TN_GIVEN_MAX)
        return tn_error_set(error, -EINVAL,
                            "option '--threshold' of 'report': '%s' is not NAME=NUMBER; 'tenure report "
                            "--list-thresholds' lists the names",
                            text);
    memcpy(request->names[index], text, length);
    request->names[index][length] = '\0';
    request->values[index] = (struct tn_threshold_value){request->names[index], value};
    request->analyze.value_count++;
    return 0;
}

static int take_thresholds(const struct tn_arguments *arguments, struct tn_report_request *request,
                           struct tn_error *error)
{
    size_t position = 0;
    int r = 0;
    for (const char *text; r == 0 && (text = tn_option_next(arguments, "threshold", &position)) != NULL;)
        r = take_threshold(request, text, error);
    request->analyze.values = request->values;
    return r;
}

static int check_options(const struct tn_arguments *arguments, struct tn_report_request *request,
                         struct tn_error *error)
{
    struct tn_analyze_options *analyze = &request->analyze;
    const struct tn_report_format *format;
    int r = check_format(arguments, &format, error);
    if (r < 0)
        return r;
    tn_report_request_init(request, format);
    r = check_confidence(arguments, &request->least, error);
    if (r == 0)
        r = check_code(arguments, &request->code, error);
    if (r == 0)
        r = tn_option_count(arguments, "top", 0, TN_REPORT_TOP_MAX, request->top, &request->top, error);
    if (r == 0)
        r = tn_option_count(arguments, "process", 1, INT64_MAX, 0, &analyze->process_id, error);
    if (r == 0)
        r = tn_option_count(arguments, "min-allocations", 1, INT64_MAX, TN_MIN_ALLOCATIONS,
                            &analyze->min_allocations, error);
    if (r == 0)
        r = take_thresholds(arguments, request, error);
    if (r == 0)
        r = tn_check_kinds("option '--only' of 'report'", tn_option_text(arguments, "only"), error);
    request->has_top = tn_option_is_given(arguments, "top");
    request->has_only = tn_option_is_given(arguments, "only");
    if (request->has_top && !format->has_charts)
        request->site_top = request->top;
    if (r == 0)
        r = tn_screen_read(arguments, tn_option_text(arguments, "output"), &request->screen, error);
    request->policies = tn_option_text(arguments, "policy");
    request->source_folder = tn_option_text(arguments, "source-dir");
    if (r == 0 && request->source_folder != NULL && !format->has_charts)
        r = tn_error_set(error, -EINVAL,
                         "option '--source-dir' of 'report': only a page shows sources: add --format html");
    request->is_saved = tn_option_is_given(arguments, "save");
    analyze->only = tn_option_text(arguments, "only");
    request->named = tn_option_text(arguments, "finding");
    if (request->named != NULL && analyze->only == NULL)
        analyze->only = "all";
    analyze->wrapper_regex = tn_option_text(arguments, "wrapper");
    analyze->pool_sizes = tn_option_text(arguments, "pool-sizes");
    return r;
}

/* ---------------------------------------------------------------------------------------- the report */

/* Options that speak of one recording. */
static int refuse_single(const struct tn_arguments *arguments)
{
    static const char *const names[] = {"finding", "process", "code", "policy", "save"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (tn_option_is_given(arguments, names[i])) {
            tn_say("option '--%s' of 'report' speaks of one recording: give one LOG with it", names[i]);
            return TN_STATUS_USAGE;
        }
    return TN_STATUS_DONE;
}

static int report_several(const struct tn_report_request *request, const struct tn_arguments *arguments)
{
    if (request->format->has_charts) {
        tn_say(
            "option '--format' of 'report': %s is of one recording: give one LOG with it, or take text or "
            "json",
            request->format->name);
        return TN_STATUS_USAGE;
    }
    const struct tn_runs_request several = {.analyze = &request->analyze,
                                            .least = request->least,
                                            .top = (size_t)request->top,
                                            .is_json = strcmp(request->format->name, "json") == 0,
                                            .screen = &request->screen};
    int status = refuse_single(arguments);
    return status == TN_STATUS_DONE ? tn_report_runs(&several, arguments->operands, arguments->operand_count)
                                    : status;
}

/* What is written must not replace what is read. */
static bool is_log_output(const struct tn_report_request *request, char *const *paths, size_t path_count)
{
    const char *output = request->screen.output;
    for (size_t i = 0; i < path_count && output != NULL; i++)
        if (tn_output_is_same(paths[i], output)) {
            tn_say("option '--output' of 'report': '%s' is the log itself; name another file", output);
            return true;
        }
    return false;
}

static int run(const struct tn_arguments *arguments)
{
    struct tn_report_request request = {0};
    struct tn_error error;
    if (tn_option_is_given(arguments, "list-thresholds"))
        return tn_list_thresholds();
    if (check_options(arguments, &request, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_USAGE;
    }
    if (tn_option_is_given(arguments, "list-kinds"))
        return tn_list_kinds(strcmp(request.format->name, "json") == 0);
    if (is_log_output(&request, arguments->operands, arguments->operand_count))
        return TN_STATUS_USAGE;
    if (arguments->operand_count > 1)
        return report_several(&request, arguments);
    if (arguments->operand_count > 0)
        return tn_report_log(&request, arguments->operands[0]);
    char *path = tn_newest_log("report");
    if (path == NULL)
        return TN_STATUS_USAGE;
    int status = tn_report_log(&request, path);
    free(path);
    return status;
}

static const struct tn_option options[] = {
    {0, "format", "text|json|html", "how to write it (default: text); html is one page for a\nbrowser", NULL},
    {'o', "output", "FILE", "write it into FILE instead of stdout", NULL},
    {0, "top", "N", "findings, and busiest sites (default 10 and 5; 0: all)", NULL},
    {0, "only", "KIND,...", "these kinds of findings only", NULL},
    {0, "finding", "FINDING,...",
     "these findings only, by number or key, or those of a step, by\nletter, with all that is known of them",
     NULL},
    {0, "list-kinds", NULL, "print all kinds: what they state, and by which numbers", NULL},
    {0, "confidence", "weak|conditional|consistent|proven",
     "findings at least so sure (default: conditional); the others\nare counted", NULL},
    {0, "min-allocations", "N", "leave sites with fewer allocations alone (default 20)", NULL},
    {0, "threshold", "NAME=VALUE", "what counts as a finding; may be repeated", NULL},
    {0, "list-thresholds", NULL, "print all thresholds, their defaults and sources", NULL},
    {0, "pool-sizes", "BYTES,...", "price these block sizes beside the best set of pools", NULL},
    {0, "wrapper", "REGEX",
     "functions that allocate for their callers: look behind\nthem, besides those that the log knows", NULL},
    {0, "process", "ID",
     "the process to tell of, by its id in the log (default: the\none with most allocations)", NULL},
    {0, "code", "c|freertos|zephyr|threadx|all|none",
     "definitions to paste, in text (default: c with --finding,\nelse none)", NULL},
    {0, "policy", "P,...",
     "measure what the findings change by replaying the log on\nthese models of heaps; none: do not "
     "(default: " TN_POLICY_OPTION_DEFAULT "\nfor a small log)",
     NULL},
    {0, "source-dir", "DIR", "where the sources are: a page shows the lines that findings\nname", NULL},
    {0, "save", NULL,
     "also write the findings into the log's tables finding and\nfinding_site, and the plan's steps into "
     "plan_step",
     NULL},
    TN_SCREEN_OPTIONS,
};

const struct tn_command tn_command_report = {
    .name = "report",
    .summary = "Say what a program does with its heap, and what to change",
    .usage = "[OPTIONS] [LOG ...]",
    .details =
        "The report says what was recorded (losses first, if any), whether the program is at risk and what "
        "to\n"
        "do first, the totals, what to change, the largest saving first, and the busiest sites. --finding N\n"
        "says all that is known of one finding, code to paste included; --list-kinds says which kinds of\n"
        "findings there are. Without LOG it takes the newest tenure.*.db in the working directory.\n"
        "Several logs, of other inputs or devices, are told together: which findings hold in all of them, "
        "and\n"
        "which in some.\n"
        "\n"
        "Example: tenure report --top 3 app.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_max = SIZE_MAX,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
