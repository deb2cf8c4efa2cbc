/* SPDX-License-Identifier: MIT */

/* The functions that execute another image. Before they do, the shared header says so: when the process ends,
 * or its image stays silent, the recorder knows that an image was there which could not join, however short
 * it lived. Invariant: the header of a vfork child's parent is never written. Async-signal-safe, as they must
 * be: no lock, no allocation; errno stays what the real function has set. */

#include "real.h"
#include "shim_process.h"
#include "sys.h"
#include "tell_child.h"

#include <errno.h>
#include <stdarg.h>

#include "banned.h"

/* As many arguments lie on the stack, which a signal handler may have little of. */
#define FEW_ARGUMENTS 64u

TN_EXPORT int execve(const char *path, char *const *arguments, char *const *environment);
TN_EXPORT int execv(const char *path, char *const *arguments);
TN_EXPORT int execvp(const char *file, char *const *arguments);
TN_EXPORT int execvpe(const char *file, char *const *arguments, char *const *environment);
TN_EXPORT int fexecve(int fd, char *const *arguments, char *const *environment);
TN_EXPORT int execveat(int folder, const char *path, char *const *arguments, char *const *environment,
                       int flags);
TN_EXPORT int execl(const char *path, const char *argument, ...);
TN_EXPORT int execlp(const char *file, const char *argument, ...);
TN_EXPORT int execle(const char *path, const char *argument, ...);

/* What was run, without folders. Read by the recorder once this process has ended, or stays silent. */
static void note_name(char *name, const char *path)
{
    const char *base = path;
    size_t length = 0;
    for (const char *at = path; *at != '\0'; at++)
        base = *at == '/' ? at + 1 : base;
    for (; base[length] != '\0' && length + 1 < TN_EXEC_NAME_BYTES; length++)
        name[length] = base[length];
    name[length] = '\0';
}

/* An exec that is under way. */
struct attempt {
    struct tn_shared_header *header; /* that says so; NULL: none does */
    struct tn_child_start child;     /* of a vfork child, of which the recorder is told instead */
    const char *path;
    uint32_t pid;
};

/* Say that an exec is under way, for end_exec: in the header; or of a vfork child, whose parent's that is, to
 * the recorder. Nothing is said where this process is not recorded, or has filters of system calls, one of
 * which may forbid to ask who it is. path: may be NULL, which the kernel refuses. */
static struct attempt begin_exec(const char *path)
{
    struct attempt attempt = {NULL, tn_child_begin(), path, 0};
    if (path == NULL || tn_is_filtered || atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) == 0)
        return attempt;
    attempt.pid = (uint32_t)tn_sys0(SYS_getpid);
    if (attempt.pid != tn_hot.pid) {
        tn_child_tell(&attempt.child, attempt.pid, path, false);
        return attempt;
    }
    attempt.header = tn_hot.header;
    /* Of two threads that execute at once, one ends the other: the name of either will do. */
    if (atomic_fetch_add_explicit(&attempt.header->exec_count, 1, memory_order_release) == 0)
        note_name(attempt.header->exec_name, path);
    return attempt;
}

/* The exec has failed, and the program goes on. */
static int end_exec(const struct attempt *attempt, int result)
{
    if (attempt->header != NULL)
        atomic_fetch_sub_explicit(&attempt->header->exec_count, 1, memory_order_release);
    else if (attempt->pid != 0)
        tn_child_tell(&attempt->child, attempt->pid, attempt->path, true);
    return result;
}

TN_EXPORT int execve(const char *path, char *const *arguments, char *const *environment)
{
    const struct attempt attempt = begin_exec(path);
    return end_exec(&attempt, tn_real.execve(path, arguments, environment));
}

TN_EXPORT int execv(const char *path, char *const *arguments)
{
    const struct attempt attempt = begin_exec(path);
    return end_exec(&attempt, tn_real.execv(path, arguments));
}

TN_EXPORT int execvp(const char *file, char *const *arguments)
{
    const struct attempt attempt = begin_exec(file);
    return end_exec(&attempt, tn_real.execvp(file, arguments));
}

TN_EXPORT int execvpe(const char *file, char *const *arguments, char *const *environment)
{
    const struct attempt attempt = begin_exec(file);
    return end_exec(&attempt, tn_real.execvpe(file, arguments, environment));
}

TN_EXPORT int fexecve(int fd, char *const *arguments, char *const *environment)
{
    const struct attempt attempt = begin_exec("");
    return end_exec(&attempt, tn_real.fexecve(fd, arguments, environment));
}

TN_EXPORT int execveat(int folder, const char *path, char *const *arguments, char *const *environment,
                       int flags)
{
    const struct attempt attempt = begin_exec(path);
    return end_exec(&attempt, tn_real.execveat(folder, path, arguments, environment, flags));
}

/* The arguments of a call that lists them: on the stack; many in pages of their own, for nothing may be
 * allocated here. (Those of a vfork child whose exec succeeds stay mapped in its parent.) */
struct list {
    char *few[FEW_ARGUMENTS];
    char **all;
    size_t size_bytes;
};

static bool open_list(struct list *list, const char *first, va_list *values)
{
    va_list ahead;
    size_t count = 1;
    va_copy(ahead, *values);
    for (const char *at = first; at != NULL; count++)
        at = va_arg(ahead, const char *);
    va_end(ahead);
    list->size_bytes = count * sizeof(list->all[0]);
    list->all = count <= FEW_ARGUMENTS ? list->few : tn_map_pages(list->size_bytes);
    if (list->all == NULL) {
        errno = ENOMEM;
        return false;
    }
    list->all[0] = (char *)(uintptr_t)first;
    for (size_t i = 1; i < count; i++)
        list->all[i] = va_arg(*values, char *);
    return true;
}

/* The exec has failed. */
static int close_list(const struct list *list, int result)
{
    if (list->all != list->few)
        tn_unmap_pages(list->all, list->size_bytes);
    return result;
}

TN_EXPORT int execl(const char *path, const char *argument, ...)
{
    struct list list;
    va_list values;
    va_start(values, argument);
    bool is_open = open_list(&list, argument, &values);
    va_end(values);
    return is_open ? close_list(&list, execv(path, list.all)) : -1;
}

TN_EXPORT int execlp(const char *file, const char *argument, ...)
{
    struct list list;
    va_list values;
    va_start(values, argument);
    bool is_open = open_list(&list, argument, &values);
    va_end(values);
    return is_open ? close_list(&list, execvp(file, list.all)) : -1;
}

TN_EXPORT int execle(const char *path, const char *argument, ...)
{
    struct list list;
    va_list values;
    va_start(values, argument);
    bool is_open = open_list(&list, argument, &values);
    char *const *environment = is_open ? va_arg(values, char *const *) : NULL;
    va_end(values);
    return is_open ? close_list(&list, execve(path, list.all, environment)) : -1;
}
