/* SPDX-License-Identifier: MIT */
/* Makes the session directory and keeps its contents: one socket a recorder, and symbolic links named after
 * processes and logs that lead to it. Links whose recorder has died are removed on opening. Called by
 * record.c, processes.c, open.c. */
#include "session_dir.h"

#include "proc.h"

#include "tenure/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_BYTES 128

/* A folder that others can write to must be sticky, or they could put another directory in place of ours. */
static bool is_safe_parent(const char *path)
{
    char parent[TN_SESSION_PLACE_BYTES];
    struct stat status;
    snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
    if (stat(parent, &status) < 0)
        return false;
    return status.st_uid == geteuid() || (status.st_mode & S_ISVTX) != 0;
}

static int open_place(const char *path, int *ret_fd, struct tn_error *error)
{
    struct stat status;
    if (!is_safe_parent(path))
        return tn_error_set(error, -EPERM, "the folder of %s belongs to another user, or does not exist",
                            path);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return tn_error_set(error, -errno, "cannot make the session directory %s: %s", path, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return tn_error_set(error, -errno, "cannot open the session directory %s: %s", path, strerror(errno));
    int r = 0;
    if (fstat(fd, &status) < 0 || status.st_uid != geteuid())
        r = tn_error_set(error, -EPERM, "the session directory %s belongs to another user", path);
    else if ((status.st_mode & 077) != 0)
        r = tn_error_set(error, -EPERM, "the session directory %s is open to others: chmod 700 it", path);
    else
        *ret_fd = fd;
    if (r < 0)
        close(fd);
    return r;
}

static struct tn_session_user current_user(void)
{
    return (struct tn_session_user){getenv("XDG_RUNTIME_DIR"), getenv("HOME"), (uint32_t)geteuid()};
}

/* Why the first place is none although there is a variable for it. An empty one counts as none. */
static void refuse_variable(const struct tn_session_user *user, struct tn_error *error)
{
    if (user->runtime_dir == NULL || user->runtime_dir[0] == '\0')
        return;
    tn_error_set(error, -ENAMETOOLONG, "XDG_RUNTIME_DIR %s is too long for a socket, or no path from /",
                 user->runtime_dir);
}

/* The first place that can be used. error: of the first one that cannot. */
static int choose_place(struct tn_session_dir *directory, struct tn_error *error)
{
    const struct tn_session_user user = current_user();
    struct tn_error other = {0};
    for (uint32_t i = 0; i < TN_SESSION_PLACE_COUNT; i++) {
        char path[TN_SESSION_PLACE_BYTES];
        bool is_place = tn_session_place(i, &user, path);
        if (!is_place && i == 0)
            refuse_variable(&user, &other);
        if (!is_place || open_place(path, &directory->fd, other.code == 0 ? &other : NULL) < 0)
            continue;
        strcpy(directory->path, path);
        directory->reason = other;
        return 0;
    }
    *error = other;
    return other.code;
}

static void process_name(char *name, pid_t pid, uint64_t start_time)
{
    snprintf(name, NAME_BYTES, "process.%d.%llu", (int)pid, (unsigned long long)start_time);
}

static int log_name(char *name, const char *log_path)
{
    struct stat status;
    if (stat(log_path, &status) < 0)
        return -errno;
    snprintf(name, NAME_BYTES, "log.%llu.%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return 0;
}

/* The PID in "recorder.PID.socket", or 0. */
static pid_t recorder_of(const char *socket_name)
{
    int pid = 0, end = 0;
    if (sscanf(socket_name, "recorder.%d.socket%n", &pid, &end) != 1 || socket_name[end] != '\0')
        return 0;
    return pid;
}

static bool is_of_dead_recorder(const char *socket_name)
{
    pid_t pid = recorder_of(socket_name);
    return pid > 0 && pid != getpid() && kill(pid, 0) < 0 && errno == ESRCH;
}

/* A name in the directory, and where it leads to if it is a link, else "". */
struct session_name {
    const char *name, *target;
};

/* Call `look` for each name until it answers true; returns whether it did. */
static bool look_through(const struct tn_session_dir *directory,
                         bool (*look)(const struct tn_session_dir *directory,
                                      const struct session_name *entry, const void *context),
                         const void *context)
{
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool is_found = false;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *each; !is_found && (each = readdir(dir)) != NULL;) {
        char target[NAME_BYTES];
        ssize_t length = readlinkat(directory->fd, each->d_name, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        is_found = look(directory, &(struct session_name){each->d_name, target}, context);
    }
    closedir(dir);
    return is_found;
}

static bool is_target(const struct tn_session_dir *directory, const struct session_name *entry,
                      const void *context)
{
    (void)directory;
    return strcmp(entry->target, context) == 0;
}

/* Whether a name, or what a link told.N leads to, is that of a process that lives. */
static bool is_of_living(const char *name)
{
    int pid;
    unsigned long long start_time;
    struct tn_proc_stat stat;
    name += strncmp(name, "process.", 8) == 0 ? 8 : 0;
    return sscanf(name, "%d.%llu", &pid, &start_time) == 2 && tn_proc_read_stat(pid, &stat) == 0 &&
           stat.start_time == start_time && stat.state != 'Z';
}

/* Links of processes that live stay, and the socket that they lead to: so their children know that the
 * recorder of their session has died (session.h). */
static bool remove_dead(const struct tn_session_dir *directory, const struct session_name *entry,
                        const void *context)
{
    (void)context;
    bool is_link = entry->target[0] != '\0';
    if (strncmp(entry->name, "told.", 5) == 0) {
        if (!is_of_living(entry->target))
            unlinkat(directory->fd, entry->name, 0);
        return false;
    }
    if (!is_of_dead_recorder(is_link ? entry->target : entry->name))
        return false;
    if (is_link ? !is_of_living(entry->name) : !look_through(directory, is_target, entry->name))
        unlinkat(directory->fd, entry->name, 0);
    return false;
}

bool tn_session_dir_has_told(const struct tn_session_dir *directory, pid_t pid)
{
    char name[32], target[64];
    int told_pid;
    snprintf(name, sizeof(name), "told.%u", (unsigned)pid % TN_SESSION_TOLD_COUNT);
    ssize_t length = readlinkat(directory->fd, name, target, sizeof(target) - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return sscanf(target, "%d.", &told_pid) == 1 && told_pid == pid;
}

static bool remove_own(const struct tn_session_dir *directory, const struct session_name *entry,
                       const void *context)
{
    (void)context;
    if (strcmp(directory->socket_name, entry->target[0] != '\0' ? entry->target : entry->name) == 0)
        unlinkat(directory->fd, entry->name, 0);
    return false;
}

static int address_of(const struct tn_session_dir *directory, const char *name,
                      struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length =
        snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s/%s", directory->path, name);
    return length < (int)sizeof(ret_address->sun_path) ? 0 : -ENAMETOOLONG;
}

static int listen_here(struct tn_session_dir *directory, struct tn_error *error)
{
    struct sockaddr_un address;
    snprintf(directory->socket_name, sizeof(directory->socket_name), "recorder.%d.socket", (int)getpid());
    int r = address_of(directory, directory->socket_name, &address);
    if (r < 0)
        return tn_error_set(error, r, "the path of the session directory %s is too long", directory->path);
    memcpy(directory->socket_path, address.sun_path, sizeof(directory->socket_path));
    unlinkat(directory->fd, directory->socket_name, 0);
    directory->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (directory->listen_fd < 0 ||
        bind(directory->listen_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(directory->listen_fd, SOMAXCONN) < 0)
        return tn_error_set(error, -errno, "cannot listen on %s: %s", address.sun_path, strerror(errno));
    return 0;
}

int tn_session_dir_open(struct tn_session_dir *directory, struct tn_error *error)
{
    *directory = (struct tn_session_dir){.fd = -1, .listen_fd = -1};
    int r = choose_place(directory, error);
    if (r < 0)
        return r;
    /* Sockets go once no link leads to them. */
    look_through(directory, remove_dead, NULL);
    look_through(directory, remove_dead, NULL);
    return listen_here(directory, error);
}

static int put_link(struct tn_session_dir *directory, const char *name)
{
    unlinkat(directory->fd, name, 0);
    return symlinkat(directory->socket_name, directory->fd, name) == 0 ? 0 : -errno;
}

int tn_session_dir_link_process(struct tn_session_dir *directory, pid_t pid, uint64_t start_time)
{
    char name[NAME_BYTES];
    process_name(name, pid, start_time);
    return put_link(directory, name);
}

void tn_session_dir_unlink_process(struct tn_session_dir *directory, pid_t pid, uint64_t start_time)
{
    char name[NAME_BYTES];
    process_name(name, pid, start_time);
    unlinkat(directory->fd, name, 0);
}

int tn_session_dir_has_process(const struct tn_session_dir *directory, pid_t pid, uint64_t start_time)
{
    char name[NAME_BYTES];
    struct stat status;
    process_name(name, pid, start_time);
    return fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int tn_session_dir_link_log(struct tn_session_dir *directory, const char *log_path)
{
    char name[NAME_BYTES];
    int r = log_name(name, log_path);
    return r < 0 ? r : put_link(directory, name);
}

static int connect_name(const struct tn_session_dir *directory, const char *name)
{
    struct sockaddr_un address;
    int r = address_of(directory, name, &address);
    if (r < 0)
        return r;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    r = -errno;
    close(fd);
    return r;
}

int tn_session_dir_connect_log(const struct tn_session_dir *directory, const char *log_path)
{
    char name[NAME_BYTES];
    int r = log_name(name, log_path);
    return r < 0 ? r : connect_name(directory, name);
}

/* A directory that no recorder of this user would use: anybody may have put it there, to answer for one. */
static bool is_private(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

static int find(const char *name)
{
    const struct tn_session_user user = current_user();
    int r = -ENOENT;
    for (uint32_t i = 0; i < TN_SESSION_PLACE_COUNT && r < 0; i++) {
        struct tn_session_dir directory = {.fd = -1, .listen_fd = -1};
        char path[TN_SESSION_PLACE_BYTES];
        if (!tn_session_place(i, &user, path) || !is_private(path))
            continue;
        strcpy(directory.path, path);
        int found = connect_name(&directory, name);
        r = found >= 0 || r == -ENOENT ? found : r;
    }
    return r;
}

int tn_session_dir_find_log(const char *log_path)
{
    char name[NAME_BYTES];
    int r = log_name(name, log_path);
    return r < 0 ? r : find(name);
}

int tn_session_dir_find_process(pid_t pid, uint64_t start_time)
{
    char name[NAME_BYTES];
    process_name(name, pid, start_time);
    return find(name);
}

void tn_session_dir_close(struct tn_session_dir *directory)
{
    if (directory->listen_fd > 0)
        close(directory->listen_fd);
    if (directory->fd > 0) {
        if (directory->socket_name[0] != '\0')
            look_through(directory, remove_own, NULL);
        close(directory->fd);
    }
    directory->listen_fd = -1;
    directory->fd = -1;
}
