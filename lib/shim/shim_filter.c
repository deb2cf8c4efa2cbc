/* SPDX-License-Identifier: MIT */

/* Finds out what a filter permits. A filter cannot be asked, and may kill: so a copy of the process tries
 * what is needed, and its end tells. A filter that was inherited by exec permits what the loader has just
 * done, to open and read a file; so /proc tells whether there is one. Called by start.c and
 * interpose_filter.c. */

#include "shim_filter.h"

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

/* Whether the kernel says that this thread has a filter; true when it does not say. */
static bool has_filter(void)
{
    static const char key[] = "\nSeccomp:\t";
    char text[4096];
    if (tn_read_file("/proc/self/status", text, sizeof(text)) <= 0)
        return true;
    for (const char *at = text; *at != '\0'; at++)
        if (tn_has_prefix(at, key))
            return at[sizeof(key) - 1] != '0';
    return false;
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
    return !has_filter() || survives_trying();
}

bool tn_filter_permits_child(void)
{
    return survives_trying();
}

void tn_filter_note(void)
{
    atomic_store_explicit(&tn_is_filtered, true, memory_order_relaxed);
}
