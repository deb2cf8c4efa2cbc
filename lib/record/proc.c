/* SPDX-License-Identifier: MIT */
/* Reads /proc/PID files, pidfds and wait statuses. Every read may find the process gone; callers treat that
 * as an answer. */
#include "proc.h"

#include "tenure/session.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_LINE_BYTES_MAX 65536
#define STAT_BYTES             2048
#define COMM_BYTES             15 /* TASK_COMM_LEN - 1, linux/sched.h */

/* Of linux/pidfd.h (6.13; the exit code 6.15), which the headers of older systems lack. */
struct pidfd_info {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t ids[11];
    int32_t exit_status;
};
#define PIDFD_INFO_WITH_EXIT UINT64_C(8)
#define PIDFD_ASK_INFO       _IOWR(0xff, 11, struct pidfd_info)

static int open_file(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

/* Reads and closes fd. */
static ssize_t read_and_close(int fd, char *text, size_t size_bytes)
{
    ssize_t length = read(fd, text, size_bytes - 1);
    if (length < 0)
        length = -errno;
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return length;
}

static ssize_t read_text(pid_t pid, const char *name, char *text, size_t size_bytes)
{
    int fd = open_file(pid, name);
    return fd >= 0 ? read_and_close(fd, text, size_bytes) : fd;
}

/* Field n of a stat line, from the state (field 3) on. The name before it may hold spaces and parentheses. */
static const char *stat_field(const char *state, int n)
{
    for (int i = 3; i < n && state != NULL; i++) {
        state = strchr(state, ' ');
        if (state != NULL)
            state++;
    }
    return state != NULL ? state : "0";
}

static int parse_stat(const char *text, struct tn_proc_stat *ret_stat)
{
    const char *name_end = strrchr(text, ')');
    if (name_end == NULL || name_end[1] != ' ')
        return -EIO;
    const char *state = name_end + 2;
    ret_stat->state = *state;
    ret_stat->parent_pid = (pid_t)strtol(stat_field(state, 4), NULL, 10);
    ret_stat->start_time = strtoull(stat_field(state, 22), NULL, 10);
    ret_stat->thread_count = (uint32_t)strtoul(stat_field(state, 20), NULL, 10);
    ret_stat->exit_status = (int)strtol(stat_field(state, 52), NULL, 10);
    return 0;
}

int tn_proc_read_stat(pid_t pid, struct tn_proc_stat *ret_stat)
{
    char text[STAT_BYTES];
    ssize_t length = read_text(pid, "stat", text, sizeof(text));
    return length < 0 ? (int)length : parse_stat(text, ret_stat);
}

static int read_link(pid_t pid, const char *name, char *text, size_t size_bytes)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    ssize_t length = readlink(path, text, size_bytes - 1);
    int r = length < 0 ? -errno : 0;
    text[length > 0 ? length : 0] = '\0';
    return r;
}

void tn_proc_executable(pid_t pid, char *text, size_t size_bytes)
{
    read_link(pid, "exe", text, size_bytes);
}

int tn_proc_directory(pid_t pid, char *text, size_t size_bytes)
{
    return read_link(pid, "cwd", text, size_bytes);
}

void tn_proc_name(pid_t pid, char *text, size_t size_bytes)
{
    char name[64], argument[4096];
    ssize_t length = read_text(pid, "comm", name, sizeof(name));
    name[strcspn(name, "\n")] = '\0';
    const char *whole = name;
    if (length > 0 && read_text(pid, "cmdline", argument, sizeof(argument)) > 0) {
        const char *slash = strrchr(argument, '/');
        const char *base = slash != NULL ? slash + 1 : argument;
        if (strlen(name) == COMM_BYTES && strncmp(base, name, COMM_BYTES) == 0)
            whole = base;
    }
    snprintf(text, size_bytes, "%s", whole);
}

static int append_quoted(struct tn_buffer *text, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (argument[0] != '\0' && argument[strspn(argument, plain)] == '\0')
        return tn_buffer_append(text, argument, strlen(argument));
    int r = tn_buffer_append(text, "'", 1);
    for (const char *c = argument; *c != '\0' && r == 0; c++)
        r = *c == '\'' ? tn_buffer_append(text, "'\\''", 4) : tn_buffer_append(text, c, 1);
    return r == 0 ? tn_buffer_append(text, "'", 1) : r;
}

static ssize_t read_all(int fd, char *text, size_t size_bytes)
{
    size_t done = 0;
    while (done < size_bytes) {
        ssize_t n = read(fd, text + done, size_bytes - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int tn_proc_command_line(pid_t pid, struct tn_buffer *text)
{
    char *arguments = malloc(COMMAND_LINE_BYTES_MAX + 1);
    if (arguments == NULL)
        return -ENOMEM;
    int fd = open_file(pid, "cmdline");
    ssize_t length = fd >= 0 ? read_all(fd, arguments, COMMAND_LINE_BYTES_MAX) : 0;
    if (fd >= 0)
        close(fd);
    arguments[length] = '\0';
    int r = 0;
    for (ssize_t at = 0; at < length && r == 0; at += (ssize_t)strlen(arguments + at) + 1) {
        if (at != 0)
            r = tn_buffer_append(text, " ", 1);
        if (r == 0)
            r = append_quoted(text, arguments + at);
    }
    free(arguments);
    return r == 0 ? tn_buffer_append(text, "", 1) : r;
}

/* Whether a file of a process contains a text, searched in overlapping pieces. An empty file answers -ESRCH:
 * the process, or its first thread, is a zombie. */
static int file_holds(pid_t pid, const char *name, const char *wanted)
{
    int fd = open_file(pid, name);
    if (fd < 0)
        return fd;
    char piece[16384];
    size_t wanted_bytes = strlen(wanted), kept = 0;
    int r = -ESRCH;
    for (;;) {
        ssize_t n = read(fd, piece + kept, sizeof(piece) - kept);
        if (n <= 0) {
            r = n < 0 ? -errno : r;
            break;
        }
        r = 0;
        size_t have = kept + (size_t)n;
        if (memmem(piece, have, wanted, wanted_bytes) != NULL) {
            r = 1;
            break;
        }
        kept = have < wanted_bytes ? have : wanted_bytes - 1;
        memmove(piece, piece + have - kept, kept);
    }
    close(fd);
    return r;
}

int tn_proc_has_rings(pid_t pid)
{
    return file_holds(pid, "maps", "/memfd:" TN_MEMFD_NAME " (deleted)");
}

int tn_proc_has_shim(pid_t pid)
{
    return file_holds(pid, "maps", "libtenure.so");
}

int tn_proc_environment_holds(pid_t pid, const char *text)
{
    return file_holds(pid, "environ", text);
}

void tn_proc_decode_status(int status, enum tn_exit_kind *ret_kind, int *ret_code)
{
    *ret_kind = WIFSIGNALED(status) ? TN_EXIT_SIGNAL : TN_EXIT_EXIT;
    *ret_code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

/* A zombie keeps its status until its parent collects it; from then on a kernel of 6.15 or newer keeps it in
 * the pidfd. If the parent collects it between the two reads, the second one succeeds. */
void tn_proc_exit_status(pid_t pid, int pidfd, enum tn_exit_kind *ret_kind, int *ret_code)
{
    struct tn_proc_stat stat;
    *ret_kind = TN_EXIT_UNKNOWN;
    *ret_code = -1;
    if (tn_proc_read_stat(pid, &stat) == 0 && stat.state == 'Z') {
        tn_proc_decode_status(stat.exit_status, ret_kind, ret_code);
        return;
    }
    struct pidfd_info info = {.mask = PIDFD_INFO_WITH_EXIT};
    if (ioctl(pidfd, PIDFD_ASK_INFO, &info) == 0 && (info.mask & PIDFD_INFO_WITH_EXIT) != 0)
        tn_proc_decode_status(info.exit_status, ret_kind, ret_code);
}

bool tn_proc_may_have_few(pid_t pid)
{
    struct rlimit limit;
    return geteuid() != 0 && prlimit(pid, RLIMIT_NPROC, NULL, &limit) == 0 && limit.rlim_cur < TN_PROC_FEW;
}

int tn_proc_open_pidfd(pid_t pid, bool *ret_is_folder)
{
    char path[64];
    long fd = syscall(SYS_pidfd_open, pid, 0);
    *ret_is_folder = fd < 0 && errno == ENOSYS;
    if (!*ret_is_folder)
        return fd >= 0 ? (int)fd : -errno;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? (int)fd : errno == ENOENT ? -ESRCH : -errno;
}

/* A zombie counts its own threads, too, until the last of them is gone. */
static bool has_folder_ended(int folder_fd)
{
    char text[STAT_BYTES];
    struct tn_proc_stat stat;
    int fd = openat(folder_fd, "stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read_and_close(fd, text, sizeof(text)) : -errno;
    if (length == -ENOENT || length == -ESRCH)
        return true;
    return length > 0 && parse_stat(text, &stat) == 0 && stat.state == 'Z' && stat.thread_count <= 1;
}

bool tn_proc_has_ended(int pidfd, bool is_folder)
{
    if (is_folder)
        return has_folder_ended(pidfd);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

bool tn_proc_thread_is_gone(pid_t pid, pid_t tid)
{
    return syscall(SYS_tgkill, pid, tid, 0) < 0 && errno == ESRCH;
}

uint64_t tn_proc_pid_namespace(pid_t pid)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
    return stat(path, &status) == 0 ? (uint64_t)status.st_ino : 0;
}

/* The last number of the line NSpid of a thread's status: its id in its own namespace. */
static int read_own_tid(pid_t pid, const char *tid, uint32_t *ret_own_tid)
{
    char name[64], text[4096];
    snprintf(name, sizeof(name), "task/%.20s/status", tid);
    ssize_t length = read_text(pid, name, text, sizeof(text));
    if (length < 0)
        return (int)length;
    const char *line = strstr(text, "\nNSpid:");
    if (line == NULL)
        return -ENOTSUP;
    line += strlen("\nNSpid:");
    unsigned long own_tid = 0;
    for (char *end; *line == '\t'; line = end)
        own_tid = strtoul(line + 1, &end, 10);
    *ret_own_tid = (uint32_t)own_tid;
    return 0;
}

static int compare_tids(const void *a, const void *b)
{
    uint32_t left = ((const struct tn_proc_tid *)a)->own_tid;
    uint32_t right = ((const struct tn_proc_tid *)b)->own_tid;
    return (left > right) - (left < right);
}

/* A thread that ends between the listing and the look at it is left out. */
static int add_tid(struct tn_buffer *list, pid_t pid, const char *name)
{
    struct tn_proc_tid tid = {.tid = (pid_t)atoi(name)};
    if (!isdigit((unsigned char)name[0]))
        return 0;
    int r = read_own_tid(pid, name, &tid.own_tid);
    if (r == -ENOENT || r == -ESRCH)
        return 0;
    return r < 0 ? r : tn_buffer_append(list, &tid, sizeof(tid));
}

int tn_proc_list_tids(pid_t pid, struct tn_proc_tid **ret_tids, uint32_t *ret_count)
{
    char path[64];
    struct tn_buffer list = {0};
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -errno;
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(dir)) != NULL;)
        r = add_tid(&list, pid, entry->d_name);
    closedir(dir);
    if (r < 0) {
        tn_buffer_finish(&list);
        return r;
    }
    *ret_tids = (void *)list.data;
    *ret_count = (uint32_t)(list.size_bytes / sizeof(struct tn_proc_tid));
    if (*ret_count != 0)
        qsort(*ret_tids, *ret_count, sizeof(**ret_tids), compare_tids);
    return 0;
}

const struct tn_proc_tid *tn_proc_find_tid(const struct tn_proc_tid *tids, uint32_t count, uint32_t own_tid)
{
    const struct tn_proc_tid wanted = {.own_tid = own_tid};
    return count != 0 ? bsearch(&wanted, tids, count, sizeof(wanted), compare_tids) : NULL;
}

uint64_t tn_proc_own_peak_bytes(void)
{
    char text[4096];
    if (read_text(getpid(), "status", text, sizeof(text)) < 0)
        return 0;
    const char *line = strstr(text, "VmHWM:");
    return line != NULL ? strtoull(line + 6, NULL, 10) * 1024 : 0;
}
