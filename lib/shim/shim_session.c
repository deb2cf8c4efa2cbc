/* SPDX-License-Identifier: MIT */

/* Opens a session: makes the shared memory, connects to a recorder (session.h says in which order it is
 * looked for) or starts one, sends the hello and waits for the welcome. Invariant: after a failure nothing is
 * left open or mapped. Called by start.c, in the first process and in each fork child. */

#include "shim_session.h"

#include "sys.h"
#include "ticks.h"
#include "wire_stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "banned.h"

#define SLOT_COUNT_MIN 64u

/* The shared memory, until the recorder has accepted it. */
struct offer {
    int fd;
    struct tn_shared_header *header;
    size_t total_bytes;
};

static int map_shared(struct offer *offer, uint32_t slot_count, uint32_t ring_words)
{
    size_t total_bytes = tn_shared_total_bytes(slot_count, ring_words);
    struct rlimit64 limit;
    /* Beyond the limit of file sizes the kernel would send a signal. */
    if (tn_sys4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit) == 0 && limit.rlim_cur < total_bytes)
        return -EFBIG;
    long result = tn_sys2(SYS_ftruncate, offer->fd, (long)total_bytes);
    if (result < 0)
        return (int)result;
    long base = tn_sys6(SYS_mmap, 0, (long)total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                        offer->fd, 0);
    if (base < 0 && base > -4096)
        return (int)base;
    offer->header = (struct tn_shared_header *)base;
    offer->total_bytes = total_bytes;
    /* A fork child gets rings of its own, and core dumps are smaller without. */
    tn_sys3(SYS_madvise, base, (long)total_bytes, MADV_DONTFORK);
    tn_sys3(SYS_madvise, base, (long)total_bytes, MADV_DONTDUMP);
    return 0;
}

static void fill_header(struct offer *offer, uint32_t slot_count, uint32_t ring_words)
{
    struct tn_shared_header *header = offer->header;
    header->magic = TN_SHARED_MAGIC;
    header->total_bytes = offer->total_bytes;
    header->slot_count = slot_count;
    header->ring_words = ring_words;
    header->pid = (uint32_t)tn_sys0(SYS_getpid);
    header->clock = tn_arch_ticks_are_constant() ? TN_ARCH_CLOCK : TN_CLOCK_MONOTONIC;
    header->start_ticks = header->clock == TN_ARCH_CLOCK ? tn_arch_ticks() : tn_ticks_monotonic();
    header->stack_depth = tn_shim_process.options.depth_max;
}

/* Make the shared memory; with fewer slots when the limit of address space is tight. */
static int make_offer(struct offer *offer)
{
    uint32_t ring_words = tn_shim_process.options.ring_bytes / 8;
    uint32_t slot_count = TN_SLOT_COUNT_DEFAULT;
    long fd = tn_sys2(SYS_memfd_create, (long)TN_MEMFD_NAME, MFD_CLOEXEC);
    if (fd < 0)
        return (int)fd;
    offer->fd = (int)fd;
    int result = map_shared(offer, slot_count, ring_words);
    while (result < 0 && slot_count > SLOT_COUNT_MIN) {
        slot_count /= 2;
        result = map_shared(offer, slot_count, ring_words);
    }
    if (result < 0) {
        tn_sys1(SYS_close, fd);
        return result;
    }
    fill_header(offer, slot_count, ring_words);
    return 0;
}

static void drop_offer(struct offer *offer)
{
    tn_sys2(SYS_munmap, (long)offer->header, (long)offer->total_bytes);
    tn_sys1(SYS_close, offer->fd);
}

/* Connect to a recorder's socket. Returns the descriptor or negative errno. */
static int connect_to(const char *path)
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
    long result = tn_sys3(SYS_connect, fd, (long)&address, sizeof(address));
    if (result == 0)
        return (int)fd;
    tn_sys1(SYS_close, fd);
    return (int)result;
}

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

/* When a process started, in clock ticks (field 22 of its stat file; the name before it may hold anything).
 */
static bool find_start_time(uint64_t pid, uint64_t *ret_ticks)
{
    char stat[1024];
    struct tn_shim_text path;
    memset(&path, 0, sizeof(path));
    tn_shim_text_add(&path, "/proc/");
    tn_shim_text_add_number(&path, pid);
    tn_shim_text_add(&path, "/stat");
    if (tn_read_file(path.text, stat, sizeof(stat)) <= 0)
        return false;
    const char *at = stat;
    for (const char *c = stat; *c != '\0'; c++)
        if (*c == ')')
            at = c + 1;
    for (unsigned field = 2; field < 22 && at != NULL; field++) {
        while (*at != ' ' && *at != '\0')
            at++;
        at += *at == ' ';
    }
    return tn_parse_number(at, ret_ticks) != NULL;
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
    return connect_to(path.text);
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
    return connect_to(path.text);
}

/* A recorder that already runs for this process. Returns its socket or negative errno. */
static int find_recorder(enum tn_hello_reason reason, struct tn_shim_text *directory)
{
    bool has_directory = find_directory(directory);
    if (reason == TN_HELLO_FORK)
        return connect_to(tn_shim_process.socket_path);
    if (!has_directory)
        return -ENOENT;
    int fd = connect_by_process(directory, (uint64_t)tn_sys0(SYS_getpid));
    if (fd < 0)
        fd = connect_by_process(directory, (uint64_t)tn_sys0(SYS_getppid));
    return fd >= 0 ? fd : connect_by_log(directory);
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

static int open_socket(enum tn_hello_reason reason, const char **ret_what)
{
    struct tn_shim_text directory;
    const char *session = reason == TN_HELLO_START ? getenv("TENURE_SESSION") : NULL;
    if (session != NULL) {
        *ret_what = "the recorder that TENURE_SESSION names";
        return connect_to(session);
    }
    int fd = find_recorder(reason, &directory);
    if (fd >= 0 || reason == TN_HELLO_FORK)
        return fd;
    *ret_what = no_recorder();
    return tn_launch_recorder();
}

static int send_hello(int fd, const struct offer *offer, enum tn_hello_reason reason)
{
    struct tn_hello hello;
    memset(&hello, 0, sizeof(hello));
    hello.magic = TN_SESSION_MAGIC;
    hello.reason = reason;
    memcpy(hello.wire_stamp, TN_WIRE_STAMP, sizeof(TN_WIRE_STAMP));
    hello.pid = offer->header->pid;
    /* A fork child's parent may have ended by now; its pid was noted before the fork. */
    bool is_known = reason == TN_HELLO_FORK && tn_shim_process.pid != 0;
    hello.parent_pid = is_known ? tn_shim_process.pid : (uint32_t)tn_sys0(SYS_getppid);
    hello.shared_bytes = offer->total_bytes;
    hello.start_ticks = offer->header->start_ticks;
    hello.stack_depth = tn_shim_process.options.depth_max;
    hello.ring_bytes = tn_shim_process.options.ring_bytes;
    hello.free_stacks = tn_shim_process.options.has_free_stacks;
    hello.children = tn_shim_process.options.has_children;
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

static int take_welcome(int fd, struct tn_welcome *ret_welcome)
{
    struct pollfd poll = {fd, POLLIN, 0};
    const struct {
        int64_t seconds, nanoseconds;
    } timeout = {TN_WELCOME_TIMEOUT_MS / 1000, 0};
    long ready = tn_sys6(SYS_ppoll, (long)&poll, 1, (long)&timeout, 0, 8, 0);
    if (ready <= 0)
        return ready < 0 ? (int)ready : -ETIMEDOUT;
    long got = tn_sys6(SYS_recvfrom, fd, (long)ret_welcome, sizeof(*ret_welcome), 0, 0, 0);
    /* If the peer has closed without reading the hello, this error comes first, and its answer after it. */
    if (got == -ECONNRESET)
        got = tn_sys6(SYS_recvfrom, fd, (long)ret_welcome, sizeof(*ret_welcome), 0, 0, 0);
    if (got <= 0)
        return got == 0 ? -ECONNRESET : (int)got;
    return got == sizeof(*ret_welcome) && ret_welcome->magic == TN_SESSION_MAGIC ? 0 : -EPROTO;
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

static void take_into_use(const struct offer *offer)
{
    tn_hot.header = offer->header;
    tn_hot.slot_count = offer->header->slot_count;
    tn_hot.ring_words = offer->header->ring_words;
    tn_hot.clock = offer->header->clock;
    tn_hot.pid = offer->header->pid;
    tn_shim_process.pid = offer->header->pid;
    tn_hot.next_slot = 1;
    tn_hot.last_stack_id = 0;
    /* The control ring is never free. */
    atomic_store_explicit(&tn_shared_ring(offer->header, TN_CONTROL_SLOT)->state, TN_SLOT_CLAIMED,
                          memory_order_relaxed);
}

int tn_session_open(enum tn_hello_reason reason, const char **ret_what)
{
    struct offer offer;
    struct tn_welcome welcome;
    *ret_what = "memory for the rings";
    int result = make_offer(&offer);
    if (result < 0)
        return result;
    int fd = open_socket(reason, ret_what);
    if (fd < 0) {
        drop_offer(&offer);
        return fd;
    }
    *ret_what = "the recorder does not answer";
    result = send_hello(fd, &offer, reason);
    /* EPIPE: the child that could not become a recorder has answered and ended before the hello was sent. */
    if (result == 0 || result == -EPIPE)
        result = take_welcome(fd, &welcome);
    if (result == 0)
        result = judge(&welcome, ret_what);
    tn_sys1(SYS_close, fd);
    if (result != 0) {
        drop_offer(&offer);
        return result;
    }
    remember_socket(reason, welcome.recorder_pid);
    take_into_use(&offer);
    tn_sys1(SYS_close, offer.fd);
    return 0;
}
