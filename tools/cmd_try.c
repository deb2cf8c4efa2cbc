/* SPDX-License-Identifier: MIT */
/* The command `try`: chooses findings of a log, has them applied in the program by a second allocator, and
 * says which of them the program confirms. */
#include "child.h"
#include "chosen_findings.h"
#include "command.h"
#include "fail_heap.h"
#include "install_paths.h"
#include "message.h"
#include "output.h"
#include "progress.h"
#include "run_options.h"
#include "try_measure.h"
#include "try_worker.h"
#include "unfinished.h"

#include "tenure/analyze.h"
#include "tenure/kinds.h"
#include "tenure/log.h"
#include "tenure/planner.h"
#include "tenure/simulate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_DEFAULT 3

/* The command line, checked, and what is made of it. */
struct try_request {
    const struct tn_arguments *arguments;
    struct tn_try_runs runs;
    struct tn_try_worker worker;
    const char *plan;
    bool is_json, is_saved;
    uint64_t process_id;
    struct tn_findings findings;
    struct tn_chosen_findings chosen; /* borrowed from findings */
    struct tn_try_report report;
    struct tn_buffer command; /* as a shell needs it */
    char program[PATH_MAX], folder[PATH_MAX], library[PATH_MAX], heap_library[PATH_MAX], input[PATH_MAX],
        file[PATH_MAX + 8];
};

/* ---------------------------------------------------------------------------------------- options */

static int check_format(struct try_request *request, struct tn_error *error)
{
    const char *value = tn_option_text(request->arguments, "format");
    request->is_json = value != NULL && strcmp(value, "json") == 0;
    if (value == NULL || request->is_json || strcmp(value, "text") == 0)
        return 0;
    return tn_error_set(error, -EINVAL,
                        "option '--format' of 'try': unknown format '%s': there are text and json", value);
}

/* A log that exists is not written over unasked. */
static int check_output(struct try_request *request, struct tn_error *error)
{
    request->runs.log = tn_option_text(request->arguments, "output");
    if (request->runs.log == NULL || tn_option_is_given(request->arguments, "force") ||
        access(request->runs.log, F_OK) < 0)
        return 0;
    return tn_error_set(error, -EEXIST,
                        "cannot write the log '%s': it exists already; give another name with --output, or "
                        "--force to replace it",
                        request->runs.log);
}

static int check_options(struct try_request *request, struct tn_error *error)
{
    const struct tn_arguments *arguments = request->arguments;
    struct tn_fail_command *command = &request->runs.command;
    uint64_t pairs = 0;
    request->plan = tn_option_text(arguments, "plan");
    request->is_saved = tn_option_is_given(arguments, "save");
    if (request->plan == NULL)
        return tn_error_set(error, -EINVAL,
                            "'try' needs '--plan': findings by number, key or letter, as 'tenure report' "
                            "tells them, or all; see 'tenure try --help'");
    int r = tn_run_read_options(arguments, "try", command, request->input, error);
    command->drives_once = true;
    if (r == 0)
        r = tn_option_bytes(arguments, "heap", 1, INT64_MAX, 0, &command->limit_bytes, error);
    if (r == 0)
        r = tn_fail_heap_read(arguments, command, error);
    if (r == 0)
        r = tn_option_count(arguments, "runs", 0, TN_TRY_RUNS_MAX, PAIRS_DEFAULT, &pairs, error);
    request->runs.pair_count = (size_t)pairs;
    if (r == 0)
        r = tn_option_count(arguments, "process", 1, INT64_MAX, 0, &request->process_id, error);
    if (r == 0)
        r = check_format(request, error);
    return r == 0 ? check_output(request, error) : r;
}

/* ---------------------------------------------------------------------------------------- findings */

static int analyze(struct try_request *request, struct tn_log *log, struct tn_error *error)
{
    struct tn_progress progress = {.what = "analysing", .has_lines = true};
    struct tn_analyze_options options = {
        .process_id = request->process_id,
        .min_allocations = TN_MIN_ALLOCATIONS,
        .only = "all",
        .planner = &tn_planner,
        .progress = tn_progress_show,
        .user = &progress,
    };
    int r = tn_analyze(log, tn_kinds, &options, &request->findings, error);
    tn_progress_end(&progress);
    return r;
}

/* Every finding that can be tried, is not doubtful, and leads at its sites. */
static void choose_all(struct try_request *request)
{
    struct tn_chosen_findings *chosen = &request->chosen;
    for (size_t i = 0; i < request->findings.count && chosen->count < TN_CHOSEN_MAX; i++) {
        const struct tn_finding *finding = &request->findings.items[i];
        if (finding->confidence != TN_CONFIDENCE_WEAK && !finding->has_given_way &&
            tn_try_reason(finding) == NULL && tn_what_if_applies(finding) &&
            !tn_what_if_is_folded(finding, NULL))
            chosen->items[chosen->count++] = finding;
    }
}

static int choose(struct try_request *request, struct tn_log *log, struct tn_error *error)
{
    int r = 0;
    if (strcmp(request->plan, "all") == 0)
        choose_all(request);
    else
        r = tn_choose_findings(&request->findings, "try", request->plan, &request->chosen, error);
    if (r == 0 && request->chosen.count == 0)
        r = tn_error_set(error, -EBADMSG,
                         "'%s' has no finding that can be tried: 'tenure report' tells what it has",
                         tn_log_path(log));
    return r;
}

/* What each finding says that the log has. */
static int claim(struct try_request *request, struct tn_log *log, struct tn_error *error)
{
    uint64_t calls[TN_CHOSEN_MAX] = {0};
    struct tn_try_report *report = &request->report;
    report->results = calloc(request->chosen.count, sizeof(*report->results));
    if (report->results == NULL)
        return tn_error_set(error, -ENOMEM, "cannot try findings: out of memory");
    report->result_count = request->chosen.count;
    for (size_t i = 0; i < report->result_count; i++)
        report->results[i].finding = request->chosen.items[i];
    int r = tn_what_if_claims(log, request->findings.process_id, request->chosen.items, request->chosen.count,
                              calls, error);
    for (size_t i = 0; i < report->result_count && r == 0; i++)
        report->results[i].claimed_calls = calls[i];
    return r;
}

/* Findings of another program have places that this one has not. */
static int check_places(const struct try_request *request, struct tn_error *error)
{
    const struct tn_try_report *report = &request->report;
    size_t places = 0, missing = 0, tried = 0;
    for (size_t i = 0; i < report->result_count; i++) {
        tried += report->results[i].verdict != TN_TRY_LEFT_OUT;
        places += report->results[i].place_count;
        missing += report->results[i].missing_count;
    }
    if (tried == 0)
        return tn_error_set(error, -EINVAL, "option '--plan' of 'try': the finding %u cannot be tried: %s",
                            report->results[0].finding->rank, report->results[0].reason);
    if (places != missing)
        return 0;
    return tn_error_set(
        error, -EBADMSG,
        "0 of %zu places of the plan are in files as they were recorded: '%s' was built anew, or "
        "moved; record it again",
        places, request->runs.command.argv[0]);
}

static int write_file(struct try_request *request, struct tn_log *log, struct tn_error *error)
{
    struct tn_buffer text = {0};
    int r = tn_try_plan_write(log, request->report.results, request->report.result_count, &text, error);
    if (r == 0)
        r = check_places(request, error);
    if (r == 0)
        r = tn_run_write_file(request->file, text.data, text.size_bytes, error);
    tn_buffer_finish(&text);
    return r;
}

/* ---------------------------------------------------------------------------------------- the runs */

/* What reached the heap, from the recordings. */
static int read_recording(const char *path, struct tn_try_side *side, struct tn_error *error)
{
    struct tn_log *log = NULL;
    int r = tn_open_finished(path, &log, error);
    if (r < 0)
        return r;
    r = tn_try_measure(log, side, error);
    tn_log_close(log);
    return r;
}

static const char *print_now(char text[32])
{
    time_t now = time(NULL);
    struct tm parts;
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    return text;
}

static int run_all(struct try_request *request, struct tn_error *error)
{
    struct tn_try_report *report = &request->report;
    char now[32];
    tn_signals_catch();
    int r = tn_try_worker_run(&request->worker, &request->runs, report, error);
    if (r == 0)
        r = tn_try_results_read(request->runs.result, request->program, print_now(now), report, error);
    if (r == 0)
        r = read_recording(request->runs.without_log, &report->without, error);
    if (r == 0)
        r = read_recording(request->runs.with_log, &report->with, error);
    report->without.calls = report->without.heap_calls;
    report->with.calls = report->with.heap_calls + tn_try_served_calls(report);
    return r;
}

static int save(struct try_request *request, const char *log, struct tn_error *error)
{
    int r = 0;
    for (size_t i = 0; i < request->report.result_count && r == 0; i++) {
        const struct tn_try_result *result = &request->report.results[i];
        if (result->verdict != TN_TRY_REFUTED)
            continue;
        struct tn_finding refuted = *result->finding; /* only read */
        refuted.refuted_by = result->refutation;
        r = tn_finding_save_refuted(log, request->findings.process_id, &refuted, error);
        request->report.is_saved = r == 0;
    }
    return r;
}

static int answer(const struct try_request *request)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    int r = request->is_json ? tn_try_write_json(&request->report, &text)
                             : tn_try_write_text(&request->report, &text);
    if (r < 0)
        tn_say("cannot print the trial: out of memory");
    else
        status = tn_print_out(&text);
    tn_buffer_finish(&text);
    return status == TN_STATUS_DONE && tn_try_has_refuted(&request->report) ? TN_STATUS_NO : status;
}

static int try_log(struct try_request *request, const char *path, struct tn_log *log)
{
    struct tn_error error;
    struct tn_try_report *report = &request->report;
    int r = tn_fail_quote_command(&request->command, request->runs.command.argv) < 0
                ? tn_error_set(&error, -ENOMEM, "cannot start: out of memory")
                : 0;
    report->log = path;
    report->plan = request->plan;
    report->command = (const char *)request->command.data;
    report->record = request->runs.log;
    report->heap_bytes = request->runs.command.limit_bytes;
    report->policy = request->runs.command.policy;
    if (r == 0)
        r = analyze(request, log, &error);
    if (r == 0)
        r = choose(request, log, &error);
    if (r == 0)
        r = claim(request, log, &error);
    if (r == 0)
        r = write_file(request, log, &error);
    if (r == 0)
        r = run_all(request, &error);
    if (r == 0 && request->is_saved)
        r = save(request, path, &error);
    return r < 0 ? tn_say_error(&error) : answer(request);
}

static void finish(struct try_request *request)
{
    tn_try_worker_end(&request->worker);
    if (request->folder[0] != '\0')
        tn_fail_folder_remove(request->folder);
    tn_try_results_finish(request->report.results, request->report.result_count);
    tn_findings_finish(&request->findings);
    tn_buffer_finish(&request->command);
    free(request);
}

/* Before the log is read, which takes memory. */
static int start_worker(struct try_request *request, struct tn_error *error)
{
    int r = tn_run_make_folder("try", &request->runs.command, request->folder, error);
    if (r < 0) {
        request->folder[0] = '\0';
        return r;
    }
    snprintf(request->file, sizeof(request->file), "%s/plan", request->folder);
    request->runs.file = request->file;
    request->runs.library = request->library;
    request->runs.heap_library = request->heap_library;
    return tn_try_worker_start(&request->runs, &request->worker, error);
}

static int run_request(struct try_request *request)
{
    struct tn_error error;
    struct tn_log *log = NULL;
    const struct tn_arguments *arguments = request->arguments;
    request->runs.command.argv = arguments->operands + 1;
    if (check_options(request, &error) < 0)
        return tn_say_error(&error);
    int status = tn_run_find_program(&request->runs.command, request->program);
    if (status != TN_STATUS_DONE)
        return status;
    if (tn_install_paths_find_library(TN_LIBRARY_TRIAL, request->library, &error) < 0 ||
        tn_install_paths_find_library(TN_LIBRARY_INJECT, request->heap_library, &error) < 0 ||
        start_worker(request, &error) < 0 || tn_open_finished(arguments->operands[0], &log, &error) < 0)
        return tn_say_error(&error);
    tn_say_unfinished(log);
    status = try_log(request, arguments->operands[0], log);
    tn_log_close(log);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct try_request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        tn_say("cannot try findings: out of memory");
        return TN_STATUS_MACHINE;
    }
    request->arguments = arguments;
    int status = run_request(request);
    finish(request);
    return status;
}

static const struct tn_option options[] = {
    {0, "plan", "FINDING,...|all",
     "findings, by number or key, or steps of the plan, by letter, as\n'tenure report' prints them; all: "
     "all that can be tried",
     NULL},
    {0, "heap", "BYTES", "what is left to the heap has to do with so many bytes", NULL},
    {0, "policy", "P", "with --heap: a model of a heap, as simulate has them", NULL},
    {0, "pointer-size", "4|8", "of the machine that is modelled (default: this one's)", NULL},
    {0, "runs", "N", "pairs of runs that are timed (default: 3)", NULL},
    {0, "process", "ID", "whose findings (default: the process with most allocations)", NULL},
    {0, "timeout", "TIME", "a run that takes longer is hung (default: ten times the first one)", NULL},
    {0, "stdin", "FILE", "the program's standard input (default: /dev/null)", NULL},
    {0, "setup", "COMMAND",
     "each run gets an empty folder, this shell command fills it, and the\nprogram runs there", NULL},
    {0, "drive", "COMMAND",
     "the program is a server: run this shell command once it is ready,\nthen stop it by SIGTERM", NULL},
    {0, "ready", "port:N|line:TEXT|time:SECONDS", "when a server is ready", NULL},
    {0, "save", NULL, "write what is refuted into LOG: reports leave it out from then on", NULL},
    {'o', "output", "LOG", "keep the recording of the run with the plan", NULL},
    {0, "force", NULL, "replace a log of that name", NULL},
    {0, "format", "text|json", "of the report (default: text)", NULL},
};

const struct tn_command tn_command_try = {
    .name = "try",
    .summary = "Run a program with findings applied by a second allocator, and see whether they are true",
    .usage = "LOG --plan FINDING,... [OPTIONS] -- PROGRAM [ARGS...]",
    .details =
        "The program needs no change and no rebuild: blocks of the findings' places come from pools, arenas "
        "and\n"
        "buffers before they reach the heap. Each finding is confirmed, not exercised, or refuted by the "
        "first\n"
        "event that contradicts it; the run is compared with one without the plan.\n"
        "Exit status 1: a finding is refuted.\n\n"
        "Example: tenure try app.db --plan A -- ./app input.xml\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 2,
                .operand_max = SIZE_MAX,
                .operands = "a LOG and a PROGRAM"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
