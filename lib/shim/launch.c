/* SPDX-License-Identifier: MIT */

/* Starts a recorder when the program was not started by `tenure record`. By a raw clone without an exit
 * signal, so that the program gets no SIGCHLD and its wait() finds no child; that child clones once more, so
 * that the recorder becomes a child of init. Invariant: the program's signals, descriptors and children are
 * as before. Called by shim_session.c. */

#include "environment.h"
#include "shim_process.h"
#include "shim_session.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "banned.h"

#define ENVIRONMENT_MAX 4096
#define RECORDER_FD     3

struct launch {
    char path[4096];                          /* of the recorder */
    const char *environment[ENVIRONMENT_MAX]; /* without LD_PRELOAD */
    char *arguments[4];
};

static int find_own_path(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    (void)size_bytes;
    struct tn_shim_text *path = context;
    if (info->dlpi_addr != tn_shim_process.text_low || info->dlpi_name == NULL)
        return 0;
    tn_shim_text_add(path, info->dlpi_name);
    return 1;
}

static bool is_executable(const char *path)
{
    return tn_sys3(SYS_faccessat, AT_FDCWD, (long)path, 1 /* X_OK */) == 0;
}

/* The recorder's path: what TENURE_RECORDER says; or beside this library's file, in the build tree, or where
 * it is installed. */
static bool find_recorder_path(char *path, size_t capacity_bytes)
{
    static const char *const candidates[] = {"/tenure-recorder", "/../../tools/tenure-recorder",
                                             "/" TN_RECORDER_FROM_SHIM "/tenure-recorder"};
    const char *given = tn_environment_get("TENURE_RECORDER");
    struct tn_shim_text own;
    memset(&own, 0, sizeof(own));
    if (given != NULL && tn_length(given) < capacity_bytes) {
        memcpy(path, given, tn_length(given) + 1);
        return true;
    }
    dl_iterate_phdr(find_own_path, &own);
    while (own.size > 0 && own.text[own.size] != '/')
        own.text[own.size--] = '\0';
    if (own.text[own.size] == '/')
        own.text[own.size] = '\0';
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        struct tn_shim_text candidate = own;
        tn_shim_text_add(&candidate, candidates[i]);
        memcpy(path, candidate.text, candidate.size + 1);
        if (is_executable(path))
            return true;
    }
    return false;
}

static void copy_environment(const char **to)
{
    size_t count = 0;
    for (const char *const *at = tn_environment_all(); *at != NULL && count + 1 < ENVIRONMENT_MAX; at++)
        if (!tn_has_prefix(*at, "LD_PRELOAD="))
            to[count++] = *at;
    to[count] = NULL;
}

/* A copy of this process without its threads, and without an exit signal. A debugger that follows the program
 * does not follow that: it would take the recorder for a thread that executes another program. */
static long copy_process(void)
{
    return tn_arch_syscall(SYS_clone, CLONE_UNTRACED, 0, 0, 0, 0, 0);
}

/* A copy that must have an exit signal, for an emulator that makes no other. The signals are blocked here. */
static long copy_process_with_signal(void)
{
    return tn_arch_syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
}

static bool is_child_signal_pending(void)
{
    uint64_t pending = 0;
    tn_sys2(SYS_rt_sigpending, (long)&pending, sizeof(pending));
    return (pending & UINT64_C(1) << (SIGCHLD - 1)) != 0;
}

/* Take back the signal that a child of copy_process_with_signal has sent, unless the program's own may be
 * among it. */
static void take_child_signal(bool was_pending)
{
    static const uint64_t child = UINT64_C(1) << (SIGCHLD - 1);
    static const struct timespec none = {0, 0};
    if (!was_pending)
        tn_sys4(SYS_rt_sigtimedwait, (long)&child, 0, (long)&none, sizeof(child));
}

/* Answer the waiting process: why there is no recorder. */
static void report_failure(int fd, long code)
{
    struct tn_welcome welcome;
    memset(&welcome, 0, sizeof(welcome));
    welcome.magic = TN_SESSION_MAGIC;
    welcome.status = TN_WELCOME_CLOSED;
    welcome.errno_value = (int32_t)-code;
    tn_sys6(SYS_sendto, fd, (long)&welcome, sizeof(welcome), MSG_NOSIGNAL, 0, 0);
}

/* Wait for the child that has made the recorder. Returns 0, or the negative errno with which it left. */
static long wait_for(long child)
{
    int status = 0;
    long result = tn_sys4(SYS_wait4, child, (long)&status, __WALL, 0);
    return result > 0 && WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

static _Noreturn void leave(int status)
{
    for (;;)
        tn_sys1(SYS_exit_group, status);
}

/* The program's limit of address space is not meant for the recorder, whose libraries must be loaded before
 * it can do anything about it. */
static void lift_limit(void)
{
    struct rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};
    if (tn_sys4(SYS_prlimit64, 0, RLIMIT_AS, (long)&limit, 0) == 0 ||
        tn_sys4(SYS_prlimit64, 0, RLIMIT_AS, 0, (long)&limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    tn_sys4(SYS_prlimit64, 0, RLIMIT_AS, (long)&limit, 0);
}

/* What the loader says of a recorder that it cannot load is not for the program's standard error: the shim
 * says in one line that there is none. */
static void silence(void)
{
    long fd = tn_sys4(SYS_openat, AT_FDCWD, (long)"/dev/null", O_WRONLY | O_CLOEXEC, 0);
    if (fd >= 0)
        tn_sys3(SYS_dup3, fd, 2, 0);
}

/* In the grandchild. */
static _Noreturn void become_recorder(struct launch *launch, int fd)
{
    static const uint64_t no_signals = 0;
    if (fd != RECORDER_FD)
        tn_sys3(SYS_dup3, fd, RECORDER_FD, 0);
    else
        tn_sys3(SYS_fcntl, fd, F_SETFD, 0);
    /* On kernels without close_range the recorder closes what it has inherited. */
    tn_sys3(SYS_close_range, RECORDER_FD + 1, ~0u, 0);
    tn_sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&no_signals, 0, sizeof(no_signals));
    lift_limit();
    silence();
    long result = tn_sys3(SYS_execve, (long)launch->path, (long)launch->arguments, (long)launch->environment);
    report_failure(RECORDER_FD, result);
    leave(127);
}

int tn_launch_recorder(void)
{
    struct launch *launch = tn_map_pages(sizeof(*launch));
    int ends[2];
    if (launch == NULL)
        return -ENOMEM;
    long result = -ENOENT;
    if (!find_recorder_path(launch->path, sizeof(launch->path)))
        goto unmap;
    result = tn_sys4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, (long)ends);
    if (result < 0)
        goto unmap;
    copy_environment(launch->environment);
    launch->arguments[0] = launch->path;
    launch->arguments[1] = (char[]){"--attach"};
    launch->arguments[2] = (char[]){"3"};
    bool was_pending = is_child_signal_pending();
    long child = copy_process();
    bool has_signal = child == -EINVAL;
    if (has_signal)
        child = copy_process_with_signal();
    if (child == 0) {
        result = copy_process();
        if (result == -EINVAL)
            result = copy_process_with_signal();
        if (result == 0)
            become_recorder(launch, ends[1]);
        leave((int)(result < 0 ? -result : 0));
    }
    tn_sys1(SYS_close, ends[1]);
    result = child > 0 ? wait_for(child) : child;
    if (has_signal)
        take_child_signal(was_pending);
    if (result == 0)
        result = ends[0];
    else
        tn_sys1(SYS_close, ends[0]);
unmap:
    tn_unmap_pages(launch, sizeof(*launch));
    return (int)result;
}
