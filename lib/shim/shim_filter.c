/* SPDX-License-Identifier: MIT */

/* Finds out what a filter permits. A filter cannot be asked, and may kill: so a copy of the process tries
 * what is needed, and its end tells. A filter that was inherited by exec permits what the loader has just
 * done, to open and read a file; so /proc tells whether there is one. Called by start.c and
 * interpose_filter.c. */

#include "shim_filter.h"

#include "environment.h"
#include "heap_spans.h"
#include "sys.h"

#include "tenure/session.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "banned.h"

/* The program has set a filter. */
static bool has_filter;

/* What /proc/PID/status says of a process. */
struct standing {
    uint64_t mode;         /* Seccomp: 0, no filter */
    uint64_t filter_count; /* Seccomp_filters; 0 on kernels before 5.9 */
    uint64_t pid, parent_pid;
};

/* The number behind a key at the begin of a line; fallback if there is none. */
static uint64_t number_at(const char *text, const char *key, uint64_t fallback)
{
    uint64_t number;
    for (const char *at = text; *at != '\0'; at++)
        if (tn_has_prefix(at, key) && tn_parse_number(at + tn_length(key), &number) != NULL)
            return number;
    return fallback;
}

/* process: "self", or a PID. Returns whether it could be read. */
static bool read_standing(const char *process, struct standing *ret_standing)
{
    char text[4096];
    struct tn_shim_text path;
    memset(&path, 0, sizeof(path));
    tn_shim_text_add(&path, "/proc/");
    tn_shim_text_add(&path, process);
    tn_shim_text_add(&path, "/status");
    if (tn_read_file(path.text, text, sizeof(text)) <= 0)
        return false;
    ret_standing->mode = number_at(text, "\nSeccomp:\t", 0);
    ret_standing->filter_count = number_at(text, "\nSeccomp_filters:\t", 0);
    ret_standing->pid = number_at(text, "\nPid:\t", 0);
    ret_standing->parent_pid = number_at(text, "\nPPid:\t", 0);
    return true;
}

/* Whether a process that has children lives behind the same filters. */
static bool is_shared_with(uint64_t pid, const struct standing *own)
{
    struct standing other;
    struct tn_shim_text text;
    memset(&text, 0, sizeof(text));
    tn_shim_text_add_number(&text, pid);
    return pid != 0 && own->filter_count != 0 && read_standing(text.text, &other) &&
           other.mode == own->mode && other.filter_count == own->filter_count;
}

/* Whether the filter is known to permit copies of the process: its parent, or the first process of its
 * container, made some behind the same filters. The first process of a container itself has the container's
 * filter, which all that run there must be able to live with. */
static bool may_copy(const struct standing *own)
{
    return own->pid == 1 || is_shared_with(own->parent_pid, own) || is_shared_with(1, own) ||
           tn_environment_get("TENURE_BEHIND_FILTER") != NULL;
}

static void try_memory(void)
{
    long fd = tn_sys2(SYS_memfd_create, (long)TN_MEMFD_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    tn_sys2(SYS_ftruncate, fd, (long)(2 * tn_page_bytes));
    long base = tn_sys6(SYS_mmap, 0, (long)tn_page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    tn_sys3(SYS_madvise, base, (long)tn_page_bytes, MADV_DONTFORK);
    tn_sys4(SYS_mremap, base, 0, (long)tn_page_bytes, MREMAP_MAYMOVE);
    tn_sys2(SYS_munmap, base, (long)tn_page_bytes);
    tn_sys1(SYS_close, fd);
    base = tn_sys6(SYS_mmap, 0, (long)tn_page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tn_sys3(SYS_mprotect, base, (long)tn_page_bytes, PROT_NONE);
    tn_sys6(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, base, (long)tn_page_bytes, (long)"tenure", 0);
}

static void try_socket(void)
{
    static const struct timespec none = {0, 0};
    const struct sockaddr address = {.sa_family = AF_UNIX};
    struct ucred peer;
    socklen_t size_bytes = sizeof(peer);
    struct msghdr message;
    char byte;
    memset(&message, 0, sizeof(message));
    long fd = tn_sys3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    tn_sys6(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, 0, 0, 0);
    tn_sys3(SYS_connect, fd, (long)&address, sizeof(address.sa_family));
    tn_sys6(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&size_bytes, 0);
    tn_sys3(SYS_sendmsg, fd, (long)&message, MSG_NOSIGNAL);
    tn_sys6(SYS_ppoll, 0, 0, (long)&none, 0, 8, 0);
    tn_sys6(SYS_recvfrom, fd, (long)&byte, sizeof(byte), MSG_DONTWAIT, 0, 0);
    tn_sys1(SYS_close, fd);
}

static void try_rest(void)
{
    char name[16];
    struct stat status;
    struct rlimit64 limit;
    uint32_t word = 0;
    uint64_t mask;
    tn_sys0(SYS_getpid);
    tn_sys0(SYS_getppid);
    tn_sys0(SYS_gettid);
    tn_sys0(SYS_geteuid);
    tn_signals_block(&mask);
    tn_signals_restore(&mask);
    tn_sys2(SYS_prctl, PR_GET_NAME, (long)name);
    tn_sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit);
    tn_sys4(SYS_newfstatat, AT_FDCWD, (long)"/", (long)&status, AT_SYMLINK_NOFOLLOW);
    tn_sys4(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)name, sizeof(name));
    tn_sys6(SYS_futex, (long)&word, FUTEX_WAIT, 1, 0, 0, 0);
}

/* By a copy of the process that gives no signal at its end, and that wait() does not see (launch.c). */
static bool survives_trying(void)
{
    int status = 0;
    long child = tn_arch_syscall(SYS_clone, 0, 0, 0, 0, 0, 0);
    if (child < 0)
        return false;
    if (child == 0) {
        try_memory();
        try_socket();
        try_rest();
        for (;;)
            tn_sys1(SYS_exit_group, 0);
    }
    long waited = tn_sys4(SYS_wait4, child, (long)&status, __WALL, 0);
    return waited == child && WIFEXITED(status);
}

bool tn_filter_permits(void)
{
    struct standing own;
    if (!read_standing("self", &own) || own.mode == 0)
        return true;
    tn_filter_note(false);
    tn_shim_process.is_reading_refused = true; /* nothing depends on it, so it is not tried */
    if (!may_copy(&own) || !survives_trying())
        return false;
    atomic_store_explicit(&tn_is_filtered, false, memory_order_relaxed);
    return true;
}

bool tn_filter_permits_child(void)
{
    return !has_filter && survives_trying();
}

void tn_filter_note(bool is_certain)
{
    has_filter = has_filter || is_certain;
    atomic_store(&tn_is_filtered, true);
    tn_heap_end_reading();
}
