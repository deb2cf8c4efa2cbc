/* SPDX-License-Identifier: MIT */
/* The recorded program as a child of `record`: forked early, because its PID is in the name of the log, it
 * waits at a pipe until the recorder is ready. A second pipe, closed by execve, reports why it could not
 * be executed. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int caught[] = {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP};

#define CAUGHT_COUNT (sizeof(caught) / sizeof(caught[0]))

/* Signals belong to the process: the only state of the tool that is global. */
static struct {
    struct sigaction found[CAUGHT_COUNT]; /* as before tn_signals_catch */
    sigset_t found_mask;
    sigset_t wait_mask;
    volatile sig_atomic_t has_child_changed, is_interrupted, to_forward;
} signals;

static void note_signal(int number)
{
    if (number == SIGCHLD)
        signals.has_child_changed = 1;
    else if (number == SIGINT || number == SIGQUIT)
        signals.is_interrupted = 1;
    else
        signals.to_forward = number;
}

void tn_signals_catch(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < CAUGHT_COUNT; i++)
        sigaddset(&blocked, caught[i]);
    sigprocmask(SIG_BLOCK, &blocked, &signals.found_mask);
    signals.wait_mask = signals.found_mask;
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CAUGHT_COUNT; i++) {
        sigaction(caught[i], &action, &signals.found[i]);
        if (caught[i] == SIGHUP && signals.found[i].sa_handler == SIG_IGN)
            sigaction(caught[i], &signals.found[i], NULL);
        sigdelset(&signals.wait_mask, caught[i]);
    }
}

const sigset_t *tn_signals_wait_mask(void)
{
    return &signals.wait_mask;
}

struct tn_signals tn_signals_take(void)
{
    struct tn_signals taken = {
        .has_child_changed = signals.has_child_changed != 0,
        .is_interrupted = signals.is_interrupted != 0,
        .to_forward = signals.to_forward,
    };
    signals.has_child_changed = signals.is_interrupted = signals.to_forward = 0;
    return taken;
}

/* Restore the signals, so that the program finds them as the tool found them. */
static void give_signals_back(void)
{
    for (size_t i = 0; i < CAUGHT_COUNT; i++)
        sigaction(caught[i], &signals.found[i], NULL);
    sigprocmask(SIG_SETMASK, &signals.found_mask, NULL);
}

static int set_variables(const struct tn_child_options *options, const char *session)
{
    const char *preloaded = getenv("LD_PRELOAD");
    char *value = NULL;
    bool has_others = preloaded != NULL && preloaded[0] != '\0';
    if (asprintf(&value, "%s%s%s", options->shim, has_others ? ":" : "", has_others ? preloaded : "") < 0)
        return -ENOMEM;
    int r = setenv("LD_PRELOAD", value, 1);
    free(value);
    if (r == 0)
        r = setenv("TENURE_SESSION", session, 1);
    for (const struct tn_variable *v = options->variables; r == 0 && v->name != NULL; v++)
        r = setenv(v->name, v->value, 1);
    return r < 0 ? -errno : 0;
}

/* Read the session, up to the end of the line. Returns 0 or an errno: ECANCELED if the tool has ended, gives
 * up, or could not write it. */
static int wait_for_go(int fd, char *session, size_t session_bytes)
{
    size_t used = 0;
    while (used < session_bytes) {
        ssize_t n = read(fd, session + used, session_bytes - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ECANCELED;
        used += (size_t)n;
        char *newline = memchr(session, '\n', used);
        if (newline != NULL) {
            *newline = '\0';
            return 0;
        }
    }
    return ENAMETOOLONG;
}

static _Noreturn void be_child(const struct tn_child_options *options, int go_fd, int fail_fd)
{
    char session[PATH_MAX];
    int code = wait_for_go(go_fd, session, sizeof(session));
    if (code == 0)
        code = -set_variables(options, session);
    if (code == 0) {
        give_signals_back();
        execv(options->path, options->argv);
        code = errno;
    }
    /* If this fails as well, nobody can be told. */
    if (write(fail_fd, &code, sizeof(code)) < 0)
        _exit(127);
    _exit(126);
}

int tn_child_start(const struct tn_child_options *options, struct tn_child *ret_child, struct tn_error *error)
{
    int go[2], fail[2];
    if (pipe2(go, O_CLOEXEC) < 0)
        return tn_error_set(error, -errno, "cannot run '%s': %s", options->path, strerror(errno));
    if (pipe2(fail, O_CLOEXEC) < 0) {
        int r = tn_error_set(error, -errno, "cannot run '%s': %s", options->path, strerror(errno));
        close(go[0]);
        close(go[1]);
        return r;
    }
    pid_t pid = fork();
    if (pid == 0) {
        /* Held open here, the pipe would not end when the tool does. */
        close(go[1]);
        be_child(options, go[0], fail[1]);
    }
    int saved = errno;
    close(go[0]);
    close(fail[1]);
    if (pid < 0) {
        close(go[1]);
        close(fail[0]);
        return tn_error_set(error, -saved, "cannot run '%s': %s", options->path, strerror(saved));
    }
    *ret_child = (struct tn_child){.pid = pid, .go_fd = go[1], .fail_fd = fail[0]};
    return 0;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

int tn_child_go(struct tn_child *child, const char *session)
{
    /* The child may have been killed while it waited: then fail_fd is at its end as after an exec, and the
     * status from waitpid tells. */
    void (*found)(int) = signal(SIGPIPE, SIG_IGN);
    dprintf(child->go_fd, "%s\n", session);
    signal(SIGPIPE, found);
    close(child->go_fd);
    int code = 0;
    ssize_t n;
    do
        n = read(child->fail_fd, &code, sizeof(code));
    while (n < 0 && errno == EINTR);
    close(child->fail_fd);
    if (n != (ssize_t)sizeof(code))
        return 0;
    wait_for(child->pid);
    return -code;
}

void tn_child_cancel(struct tn_child *child)
{
    close(child->go_fd);
    close(child->fail_fd);
    wait_for(child->pid);
}
