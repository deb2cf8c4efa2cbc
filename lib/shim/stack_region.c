/* SPDX-License-Identifier: MIT */

/* Looks stacks up. Invariant: what is returned reaches no further than memory that was mapped, in one piece
 * and with one protection, after the last change that the process has made to its mappings by libc's
 * functions (interpose_maps.c, and releases of large blocks, which may have been mappings). Called by
 * shim_thread.c, and by capture.c and walk.c before they load anything. */

#include "stack_region.h"

#include "maps.h"
#include "sys.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "banned.h"

/* How far below its control block a thread's first event is believed to lie on its own stack. */
#define OWN_DISTANCE_MAX ((uintptr_t)1 << 20)

/* The loader's: the main thread's stack pointer at the start of the program. */
extern void *__libc_stack_end __attribute__((weak));

/* The main thread's stack may grow up to its limit; anything beyond 256 MiB is no sensible stack, and the
 * kernel keeps mappings at least 128 MiB away. */
static void find_main_stack(struct tn_thread *thread)
{
    struct rlimit64 limit;
    uint64_t size_bytes = (uint64_t)8 << 20;
    if (!tn_is_filtered && tn_sys4(SYS_prlimit64, 0, RLIMIT_STACK, 0, (long)&limit) == 0)
        size_bytes = limit.rlim_cur;
    if (size_bytes > (uint64_t)256 << 20)
        size_bytes = (uint64_t)256 << 20;
    thread->stack_base = (uintptr_t)__libc_stack_end;
    thread->stack_high = (thread->stack_base + tn_page_bytes) & ~(tn_page_bytes - 1);
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

/* Where the kernel may not be asked: from the event that is being written up to the control block. Deeper
 * events of the thread are taken for those of another stack, and their stacks are cut. */
static void guess_stack(struct tn_thread *thread, uintptr_t high)
{
    if (high - thread->inside_cfa >= OWN_DISTANCE_MAX)
        return;
    thread->stack_low = thread->inside_cfa & ~(tn_page_bytes - 1);
    thread->stack_high = high;
    thread->stack_base = high;
}

/* Not by pthread_getattr_np: it allocates while it holds a lock of the thread's, and may be what has called
 * the shim. The thread's control block lies at the high end of its stack, whether libc or the program has
 * provided that; so the mapping that holds it is the stack's. */
void tn_region_find_own(struct tn_thread *thread, uint32_t tid)
{
    if (thread->stack_high != 0)
        return; /* known already: a fork child runs on the stack of its parent's thread */
    if (tid == tn_shim_process.main_tid && &__libc_stack_end != NULL) {
        find_main_stack(thread);
        return;
    }
    struct tn_maps_search search = {.address = (uintptr_t)pthread_self()};
    uintptr_t high = (search.address + tn_page_bytes) & ~(tn_page_bytes - 1);
    if (tn_is_filtered) {
        guess_stack(thread, high);
        return;
    }
    if (!search_maps(&search))
        return;
    thread->stack_low = search.low;
    thread->stack_high = high < search.high ? high : search.high;
    thread->stack_base = thread->stack_high;
}

/* Make the range of other stacks hold this one; it never shrinks. Returns whether it did already. */
static bool widen(uintptr_t low, uintptr_t high)
{
    uintptr_t seen_low = atomic_load_explicit(&tn_shim_process.regions.low, memory_order_relaxed);
    uintptr_t seen_high = atomic_load_explicit(&tn_shim_process.regions.high, memory_order_relaxed);
    if (low >= seen_low && high <= seen_high)
        return true;
    while ((seen_low == 0 || low < seen_low) &&
           !atomic_compare_exchange_weak(&tn_shim_process.regions.low, &seen_low, low))
        ;
    while (high > seen_high && !atomic_compare_exchange_weak(&tn_shim_process.regions.high, &seen_high, high))
        ;
    return false;
}

/* What changes from the second look on is noticed by whoever changes it, since the range is known by then. */
static bool look_up(struct tn_maps_search *search)
{
    struct tn_maps_search first = *search;
    if (!search_maps(&first))
        return false;
    if (!widen(first.low, first.high))
        return search_maps(search);
    *search = first;
    return true;
}

uintptr_t tn_region_high(struct tn_thread *thread, uintptr_t sp)
{
    if (sp - thread->stack_low < thread->stack_high - thread->stack_low)
        return thread->stack_high;
    uint32_t epoch = atomic_load_explicit(&tn_shim_process.regions.epoch, memory_order_acquire);
    if (thread->region_epoch == epoch && sp - thread->region_low < thread->region_high - thread->region_low)
        return thread->region_high;
    if (tn_is_filtered)
        return (sp + tn_page_bytes - 1) & ~(tn_page_bytes - 1);
    struct tn_maps_search search = {.address = sp};
    if (!look_up(&search))
        return 0;
    thread->region_low = search.low;
    thread->region_high = search.high;
    thread->region_epoch = epoch;
    return search.high;
}

uint32_t tn_depth_of(struct tn_thread *thread, const struct tn_caller *caller)
{
    uintptr_t base = thread->stack_base;
    if (TN_UNLIKELY(caller->cfa - thread->stack_low >= thread->stack_high - thread->stack_low))
        base = tn_region_high(thread, caller->cfa);
    uint64_t depth_bytes = base - caller->cfa;
    return depth_bytes <= UINT32_MAX ? (uint32_t)depth_bytes : 0;
}
