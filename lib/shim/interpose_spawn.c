/* SPDX-License-Identifier: MIT */

/* The functions that start processes and threads. Children of posix_spawn, system and popen execute an image
 * without passing through this library, so the recorder gets to know of them here; and what the program was
 * refused for want of room is counted, since the recorder takes room, too. Otherwise the calls are passed on.
 */

#include "real.h"
#include "shim_process.h"
#include "stack_region.h"
#include "sys.h"
#include "tell_child.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A shell that cannot be executed counts as one that has ended with this. */
#define STATUS_NO_SHELL (127 << 8)

TN_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attributes, char *const *arguments,
                          char *const *environment);
TN_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attributes, char *const *arguments,
                           char *const *environment);
TN_EXPORT int system(const char *command);
TN_EXPORT void *popen(const char *command, const char *mode);
TN_EXPORT pid_t fork(void);
TN_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                             void *argument);

/* When it returns, the image has been executed, or the child has ended. */
static void see_spawn(const struct tn_child_start *start, int result, pid_t pid, const char *path)
{
    if (result == 0)
        tn_child_tell(start, (uint32_t)pid, path, false);
    else if (result == EAGAIN)
        tn_child_note_refused();
}

TN_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attributes, char *const *arguments,
                          char *const *environment)
{
    pid_t child = 0;
    const struct tn_child_start start = tn_child_begin();
    int result = tn_real.posix_spawn(&child, path, actions, attributes, arguments, environment);
    if (result == 0 && pid != NULL)
        *pid = child;
    see_spawn(&start, result, child, path);
    return result;
}

TN_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attributes, char *const *arguments,
                           char *const *environment)
{
    pid_t child = 0;
    const struct tn_child_start start = tn_child_begin();
    int result = tn_real.posix_spawnp(&child, file, actions, attributes, arguments, environment);
    if (result == 0 && pid != NULL)
        *pid = child;
    see_spawn(&start, result, child, file);
    return result;
}

/* Whether system has started no shell, by its result. A program that ignores SIGCHLD gets -1 and ECHILD from
 * one that has run. */
static bool has_no_shell(int result, int error)
{
    if (result == STATUS_NO_SHELL)
        return tn_sys3(SYS_faccessat, AT_FDCWD, (long)_PATH_BSHELL, X_OK) != 0;
    return result == -1 && error != ECHILD;
}

/* Told of before, for the thread may be cancelled meanwhile. */
TN_EXPORT int system(const char *command)
{
    const struct tn_child_start start = tn_child_begin();
    if (command == NULL)
        return tn_real.system(command);
    tn_child_tell(&start, 0, _PATH_BSHELL, false);
    int result = tn_real.system(command);
    if (start.is_told && has_no_shell(result, errno)) {
        tn_child_tell(&start, 0, _PATH_BSHELL, true);
        if (errno == EAGAIN)
            tn_child_note_refused();
    }
    return result;
}

TN_EXPORT void *popen(const char *command, const char *mode)
{
    const struct tn_child_start start = tn_child_begin();
    void *stream = tn_real.popen(command, mode);
    if (stream != NULL)
        tn_child_tell(&start, 0, _PATH_BSHELL, false);
    else if (errno == EAGAIN)
        tn_child_note_refused();
    return stream;
}

TN_EXPORT pid_t fork(void)
{
    (void)tn_child_begin();
    pid_t pid = tn_real.fork();
    if (pid < 0 && errno == EAGAIN)
        tn_child_note_refused();
    return pid;
}

/* Stacks that the program provides lie where it likes. */
static void note_stack(pthread_t thread, const pthread_attr_t *attributes)
{
    pthread_attr_t usual;
    void *address = NULL;
    size_t size_bytes = 0;
    if (attributes == NULL && pthread_attr_init(&usual) == 0)
        attributes = &usual;
    if (attributes == NULL || pthread_attr_getstacksize(attributes, &size_bytes) != 0)
        return;
    size_t unused_bytes;
    bool is_provided = pthread_attr_getstack(attributes, &address, &unused_bytes) == 0 &&
                       (uintptr_t)address + unused_bytes != 0;
    tn_region_note_thread((uintptr_t)thread, is_provided ? 0 : size_bytes);
    if (attributes == &usual)
        pthread_attr_destroy(&usual);
}

TN_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                             void *argument)
{
    bool is_recorded = tn_child_begin().is_told;
    int result = tn_real.pthread_create(thread, attributes, run, argument);
    if (result == 0 && is_recorded)
        note_stack(*thread, attributes);
    if (result == EAGAIN)
        tn_child_note_refused();
    return result;
}
