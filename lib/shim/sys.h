/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_SYS_H
#define TENURE_SHIM_SYS_H

/* System calls that leave errno alone and that no library can interpose, and the few string functions that
 * the shim needs. All functions: any thread. */

#include "arch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* What headers of glibc 2.31 lack; the number is the same on every processor. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* The size of a page, bytes; 4096 until start.c has asked. */
extern size_t tn_page_bytes;

/* Whether a filter of system calls was, or may have been, set since the start: from then on the shim makes no
 * system calls but futex, mmap, mremap and munmap, which the program's own allocations need. By
 * shim_filter.c; any thread. */
extern _Atomic bool tn_is_filtered;

/* A text of bounded length that is built piece by piece. Invariant: size < sizeof(text) and text[size] is
 * NUL; what does not fit is cut off. Zeroed is empty. */
struct tn_shim_text {
    char text[1024];
    size_t size; /* bytes before the NUL */
};

/* Append a string. */
void tn_shim_text_add(struct tn_shim_text *text, const char *more);

/* Append a number in decimal. */
void tn_shim_text_add_number(struct tn_shim_text *text, uint64_t number);

/* Append a number in hexadecimal with 0x before it. */
void tn_shim_text_add_hex(struct tn_shim_text *text, uint64_t number);

/* Length of a string without its NUL. */
size_t tn_length(const char *text);

/* Whether text begins with prefix. */
bool tn_has_prefix(const char *text, const char *prefix);

/* A decimal number at text. Returns the text behind it, NULL if there is no digit or the number is too large
 * (ret_number untouched). */
const char *tn_parse_number(const char *text, uint64_t *ret_number);

/* Zeroed private memory of our own, named "tenure" for /proc/PID/maps.
 *
 * size_bytes  rounded up to pages
 * Returns     the memory, or NULL when the machine has none */
void *tn_map_pages(size_t size_bytes);

/* Unmap memory of tn_map_pages; size_bytes: as it was mapped. NULL is fine. */
void tn_unmap_pages(void *address, size_t size_bytes);

/* Ask the kernel to use pages of 2 MiB for memory of tn_map_pages that is read here and there: else most of
 * these loads miss the TLB, too. Nothing is done for less memory than such a page, and behind a filter of
 * system calls. */
void tn_prefer_huge_pages(void *address, size_t size_bytes);

/* Read a whole small file.
 *
 * Returns  bytes read, at most capacity_bytes - 1, with a NUL behind them; negative errno */
long tn_read_file(const char *path, char *data, size_t capacity_bytes);

#define TN_STAT_BYTES 1024

/* Read a process's stat file (proc(5)).
 *
 * stat     room for TN_STAT_BYTES
 * Returns  its field 3, the state, and what follows; NULL when it cannot be read */
const char *tn_read_stat(uint64_t pid, char *stat);

/* Block every signal of this thread, including those that libc reserves; tn_signals_restore ends it. */
void tn_signals_block(uint64_t *ret_mask);
void tn_signals_restore(const uint64_t *mask);

/* A lock that spins for a moment, then sleeps on a futex until it is dropped (1,000 threads that begin at
 * once took 9.8 s for their slots while waiters polled). Signals must be blocked while it is held, so that no
 * handler interrupts its holder. */
struct tn_lock {
    _Atomic uint32_t is_taken; /* 0 free, 1 taken, 2 taken and somebody may sleep (sys.c) */
};

/* Take the lock. Returns false when its holder has not dropped it within about ten seconds (it was killed, or
 * the process was forked meanwhile): the caller then does without what the lock guards. */
bool tn_lock_take(struct tn_lock *lock);

/* Drop the lock. */
void tn_lock_drop(struct tn_lock *lock);

/* The text of an errno value: never translated, never allocated. */
const char *tn_error_name(int errno_value);

static inline long tn_sys0(long number)
{
    return tn_arch_syscall(number, 0, 0, 0, 0, 0, 0);
}

static inline long tn_sys1(long number, long a)
{
    return tn_arch_syscall(number, a, 0, 0, 0, 0, 0);
}

static inline long tn_sys2(long number, long a, long b)
{
    return tn_arch_syscall(number, a, b, 0, 0, 0, 0);
}

static inline long tn_sys3(long number, long a, long b, long c)
{
    return tn_arch_syscall(number, a, b, c, 0, 0, 0);
}

static inline long tn_sys4(long number, long a, long b, long c, long d)
{
    return tn_arch_syscall(number, a, b, c, d, 0, 0);
}

static inline long tn_sys6(long number, long a, long b, long c, long d, long e, long f)
{
    return tn_arch_syscall(number, a, b, c, d, e, f);
}

#endif
