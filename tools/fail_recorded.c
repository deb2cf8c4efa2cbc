/* SPDX-License-Identifier: MIT */
/* Records the run that has leaked. The library that makes allocations fail must not be in the recording tool
 * itself, so env(1) brings it into the program, behind the shim. Called by cmd_fail.c. */
#include "fail_recorded.h"

#include "install_paths.h"

#include "tenure/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDING_FACTOR 4 /* in time, beside what finishing the log takes */
#define FINISHING_NS     UINT64_C(60000000000)
#define WORDS_BEFORE     12

/* The words of the recorded run. Strings are borrowed, or lie in this struct. */
struct fail_recording {
    char tool[PATH_MAX], log[PATH_MAX + 16];
    char preload[3 * PATH_MAX], inject[PATH_MAX + 64];
    char *argv[]; /* ended by NULL */
};

static size_t count_words(char **argv)
{
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    return count;
}

/* number: of the run that will be started. NULL: no memory; the caller frees it. */
static struct fail_recording *make_words(const struct tn_fail_command *command,
                                         const struct tn_install_paths *paths, uint64_t number)
{
    size_t count = count_words(command->argv), n = 0;
    struct fail_recording *words = calloc(1, sizeof(*words) + (count + WORDS_BEFORE + 1) * sizeof(char *));
    const char *others = getenv("LD_PRELOAD");
    bool has_others = others != NULL && others[0] != '\0';
    if (words == NULL)
        return NULL;
    snprintf(words->log, sizeof(words->log), "%s/leaks.db", command->folder);
    snprintf(words->preload, sizeof(words->preload), "LD_PRELOAD=%s:%s%s%s", paths->shim, command->library,
             has_others ? ":" : "", has_others ? others : "");
    snprintf(words->inject, sizeof(words->inject), TN_INJECT_VARIABLE "=%s/run.%" PRIu64 "/inject",
             command->folder, number);
    const char *const before[] = {words->tool, "record", "-q",           "--wait",       "yes",        "-o",
                                  words->log,  "--",     "/usr/bin/env", words->preload, words->inject};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        words->argv[n++] = (char *)(uintptr_t)before[i];
    words->argv[n++] = (char *)(uintptr_t)command->program;
    for (size_t i = 1; i < count; i++)
        words->argv[n++] = command->argv[i];
    return words;
}

static int run_recorded(struct tn_fail_sweep *sweep, struct fail_recording *words, uint64_t number,
                        struct tn_error *error)
{
    struct tn_fail_outcome outcome;
    struct tn_fail_command command = sweep->command;
    int pid, fd;
    command.program = words->tool;
    command.argv = words->argv;
    command.library = NULL;
    command.check = NULL;
    command.timeout_ns = command.timeout_ns * RECORDING_FACTOR + FINISHING_NS;
    int r = tn_fail_run_start(&command, sweep->subjects, sweep->chosen[0], sweep->results.items[0].occurrence,
                              number, &pid, &fd, error);
    if (r < 0)
        return r;
    r = tn_fail_run_take(pid, fd, &outcome);
    if (r < 0)
        return tn_error_set(error, r, "a run of '%s' ended without an outcome: was it killed?",
                            sweep->command.argv[0]);
    return 0;
}

int tn_fail_leaks_find(struct tn_fail_sweep *sweep, struct tn_log *log, struct tn_error *error)
{
    struct tn_install_paths paths;
    struct tn_log *recorded = NULL;
    struct tn_fail_result *result = &sweep->results.items[0];
    char *text = NULL;
    int r = tn_install_paths_find(&paths, error);
    if (r < 0)
        return r;
    struct fail_recording *words = make_words(&sweep->command, &paths, sweep->next_number);
    if (words == NULL || realpath("/proc/self/exe", words->tool) == NULL)
        r = tn_error_set(error, -ENOMEM, "cannot record the leaking run: out of memory");
    if (r == 0)
        r = run_recorded(sweep, words, sweep->next_number, error);
    if (r == 0)
        r = tn_log_open(words->log, &recorded, error);
    if (r == 0 && (r = tn_fail_name_leaks(log, recorded, &text)) < 0)
        tn_error_set(error, r, "cannot name what has leaked: %s", strerror(-r));
    if (r == 0) {
        free(result->leaks);
        result->leaks = text;
    }
    tn_log_close(recorded);
    free(words);
    return r;
}
