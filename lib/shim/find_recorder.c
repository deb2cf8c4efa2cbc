/* SPDX-License-Identifier: MIT */

/* Follows the links of the session directory (session.h) from this process up to its oldest ancestor. A
 * recorder that has died is noticed by its socket, which refuses; whoever removes that socket is the one who
 * says so. Called by shim_session.c and start.c. */

#include "find_recorder.h"

#include "environment.h"
#include "hello.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "banned.h"

#define ANCESTORS_MAX 64u

/* The places where a session directory of this user lies. */
struct places {
    char paths[TN_SESSION_PLACE_COUNT][TN_SESSION_PLACE_BYTES];
    uint32_t count;
};

/* What stat says of a process. */
struct ancestor {
    uint64_t pid, parent_pid;
    uint64_t start_time; /* clock ticks since boot */
};

/* A directory to which others may write is not trusted. */
static bool is_private(const char *path, uint64_t user)
{
    struct stat status;
    return tn_sys4(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode) && status.st_uid == user && (status.st_mode & 077) == 0;
}

static void find_user(struct tn_session_user *user)
{
    user->runtime_dir = tn_environment_get("XDG_RUNTIME_DIR");
    user->home = tn_environment_get("HOME");
    user->user_id = (uint32_t)tn_sys0(SYS_geteuid);
}

static void find_places(struct places *places)
{
    struct tn_session_user user;
    find_user(&user);
    places->count = 0;
    for (uint32_t i = 0; i < TN_SESSION_PLACE_COUNT; i++) {
        char *path = places->paths[places->count];
        if (tn_session_place(i, &user, path) && is_private(path, user.user_id))
            places->count++;
    }
}

/* From one field of a stat line to another one behind it. */
static const char *skip_fields(const char *at, unsigned count)
{
    for (; count != 0; count--) {
        while (*at != ' ' && *at != '\0')
            at++;
        at += *at == ' ';
    }
    return at;
}

/* Fields 4 and 22 of the stat file; what tn_read_stat gives begins with field 3. */
static bool read_ancestor(uint64_t pid, struct ancestor *ret_ancestor)
{
    char stat[TN_STAT_BYTES];
    const char *state = tn_read_stat(pid, stat);
    ret_ancestor->pid = pid;
    return state != NULL && tn_parse_number(skip_fields(state, 1), &ret_ancestor->parent_pid) != NULL &&
           tn_parse_number(skip_fields(state, 19), &ret_ancestor->start_time) != NULL;
}

static bool remove_socket(const char *directory, const char *name)
{
    struct tn_shim_text path;
    memset(&path, 0, sizeof(path));
    tn_shim_text_add(&path, directory);
    tn_shim_text_add(&path, "/");
    tn_shim_text_add(&path, name);
    return tn_sys3(SYS_unlinkat, AT_FDCWD, (long)path.text, 0) == 0;
}

/* Connect through a link. Returns as tn_find_recorder. */
static int connect_link(const char *directory, const struct tn_shim_text *name, bool *ret_is_told)
{
    char target[64];
    struct tn_shim_text path;
    memset(&path, 0, sizeof(path));
    tn_shim_text_add(&path, directory);
    tn_shim_text_add(&path, name->text);
    long length = tn_sys4(SYS_readlinkat, AT_FDCWD, (long)path.text, (long)target, sizeof(target) - 1);
    if (length <= 0)
        return -ENOENT;
    target[length] = '\0';
    int fd = tn_hello_connect(path.text);
    if (fd != -ECONNREFUSED && fd != -ENOENT)
        return fd;
    *ret_is_told = fd == -ENOENT || !remove_socket(directory, target);
    return -ECONNREFUSED;
}

static int connect_by_process(const struct places *places, const struct ancestor *ancestor, bool *ret_is_told)
{
    struct tn_shim_text name;
    memset(&name, 0, sizeof(name));
    tn_shim_text_add(&name, "/process.");
    tn_shim_text_add_number(&name, ancestor->pid);
    tn_shim_text_add(&name, ".");
    tn_shim_text_add_number(&name, ancestor->start_time);
    int fd = -ENOENT;
    for (uint32_t i = 0; i < places->count && fd == -ENOENT; i++)
        fd = connect_link(places->paths[i], &name, ret_is_told);
    return fd;
}

static int connect_by_ancestors(const struct places *places, bool *ret_is_told)
{
    struct ancestor ancestor;
    uint64_t pid = (uint64_t)tn_sys0(SYS_getpid);
    int fd = -ENOENT;
    for (unsigned i = 0; i < ANCESTORS_MAX && fd == -ENOENT && pid != 0 && read_ancestor(pid, &ancestor);
         i++) {
        fd = connect_by_process(places, &ancestor, ret_is_told);
        pid = ancestor.parent_pid;
    }
    return fd;
}

/* What a dead recorder has left of another program's log is in nobody's way. */
static int connect_by_log(const struct places *places)
{
    const char *log = tn_environment_get("TENURE_LOG");
    struct stat status;
    if (log == NULL || tn_sys4(SYS_newfstatat, AT_FDCWD, (long)log, (long)&status, 0) != 0)
        return -ENOENT;
    for (uint32_t i = 0; i < places->count; i++) {
        struct tn_shim_text path;
        memset(&path, 0, sizeof(path));
        tn_shim_text_add(&path, places->paths[i]);
        tn_shim_text_add(&path, "/log.");
        tn_shim_text_add_number(&path, status.st_dev);
        tn_shim_text_add(&path, ".");
        tn_shim_text_add_number(&path, status.st_ino);
        int fd = tn_hello_connect(path.text);
        if (fd != -ENOENT && fd != -ECONNREFUSED)
            return fd;
    }
    return -ENOENT;
}

int tn_find_recorder(bool *ret_is_told)
{
    struct places places;
    find_places(&places);
    if (places.count == 0)
        return -ENOENT;
    int fd = connect_by_ancestors(&places, ret_is_told);
    return fd != -ENOENT ? fd : connect_by_log(&places);
}

/* The name of the link that says that a process was told, which leads to what it says. Names are used again,
 * so that there are never more of them. */
static void name_told(struct tn_shim_text *path, const char *directory, const struct ancestor *process)
{
    memset(path, 0, sizeof(*path));
    tn_shim_text_add(path, directory);
    tn_shim_text_add(path, "/told.");
    tn_shim_text_add_number(path, process->pid % TN_SESSION_TOLD_COUNT);
}

static void name_process(struct tn_shim_text *name, const struct ancestor *process)
{
    memset(name, 0, sizeof(*name));
    tn_shim_text_add_number(name, process->pid);
    tn_shim_text_add(name, ".");
    tn_shim_text_add_number(name, process->start_time);
}

void tn_note_told(void)
{
    struct tn_session_user user;
    struct ancestor self;
    find_user(&user);
    if (!read_ancestor((uint64_t)tn_sys0(SYS_getpid), &self))
        return;
    for (uint32_t i = 0; i < TN_SESSION_PLACE_COUNT; i++) {
        char place[TN_SESSION_PLACE_BYTES];
        struct tn_shim_text path, name;
        if (!tn_session_place(i, &user, place))
            continue;
        tn_sys3(SYS_mkdirat, AT_FDCWD, (long)place, 0700);
        if (!is_private(place, user.user_id))
            continue;
        name_told(&path, place, &self);
        name_process(&name, &self);
        tn_sys3(SYS_unlinkat, AT_FDCWD, (long)path.text, 0);
        if (tn_sys3(SYS_symlinkat, (long)name.text, AT_FDCWD, (long)path.text) == 0)
            return;
    }
}

static bool has_told(const struct places *places, const struct ancestor *process)
{
    struct tn_shim_text path, name;
    char target[64];
    name_process(&name, process);
    for (uint32_t i = 0; i < places->count; i++) {
        name_told(&path, places->paths[i], process);
        long length = tn_sys4(SYS_readlinkat, AT_FDCWD, (long)path.text, (long)target, sizeof(target));
        if (length == (long)name.size && memcmp(target, name.text, name.size) == 0)
            return true;
    }
    return false;
}

bool tn_is_told(void)
{
    struct places places;
    struct ancestor process;
    uint64_t pid = (uint64_t)tn_sys0(SYS_getpid);
    find_places(&places);
    for (unsigned i = 0; i < ANCESTORS_MAX && pid != 0 && read_ancestor(pid, &process); i++) {
        if (has_told(&places, &process))
            return true;
        pid = process.parent_pid;
    }
    return false;
}

static bool has_folder(const char *path)
{
    struct tn_shim_text folder;
    struct stat status;
    memset(&folder, 0, sizeof(folder));
    tn_shim_text_add(&folder, path);
    while (folder.size > 0 && folder.text[folder.size] != '/')
        folder.text[folder.size--] = '\0';
    return tn_sys4(SYS_newfstatat, AT_FDCWD, (long)folder.text, (long)&status, 0) == 0;
}

int tn_find_recorder_at(const char *path, bool *ret_is_told)
{
    int fd = tn_hello_connect(path);
    if (fd == -ENOENT)
        *ret_is_told = has_folder(path);
    if (fd == -ECONNREFUSED)
        *ret_is_told = tn_sys3(SYS_unlinkat, AT_FDCWD, (long)path, 0) != 0;
    return fd;
}

/* Feed a piece of a file to the search for a text; *matched: how much of it has been found at the end so far.
 * None of the texts has its first character twice. */
static bool feed(const char *wanted, size_t *matched, const char *piece, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes && wanted[*matched] != '\0'; i++)
        if (piece[i] == wanted[*matched])
            ++*matched;
        else
            *matched = piece[i] == wanted[0];
    return wanted[*matched] == '\0';
}

bool tn_parent_has_told(void)
{
    struct tn_shim_text path;
    char piece[2048];
    size_t shim = 0, rings = 0;
    bool has_shim = false, has_rings = false;
    memset(&path, 0, sizeof(path));
    tn_shim_text_add(&path, "/proc/");
    tn_shim_text_add_number(&path, (uint64_t)tn_sys0(SYS_getppid));
    tn_shim_text_add(&path, "/maps");
    long fd = tn_sys4(SYS_openat, AT_FDCWD, (long)path.text, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    for (long got; (got = tn_sys3(SYS_read, fd, (long)piece, sizeof(piece))) > 0 && !has_rings;) {
        has_shim = feed("/libtenure.so", &shim, piece, (size_t)got);
        has_rings = feed("/memfd:" TN_MEMFD_NAME " ", &rings, piece, (size_t)got);
    }
    tn_sys1(SYS_close, fd);
    return has_shim && !has_rings;
}
