/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_REAL_H
#define TENURE_SHIM_REAL_H

/* The functions that the program would call without the shim: the next definitions in symbol order. */

#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;
struct msghdr;
struct sockaddr;

/* Each NULL where no library defines it. Written by tn_real_find, before the process records. */
struct tn_real {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void (*free)(void *);
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*malloc_usable_size)(void *);
    int (*munmap)(void *, size_t);
    int (*mprotect)(void *, size_t, int);
    void *(*mremap)(void *, size_t, size_t, int, ...);
    void *(*mmap)(void *, size_t, int, int, int, int64_t); /* mmap64 */
    int (*shmdt)(const void *);
    int (*dlclose)(void *);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, uint32_t);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    int (*execve)(const char *, char *const *, char *const *);
    int (*execv)(const char *, char *const *);
    int (*execvp)(const char *, char *const *);
    int (*execvpe)(const char *, char *const *, char *const *);
    int (*fexecve)(int, char *const *, char *const *);
    int (*execveat)(int, const char *, char *const *, char *const *, int);
    int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                       char *const *, char *const *);
    int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                        char *const *, char *const *);
    int (*system)(const char *);
    void *(*popen)(const char *, const char *); /* a FILE */
    pid_t (*fork)(void);
    int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*start_main)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                      void (*)(void), void *);    /* __libc_start_main */
    void (*leave)(int) __attribute__((noreturn)); /* exit */
    void (*function_enter)(void *, void *); /* __cyg_profile_func_enter; NULL: libc's, which does nothing */
    void (*function_exit)(void *, void *);  /* __cyg_profile_func_exit; NULL as above */
};

extern struct tn_real tn_real;

/* syscall; apart, because assembly jumps there (interpose_filter.c). */
extern void *tn_syscall_next;

/* dlopen and dlmopen, the same (interpose_dlopen.c). */
extern void *tn_dlopen_next, *tn_dlmopen_next;

/* Look the real functions up. Between tn_own_begin and tn_own_end. */
void tn_real_find(void);

/* The next definition of a symbol after the shim's, NULL if there is none. Between tn_own_begin and
 * tn_own_end. */
void *tn_real_symbol(const char *name);

/* The file whose malloc the program calls instead of the shim's (a static jemalloc, say). NULL: it calls the
 * shim's. Between tn_own_begin and tn_own_end; valid while the file is loaded. */
const char *tn_real_bypass(void);

/* The file name of a library that watches the program's allocations itself and cannot have anybody between:
 * the runtime of a sanitizer, or a tool of valgrind; NULL: there is none. Asks the loader's list only: their
 * versions of the loader's functions do not work yet when a program starts. */
const char *tn_real_watcher(void);

#endif
