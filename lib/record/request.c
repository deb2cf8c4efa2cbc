/* SPDX-License-Identifier: MIT */
/* Finds the recorder of a process or a log in the session directories, asks it, and waits for its answer.
 * Called by tools. */
#include "tenure/request.h"

#include "proc.h"
#include "session_dir.h"
#include "wire_stamp.h"

#include "tenure/base.h"
#include "tenure/session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 10000

static bool is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* Connect to the recorder of a target, a socket or a negative errno: -ENOENT, -ECONNREFUSED: there is none.
 */
static int connect_to(const char *target, struct tn_error *error)
{
    struct tn_proc_stat stat;
    if (!is_number(target)) {
        if (access(target, F_OK) < 0)
            return tn_error_set(error, -errno, "no log '%s': %s", target, strerror(errno));
        return tn_session_dir_find_log(target);
    }
    long pid = strtol(target, NULL, 10);
    if (pid <= 0 || pid > INT_MAX || tn_proc_read_stat((pid_t)pid, &stat) < 0)
        return tn_error_set(error, -ENOENT, "no process %s: it has ended, or the number is wrong", target);
    return tn_session_dir_find_process((pid_t)pid, stat.start_time);
}

static int explain_missing(const char *target, int code, struct tn_error *error)
{
    if (error->code != 0)
        return error->code;
    if (code == -EACCES || code == -EPERM)
        return tn_error_set(error, -EACCES, "cannot reach the recorder of '%s': it is another user's",
                            target);
    if (is_number(target))
        return tn_error_set(
            error, -ENOENT,
            "process %s is not being recorded: give the PID of a program that 'tenure record' "
            "has started, or its log",
            target);
    return tn_error_set(error, -ENOENT,
                        "nobody is writing the log '%s': its recording is over, or another user's", target);
}

static int ask(int fd, enum tn_request_verb verb, struct tn_request_reply *reply)
{
    struct tn_request_message request = {.magic = TN_REQUEST_MAGIC, .verb = verb};
    memcpy(request.wire_stamp, TN_WIRE_STAMP, sizeof(TN_WIRE_STAMP));
    if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
        return -errno;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready = poll(&poll_fd, 1, ANSWER_MS);
    if (ready <= 0)
        return ready == 0 ? -ETIMEDOUT : -errno;
    ssize_t length = recv(fd, reply, sizeof(*reply), 0);
    if (length <= 0)
        return -ECONNRESET;
    bool is_ours = length == sizeof(*reply) && reply->magic == TN_REQUEST_MAGIC &&
                   reply->status_size == sizeof(reply->recording);
    return is_ours ? 0 : -EPROTO;
}

static int explain_answer(const char *target, int r, const struct tn_request_reply *reply,
                          struct tn_error *error)
{
    if (r == -ETIMEDOUT)
        return tn_error_set(error, r, "the recorder of '%s' does not answer: it is stopped, or very busy",
                            target);
    if (r == -EPROTO || (r == 0 && reply->status == TN_WELCOME_MISMATCH))
        return tn_error_set(
            error, -EPROTO,
            "the recorder of '%s' is of another build of tenure: use the command that started it", target);
    if (r == 0 && reply->status == TN_WELCOME_REFUSED)
        return explain_missing(target, -EACCES, error);
    if (r == 0)
        r = -reply->errno_value;
    if (r < 0)
        return tn_error_set(error, r, "the recorder of '%s' could not do it: %s", target, strerror(-r));
    return 0;
}

int tn_request(const char *target, enum tn_request_verb verb, struct tn_recording_status *ret_status,
               struct tn_error *error)
{
    struct tn_error own_error = {0};
    struct tn_request_reply reply;
    error = error != NULL ? error : &own_error;
    error->code = 0;
    int fd = connect_to(target, error);
    if (fd < 0)
        return explain_missing(target, fd, error);
    int r = ask(fd, verb, &reply);
    close(fd);
    r = explain_answer(target, r, &reply, error);
    if (r < 0)
        return r;
    *ret_status = reply.recording;
    ret_status->log_path[TN_REQUEST_PATH_BYTES - 1] = '\0';
    return 0;
}
