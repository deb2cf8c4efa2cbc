/* SPDX-License-Identifier: MIT */
/* The command `export`: a log in the formats of other viewers. What is written in a format is lib/export's;
 * here are the options, the output, and which failure is whose. */
#include "command.h"
#include "message.h"
#include "output.h"
#include "progress.h"
#include "tenure/analyze.h"
#include "tenure/export.h"
#include "tenure/export_fleet.h"
#include "tenure/kinds.h"
#include "tenure/log.h"
#include "unfinished.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The format that holds many logs; the others, of lib/export's table, hold a process of one. */
#define FLEET "postgresql"

static int check_options(const struct tn_arguments *arguments, struct tn_export_options *ret_options,
                         struct tn_error *error)
{
    const char *name = tn_option_text(arguments, "to"), *metric = tn_option_text(arguments, "metric");
    struct tn_error why;
    if (name == NULL)
        return tn_error_set(error, -EINVAL,
                            "'export' needs a format: tenure export %s --to folded; see 'tenure export "
                            "--help'",
                            arguments->operands[0]);
    if (tn_export_format_find(name, &ret_options->format, &why) < 0)
        return tn_error_set(error, -EINVAL, "option '--to' of 'export': %s", why.text);
    if (metric != NULL && tn_export_metric_find(metric, &ret_options->metric, &why) < 0)
        return tn_error_set(error, -EINVAL, "option '--metric' of 'export': %s", why.text);
    return tn_option_count(arguments, "process", 1, INT64_MAX, 0, &ret_options->process_id, error);
}

static int export_log(struct tn_log *log, struct tn_export_options *options, const char *path)
{
    struct tn_output output;
    struct tn_error error = {0};
    int status = tn_output_open(path, &output);
    if (status != TN_STATUS_DONE)
        return status;
    options->write = tn_output_append;
    options->user = &output;
    int r = tn_export(log, options, &error);
    status = tn_output_close(&output, r == 0);
    if (r == 0 || output.error < 0)
        return status;
    return tn_say_error(&error);
}

/* ---------------------------------------------------------------------------------------- many logs */

/* The device that a log is of: the name of its file, without folders and ".db". NULL: no memory; the caller
 * frees it. */
static char *device_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *device = strdup(slash != NULL ? slash + 1 : path);
    char *dot = device != NULL ? strrchr(device, '.') : NULL;
    if (dot != NULL && dot != device && strcmp(dot, ".db") == 0)
        *dot = '\0';
    return device;
}

static int add_log(const struct tn_export_fleet *fleet, struct tn_log *log, const char *path,
                   struct tn_error *error)
{
    struct tn_progress progress = {.what = "analysing"};
    struct tn_analyze_options options = {.progress = tn_progress_show, .user = &progress};
    struct tn_findings findings = {0};
    int r = tn_analyze(log, tn_kinds, &options, &findings, error);
    tn_progress_end(&progress);
    if (r < 0)
        return r;
    char *device = device_of(path);
    r = device != NULL ? tn_export_fleet_add(fleet, log, device, &findings, error)
                       : tn_error_set(error, -ENOMEM, "cannot export '%s': out of memory", path);
    free(device);
    tn_findings_finish(&findings);
    return r;
}

static int add_logs(const struct tn_export_fleet *fleet, const struct tn_arguments *arguments,
                    struct tn_error *error)
{
    int r = tn_export_fleet_begin(fleet);
    for (size_t i = 0; i < arguments->operand_count && r == 0; i++) {
        struct tn_log *log = NULL;
        r = tn_open_finished(arguments->operands[i], &log, error);
        if (r < 0)
            return r;
        tn_say_unfinished(log);
        r = add_log(fleet, log, arguments->operands[i], error);
        tn_log_close(log);
    }
    return r == 0 ? tn_export_fleet_end(fleet) : r;
}

static int export_fleet(const struct tn_arguments *arguments)
{
    struct tn_output output;
    struct tn_error error = {0};
    struct tn_export_fleet fleet = {.write = tn_output_append, .user = &output};
    if (tn_option_is_given(arguments, "metric") || tn_option_is_given(arguments, "process")) {
        tn_say("options '--metric' and '--process' of 'export': " FLEET
               " holds all metrics of all processes");
        return TN_STATUS_USAGE;
    }
    int status = tn_output_open(tn_option_text(arguments, "output"), &output);
    if (status != TN_STATUS_DONE)
        return status;
    int r = add_logs(&fleet, arguments, &error);
    status = tn_output_close(&output, r == 0);
    return r == 0 || output.error < 0 ? status : tn_say_error(&error);
}

/* ---------------------------------------------------------------------------------------- the command */

static bool is_one_of(const char *path, const struct tn_arguments *arguments)
{
    for (size_t i = 0; i < arguments->operand_count; i++)
        if (tn_output_is_same(arguments->operands[i], path))
            return true;
    return false;
}

static int run(const struct tn_arguments *arguments)
{
    const char *path = tn_option_text(arguments, "output"), *log_path = arguments->operands[0];
    struct tn_export_options options = {0};
    struct tn_log *log = NULL;
    struct tn_error error;
    const char *to = tn_option_text(arguments, "to");
    bool is_fleet = to != NULL && strcmp(to, FLEET) == 0;
    if (!is_fleet && check_options(arguments, &options, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_USAGE;
    }
    if (path != NULL && is_one_of(path, arguments)) {
        tn_say("option '--output' of 'export': '%s' is the log itself; name another file", path);
        return TN_STATUS_USAGE;
    }
    if (is_fleet)
        return export_fleet(arguments);
    if (arguments->operand_count > 1) {
        tn_say("'export' takes one log for this format; " FLEET " takes many");
        return TN_STATUS_USAGE;
    }
    if (tn_open_finished(log_path, &log, &error) < 0)
        return tn_say_error(&error);
    tn_say_unfinished(log);
    int status = export_log(log, &options, path);
    tn_log_close(log);
    return status;
}

static const struct tn_option options[] = {
    {0, "to", "folded|speedscope|dhat|massif|heaptrack|perfetto|pprof|csv|" FLEET, "the format", NULL},
    {0, "metric", "allocations|bytes|peak|live-at-end|short-lived",
     "what is said about each call stack (default: allocations);\nfolded and perfetto hold one, speedscope "
     "and "
     "pprof show this one\nfirst, the others hold what they always do",
     NULL},
    {'o', "output", "FILE", "write it into FILE instead of stdout", NULL},
    {0, "process", "ID",
     "the process to export, by its id in the log (default: the\none with most allocations)", NULL},
};

const struct tn_command tn_command_export = {
    .name = "export",
    .summary = "Write a log in the format of a flame graph or another viewer",
    .usage = "LOG... --to FORMAT [OPTIONS]",
    .details =
        "folded: flamegraph.pl, inferno. speedscope: speedscope.app. dhat: valgrind's dh_view.html. massif:\n"
        "ms_print, massif-visualizer. heaptrack: heaptrack_print, heaptrack_gui. perfetto: ui.perfetto.dev.\n"
        "pprof: go tool pprof. csv: a spreadsheet; a row for each call stack.\n"
        "postgresql: psql; recordings, sites and findings of any number of logs as tables.\n\n"
        "Metrics: allocations; bytes, that they asked for; peak, bytes live when most were; live-at-end, "
        "bytes\n"
        "never released; short-lived, allocations gone before the process asked for another 32 KiB.\n\n"
        "Example: tenure export app.db --to folded --metric peak | flamegraph.pl --countname bytes > "
        "peak.svg\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = SIZE_MAX,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
