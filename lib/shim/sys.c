/* SPDX-License-Identifier: MIT */

/* System calls, text and locks that work without libc's state. No allocation, no errno. Called by all of the
 * shim. */

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "banned.h"

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

/* After so long the holder is taken for gone. */
#define LOCK_NS_MAX UINT64_C(10000000000)

enum lock_state {
    LOCK_FREE = 0,
    LOCK_TAKEN = 1,
    LOCK_CONTENDED = 2, /* taken, and somebody may sleep until it is dropped */
};

size_t tn_page_bytes = 4096;
_Atomic bool tn_is_filtered;

void tn_shim_text_add(struct tn_shim_text *text, const char *more)
{
    while (*more != '\0' && text->size + 1 < sizeof(text->text))
        text->text[text->size++] = *more++;
    text->text[text->size] = '\0';
}

void tn_shim_text_add_number(struct tn_shim_text *text, uint64_t number)
{
    char digits[21];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    tn_shim_text_add(text, digits + at);
}

void tn_shim_text_add_hex(struct tn_shim_text *text, uint64_t number)
{
    char digits[17];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % 16];
        number /= 16;
    } while (number != 0);
    tn_shim_text_add(text, "0x");
    tn_shim_text_add(text, digits + at);
}

size_t tn_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

bool tn_has_prefix(const char *text, const char *prefix)
{
    while (*prefix != '\0')
        if (*text++ != *prefix++)
            return false;
    return true;
}

const char *tn_parse_number(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return NULL;
        number = number * 10 + digit;
    }
    if (at == text)
        return NULL;
    *ret_number = number;
    return at;
}

void *tn_map_pages(size_t size_bytes)
{
    size_bytes = (size_bytes + tn_page_bytes - 1) & ~(tn_page_bytes - 1);
    long address = tn_sys6(SYS_mmap, 0, (long)size_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address < 0 && address > -4096)
        return NULL;
    if (!tn_is_filtered)
        tn_sys6(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, address, (long)size_bytes, (long)"tenure", 0);
    return (void *)address;
}

void tn_unmap_pages(void *address, size_t size_bytes)
{
    if (address == NULL)
        return;
    size_bytes = (size_bytes + tn_page_bytes - 1) & ~(tn_page_bytes - 1);
    tn_sys2(SYS_munmap, (long)address, (long)size_bytes);
}

void tn_prefer_huge_pages(void *address, size_t size_bytes)
{
    if (size_bytes >= HUGE_PAGE_BYTES && !tn_is_filtered)
        tn_sys3(SYS_madvise, (long)address, (long)size_bytes, MADV_HUGEPAGE);
}

long tn_read_file(const char *path, char *data, size_t capacity_bytes)
{
    long fd = tn_sys4(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    size_t size = 0;
    long got = 1;
    while (got > 0 && size + 1 < capacity_bytes) {
        got = tn_sys3(SYS_read, fd, (long)(data + size), (long)(capacity_bytes - 1 - size));
        if (got > 0)
            size += (size_t)got;
    }
    tn_sys1(SYS_close, fd);
    data[size] = '\0';
    return got < 0 ? got : (long)size;
}

/* The name, in parentheses, may hold anything. */
const char *tn_read_stat(uint64_t pid, char *stat)
{
    struct tn_shim_text path;
    memset(&path, 0, sizeof(path));
    tn_shim_text_add(&path, "/proc/");
    tn_shim_text_add_number(&path, pid);
    tn_shim_text_add(&path, "/stat");
    if (tn_read_file(path.text, stat, TN_STAT_BYTES) <= 0)
        return NULL;
    const char *name_end = NULL;
    for (const char *at = stat; *at != '\0'; at++)
        if (*at == ')')
            name_end = at;
    return name_end != NULL && name_end[1] == ' ' ? name_end + 2 : NULL;
}

void tn_signals_block(uint64_t *ret_mask)
{
    static const uint64_t all = UINT64_MAX;
    tn_sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)ret_mask, sizeof(all));
}

void tn_signals_restore(const uint64_t *mask)
{
    tn_sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)mask, 0, sizeof(*mask));
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Who waits marks the lock as contended, so that only then a drop costs a system call. A sleep is bounded all
 * the same: the holder may be a thread that a raw clone left behind in the parent. */
bool tn_lock_take(struct tn_lock *lock)
{
    const struct timespec slice = {0, 10000000};
    uint32_t expected = LOCK_FREE;
    for (unsigned tries = 0; tries < 100; tries++, expected = LOCK_FREE)
        if (atomic_compare_exchange_strong_explicit(&lock->is_taken, &expected, LOCK_TAKEN,
                                                    memory_order_acquire, memory_order_relaxed))
            return true;
    for (uint64_t end_ns = 0;;) {
        if (atomic_exchange_explicit(&lock->is_taken, LOCK_CONTENDED, memory_order_acquire) == LOCK_FREE)
            return true;
        uint64_t now_ns = monotonic_ns();
        if (end_ns == 0)
            end_ns = now_ns + LOCK_NS_MAX;
        if (now_ns > end_ns)
            return false;
        tn_sys6(SYS_futex, (long)&lock->is_taken, FUTEX_WAIT_PRIVATE, LOCK_CONTENDED, (long)&slice, 0, 0);
    }
}

void tn_lock_drop(struct tn_lock *lock)
{
    if (atomic_exchange_explicit(&lock->is_taken, LOCK_FREE, memory_order_release) == LOCK_CONTENDED)
        tn_sys6(SYS_futex, (long)&lock->is_taken, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* glibc has it from 2.32 on. Declared here, since older headers lack it. */
extern const char *strerrordesc_np(int errno_value) __attribute__((weak));

/* What a recording may fail with, where libc has no such function. */
static const char *own_error_name(int errno_value)
{
    static const struct {
        int errno_value;
        const char *name;
    } names[] = {
        {EPERM, "Operation not permitted"},
        {ENOENT, "No such file or directory"},
        {EAGAIN, "Resource temporarily unavailable"},
        {ENOMEM, "Cannot allocate memory"},
        {EACCES, "Permission denied"},
        {EINVAL, "Invalid argument"},
        {ENFILE, "Too many open files in system"},
        {EMFILE, "Too many open files"},
        {ENOSPC, "No space left on device"},
        {ENOSYS, "Function not implemented"},
        {ECONNREFUSED, "Connection refused"},
        {ETIMEDOUT, "Connection timed out"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].errno_value == errno_value)
            return names[i].name;
    return "unknown error";
}

const char *tn_error_name(int errno_value)
{
    const char *name = strerrordesc_np != NULL ? strerrordesc_np(errno_value) : NULL;
    return name != NULL ? name : own_error_name(errno_value);
}
