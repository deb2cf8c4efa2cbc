/* SPDX-License-Identifier: MIT */
/* The command `export`: a log in the formats of other viewers. What is written in a format is lib/export's;
 * here are the options, the output, and which failure is whose. */
#include "command.h"
#include "message.h"
#include "output.h"
#include "tenure/export.h"
#include "tenure/log.h"
#include "unfinished.h"

#include <errno.h>

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

static int run(const struct tn_arguments *arguments)
{
    const char *path = tn_option_text(arguments, "output"), *log_path = arguments->operands[0];
    struct tn_export_options options = {0};
    struct tn_log *log = NULL;
    struct tn_error error;
    if (check_options(arguments, &options, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_USAGE;
    }
    if (path != NULL && tn_output_is_same(log_path, path)) {
        tn_say("option '--output' of 'export': '%s' is the log itself; name another file", path);
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
    {0, "to", "folded|speedscope|dhat|massif|heaptrack|perfetto|pprof|csv", "the format", NULL},
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
    .usage = "LOG --to FORMAT [OPTIONS]",
    .details =
        "folded: flamegraph.pl, inferno. speedscope: speedscope.app. dhat: valgrind's dh_view.html. massif:\n"
        "ms_print, massif-visualizer. heaptrack: heaptrack_print, heaptrack_gui. perfetto: ui.perfetto.dev.\n"
        "pprof: go tool pprof. csv: a spreadsheet; a row for each call stack.\n\n"
        "Metrics: allocations; bytes, that they asked for; peak, bytes live when most were; live-at-end, "
        "bytes\n"
        "never released; short-lived, allocations gone before the process asked for another 32 KiB.\n\n"
        "Example: tenure export app.db --to folded --metric peak | flamegraph.pl --countname bytes > "
        "peak.svg\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
