/* SPDX-License-Identifier: MIT */

/* Opens a session: makes the shared memory, connects to a recorder (session.h says in which order it is
 * looked for) or starts one, and shakes hands. Invariant: after a failure nothing is left open or mapped.
 * Called by start.c, in the first process and in each fork child. */

#include "shim_session.h"

#include "hello.h"
#include "offer.h"
#include "shared_parts.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "banned.h"

/* The session directory's path; false if it does not exist, or others may write to it. */
static bool find_directory(struct tn_shim_text *directory)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat status;
    uint64_t user = (uint64_t)tn_sys0(SYS_geteuid);
    memset(directory, 0, sizeof(*directory));
    if (runtime != NULL && runtime[0] == '/') {
        tn_shim_text_add(directory, runtime);
        tn_shim_text_add(directory, "/tenure");
    } else {
        tn_shim_text_add(directory, "/tmp/tenure-");
        tn_shim_text_add_number(directory, user);
    }
    if (tn_sys4(SYS_newfstatat, AT_FDCWD, (long)directory->text, (long)&status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return S_ISDIR(status.st_mode) && status.st_uid == user && (status.st_mode & 077) == 0;
}

/* When a process started, in clock ticks: field 22 of its stat file. */
static bool find_start_time(uint64_t pid, uint64_t *ret_ticks)
{
    char stat[TN_STAT_BYTES];
    const char *at = tn_read_stat(pid, stat);
    for (unsigned field = 3; field < 22 && at != NULL; field++) {
        while (*at != ' ' && *at != '\0')
            at++;
        at += *at == ' ';
    }
    return at != NULL && tn_parse_number(at, ret_ticks) != NULL;
}

static int connect_by_process(const struct tn_shim_text *directory, uint64_t pid)
{
    uint64_t start_ticks;
    if (!find_start_time(pid, &start_ticks))
        return -ESRCH;
    struct tn_shim_text path = *directory;
    tn_shim_text_add(&path, "/process.");
    tn_shim_text_add_number(&path, pid);
    tn_shim_text_add(&path, ".");
    tn_shim_text_add_number(&path, start_ticks);
    return tn_hello_connect(path.text);
}

static int connect_by_log(const struct tn_shim_text *directory)
{
    const char *log = getenv("TENURE_LOG");
    struct stat status;
    if (log == NULL || tn_sys4(SYS_newfstatat, AT_FDCWD, (long)log, (long)&status, 0) != 0)
        return -ENOENT;
    struct tn_shim_text path = *directory;
    tn_shim_text_add(&path, "/log.");
    tn_shim_text_add_number(&path, status.st_dev);
    tn_shim_text_add(&path, ".");
    tn_shim_text_add_number(&path, status.st_ino);
    return tn_hello_connect(path.text);
}

/* A recorder that already runs for this process. Returns its socket or negative errno; -ECONNREFUSED: it has
 * died, and its socket is still there. */
static int find_recorder(enum tn_hello_reason reason, struct tn_shim_text *directory)
{
    bool has_directory = find_directory(directory);
    if (reason == TN_HELLO_FORK)
        return tn_hello_connect(tn_shim_process.socket_path);
    if (!has_directory)
        return -ENOENT;
    int fd = connect_by_process(directory, (uint64_t)tn_sys0(SYS_getpid));
    if (fd < 0 && fd != -ECONNREFUSED)
        fd = connect_by_process(directory, (uint64_t)tn_sys0(SYS_getppid));
    if (fd >= 0 || fd == -ECONNREFUSED)
        return fd;
    /* What a dead recorder has left of another program's log is in nobody's way. */
    fd = connect_by_log(directory);
    return fd != -ECONNREFUSED ? fd : -ENOENT;
}

/* Names what people can correct: the variable that was set, or the default. */
static const char *no_recorder(void)
{
    return getenv("TENURE_RECORDER") != NULL ? "the recorder that TENURE_RECORDER names cannot be started"
                                             : "the recorder that belongs to libtenure.so cannot be started";
}

static const char *no_log(void)
{
    return getenv("TENURE_LOG") != NULL ? "the log that TENURE_LOG names cannot be written"
                                        : "no log can be written in the working directory";
}

/* ret_is_found  whether the recorder was there before */
static int open_socket(enum tn_hello_reason reason, const char **ret_what, bool *ret_is_found)
{
    struct tn_shim_text directory;
    const char *session = reason == TN_HELLO_START ? getenv("TENURE_SESSION") : NULL;
    *ret_is_found = true;
    if (session != NULL) {
        *ret_what = "the recorder that TENURE_SESSION names";
        return tn_hello_connect(session);
    }
    int fd = find_recorder(reason, &directory);
    *ret_what = "the recorder of its session has died";
    if (fd >= 0 || fd == -ECONNREFUSED || reason == TN_HELLO_FORK)
        return fd;
    *ret_is_found = false;
    *ret_what = no_recorder();
    return tn_launch_recorder();
}

/* From a recorder's answer to tn_session_open's result. */
static int judge(const struct tn_welcome *welcome, const char **ret_what)
{
    switch (welcome->status) {
    case TN_WELCOME_OK:
        return 0;
    case TN_WELCOME_IGNORED:
        return 1;
    case TN_WELCOME_MISMATCH:
        *ret_what = "libtenure.so and the recorder are of different builds";
        return 2;
    case TN_WELCOME_REFUSED:
        *ret_what = "the recorder refused this process";
        return 2;
    default:
        /* recorder_pid 0: sent by the child that could not become a recorder (launch.c). */
        *ret_what = welcome->recorder_pid == 0 ? no_recorder() : no_log();
        return welcome->errno_value > 0 ? -welcome->errno_value : 2;
    }
}

/* Note the recorder's socket, to which fork children connect. */
static void remember_socket(enum tn_hello_reason reason, uint32_t recorder_pid)
{
    struct tn_shim_text path;
    const char *session = getenv("TENURE_SESSION");
    if (reason == TN_HELLO_FORK)
        return;
    if (session != NULL) {
        memset(&path, 0, sizeof(path));
        tn_shim_text_add(&path, session);
    } else {
        if (!find_directory(&path))
            return;
        tn_shim_text_add(&path, "/recorder.");
        tn_shim_text_add_number(&path, recorder_pid);
        tn_shim_text_add(&path, ".socket");
    }
    if (path.size < sizeof(tn_shim_process.socket_path))
        memcpy(tn_shim_process.socket_path, path.text, path.size + 1);
}

/* What an error means for a child that is not recorded because of it. */
static enum tn_child_loss loss_of(int result, enum tn_child_loss otherwise)
{
    if (result == -EMFILE || result == -ENFILE)
        return TN_CHILD_NO_DESCRIPTOR;
    if (result == -ETIMEDOUT || result == -EAGAIN)
        return TN_CHILD_UNANSWERED;
    return otherwise;
}

static int shake_hands(struct tn_offer *offer, enum tn_hello_reason reason,
                       struct tn_join_failure *ret_failure)
{
    struct tn_welcome welcome;
    bool is_found;
    int fd = open_socket(reason, &ret_failure->what, &is_found);
    ret_failure->loss = loss_of(fd, TN_CHILD_UNREACHED);
    if (fd < 0)
        return fd;
    ret_failure->what = "the recorder does not answer";
    int result = tn_hello_exchange(fd, offer, reason, &welcome);
    ret_failure->loss = loss_of(result, TN_CHILD_REFUSED);
    ret_failure->is_told = result == -ETIMEDOUT && is_found;
    if (result == 0)
        result = judge(&welcome, &ret_failure->what);
    if (result == 0)
        remember_socket(reason, welcome.recorder_pid);
    tn_sys1(SYS_close, fd);
    return result;
}

int tn_session_open(enum tn_hello_reason reason, struct tn_join_failure *ret_failure)
{
    struct tn_offer offer;
    *ret_failure = (struct tn_join_failure){"memory for the rings", TN_CHILD_NO_MEMORY, false};
    int result = tn_offer_make(&offer);
    ret_failure->loss = loss_of(result, TN_CHILD_NO_MEMORY);
    if (result < 0)
        return result;
    result = shake_hands(&offer, reason, ret_failure);
    if (result != 0) {
        tn_offer_drop(&offer);
        return result;
    }
    struct tn_shared_header *older = tn_shim_process.header;
    tn_offer_accept(&offer);
    tn_shim_process.header = offer.header;
    if (older != NULL)
        tn_parts_drop_header(older);
    return 0;
}
