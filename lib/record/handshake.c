/* SPDX-License-Identifier: MIT */
/* Receives hellos with their memfd over SCM_RIGHTS, checks sender and version, answers with a welcome. A
 * hello is peeked at first and stays in the socket, so that the connection can be handed over to another
 * recorder. Called by processes.c and open.c. */
#include "handshake.h"

#include "proc.h"
#include "wire_stamp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor, aligned as the kernel requires: two fit in. */
union one_descriptor {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* The last one counts; no hello has two, so whoever sends them must not keep them open here. */
static int descriptor_of(struct msghdr *message)
{
    int fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        bool has_descriptors = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS;
        for (size_t end = CMSG_LEN(sizeof(int)); has_descriptors && end <= c->cmsg_len; end += sizeof(int)) {
            if (fd >= 0)
                close(fd);
            memcpy(&fd, (const char *)c + end - sizeof(int), sizeof(int));
        }
    }
    return fd;
}

static uint32_t judge(const struct tn_handshake *handshake, const struct ucred *credentials)
{
    if (!handshake->is_own_user && credentials->uid != 0)
        return TN_WELCOME_REFUSED;
    if (handshake->hello.magic == TN_SESSION_MAGIC && handshake->hello.reason == TN_HELLO_LOST)
        return handshake->hello.loss < TN_CHILD_LOSS_COUNT ? TN_WELCOME_OK : TN_WELCOME_REFUSED;
    if (handshake->hello.magic != TN_SESSION_MAGIC || handshake->memory_fd < 0 || credentials->pid <= 0)
        return TN_WELCOME_REFUSED;
    if (handshake->hello.reason == TN_HELLO_ADOPT)
        return TN_WELCOME_OK;
    if (memcmp(handshake->hello.wire_stamp, TN_WIRE_STAMP, sizeof(TN_WIRE_STAMP)) != 0)
        return TN_WELCOME_MISMATCH;
    return TN_WELCOME_OK;
}

_Static_assert(sizeof(TN_WIRE_STAMP) == TN_WIRE_STAMP_BYTES, "the stamp fills its field");

/* What the kernel knows of the sender. One that ends meanwhile keeps what was found. */
static void identify(struct tn_handshake *handshake, const struct ucred *credentials)
{
    struct tn_proc_stat stat;
    handshake->is_own_user = credentials->pid > 0 && credentials->uid == geteuid();
    handshake->id.pid = credentials->pid;
    handshake->id.own_pid = handshake->hello.pid;
    handshake->id.pid_namespace = tn_proc_pid_namespace(credentials->pid);
    if (tn_proc_read_stat(credentials->pid, &stat) < 0)
        return;
    handshake->id.start_time = stat.start_time;
    handshake->parent_pid = stat.parent_pid;
}

bool tn_handshake_is_abandoned(int connection_fd)
{
    struct pollfd poll_fd = {.fd = connection_fd, .events = POLLRDHUP};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

int tn_handshake_peek(int connection_fd, struct tn_handshake *ret_handshake, uint32_t *ret_status)
{
    struct tn_handshake handshake = {.memory_fd = -1, .pidfd = -1};
    union one_descriptor control;
    struct iovec part = {&handshake.hello, sizeof(handshake.hello)};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t length = recvmsg(connection_fd, &message, MSG_PEEK | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (length < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    if (length == 0)
        return -EPIPE;
    handshake.memory_fd = descriptor_of(&message);
    struct ucred credentials = {0};
    socklen_t size = sizeof(credentials);
    if (getsockopt(connection_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        credentials.pid = 0;
    identify(&handshake, &credentials);
    *ret_status = length == sizeof(handshake.hello) ? judge(&handshake, &credentials) : TN_WELCOME_MISMATCH;
    *ret_handshake = handshake;
    return 0;
}

void tn_handshake_answer(int connection_fd, struct tn_welcome welcome)
{
    struct tn_hello hello;
    welcome.magic = TN_SESSION_MAGIC;
    welcome.recorder_pid = (uint32_t)getpid();
    /* An unread hello would turn our answer into a reset when we close. The kernel drops its descriptor.
     */
    (void)recv(connection_fd, &hello, sizeof(hello), MSG_DONTWAIT);
    (void)send(connection_fd, &welcome, sizeof(welcome), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int tn_handshake_hand_over(int recorder_fd, int connection_fd)
{
    struct tn_hello hello = {.magic = TN_SESSION_MAGIC, .reason = TN_HELLO_ADOPT};
    union one_descriptor control = {0};
    struct iovec part = {&hello, sizeof(hello)};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &connection_fd, sizeof(int));
    if (sendmsg(recorder_fd, &message, MSG_NOSIGNAL) < 0)
        return -errno;
    struct pollfd poll_fd = {.fd = recorder_fd, .events = POLLIN};
    struct tn_welcome welcome;
    if (poll(&poll_fd, 1, TN_WELCOME_TIMEOUT_MS) <= 0)
        return -ETIMEDOUT;
    return recv(recorder_fd, &welcome, sizeof(welcome), 0) == sizeof(welcome) ? 0 : -EPIPE;
}
