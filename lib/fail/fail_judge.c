/* SPDX-License-Identifier: MIT */
/* Judges a run by what two runs without a failure are like: what differs between those two is no verdict. The
 * worst that a run shows is its class. */
#include "tenure/fail.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char *const names[TN_FAIL_CLASS_COUNT] = {
    [TN_FAIL_NOT_REACHED] = "not-reached", [TN_FAIL_HANDLED] = "handled",
    [TN_FAIL_REPORTED] = "error-reported", [TN_FAIL_LEAKED] = "leaked",
    [TN_FAIL_WRONG] = "wrong-output",      [TN_FAIL_HUNG] = "hung",
    [TN_FAIL_CRASHED] = "crashed",         [TN_FAIL_CORRUPTED] = "corrupted",
};

const char *tn_fail_class_name(enum tn_fail_class class)
{
    return names[class];
}

bool tn_fail_class_is_bad(enum tn_fail_class class)
{
    return class >= TN_FAIL_WRONG;
}

static int64_t live_count(const struct tn_fail_outcome *outcome)
{
    return (int64_t)(outcome->head.births - outcome->head.deaths);
}

/* A server that does not catch SIGTERM is stopped by it all the same. */
static bool has_crashed(const struct tn_fail_command *command, const struct tn_fail_outcome *outcome)
{
    bool is_stopped = command->drive != NULL && WTERMSIG(outcome->status) == SIGTERM;
    return (WIFSIGNALED(outcome->status) && !is_stopped) || outcome->head.crash.is_taken != 0;
}

static bool has_same_output(const struct tn_fail_command *command, const struct tn_fail_outcome *first,
                            const struct tn_fail_outcome *second)
{
    if (command->drive != NULL)
        return first->drive_hash[0] == second->drive_hash[0] && first->drive_hash[1] == second->drive_hash[1];
    return first->output_hash == second->output_hash && first->output_bytes == second->output_bytes;
}

int tn_fail_baseline_make(const struct tn_fail_command *command, const struct tn_fail_outcome *first,
                          const struct tn_fail_outcome *second, struct tn_fail_baseline *ret_baseline,
                          struct tn_error *error)
{
    const struct tn_fail_outcome *runs[] = {first, second};
    const char *program = command->argv[0];
    for (size_t i = 0; i < 2; i++) {
        const struct tn_fail_outcome *run = runs[i];
        if (run->error < 0)
            return tn_error_set(error, run->error, "cannot run '%s': %s: %s%s%s", program, run->what,
                                run->error == -ECANCELED ? "it failed" : strerror(-run->error),
                                run->message[0] != '\0' ? ": " : "", run->message);
        if (run->is_hung)
            return tn_error_set(
                error, -EINVAL,
                "'%s' does not end in time although nothing fails: give it longer with --timeout, or, "
                "if it is a server, a load with --drive",
                program);
        if (has_crashed(command, run))
            return tn_error_set(error, -EINVAL, "'%s' crashes although nothing fails: mend that first",
                                program);
        if (run->check_status != 0)
            return tn_error_set(
                error, -EINVAL,
                "the check command fails although nothing fails in '%s': see what it says with the "
                "program's own output",
                program);
        if (run->drive_status[0] != 0 || run->drive_status[1] != 0)
            return tn_error_set(
                error, -EINVAL,
                "'%s' was not driven although nothing fails: it was not ready in time, or the command "
                "of --drive failed",
                program);
        if (run->head.processes > 0 && run->head.births == 0)
            return tn_error_set(error, -EINVAL,
                                "nothing can be made to fail in '%s': no allocation passes the C library's "
                                "functions; a program with an allocator of its own?",
                                program);
        if (run->head.processes == 0)
            return tn_error_set(
                error, -EINVAL,
                "nothing can be made to fail in '%s': the library was never loaded into it; a static "
                "program, or one that clears LD_PRELOAD?",
                program);
    }
    int64_t a = live_count(first), b = live_count(second);
    *ret_baseline = (struct tn_fail_baseline){
        .first = *first,
        .has_steady_output = has_same_output(command, first, second),
        .live_count = a > b ? a : b,
        .live_spread = a > b ? a - b : b - a,
    };
    return 0;
}

/* Blocks that only this run never releases. A program that calls exit in the middle of its work leaves all
 * that it has, and need not clean up. */
static uint64_t count_leaked(const struct tn_fail_baseline *baseline, const struct tn_fail_outcome *outcome)
{
    int64_t more = live_count(outcome) - baseline->live_count - baseline->live_spread;
    if (more <= 0 || outcome->head.left_early > baseline->first.head.left_early)
        return 0;
    return (uint64_t)more;
}

static bool is_allowed(int status, const int *allowed, size_t allowed_count)
{
    for (size_t i = 0; i < allowed_count; i++)
        if (WEXITSTATUS(status) == allowed[i])
            return true;
    return false;
}

/* A server may leave the client alone whose request met the failure, and has to serve the next one. */
static enum tn_fail_class judge_server(const struct tn_fail_baseline *baseline,
                                       const struct tn_fail_outcome *outcome)
{
    bool is_same[2];
    for (size_t i = 0; i < 2; i++)
        is_same[i] =
            outcome->drive_status[i] == baseline->first.drive_status[i] &&
            (!baseline->has_steady_output || outcome->drive_hash[i] == baseline->first.drive_hash[i]);
    if (is_same[0] && is_same[1])
        return TN_FAIL_HANDLED;
    return is_same[1] || outcome->drive_status[0] == -1 ? TN_FAIL_REPORTED : TN_FAIL_WRONG;
}

/* Of a run that ended in order. */
static enum tn_fail_class judge_status(const struct tn_fail_command *command,
                                       const struct tn_fail_baseline *baseline,
                                       const struct tn_fail_outcome *outcome, const int *allowed,
                                       size_t allowed_count)
{
    const struct tn_fail_outcome *first = &baseline->first;
    bool is_same_status = outcome->status == first->status;
    if (!is_same_status && WEXITSTATUS(outcome->status) != 0)
        return is_allowed(outcome->status, allowed, allowed_count) ? TN_FAIL_HANDLED : TN_FAIL_REPORTED;
    if (command->check != NULL)
        return outcome->check_status != 0 ? TN_FAIL_WRONG : TN_FAIL_HANDLED;
    if (command->drive != NULL)
        return judge_server(baseline, outcome);
    /* Success where the same work has failed before is wrong, too. */
    bool is_same_output = !baseline->has_steady_output || (outcome->output_hash == first->output_hash &&
                                                           outcome->output_bytes == first->output_bytes);
    return is_same_status && is_same_output ? TN_FAIL_HANDLED : TN_FAIL_WRONG;
}

enum tn_fail_class tn_fail_judge(const struct tn_fail_command *command,
                                 const struct tn_fail_baseline *baseline,
                                 const struct tn_fail_outcome *outcome, const int *allowed,
                                 size_t allowed_count, uint64_t *ret_leaked_count)
{
    *ret_leaked_count = 0;
    if (outcome->is_corrupted)
        return TN_FAIL_CORRUPTED;
    if (outcome->is_hung)
        return TN_FAIL_HUNG;
    if (has_crashed(command, outcome))
        return TN_FAIL_CRASHED;
    if (outcome->head.failed == 0)
        return TN_FAIL_NOT_REACHED;
    *ret_leaked_count = count_leaked(baseline, outcome);
    enum tn_fail_class class = judge_status(command, baseline, outcome, allowed, allowed_count);
    return *ret_leaked_count > 0 && class < TN_FAIL_LEAKED ? TN_FAIL_LEAKED : class;
}
