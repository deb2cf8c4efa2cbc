/* SPDX-License-Identifier: MIT */

/* `tenure report`: checks its options, loads summary and findings from the log, has them measured on models
 * of heaps where that was asked for or takes no time, and writes the report in the format asked for. */

#include "command.h"
#include "list_kinds.h"
#include "message.h"
#include "output.h"
#include "policy_option.h"
#include "progress.h"
#include "report_runs.h"
#include "screen.h"
#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/log.h"
#include "tenure/report.h"
#include "tenure/summary.h"
#include "unfinished.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TOP_DEFAULT       10
#define SITE_TOP_DEFAULT  5
#define TOP_MAX           1000000
#define UNASKED_EVENTS    2000000  /* a log with more is replayed only when that is asked for */
#define UNASKED_REPLAY    20000000 /* events replayed unasked, at most about: two seconds of one core */
#define UNASKED_ROUNDS    24       /* replays of a change: six on each of the four models of the default */
#define RUNTIME_SITES_MAX 10       /* loaded beyond the ones to show: the report leaves them out of lists */
#define THRESHOLDS_MAX    TN_GIVEN_MAX
#define NAME_BYTES        64

struct report_request {
    const struct tn_report_format *format;
    struct tn_screen screen;                          /* where it goes */
    uint64_t top;                                     /* findings; 0: all */
    bool has_top;                                     /* --top was given */
    uint64_t site_top;                                /* sites in each list; 0: all */
    enum tn_confidence least;                         /* of the findings to show */
    const char *code;                                 /* as tn_report.code */
    const char *policies;                             /* --policy; NULL: not given */
    const char *named;                                /* --finding; NULL: not given */
    bool is_saved;                                    /* findings go into the log as well */
    struct tn_analyze_options analyze;                /* its values are those below */
    struct tn_threshold_value values[THRESHOLDS_MAX]; /* as many as analyze.value_count */
    char names[THRESHOLDS_MAX][NAME_BYTES];           /* of the values */
};

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
static int take_threshold(struct report_request *request, const char *text, struct tn_error *error)
{
    size_t index = request->analyze.value_count;
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    char *end = NULL;
    double value = equals != NULL ? strtod(equals + 1, &end) : 0;
    if (length == 0 || length >= NAME_BYTES || end == equals + 1 || *end != '\0' || index == THRESHOLDS_MAX)
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

static int take_thresholds(const struct tn_arguments *arguments, struct report_request *request,
                           struct tn_error *error)
{
    size_t position = 0;
    int r = 0;
    for (const char *text; r == 0 && (text = tn_option_next(arguments, "threshold", &position)) != NULL;)
        r = take_threshold(request, text, error);
    request->analyze.values = request->values;
    return r;
}

static int check_options(const struct tn_arguments *arguments, struct report_request *request,
                         struct tn_error *error)
{
    struct tn_analyze_options *analyze = &request->analyze;
    int r = check_format(arguments, &request->format, error);
    if (r == 0)
        r = check_confidence(arguments, &request->least, error);
    if (r == 0)
        r = check_code(arguments, &request->code, error);
    if (r == 0)
        r = tn_option_count(arguments, "top", 0, TOP_MAX, TOP_DEFAULT, &request->top, error);
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
    request->site_top = request->has_top ? request->top : SITE_TOP_DEFAULT;
    if (r == 0)
        r = tn_screen_read(arguments, tn_option_text(arguments, "output"), &request->screen, error);
    request->policies = tn_option_text(arguments, "policy");
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

/* The newest file of the working directory that is named as `record` names logs; NULL: there is none. The
 * caller frees it. */
static char *find_newest_log(void)
{
    glob_t found;
    if (glob("tenure.*.db", GLOB_NOSORT, NULL, &found) != 0)
        return NULL;
    const char *newest = NULL;
    struct timespec newest_time = {0};
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat status;
        if (stat(found.gl_pathv[i], &status) < 0)
            continue;
        struct timespec time = status.st_mtim;
        if (newest == NULL || time.tv_sec > newest_time.tv_sec ||
            (time.tv_sec == newest_time.tv_sec && time.tv_nsec > newest_time.tv_nsec)) {
            newest = found.gl_pathv[i];
            newest_time = time;
        }
    }
    char *path = newest != NULL ? strdup(newest) : NULL;
    globfree(&found);
    return path;
}

static int print_report(const struct report_request *request, const struct tn_summary *summary,
                        const struct tn_findings *findings)
{
    struct tn_report report = {.summary = summary,
                               .findings = findings,
                               .kinds = tn_kinds,
                               .least = request->least,
                               .code = request->code,
                               .named = request->named,
                               .finding_max = (size_t)request->top,
                               .folds_libraries = true,
                               .has_whole = !request->has_top,
                               .site_max = (size_t)request->site_top,
                               .style = request->screen.style};
    struct tn_buffer text = {0};
    bool is_text = strcmp(request->format->name, "text") == 0;
    int status = TN_STATUS_MACHINE;
    if (request->format->write(&report, &text) < 0)
        tn_say("cannot write the report: out of memory");
    else
        status = is_text ? tn_screen_write(&request->screen, &text)
                         : tn_output_write(request->screen.output, &text);
    tn_buffer_finish(&text);
    return status;
}

/* Measured effects are told beside the findings; their order stays. */
static int measure(struct tn_log *log, const char *policies, const struct tn_what_if_effort *effort,
                   struct tn_findings *findings, struct tn_error *error)
{
    struct tn_what_if_model models[TN_POLICY_OPTION_MAX];
    struct tn_progress progress = {.what = "replaying"};
    struct tn_what_if_effort shown = *effort;
    size_t model_count = 0;
    char *names = strdup(policies); /* borrowed by models */
    int r = names != NULL
                ? tn_policy_option_models("option '--policy' of 'report'", names, models, &model_count, error)
                : tn_error_set(error, -ENOMEM, "cannot measure: out of memory");
    shown.progress = tn_progress_show;
    shown.user = &progress;
    if (r == 0)
        r = tn_measure_findings(log, models, model_count, &shown, findings, error);
    tn_progress_end(&progress);
    free(names);
    if (r < 0)
        tn_findings_finish(findings);
    return r;
}

/* Measure the findings where that was asked for, and unasked where the log is so small that it takes a
 * moment. */
static int measure_as_asked(const struct report_request *request, struct tn_log *log,
                            const struct tn_summary *summary, struct tn_findings *findings,
                            struct tn_error *error)
{
    const char *own = tn_report_own_library(summary);
    const struct tn_what_if_effort full = {.finding_max = TN_MEASURE_FINDINGS_MAX, .own_library = own};
    if (request->policies != NULL)
        return strcmp(request->policies, "none") != 0
                   ? measure(log, request->policies, &full, findings, error)
                   : 0;
    uint64_t events = summary->totals.allocations + summary->totals.frees;
    if (!summary->is_finished || events > UNASKED_EVENTS || events == 0)
        return 0;
    uint64_t changes = UNASKED_REPLAY / UNASKED_ROUNDS / events; /* the unchanged events are one of them */
    struct tn_what_if_effort quick = {.finding_max = changes > TOP_DEFAULT ? TOP_DEFAULT : (size_t)changes,
                                      .own_library = own};
    return changes < 2 ? 0 : measure(log, TN_POLICY_OPTION_DEFAULT, &quick, findings, error);
}

static int load_summary(struct tn_log *log, uint64_t process_id, size_t site_top,
                        struct tn_summary *ret_summary, struct tn_error *error)
{
    int r = tn_summary_load(log, process_id, site_top, ret_summary, error);
    if (r < 0)
        return r;
    r = tn_summary_load_links(log, ret_summary, error);
    if (r < 0)
        tn_summary_finish(ret_summary);
    return r;
}

/* Load summary and findings; the log is closed again, the report needs none. */
static int load(const struct report_request *request, const char *path, struct tn_summary *ret_summary,
                struct tn_findings *ret_findings, struct tn_error *error)
{
    struct tn_log *log = NULL;
    int r = tn_open_finished(path, &log, error);
    if (r < 0)
        return r;
    size_t site_top = request->site_top != 0 ? (size_t)request->site_top + RUNTIME_SITES_MAX : TOP_MAX;
    r = load_summary(log, request->analyze.process_id, site_top, ret_summary, error);
    if (r == 0) {
        struct tn_progress progress = {.what = "analysing"};
        struct tn_analyze_options options = request->analyze;
        options.process_id = ret_summary->process_id;
        options.progress = tn_progress_show;
        options.user = &progress;
        r = tn_analyze(log, tn_kinds, &options, ret_findings, error);
        tn_progress_end(&progress);
        if (r == 0)
            r = measure_as_asked(request, log, ret_summary, ret_findings, error);
        if (r < 0)
            tn_summary_finish(ret_summary);
    }
    tn_log_close(log);
    return r;
}

/* Each name has to be that of a finding. */
static int check_names(const char *names, const struct tn_findings *findings, struct tn_error *error)
{
    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ",");
        if (tn_findings_find(findings, at, length) == NULL)
            return tn_error_set(error, -EINVAL,
                                "option '--finding' of 'report': the finding '%.*s' is not there: a report "
                                "without it tells numbers and keys",
                                (int)(length < 64 ? length : 64), at);
        at += length + (at[length] == ',');
    }
    return 0;
}

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

static int report_several(const struct report_request *request, const struct tn_arguments *arguments)
{
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
static bool is_log_output(const struct report_request *request, char *const *paths, size_t path_count)
{
    const char *output = request->screen.output;
    for (size_t i = 0; i < path_count && output != NULL; i++)
        if (tn_output_is_same(paths[i], output)) {
            tn_say("option '--output' of 'report': '%s' is the log itself; name another file", output);
            return true;
        }
    return false;
}

static int report_log(const struct report_request *request, const char *path)
{
    struct tn_error error = {0};
    struct tn_summary summary = {0};
    struct tn_findings findings = {0};
    if (load(request, path, &summary, &findings, &error) < 0)
        return tn_say_error(&error);
    int status = check_names(request->named, &findings, &error) < 0 ? tn_say_error(&error) : TN_STATUS_DONE;
    if (status == TN_STATUS_DONE && request->is_saved && tn_findings_save(path, &findings, &error) < 0)
        status = tn_say_error(&error);
    if (status == TN_STATUS_DONE)
        status = print_report(request, &summary, &findings);
    tn_findings_finish(&findings);
    tn_summary_finish(&summary);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct report_request request = {0};
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
        return report_log(&request, arguments->operands[0]);
    char *path = find_newest_log();
    if (path == NULL) {
        tn_say(
            "'report' needs a LOG: none was given, and there is no tenure.*.db in the working directory; "
            "record a program first, with 'tenure record PROGRAM'");
        return TN_STATUS_USAGE;
    }
    int status = report_log(&request, path);
    free(path);
    return status;
}

static const struct tn_option options[] = {
    {0, "format", "text|json", "how to write it (default: text)", NULL},
    {'o', "output", "FILE", "write it into FILE instead of stdout", NULL},
    {0, "top", "N", "findings, and busiest sites (default 10 and 5; 0: all)", NULL},
    {0, "only", "KIND,...", "these kinds of findings only", NULL},
    {0, "finding", "FINDING,...", "these findings only, by number or key, with all that is known\nof them",
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
    {0, "save", NULL, "also write the findings into the log's tables finding and\nfinding_site", NULL},
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
