/* SPDX-License-Identifier: MIT */

/* Sends the hello and waits for the welcome. Invariant: nobody waits for a recorder that is stopped, or dead.
 * Called by shim_session.c. */

#include "hello.h"

#include "sys.h"
#include "wire_stamp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "banned.h"

/* The first look whether the recorder is stopped comes after this; it answers in a millisecond or so. */
#define FIRST_SLICE_MS 10
#define SLICE_MS       100

/* A new image in another PID namespace cannot see whether the recorder is stopped. */
#define BLIND_WAIT_MS 1000

int tn_hello_connect(const char *path)
{
    struct sockaddr_un address;
    size_t length = tn_length(path);
    if (length >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path, length + 1);
    long fd = tn_sys3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return (int)fd;
    const struct {
        int64_t seconds, microseconds;
    } limit = {BLIND_WAIT_MS / 1000, 0};
    tn_sys6(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, (long)&limit, sizeof(limit), 0);
    long result = tn_sys3(SYS_connect, fd, (long)&address, sizeof(address));
    if (result == 0)
        return (int)fd;
    tn_sys1(SYS_close, fd);
    return (int)result;
}

static void begin_hello(struct tn_hello *hello, enum tn_hello_reason reason)
{
    memset(hello, 0, sizeof(*hello));
    hello->magic = TN_SESSION_MAGIC;
    hello->reason = reason;
    memcpy(hello->wire_stamp, TN_WIRE_STAMP, sizeof(TN_WIRE_STAMP));
    hello->pid = (uint32_t)tn_sys0(SYS_getpid);
    hello->parent_pid = (uint32_t)tn_sys0(SYS_getppid);
}

static int send_hello(int fd, const struct tn_offer *offer, enum tn_hello_reason reason)
{
    struct tn_hello hello;
    begin_hello(&hello, reason);
    hello.pid = offer->header->pid;
    /* A fork child's parent may have ended by now; its pid was noted before the fork. */
    if (reason == TN_HELLO_FORK && tn_shim_process.pid != 0)
        hello.parent_pid = tn_shim_process.pid;
    hello.shared_bytes = offer->header->total_bytes;
    hello.start_ticks = offer->header->start_ticks;
    hello.stack_depth = tn_shim_process.options.depth_max;
    hello.ring_bytes = tn_shim_process.options.ring_bytes;
    hello.free_stacks = tn_shim_process.options.has_free_stacks;
    hello.children = tn_shim_process.options.has_children;
    hello.links = tn_shim_process.options.links;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {&hello, sizeof(hello)};
    struct msghdr message;
    memset(&control, 0, sizeof(control));
    memset(&message, 0, sizeof(message));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof(control.space);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &offer->fd, sizeof(int));
    long sent = tn_sys3(SYS_sendmsg, fd, (long)&message, MSG_NOSIGNAL);
    return sent < 0 ? (int)sent : 0;
}

/* The recorder's process as this one sees it; 0: it lies in another PID namespace. */
static uint64_t peer_of(int fd)
{
    struct ucred peer = {0, 0, 0};
    socklen_t size_bytes = sizeof(peer);
    tn_sys6(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&size_bytes, 0);
    return peer.pid > 0 ? (uint64_t)peer.pid : 0;
}

/* Whether a process is stopped by a signal. One that is traced stops at each call, for a moment. */
static bool is_stopped(uint64_t pid)
{
    char stat[TN_STAT_BYTES];
    const char *state = tn_read_stat(pid, stat);
    return state != NULL && *state == 'T';
}

/* Whether an answer may still come. A fork child sees in its parent's header whether the recorder lives. */
static bool may_answer(uint64_t peer, enum tn_hello_reason reason, uint64_t waited_ms)
{
    const struct tn_shared_header *parents = tn_shim_process.header;
    if (waited_ms >= TN_WELCOME_TIMEOUT_MS || (parents != NULL && tn_shared_is_orphaned(parents)))
        return false;
    if (peer == 0)
        return reason == TN_HELLO_FORK || waited_ms < BLIND_WAIT_MS;
    return !is_stopped(peer);
}

static int wait_for_answer(int fd, uint64_t peer, enum tn_hello_reason reason)
{
    struct pollfd poll = {fd, POLLIN, 0};
    uint64_t slice_ms = FIRST_SLICE_MS;
    for (uint64_t waited_ms = 0;; waited_ms += slice_ms) {
        const struct {
            int64_t seconds, nanoseconds;
        } slice = {0, (int64_t)slice_ms * 1000000};
        if (waited_ms != 0 && !may_answer(peer, reason, waited_ms))
            return -ETIMEDOUT;
        long ready = tn_sys6(SYS_ppoll, (long)&poll, 1, (long)&slice, 0, 8, 0);
        /* Behind a filter of system calls signals are not blocked here. */
        if (ready != 0 && ready != -EINTR)
            return ready < 0 ? (int)ready : 0;
        slice_ms = SLICE_MS;
    }
}

static int take_welcome(int fd, uint64_t peer, enum tn_hello_reason reason, struct tn_welcome *ret_welcome)
{
    struct tn_welcome welcome;
    int result = wait_for_answer(fd, peer, reason);
    if (result < 0)
        return result;
    long got = tn_sys6(SYS_recvfrom, fd, (long)&welcome, sizeof(welcome), 0, 0, 0);
    /* If the peer has closed without reading the hello, this error comes first, and its answer after it. */
    if (got == -ECONNRESET)
        got = tn_sys6(SYS_recvfrom, fd, (long)&welcome, sizeof(welcome), 0, 0, 0);
    if (got <= 0)
        return got == 0 ? -ECONNRESET : (int)got;
    if (got != sizeof(welcome) || welcome.magic != TN_SESSION_MAGIC)
        return -EPROTO;
    *ret_welcome = welcome;
    return 0;
}

int tn_hello_exchange(int fd, const struct tn_offer *offer, enum tn_hello_reason reason,
                      struct tn_welcome *ret_welcome)
{
    int result = send_hello(fd, offer, reason);
    /* EPIPE: the child that could not become a recorder has answered and ended before the hello was sent. */
    if (result < 0 && result != -EPIPE)
        return result == -EAGAIN ? -ETIMEDOUT : result;
    uint64_t peer = peer_of(fd);
    /* The first process of a namespace takes all others with it when it ends. */
    tn_shim_process.takes_recorder_along = offer->header->pid == 1 && peer != 0;
    return take_welcome(fd, peer, reason, ret_welcome);
}

bool tn_hello_tell_loss(int fd, enum tn_hello_reason reason, enum tn_child_loss loss)
{
    struct tn_hello hello;
    struct tn_welcome welcome;
    begin_hello(&hello, TN_HELLO_LOST);
    hello.loss = loss;
    hello.is_fork_child = reason == TN_HELLO_FORK;
    if (tn_sys6(SYS_sendto, fd, (long)&hello, sizeof(hello), MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0) !=
        sizeof(hello))
        return false;
    return take_welcome(fd, peer_of(fd), reason, &welcome) == 0;
}
