/* SPDX-License-Identifier: MIT */

/* Where the stacks of a thread lie, and the frame around foreign calls that the shim makes on its own behalf.
 * Nothing here writes an event. Called by enter.c, capture.c and whatever calls into libc. */

#include "shim_thread.h"

#include "maps.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "banned.h"

__thread struct tn_thread tn_thread = {.generation = TN_GENERATION_NONE,
                                       .slot_generation = TN_GENERATION_NONE};

/* The loader's: the main thread's stack pointer at the start of the program. */
extern void *__libc_stack_end __attribute__((weak));

void tn_own_begin(struct tn_thread *thread)
{
    uint64_t mask;
    int saved_errno = errno;
    if (thread->own_depth != 0) {
        thread->own_depth++;
        return;
    }
    tn_signals_block(&mask);
    thread->own_mask = mask;
    thread->own_errno = saved_errno;
    thread->own_depth = 1;
}

void tn_own_end(struct tn_thread *thread)
{
    if (--thread->own_depth != 0)
        return;
    uint64_t mask = thread->own_mask;
    errno = thread->own_errno;
    tn_signals_restore(&mask);
}

/* The main thread's stack may grow up to its limit; anything beyond 256 MiB is no sensible stack, and the
 * kernel keeps mappings at least 128 MiB away. */
static void find_main_stack(struct tn_thread *thread)
{
    struct rlimit64 limit;
    uint64_t size_bytes = (uint64_t)8 << 20;
    if (tn_sys4(SYS_prlimit64, 0, RLIMIT_STACK, 0, (long)&limit) == 0)
        size_bytes = limit.rlim_cur;
    if (size_bytes > (uint64_t)256 << 20)
        size_bytes = (uint64_t)256 << 20;
    thread->stack_base = (uintptr_t)__libc_stack_end;
    thread->stack_high = (thread->stack_base + TN_PAGE_BYTES) & ~(TN_PAGE_BYTES - 1);
    thread->stack_low = thread->stack_high - size_bytes;
}

static bool search_maps(struct tn_maps_search *search)
{
    char text[2048];
    long fd = tn_sys4(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    long got = fd;
    while (got > 0 || got == fd) {
        got = fd < 0 ? fd : tn_sys3(SYS_read, fd, (long)text, sizeof(text));
        if (got <= 0 || tn_maps_feed(search, text, (size_t)got))
            break;
    }
    if (fd >= 0)
        tn_sys1(SYS_close, fd);
    return search->is_found;
}

/* Find where this thread's stack lies. Not by pthread_getattr_np: it allocates while it holds a lock of the
 * thread's, and may be what has called the shim. The thread's control block lies at the high end of its
 * stack, whether libc or the program has provided that; so the mapping that holds it is the stack's. */
void tn_thread_find_stack(struct tn_thread *thread, uint32_t tid)
{
    if (thread->stack_high != 0)
        return; /* known already: a fork child runs on the stack of its parent's thread */
    if (tid == tn_shim_process.main_tid && &__libc_stack_end != NULL) {
        find_main_stack(thread);
        return;
    }
    struct tn_maps_search search = {.address = (uintptr_t)pthread_self()};
    if (!search_maps(&search))
        return;
    uintptr_t high = (search.address + TN_PAGE_BYTES) & ~(TN_PAGE_BYTES - 1);
    thread->stack_low = search.low;
    thread->stack_high = high < search.high ? high : search.high;
    thread->stack_base = thread->stack_high;
}

uintptr_t tn_thread_stack_high(struct tn_thread *thread, uintptr_t sp)
{
    if (sp - thread->stack_low < thread->stack_high - thread->stack_low)
        return thread->stack_high;
    if (sp - thread->region_low < thread->region_high - thread->region_low)
        return thread->region_high;
    struct tn_maps_search search = {.address = sp};
    if (!search_maps(&search))
        return 0;
    thread->region_low = search.low;
    thread->region_high = search.high;
    return search.high;
}

uint32_t tn_depth_of(struct tn_thread *thread, const struct tn_caller *caller)
{
    uintptr_t base = thread->stack_base;
    if (TN_UNLIKELY(caller->cfa - thread->stack_low >= thread->stack_high - thread->stack_low))
        base = tn_thread_stack_high(thread, caller->cfa);
    uint64_t depth_bytes = base - caller->cfa;
    return depth_bytes <= UINT32_MAX ? (uint32_t)depth_bytes : 0;
}
