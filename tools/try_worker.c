/* SPDX-License-Identifier: MIT */
/* The worker ends with the tool: its pipe is at its end then. What it answers is plain data, one write.
 * Called by cmd_try.c. */
#include "try_worker.h"

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the worker answers. */
struct try_answer {
    int result;
    struct tn_error error;
    struct tn_try_side without, with;
    size_t run_count;
    bool has_steady_output;
    char without_log[PATH_MAX + 16], with_log[PATH_MAX + 16], result_file[PATH_MAX + 16];
};

static void write_all(int fd, const void *data, size_t size_bytes)
{
    for (const char *at = data; size_bytes > 0;) {
        ssize_t n = write(fd, at, size_bytes);
        if (n < 0 && errno != EINTR)
            return;
        at += n > 0 ? n : 0;
        size_bytes -= n > 0 ? (size_t)n : 0;
    }
}

static void be_worker(const struct tn_try_runs *given, int go_fd, int to)
{
    struct tn_try_runs runs = *given;
    struct tn_try_report report = {0};
    struct try_answer *answer = calloc(1, sizeof(*answer));
    char go;
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (answer == NULL || read(go_fd, &go, 1) != 1)
        _exit(0);
    tn_signals_catch();
    answer->result = tn_try_runs_make(&runs, &report, &answer->error);
    answer->without = report.without;
    answer->with = report.with;
    answer->run_count = report.run_count;
    answer->has_steady_output = report.has_steady_output;
    memcpy(answer->without_log, runs.without_log, sizeof(runs.without_log));
    memcpy(answer->with_log, runs.with_log, sizeof(runs.with_log));
    memcpy(answer->result_file, runs.result, sizeof(runs.result));
    write_all(to, answer, sizeof(*answer));
    _exit(0);
}

int tn_try_worker_start(const struct tn_try_runs *runs, struct tn_try_worker *ret_worker,
                        struct tn_error *error)
{
    int go[2] = {-1, -1}, from[2] = {-1, -1};
    pid_t pid = -1;
    if (pipe2(go, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0)
        pid = fork();
    if (pid == 0) {
        close(go[1]);
        close(from[0]);
        be_worker(runs, go[0], from[1]);
    }
    int saved = errno;
    close(go[0]);
    close(from[1]);
    if (pid < 0) {
        close(go[1]);
        close(from[0]);
        return tn_error_set(error, -saved, "the runs cannot begin: %s", strerror(saved));
    }
    *ret_worker = (struct tn_try_worker){.pid = pid, .go_fd = go[1], .from = from[0]};
    return 0;
}

/* Signals for the program go on to the worker, which ends its run. */
static bool read_answer(struct tn_try_worker *worker, struct try_answer *ret_answer)
{
    char *at = (char *)ret_answer;
    size_t left_bytes = sizeof(*ret_answer);
    while (left_bytes > 0) {
        struct pollfd wanted = {.fd = worker->from, .events = POLLIN};
        if (ppoll(&wanted, 1, NULL, tn_signals_wait_mask()) <= 0) {
            struct tn_signals signals = tn_signals_take();
            if (signals.to_forward != 0)
                kill(worker->pid, signals.to_forward);
            continue;
        }
        ssize_t n = read(worker->from, at, left_bytes);
        if (n <= 0)
            return false;
        at += n;
        left_bytes -= (size_t)n;
    }
    return true;
}

static void take(const struct try_answer *answer, struct tn_try_runs *runs, struct tn_try_report *report)
{
    report->without = answer->without;
    report->with = answer->with;
    report->run_count = answer->run_count;
    report->has_steady_output = answer->has_steady_output;
    memcpy(runs->without_log, answer->without_log, sizeof(runs->without_log));
    memcpy(runs->with_log, answer->with_log, sizeof(runs->with_log));
    memcpy(runs->result, answer->result_file, sizeof(runs->result));
}

int tn_try_worker_run(struct tn_try_worker *worker, struct tn_try_runs *runs, struct tn_try_report *report,
                      struct tn_error *error)
{
    struct try_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL)
        return tn_error_set(error, -ENOMEM, "the runs cannot begin: out of memory");
    write_all(worker->go_fd, "g", 1);
    int r = 0;
    if (!read_answer(worker, answer))
        r = tn_error_set(error, -EIO, "the runs of '%s' ended without an answer: were they killed?",
                         runs->command.argv[0]);
    else if ((r = answer->result) < 0)
        *error = answer->error;
    else
        take(answer, runs, report);
    free(answer);
    return r;
}

void tn_try_worker_end(struct tn_try_worker *worker)
{
    if (worker->pid == 0)
        return;
    close(worker->go_fd);
    close(worker->from);
    while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *worker = (struct tn_try_worker){0};
}
