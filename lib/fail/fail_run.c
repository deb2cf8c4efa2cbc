/* SPDX-License-Identifier: MIT */
/* Runs the program once. The work is done in a process of its own, so that runs can go side by side and
 * nothing that a program leaves behind outlives its run: the process makes the run's folder, starts
 * everything, waits, sends the outcome through a pipe, and removes the folder. */
#include "fail_file.h"
#include "fail_process.h"
#include "fail_ready.h"
#include "fail_run_files.h"

#include "tenure/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_GRACE_NS UINT64_C(10000000000) /* for a server that was asked to end */

/* A run in progress, in its own process. */
struct fail_run {
    const struct tn_fail_command *command;
    struct tn_fail_run_files files;
    struct tn_fail_outcome outcome;
    bool fails; /* something is made to fail */
};

static void note(struct fail_run *run, int error, const char *what)
{
    run->outcome.error = error;
    snprintf(run->outcome.what, sizeof(run->outcome.what), "%.*s", (int)sizeof(run->outcome.what) - 1, what);
}

/* Run a shell command of the user's to its end. Returns its status as wait gives it; a negative errno. */
static int run_shell(struct fail_run *run, const char *command, const char *output, const char *errors)
{
    char *argv[] = {strdup(command), NULL};
    struct tn_fail_start start = {
        .argv = argv,
        .folder = run->command->setup != NULL ? run->files.work : NULL,
        .input = "/dev/null",
        .output = output,
        .error_output = errors,
    };
    struct tn_fail_end end = {0};
    pid_t pid = argv[0] != NULL ? tn_fail_process_start(&start) : -ENOMEM;
    free(argv[0]);
    if (pid < 0)
        return (int)pid;
    if (!tn_fail_process_wait(pid, tn_fail_now_ns() + run->command->timeout_ns, &end)) {
        kill(-pid, SIGKILL);
        return -ETIMEDOUT;
    }
    return end.status;
}

static int prepare(struct fail_run *run)
{
    if (run->command->setup == NULL)
        return 0;
    int status = run_shell(run, run->command->setup, run->files.setup_output, run->files.setup_output);
    if (status == 0)
        return 0;
    tn_fail_read_line(run->files.setup_output, NULL, run->outcome.message, sizeof(run->outcome.message));
    note(run, status < 0 ? status : -ECANCELED, "the setup command");
    return -ECANCELED;
}

static pid_t start_program(struct fail_run *run)
{
    const struct tn_fail_command *command = run->command;
    struct tn_fail_start start = {
        .program = command->program,
        .argv = command->argv,
        .folder = command->setup != NULL ? run->files.work : NULL,
        .input = command->input != NULL ? command->input : "/dev/null",
        .output = run->files.output,
        .error_output = run->files.errors,
        .preload = command->library,
        .inject = run->files.inject,
    };
    pid_t pid = tn_fail_process_start(&start);
    if (pid < 0)
        note(run, (int)pid, command->program);
    return pid;
}

static void drive_once(struct fail_run *run, size_t turn)
{
    int status = run_shell(run, run->command->drive, run->files.drive_output[turn], run->files.setup_output);
    run->outcome.drive_status[turn] = status;
    run->outcome.drive_hash[turn] = tn_fail_hash_file(run->files.drive_output[turn]);
    run->outcome.is_hung |= status == -ETIMEDOUT;
}

static void take_end(struct fail_run *run, const struct tn_fail_end *end)
{
    run->outcome.status = end->status;
    run->outcome.cpu_ns = end->cpu_ns;
    run->outcome.resident_bytes = end->resident_bytes;
}

/* Drive the server, and stop it. */
static void drive(struct fail_run *run, pid_t pid, uint64_t until_ns)
{
    struct tn_fail_end end;
    if (tn_fail_wait_ready(run->command->ready, &run->files, pid, until_ns)) {
        drive_once(run, 0);
        if (!run->outcome.is_hung && !run->command->drives_once)
            drive_once(run, 1);
    } else {
        run->outcome.drive_status[0] = run->outcome.drive_status[1] = -1;
    }
    if (tn_fail_process_wait(pid, 0, &end)) {
        take_end(run, &end);
        return;
    }
    kill(pid, SIGTERM);
    if (tn_fail_process_wait(pid, tn_fail_now_ns() + STOP_GRACE_NS, &end))
        take_end(run, &end);
    else
        run->outcome.is_hung = true;
}

/* Give the user's command the outcome: $TENURE_STATUS as a shell would have it, and the files with what was
 * written. */
static void check(struct fail_run *run)
{
    char number[16];
    int status = run->outcome.status;
    snprintf(number, sizeof(number), "%d",
             WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    setenv("TENURE_STATUS", number, 1);
    setenv("TENURE_STDOUT", run->files.output, 1);
    setenv("TENURE_STDERR", run->files.errors, 1);
    setenv("TENURE_DRIVE_STDOUT", run->files.drive_output[0], 1);
    run->outcome.check_status =
        run_shell(run, run->command->check, run->files.setup_output, run->files.setup_output);
}

static void make_run(struct fail_run *run)
{
    if (prepare(run) < 0)
        return;
    uint64_t start_ns = tn_fail_now_ns(), until_ns = start_ns + run->command->timeout_ns;
    pid_t pid = start_program(run);
    if (pid < 0)
        return;
    struct tn_fail_end end;
    if (run->command->drive != NULL)
        drive(run, pid, until_ns);
    else if (tn_fail_process_wait(pid, until_ns, &end))
        take_end(run, &end);
    else
        run->outcome.is_hung = true;
    run->outcome.duration_ns = tn_fail_now_ns() - start_ns;
    tn_fail_process_end(pid);
    tn_fail_read_output(&run->files, &run->outcome);
    if (!run->fails)
        tn_fail_keep_errors(&run->files);
    int r = tn_fail_file_read(run->files.inject, &run->outcome.head);
    if (r < 0)
        note(run, r, run->files.inject);
    else if (run->command->check != NULL && !run->outcome.is_hung)
        check(run);
}

static void send_outcome(int fd, const struct tn_fail_outcome *outcome)
{
    const char *at = (const char *)outcome;
    size_t left_bytes = sizeof(*outcome);
    while (left_bytes > 0) {
        ssize_t n = write(fd, at, left_bytes);
        if (n < 0 && errno != EINTR)
            return;
        at += n > 0 ? n : 0;
        left_bytes -= n > 0 ? (size_t)n : 0;
    }
}

static void be_run(struct fail_run *run, int fd)
{
    tn_fail_process_begin();
    make_run(run);
    tn_fail_run_files_remove(&run->files);
    send_outcome(fd, &run->outcome);
}

int tn_fail_run_start(const struct tn_fail_command *command, const struct tn_fail_subjects *subjects,
                      const struct tn_fail_subject *subject, uint64_t occurrence, uint64_t number,
                      int *ret_pid, int *ret_fd, struct tn_error *error)
{
    struct fail_run run = {.command = command, .fails = subject != NULL || command->limit_bytes != 0};
    int fds[2];
    int r = tn_fail_run_files_make(command->folder, number, &run.files);
    if (r == 0)
        r = tn_fail_file_make(run.files.inject, command, subjects, subject, occurrence);
    if (r < 0)
        return tn_error_set(error, r, "cannot make a run's folder in '%s': %s; set TMPDIR to another",
                            command->folder, strerror(-r));
    if (pipe2(fds, O_CLOEXEC) < 0)
        return tn_error_set(error, -errno, "cannot start a run: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        be_run(&run, fds[1]);
        _exit(0);
    }
    int saved = errno;
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return tn_error_set(error, -saved, "cannot start a run: %s", strerror(saved));
    }
    *ret_pid = (int)pid;
    *ret_fd = fds[0];
    return 0;
}

int tn_fail_run_take(int pid, int fd, struct tn_fail_outcome *ret_outcome)
{
    char *at = (char *)ret_outcome;
    size_t left_bytes = sizeof(*ret_outcome);
    while (left_bytes > 0) {
        ssize_t n = read(fd, at, left_bytes);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        at += n > 0 ? n : 0;
        left_bytes -= n > 0 ? (size_t)n : 0;
    }
    close(fd);
    while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return left_bytes == 0 ? 0 : -EIO;
}
