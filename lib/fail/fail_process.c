/* SPDX-License-Identifier: MIT */
/* Starts and ends the processes of a run; see fail_process.h. */
#include "fail_process.h"

#include "tenure/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILL_ROUNDS 50 /* a tree of processes that fork while they are killed */

/* Signals belong to the process: this run is to end now. */
static volatile sig_atomic_t is_called_off;

static void call_off(int number)
{
    is_called_off = number;
}

static sigset_t child_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return set;
}

void tn_fail_process_begin(void)
{
    sigset_t set = child_signal();
    struct sigaction action = {.sa_handler = call_off};
    sigemptyset(&action.sa_mask);
    /* The terminal's Ctrl-C comes here, too, and the tool says SIGTERM. */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGTERM, &action, NULL);
    sigprocmask(SIG_SETMASK, &set, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

uint64_t tn_fail_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Returns false with errno set. */
static bool redirect(int fd, const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC, 0600);
    bool is_done = file >= 0 && dup2(file, fd) >= 0;
    if (file >= 0 && file != fd)
        close(file);
    return is_done;
}

static bool preload(const struct tn_fail_start *start)
{
    const char *others = getenv("LD_PRELOAD");
    char *value = NULL;
    bool has_others = others != NULL && others[0] != '\0';
    if (asprintf(&value, "%s%s%s", start->preload, has_others ? ":" : "", has_others ? others : "") < 0)
        return false;
    bool is_set = setenv("LD_PRELOAD", value, 1) == 0 && setenv(TN_INJECT_VARIABLE, start->inject, 1) == 0 &&
                  setenv("LIBC_FATAL_STDERR_", "1", 1) == 0;
    free(value);
    return is_set;
}

static void be_process(const struct tn_fail_start *start)
{
    const struct rlimit no_core = {0};
    sigset_t none;
    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    if (!redirect(STDIN_FILENO, start->input, O_RDONLY) ||
        !redirect(STDOUT_FILENO, start->output, O_WRONLY | O_CREAT | O_APPEND) ||
        !redirect(STDERR_FILENO, start->error_output, O_WRONLY | O_CREAT | O_APPEND))
        return;
    if (start->folder != NULL && chdir(start->folder) < 0)
        return;
    if (start->preload != NULL && !preload(start))
        return;
    static const int defaults[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        signal(defaults[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (start->program != NULL)
        execv(start->program, start->argv);
    else
        execl("/bin/sh", "sh", "-c", start->argv[0], (char *)NULL);
}

pid_t tn_fail_process_start(const struct tn_fail_start *start)
{
    int fds[2], code = 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        be_process(start);
        code = errno;
        if (write(fds[1], &code, sizeof(code)) < 0)
            _exit(126);
        _exit(127);
    }
    int saved = errno;
    close(fds[1]);
    ssize_t n = pid > 0 ? read(fds[0], &code, sizeof(code)) : 0;
    close(fds[0]);
    if (pid < 0)
        return -saved;
    if (n == (ssize_t)sizeof(code)) {
        waitpid(pid, NULL, 0);
        return -code;
    }
    return pid;
}

static uint64_t time_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

bool tn_fail_process_wait(pid_t pid, uint64_t until_ns, struct tn_fail_end *ret_end)
{
    sigset_t set = child_signal();
    for (;;) {
        struct rusage usage;
        int status;
        pid_t ended = wait4(pid, &status, WNOHANG, &usage);
        if (ended < 0 && errno == EINTR)
            continue;
        if (ended == pid)
            *ret_end = (struct tn_fail_end){.status = status,
                                            .cpu_ns = time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime),
                                            .resident_bytes = (uint64_t)usage.ru_maxrss * 1024};
        if (ended != 0)
            return ended == pid;
        uint64_t now_ns = tn_fail_now_ns();
        if (now_ns >= until_ns || is_called_off != 0)
            return false;
        uint64_t left_ns = until_ns - now_ns;
        struct timespec patience = {.tv_sec = (time_t)(left_ns / 1000000000u),
                                    .tv_nsec = (long)(left_ns % 1000000000u)};
        sigtimedwait(&set, NULL, &patience);
    }
}

/* Kill the children that this process has now. Returns whether there are any. */
static bool kill_children(void)
{
    char path[64], line[4096] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool has_line = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    for (char *at = line, *end; has_line; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        kill((pid_t)pid, SIGKILL);
    }
    return has_line;
}

void tn_fail_process_end(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    kill(-pid, SIGKILL);
    for (int round = 0; round < KILL_ROUNDS && kill_children(); round++) {
        nanosleep(&pause, NULL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}
