/* SPDX-License-Identifier: MIT */
/* What anybody may send to a recorder's socket: a hello or a request of any content, with no, one or several
 * descriptors. The first byte is their number. Afterwards the recorder has no more descriptors than before.
 */
#include "fuzz.h"
#include "handshake.h"
#include "requests.h"

#include "tenure/session.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 4
#define NUMBERS         64

static void send_message(int socket_fd, const uint8_t *data, size_t size_bytes, int fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)data, size_bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
        for (int i = 0; i < fd_count; i++)
            memcpy(CMSG_DATA(head) + (size_t)i * sizeof(int), &socket_fd, sizeof(int));
    }
    fuzz_check(sendmsg(socket_fd, &message, MSG_NOSIGNAL) >= 0, "the message cannot be sent");
}

static void receive(int connection_fd)
{
    struct tn_handshake handshake;
    uint32_t status;
    if (tn_requests_is_one(connection_fd) != 0 || tn_handshake_peek(connection_fd, &handshake, &status) < 0)
        return;
    fuzz_check(status != TN_WELCOME_OK || handshake.hello.magic == TN_SESSION_MAGIC, "no hello is welcome");
    if (handshake.memory_fd >= 0)
        close(handshake.memory_fd);
}

/* How many of the numbers that a process has first are in use. */
static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < NUMBERS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    int sockets[2], before = count_descriptors();
    if (size_bytes < 2 || size_bytes > 65536)
        return 0;
    fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0, "no sockets");
    fuzz_check(tn_requests_is_one(sockets[1]) < 0, "a message is seen before it was sent");
    send_message(sockets[0], data + 1, size_bytes - 1, data[0] % (DESCRIPTORS_MAX + 1));
    receive(sockets[1]);
    close(sockets[0]);
    close(sockets[1]);
    fuzz_check(count_descriptors() == before, "a descriptor is left open");
    return 0;
}
