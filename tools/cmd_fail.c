/* SPDX-License-Identifier: MIT */
/* The command `fail`: runs a program again and again, each time with another of its recorded allocations
 * failing, and reports what it makes of that. */
#include "child.h"
#include "command.h"
#include "fail_heap.h"
#include "fail_recorded.h"
#include "fail_sweep.h"
#include "install_paths.h"
#include "message.h"
#include "output.h"
#include "run_options.h"
#include "unfinished.h"

#include "tenure/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALLOWED_MAX 32

/* The formats of the report. */
static const struct {
    const char *name;
    int (*write)(const struct tn_fail_report *report, struct tn_buffer *out);
} formats[] = {
    {"text", tn_fail_write_text},
    {"json", tn_fail_write_json},
    {"junit", tn_fail_write_junit},
    {"html", tn_fail_write_html},
};

/* The command line, checked. */
struct request {
    const struct tn_arguments *arguments;
    struct tn_fail_sweep sweep;
    uint64_t site, stack; /* 0: not given */
    bool has_all, is_by_stack, has_libraries;
    int allowed[ALLOWED_MAX];
    size_t format;
    struct tn_buffer command, options, identity; /* as a shell needs them; of the store */
    char program[PATH_MAX];
    char folder[PATH_MAX];
    char library[PATH_MAX];
    char input[PATH_MAX];
    uint64_t library_count, unreachable_count;
};

static int refuse(struct tn_error *error, const char *option, const char *value, const char *wanted)
{
    return tn_error_set(error, -EINVAL, "option '--%s' of 'fail': '%s' is not %s; see 'tenure fail --help'",
                        option, value, wanted);
}

/* ---------------------------------------------------------------------------------------- options */

static int check_turn(struct request *request, struct tn_error *error)
{
    const char *value = tn_option_text(request->arguments, "occurrence");
    request->sweep.occurrence = 1;
    if (value == NULL || strcmp(value, "first") == 0)
        return 0;
    if (strcmp(value, "last") == 0)
        request->sweep.turn = TN_FAIL_TURN_LAST;
    else if (strcmp(value, "random") == 0)
        request->sweep.turn = TN_FAIL_TURN_RANDOM;
    else if (value[0] >= '1' && value[0] <= '9' && value[strspn(value, "0123456789")] == '\0')
        request->sweep.occurrence = strtoull(value, NULL, 10);
    else
        return refuse(error, "occurrence", value, "first, last, random or a number from 1");
    return 0;
}

/* "1,2,5" */
static int check_allowed(struct request *request, struct tn_error *error)
{
    const char *value = tn_option_text(request->arguments, "ok-status");
    for (const char *at = value; at != NULL && *at != '\0';) {
        char *end;
        long status = strtol(at, &end, 10);
        if (end == at || (*end != '\0' && *end != ',') || status < 0 || status > 255 ||
            request->sweep.allowed_count == ALLOWED_MAX)
            return refuse(error, "ok-status", value, "a list of exit statuses, as in 1,2");
        request->allowed[request->sweep.allowed_count++] = (int)status;
        at = *end == ',' ? end + 1 : end;
    }
    request->sweep.allowed = request->allowed;
    return 0;
}

static int check_format(struct request *request, struct tn_error *error)
{
    const char *value = tn_option_text(request->arguments, "format");
    for (size_t i = 0; value != NULL && i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(formats[i].name, value) == 0) {
            request->format = i;
            return 0;
        }
    return value == NULL ? 0 : refuse(error, "format", value, "text, json, junit or html");
}

static int check_by(struct request *request, struct tn_error *error)
{
    const char *value = tn_option_text(request->arguments, "by");
    request->is_by_stack = request->stack != 0 || (value != NULL && strcmp(value, "stack") == 0);
    if (value == NULL || strcmp(value, "stack") == 0 || strcmp(value, "site") == 0)
        return 0;
    return refuse(error, "by", value, "site or stack");
}

static unsigned count_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* What says which allocation fails. */
static int check_choice(struct request *request, struct tn_error *error)
{
    const struct tn_arguments *arguments = request->arguments;
    request->has_all = tn_option_is_given(arguments, "all");
    request->has_libraries = tn_option_is_given(arguments, "libraries");
    request->sweep.command.is_persistent = tn_option_is_given(arguments, "persistent");
    int r = tn_option_count(arguments, "site", 1, INT64_MAX, 0, &request->site, error);
    if (r == 0)
        r = tn_option_count(arguments, "stack", 1, INT64_MAX, 0, &request->stack, error);
    if (r == 0)
        r = tn_option_bytes(arguments, "heap", 1, INT64_MAX, 0, &request->sweep.command.limit_bytes, error);
    if (r == 0)
        r = check_by(request, error);
    if (r == 0)
        r = tn_fail_heap_read(request->arguments, &request->sweep.command, error);
    if (r < 0)
        return r;
    int given = (request->site != 0) + (request->stack != 0) + request->has_all +
                (request->sweep.command.limit_bytes != 0);
    if (given != 1)
        return tn_error_set(
            error, -EINVAL,
            "'fail' needs one of --all, --site N, --stack N and --heap BYTES; see 'tenure fail "
            "--help'");
    return 0;
}

static int check_options(struct request *request, struct tn_error *error)
{
    const struct tn_arguments *arguments = request->arguments;
    struct tn_fail_command *command = &request->sweep.command;
    uint64_t jobs = 0;
    int r = check_choice(request, error);
    if (r == 0)
        r = check_turn(request, error);
    if (r == 0)
        r = tn_option_count(arguments, "seed", 0, INT64_MAX, 1, &request->sweep.seed, error);
    if (r == 0)
        r = check_allowed(request, error);
    if (r == 0)
        r = check_format(request, error);
    if (r == 0)
        r = tn_run_read_options(arguments, "fail", command, request->input, error);
    /* Servers share their ports. */
    if (r == 0)
        r = tn_option_count(arguments, "jobs", 1, 64, command->drive != NULL ? 1 : count_processors(), &jobs,
                            error);
    request->sweep.jobs = (unsigned)jobs;
    command->check = tn_option_text(arguments, "check");
    return r;
}

/* ---------------------------------------------------------------------------------------- texts */

/* The options that a single run needs to be like the runs of this sweep. */
static int print_options(struct request *request)
{
    static const char *const kept[] = {"policy", "pointer-size", "heap",  "ok-status", "timeout",
                                       "stdin",  "setup",        "check", "ready",     "drive"};
    struct tn_buffer *out = &request->options;
    int r = tn_buffer_print(out, "%s", request->sweep.command.is_persistent ? "--persistent " : "");
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && r == 0; i++) {
        const char *value = tn_option_text(request->arguments, kept[i]);
        if (value == NULL)
            continue;
        r = tn_buffer_print(out, "--%s ", kept[i]);
        if (r == 0)
            r = tn_fail_quote(out, value);
        if (r == 0)
            r = tn_buffer_print(out, " ");
    }
    return r;
}

/* What results are of: kept ones of anything else would be wrong here. */
static int print_identity(struct request *request, struct tn_log *log)
{
    const char *occurrence = tn_option_text(request->arguments, "occurrence");
    return tn_buffer_print(
        &request->identity, "%" PRId64 " allocations, %" PRId64 " ns, by %s, %s, seed %" PRIu64 ", %s%s",
        tn_log_meta_int(log, "allocations", 0), tn_log_meta_int(log, "duration_ns", 0),
        request->is_by_stack ? "stack" : "site", occurrence != NULL ? occurrence : "first",
        request->sweep.seed, (const char *)request->options.data, (const char *)request->command.data);
}

/* ---------------------------------------------------------------------------------------- the runs */

static int find_program(struct request *request)
{
    struct tn_error error;
    struct tn_fail_command *command = &request->sweep.command;
    int status = tn_run_find_program(command, request->program);
    if (status == TN_STATUS_DONE &&
        tn_install_paths_find_library(TN_LIBRARY_INJECT, request->library, &error) < 0)
        status = tn_say_error(&error);
    command->library = request->library;
    return status;
}

/* Choose the subjects of the runs. */
static int choose(struct request *request, const struct tn_fail_subjects *subjects, struct tn_error *error)
{
    struct tn_fail_sweep *sweep = &request->sweep;
    uint64_t id = request->site != 0 ? request->site : request->stack;
    sweep->chosen = calloc(subjects->count + 1, sizeof(const struct tn_fail_subject *));
    sweep->subjects = subjects;
    if (sweep->chosen == NULL)
        return tn_error_set(error, -ENOMEM, "cannot choose sites: out of memory");
    if (request->sweep.command.limit_bytes != 0) {
        sweep->chosen_count = 1;
        return 0;
    }
    for (size_t i = 0; i < subjects->count && request->has_all; i++) {
        const struct tn_fail_subject *subject = &subjects->items[i];
        if (subject->is_library && !request->has_libraries)
            request->library_count++;
        else if (subject->place_count == 0)
            request->unreachable_count++;
        else
            sweep->chosen[sweep->chosen_count++] = subject;
    }
    if (request->has_all)
        return 0;
    const struct tn_fail_subject *subject = tn_fail_subject_find(subjects, id);
    if (subject == NULL)
        return tn_error_set(error, -EINVAL, "option '--%s' of 'fail': the log has no %s %" PRIu64,
                            request->site != 0 ? "site" : "stack", request->site != 0 ? "site" : "stack", id);
    if (subject->place_count == 0)
        return tn_error_set(
            error, -EBADMSG,
            "%s cannot be made to fail: a file that its calls lie in is not what was recorded; record "
            "again",
            subject->place);
    sweep->chosen[sweep->chosen_count++] = subject;
    return 0;
}

static bool has_bad(const struct tn_fail_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        if (tn_fail_class_is_bad(results->items[i].class))
            return true;
    return false;
}

static int write_report(struct request *request, const struct tn_fail_subjects *subjects)
{
    struct tn_buffer out = {0};
    struct tn_fail_sweep *sweep = &request->sweep;
    tn_fail_results_sort(&sweep->results);
    struct tn_fail_report report = {
        .results = &sweep->results,
        .log = request->arguments->operands[0],
        .command = (const char *)request->command.data,
        .options = (const char *)request->options.data,
        .baseline = &sweep->baseline,
        .is_by_stack = request->is_by_stack,
        .subject_count = subjects->count,
        .library_count = request->library_count,
        .unreachable_count = request->unreachable_count,
        .duration_ns = sweep->duration_ns,
    };
    int status = TN_STATUS_MACHINE;
    if (formats[request->format].write(&report, &out) == 0)
        status = tn_output_write(tn_option_text(request->arguments, "output"), &out);
    else
        tn_say("cannot write the report: out of memory");
    tn_buffer_finish(&out);
    if (status != TN_STATUS_DONE)
        return status;
    return has_bad(&sweep->results) ? TN_STATUS_NO : TN_STATUS_DONE;
}

static void say_stopped(const struct request *request)
{
    tn_say("stopped after %zu of %zu runs%s", request->sweep.results.count, request->sweep.chosen_count,
           request->sweep.store != NULL ? "; the same command goes on from there"
                                        : "; with --results FILE a sweep can be gone on with");
}

static int run_sweep(struct request *request, struct tn_log *log, const struct tn_fail_subjects *subjects)
{
    struct tn_error error;
    const char *kept = tn_option_text(request->arguments, "results");
    struct tn_fail_sweep *sweep = &request->sweep;
    int r = kept != NULL ? tn_fail_store_open(kept, (const char *)request->identity.data, &sweep->store,
                                              &sweep->results, &error)
                         : 0;
    if (r == 0)
        r = tn_run_make_folder("fail", &sweep->command, request->folder, &error);
    if (r < 0)
        return tn_say_error(&error);
    tn_signals_catch();
    r = tn_fail_sweep_run(sweep, &error);
    if (r == 0 && !request->has_all && sweep->results.count == 1 && sweep->results.items[0].leaked_count > 0)
        r = tn_fail_leaks_find(sweep, log, &error);
    tn_fail_folder_remove(request->folder);
    if (sweep->is_stopped)
        say_stopped(request);
    if (r < 0)
        return tn_say_error(&error);
    if (sweep->is_stopped && sweep->results.count == 0)
        return TN_STATUS_MACHINE;
    int status = write_report(request, subjects);
    return status == TN_STATUS_DONE && sweep->is_stopped ? TN_STATUS_MACHINE : status;
}

static int run_log(struct request *request, struct tn_log *log)
{
    struct tn_error error;
    struct tn_fail_subjects subjects;
    int r = tn_fail_subjects_load(log, request->is_by_stack, &subjects, &error);
    if (r == 0)
        r = choose(request, &subjects, &error);
    if (r == 0 && (print_options(request) < 0 ||
                   tn_fail_quote_command(&request->command, request->sweep.command.argv) < 0 ||
                   print_identity(request, log) < 0))
        r = tn_error_set(&error, -ENOMEM, "cannot start: out of memory");
    int status = r < 0 ? tn_say_error(&error) : run_sweep(request, log, &subjects);
    tn_fail_store_close(request->sweep.store);
    tn_fail_results_finish(&request->sweep.results);
    free(request->sweep.chosen);
    tn_fail_subjects_finish(&subjects);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct request request = {.arguments = arguments};
    struct tn_error error;
    struct tn_log *log = NULL;
    request.sweep.command.argv = arguments->operands + 1;
    if (check_options(&request, &error) < 0)
        return tn_say_error(&error);
    int status = find_program(&request);
    if (status != TN_STATUS_DONE)
        return status;
    if (tn_open_finished(arguments->operands[0], &log, &error) < 0)
        return tn_say_error(&error);
    tn_say_unfinished(log);
    status = run_log(&request, log);
    tn_log_close(log);
    tn_buffer_finish(&request.command);
    tn_buffer_finish(&request.options);
    tn_buffer_finish(&request.identity);
    return status;
}

static const struct tn_option options[] = {
    {0, "all", NULL, "a run for each site of the log", NULL},
    {0, "site", "ID", "one run: a site, by its id in the log", NULL},
    {0, "stack", "ID", "one run: a call stack, by its id in the log", NULL},
    {0, "heap", "BYTES", "one run: whatever would make more than BYTES live fails", NULL},
    {0, "policy", "P",
     "with --heap: a model of a heap, as simulate has them: what finds no\nplace in it fails", NULL},
    {0, "pointer-size", "4|8", "of the machine that is modelled (default: this one's)", NULL},
    {0, "by", "site|stack", "with --all: what a run is for (default: site)", NULL},
    {0, "libraries", NULL, "with --all: sites in the system's libraries, too", NULL},
    {0, "occurrence", "first|last|random|N",
     "which allocation of the site fails, by the log's count (default:\nfirst)", NULL},
    {0, "seed", "N", "for --occurrence random (default: 1)", NULL},
    {0, "persistent", NULL, "all allocations of the site from that one on fail", NULL},
    {0, "timeout", "TIME",
     "a run that takes longer is hung: 30s (default: ten times what the\nprogram takes without "
     "a failure, at least 10s)",
     NULL},
    {0, "jobs", "N", "runs at once (default: the processors; 1 with --drive)", NULL},
    {0, "stdin", "FILE", "the program's standard input (default: /dev/null)", NULL},
    {0, "setup", "COMMAND",
     "each run gets an empty folder, this shell command fills it, and the\nprogram runs there", NULL},
    {0, "check", "COMMAND",
     "this shell command judges a run, 0: right; it finds $TENURE_STATUS,\n$TENURE_STDOUT and $TENURE_STDERR "
     "(default: the program's own\noutput is compared)",
     NULL},
    {0, "drive", "COMMAND",
     "the program is a server: run this shell command twice once it is\nready, then stop it by SIGTERM",
     NULL},
    {0, "ready", "port:N|line:TEXT|time:SECONDS", "when a server is ready", NULL},
    {0, "ok-status", "N,...", "exit statuses with which the program reports a failure in order", NULL},
    {0, "results", "FILE", "keep results in a SQLite file; a sweep that was stopped goes on", NULL},
    {0, "format", "text|json|junit|html", "of the report (default: text)", NULL},
    {'o', "output", "FILE", "write the report into FILE instead of stdout", NULL},
};

const struct tn_command tn_command_fail = {
    .name = "fail",
    .summary = "Make allocations fail where they were recorded, and see what the program does",
    .usage = "LOG --all|--site ID|--stack ID|--heap BYTES [OPTIONS] -- PROGRAM [ARGS...]",
    .details =
        "A run makes one allocation fail: malloc and the like return NULL, operator new throws. What the "
        "program\n"
        "makes of it is compared with two runs in which nothing fails: handled, error-reported, leaked,\n"
        "wrong-output, hung, crashed, corrupted. The program needs no rebuild; nothing is recorded.\n"
        "Exit status 1: some run crashed, hung, corrupted its heap or gave wrong output.\n\n"
        "Example: tenure fail app.db --all -- ./app input.xml\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 2,
                .operand_max = SIZE_MAX,
                .operands = "a LOG and a PROGRAM"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
