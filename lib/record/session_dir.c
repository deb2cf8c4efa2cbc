/* SPDX-License-Identifier: MIT */
/* Makes the session directory and keeps its contents: one socket a recorder, and symbolic links named after
 * processes and logs that lead to it. Links whose recorder has died are removed on opening. Called by
 * record.c, processes.c, open.c. */
#include "session_dir.h"

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

static void name_directory(char *path, size_t size_bytes)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime != NULL && runtime[0] == '/')
        snprintf(path, size_bytes, "%s/tenure", runtime);
    else
        snprintf(path, size_bytes, "/tmp/tenure-%u", (unsigned)geteuid());
}

static int check_directory(struct tn_session_dir *directory, struct tn_error *error)
{
    struct stat status;
    const char *path = directory->path;
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->fd < 0 || fstat(directory->fd, &status) < 0)
        return tn_error_set(error, -errno, "cannot open the session directory %s: %s", path, strerror(errno));
    if (status.st_uid != geteuid())
        return tn_error_set(error, -EPERM, "the session directory %s belongs to another user", path);
    if ((status.st_mode & 077) != 0)
        return tn_error_set(error, -EPERM, "the session directory %s is open to others: chmod 700 it", path);
    return 0;
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

static int is_of_dead_recorder(const char *socket_name)
{
    pid_t pid = recorder_of(socket_name);
    return pid > 0 && pid != getpid() && kill(pid, 0) < 0 && errno == ESRCH;
}

/* Remove the names that `is_to_go` selects: it is given the socket's name, or the target of a link. */
static void sweep(const struct tn_session_dir *directory,
                  int (*is_to_go)(const struct tn_session_dir *directory, const char *socket_name))
{
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char target[NAME_BYTES];
        ssize_t length = readlinkat(directory->fd, entry->d_name, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        if (is_to_go(directory, length > 0 ? target : entry->d_name))
            unlinkat(directory->fd, entry->d_name, 0);
    }
    closedir(dir);
}

static int is_dead(const struct tn_session_dir *directory, const char *socket_name)
{
    (void)directory;
    return is_of_dead_recorder(socket_name);
}

static int is_ours(const struct tn_session_dir *directory, const char *socket_name)
{
    return strcmp(directory->socket_name, socket_name) == 0;
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
    name_directory(directory->path, sizeof(directory->path));
    if (mkdir(directory->path, 0700) < 0 && errno != EEXIST)
        return tn_error_set(error, -errno, "cannot make the session directory %s: %s", directory->path,
                            strerror(errno));
    int r = check_directory(directory, error);
    if (r < 0)
        return r;
    sweep(directory, is_dead);
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

int tn_session_dir_connect_log(const struct tn_session_dir *directory, const char *log_path)
{
    char name[NAME_BYTES];
    struct sockaddr_un address;
    int r = log_name(name, log_path);
    if (r == 0)
        r = address_of(directory, name, &address);
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

void tn_session_dir_close(struct tn_session_dir *directory)
{
    if (directory->listen_fd > 0)
        close(directory->listen_fd);
    if (directory->fd > 0) {
        if (directory->socket_name[0] != '\0')
            sweep(directory, is_ours);
        close(directory->fd);
    }
    directory->listen_fd = -1;
    directory->fd = -1;
}
