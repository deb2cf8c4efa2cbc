/* SPDX-License-Identifier: MIT */
/* Makes the runs of `tenure try`. Neither the shim nor the second allocator must be in the tools that start
 * the program, so env(1) brings them into it, and into the runs without the plan nothing. Called by
 * cmd_try.c; each run is a process of its own (lib/fail/fail_run.c). */
#include "try_runs.h"

#include "child.h"
#include "install_paths.h"
#include "progress.h"

#include "tenure/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_TIMEOUT_NS UINT64_C(600000000000) /* nothing is known of the program yet */
#define TIMEOUT_FACTOR   10
#define TIMEOUT_LEAST_NS UINT64_C(60000000000) /* names and summaries of a recording take their time */
#define WORDS_BEFORE     12

/* How one run is made. Strings are borrowed. */
struct try_way {
    const char *log;  /* it is recorded there; NULL: it is not */
    const char *file; /* trial file; NULL: without the plan */
};

/* The words of a run. Strings are borrowed, or lie in this struct. */
struct try_words {
    char tool[PATH_MAX];
    char preload[5 * PATH_MAX], trial[PATH_MAX + 64], heap[PATH_MAX + 64];
    char *argv[]; /* ended by NULL */
};

static size_t count_words(char **argv)
{
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    return count;
}

static void append(char *list, size_t list_bytes, const char *library)
{
    size_t length = strlen(list);
    if (library != NULL && library[0] != '\0')
        snprintf(list + length, list_bytes - length, "%s%s", list[length - 1] == '=' ? "" : ":", library);
}

/* The second allocator comes first: what it serves is none of the heap's, and so not recorded. Behind the
 * shim stands the model of a small heap, which tells the shim where there is no room. */
static void print_variables(struct try_words *words, const struct tn_try_runs *runs,
                            const struct try_way *way, const char *shim)
{
    bool has_heap = runs->command.limit_bytes != 0;
    snprintf(words->preload, sizeof(words->preload), "LD_PRELOAD=");
    append(words->preload, sizeof(words->preload), way->file != NULL ? runs->library : NULL);
    append(words->preload, sizeof(words->preload), way->log != NULL ? shim : NULL);
    append(words->preload, sizeof(words->preload), has_heap ? runs->heap_library : NULL);
    append(words->preload, sizeof(words->preload), getenv("LD_PRELOAD"));
    snprintf(words->trial, sizeof(words->trial), TN_TRIAL_VARIABLE "=%s", way->file != NULL ? way->file : "");
    snprintf(words->heap, sizeof(words->heap), TN_INJECT_VARIABLE "=%s/run.%" PRIu64 "/inject",
             runs->command.folder, runs->next_number + 1);
}

/* Returns NULL: no memory; the caller frees it. */
static struct try_words *make_words(const struct tn_try_runs *runs, const struct try_way *way,
                                    const char *shim)
{
    size_t count = count_words(runs->command.argv), n = 0;
    struct try_words *words = calloc(1, sizeof(*words) + (count + WORDS_BEFORE + 1) * sizeof(char *));
    if (words == NULL || realpath("/proc/self/exe", words->tool) == NULL) {
        free(words);
        return NULL;
    }
    const char *const recorded[] = {words->tool, "record", "-q",     "--wait", "yes",
                                    "--force",   "-o",     way->log, "--"};
    for (size_t i = 0; way->log != NULL && i < sizeof(recorded) / sizeof(recorded[0]); i++)
        words->argv[n++] = (char *)(uintptr_t)recorded[i];
    words->argv[n++] = (char *)(uintptr_t) "/usr/bin/env";
    print_variables(words, runs, way, shim);
    if (words->preload[sizeof("LD_PRELOAD=") - 1] != '\0')
        words->argv[n++] = words->preload;
    if (way->file != NULL)
        words->argv[n++] = words->trial;
    if (runs->command.limit_bytes != 0)
        words->argv[n++] = words->heap;
    words->argv[n++] = (char *)(uintptr_t)runs->command.program;
    for (size_t i = 1; i < count; i++)
        words->argv[n++] = runs->command.argv[i];
    return words;
}

/* ---------------------------------------------------------------------------------------- one run */

/* Wait for an outcome, or a signal. */
static int wait_and_take(struct tn_try_runs *runs, int pid, int fd, struct tn_fail_outcome *ret_outcome)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    while (ppoll(&wanted, 1, NULL, tn_signals_wait_mask()) <= 0) {
        struct tn_signals signals = tn_signals_take();
        if (!signals.is_interrupted && signals.to_forward == 0)
            continue;
        runs->is_stopped = true;
        kill((pid_t)pid, SIGTERM);
        break;
    }
    return tn_fail_run_take(pid, fd, ret_outcome);
}

static int run_words(struct tn_try_runs *runs, const struct try_words *words,
                     struct tn_fail_outcome *ret_outcome, struct tn_error *error)
{
    static const struct tn_fail_subjects none;
    struct tn_fail_command command = runs->command;
    const char *name = runs->command.argv[0];
    int pid, fd;
    command.program = words->argv[0];
    command.argv = (char **)(uintptr_t)words->argv;
    command.library = NULL;
    int r = tn_fail_run_start(&command, &none, NULL, 0, ++runs->next_number, &pid, &fd, error);
    if (r < 0)
        return r;
    r = wait_and_take(runs, pid, fd, ret_outcome);
    if (runs->is_stopped)
        return tn_error_set(error, -EINTR, "stopped; no run of '%s' was compared", name);
    if (r < 0)
        return tn_error_set(error, r, "a run of '%s' ended without an outcome: was it killed?", name);
    if (ret_outcome->error < 0)
        return tn_error_set(error, ret_outcome->error, "a run failed: %s of '%s': %s%s", ret_outcome->what,
                            name,
                            ret_outcome->error == -ECANCELED ? "it failed " : strerror(-ret_outcome->error),
                            ret_outcome->message);
    return 0;
}

static int run_once(struct tn_try_runs *runs, const struct try_way *way, struct tn_fail_outcome *ret_outcome,
                    struct tn_error *error)
{
    struct tn_install_paths paths;
    int r = tn_install_paths_find(&paths, error);
    if (r < 0)
        return r;
    struct try_words *words = make_words(runs, way, paths.shim);
    if (words == NULL)
        return tn_error_set(error, -ENOMEM, "cannot start a run: out of memory");
    r = run_words(runs, words, ret_outcome, error);
    free(words);
    return r;
}

/* Copy the trial file, so that a run has counters of its own. */
static int copy_file(const char *from, const char *to, struct tn_error *error)
{
    char block[65536];
    ssize_t n = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r = in < 0 || out < 0 ? -errno : 0;
    while (r == 0 && (n = read(in, block, sizeof(block))) > 0)
        if (write(out, block, (size_t)n) != n)
            r = -EIO;
    if (r == 0 && n < 0)
        r = -errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return r < 0 ? tn_error_set(error, r, "cannot write '%s': %s; set TMPDIR to another folder", to,
                                strerror(-r))
                 : 0;
}

static int run_planned(struct tn_try_runs *runs, const char *log, const char *file,
                       struct tn_fail_outcome *ret_outcome, struct tn_error *error)
{
    const struct try_way way = {.log = log, .file = file};
    int r = copy_file(runs->file, file, error);
    return r < 0 ? r : run_once(runs, &way, ret_outcome, error);
}

/* ---------------------------------------------------------------------------------------- recorded */

static void note(struct tn_try_side *side, const struct tn_fail_command *command,
                 const struct tn_fail_outcome *outcome)
{
    int status = outcome->status, drive = outcome->drive_status[0];
    side->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    side->drive_status = drive < 0 ? drive : WIFSIGNALED(drive) ? 128 + WTERMSIG(drive) : WEXITSTATUS(drive);
    side->is_hung = outcome->is_hung;
    side->output_hash = command->drive != NULL ? outcome->drive_hash[0] : outcome->output_hash;
    side->output_bytes = outcome->output_bytes;
}

static int check_recorded(const struct tn_try_runs *runs, const char *log,
                          const struct tn_fail_outcome *outcome, struct tn_error *error)
{
    const char *name = runs->command.argv[0];
    if (access(log, R_OK) < 0)
        return tn_error_set(error, -EIO, "'%s' could not be recorded: %s", name, outcome->message);
    if (runs->command.drive != NULL && outcome->drive_status[0] == -1)
        return tn_error_set(error, -EINVAL,
                            "'%s' was not driven: it was not ready in time (--ready, --timeout)", name);
    return 0;
}

static int record_both(struct tn_try_runs *runs, struct tn_try_report *report, struct tn_error *error)
{
    const struct try_way way = {.log = runs->without_log};
    struct tn_fail_outcome outcome;
    uint64_t given_ns = runs->command.timeout_ns;
    if (given_ns == 0)
        runs->command.timeout_ns = FIRST_TIMEOUT_NS;
    int r = run_once(runs, &way, &outcome, error);
    if (r == 0)
        r = check_recorded(runs, runs->without_log, &outcome, error);
    if (r < 0)
        return r;
    note(&report->without, &runs->command, &outcome);
    if (given_ns == 0) {
        uint64_t wanted_ns = outcome.duration_ns * TIMEOUT_FACTOR;
        runs->command.timeout_ns = wanted_ns > TIMEOUT_LEAST_NS ? wanted_ns : TIMEOUT_LEAST_NS;
    }
    r = run_planned(runs, runs->with_log, runs->result, &outcome, error);
    if (r == 0)
        r = check_recorded(runs, runs->with_log, &outcome, error);
    if (r == 0)
        note(&report->with, &runs->command, &outcome);
    return r;
}

/* ---------------------------------------------------------------------------------------- pairs */

static void note_pair(struct tn_try_side *side, size_t pair, const struct tn_fail_outcome *outcome)
{
    side->duration_ns[pair] = outcome->duration_ns;
    side->cpu_ns[pair] = outcome->cpu_ns;
    side->resident_bytes[pair] = outcome->resident_bytes;
}

/* Whether a run without the plan wrote what the one before it wrote. */
static bool is_steady(const struct tn_try_runs *runs, const struct tn_try_report *report,
                      const struct tn_fail_outcome *outcome)
{
    uint64_t hash = runs->command.drive != NULL ? outcome->drive_hash[0] : outcome->output_hash;
    return hash == report->without.output_hash;
}

/* Each second pair begins with the plan: what gets slower with time burdens both. */
static int run_pair(struct tn_try_runs *runs, struct tn_try_report *report, size_t pair, const char *file,
                    struct tn_error *error)
{
    const struct try_way plain = {.log = NULL};
    struct tn_fail_outcome without, with;
    bool begins_planned = pair % 2 != 0;
    int r = begins_planned ? run_planned(runs, NULL, file, &with, error)
                           : run_once(runs, &plain, &without, error);
    if (r == 0)
        r = begins_planned ? run_once(runs, &plain, &without, error)
                           : run_planned(runs, NULL, file, &with, error);
    if (r < 0)
        return r;
    note_pair(&report->without, pair, &without);
    note_pair(&report->with, pair, &with);
    report->has_steady_output = report->has_steady_output && is_steady(runs, report, &without);
    report->run_count = pair + 1;
    return 0;
}

int tn_try_runs_make(struct tn_try_runs *runs, struct tn_try_report *report, struct tn_error *error)
{
    struct tn_progress progress = {.what = "running the program", .has_lines = true};
    char file[PATH_MAX + 16];
    const char *folder = runs->command.folder;
    snprintf(file, sizeof(file), "%s/timed", folder);
    snprintf(runs->without_log, sizeof(runs->without_log), "%s/without.db", folder);
    snprintf(runs->result, sizeof(runs->result), "%s/recorded", folder);
    if (runs->log != NULL)
        snprintf(runs->with_log, sizeof(runs->with_log), "%s", runs->log);
    else
        snprintf(runs->with_log, sizeof(runs->with_log), "%s/with.db", folder);
    report->has_steady_output = true;
    int r = record_both(runs, report, error);
    for (size_t i = 0; i < runs->pair_count && r == 0; i++) {
        tn_progress_show(&progress, i, runs->pair_count);
        r = run_pair(runs, report, i, file, error);
    }
    tn_progress_end(&progress);
    return r;
}
