/* SPDX-License-Identifier: MIT */

/* Keeps the spans of the heap, and reads from it what may be read. Invariant: each block that was noted lies
 * in a span, and in [low, high) of all. Called by the entry points through emit.h, by links_death.c, and by
 * interpose_maps.c. */

#include "heap_spans.h"

#include "sys.h"

#include <errno.h>
#include <sys/uio.h>

#include "banned.h"

#define GRANULE_BYTES                                                                                        \
    ((uintptr_t)64 << 10)               /* spans end at multiples: few blocks are new to them                \
                                         */
#define NEAR_BYTES ((uintptr_t)1 << 20) /* spans that lie nearer are one */

static void lower(_Atomic uintptr_t *bound, uintptr_t to)
{
    if (to < atomic_load_explicit(bound, memory_order_relaxed))
        atomic_store_explicit(bound, to, memory_order_relaxed);
}

static void raise_to(_Atomic uintptr_t *bound, uintptr_t to)
{
    if (to > atomic_load_explicit(bound, memory_order_relaxed))
        atomic_store_explicit(bound, to, memory_order_relaxed);
}

static uintptr_t load(const _Atomic uintptr_t *bound)
{
    return atomic_load_explicit(bound, memory_order_relaxed);
}

static void use_span(struct tn_thread *thread, uintptr_t low, uintptr_t high)
{
    thread->span_low = low;
    thread->span_bytes = high - low;
}

static bool find_span(struct tn_thread *thread, uintptr_t address)
{
    struct tn_heap_spans *spans = &tn_hot.spans;
    uint32_t count = atomic_load_explicit(&spans->count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t low = load(&spans->list[i].low), high = load(&spans->list[i].high);
        if (address - low < high - low) {
            use_span(thread, low, high);
            return true;
        }
    }
    return false;
}

/* A span of its own, or a nearer one that grows. Where there are too many, only the bounds of all grow. */
static void add_span(struct tn_thread *thread, uintptr_t low, uintptr_t high)
{
    struct tn_heap_spans *spans = &tn_hot.spans;
    uint32_t count = atomic_load_explicit(&spans->count, memory_order_relaxed);
    use_span(thread, low, high);
    for (uint32_t i = 0; i < count; i++) {
        struct tn_heap_span *span = &spans->list[i];
        if (low > load(&span->high) + NEAR_BYTES || load(&span->low) > high + NEAR_BYTES)
            continue;
        lower(&span->low, low);
        raise_to(&span->high, high);
        use_span(thread, load(&span->low), load(&span->high));
        return;
    }
    if (count == TN_HEAP_SPANS_MAX)
        return;
    atomic_store_explicit(&spans->list[count].low, low, memory_order_relaxed);
    atomic_store_explicit(&spans->list[count].high, high, memory_order_relaxed);
    /* Release: who sees the count sees the span. */
    atomic_store_explicit(&spans->count, count + 1, memory_order_release);
}

void tn_heap_spans_note(struct tn_thread *thread, uintptr_t address, size_t size_bytes)
{
    struct tn_heap_spans *spans = &tn_hot.spans;
    uintptr_t low = address & ~(tn_page_bytes - 1);
    uintptr_t high = (address + size_bytes + GRANULE_BYTES) & ~(GRANULE_BYTES - 1);
    if (high <= low || find_span(thread, address) ||
        atomic_exchange_explicit(&spans->is_busy, 1, memory_order_acquire) != 0)
        return;
    if (load(&spans->high) == 0)
        atomic_store_explicit(&spans->low, low, memory_order_relaxed);
    lower(&spans->low, low);
    raise_to(&spans->high, high);
    add_span(thread, low, high);
    atomic_store_explicit(&spans->is_busy, 0, memory_order_release);
}

void tn_heap_protected(const void *address, size_t size_bytes)
{
    struct tn_protected *range = &tn_shim_process.protected_memory;
    uintptr_t low = (uintptr_t)address, high = low + size_bytes, seen_low = load(&range->low),
              seen_high = load(&range->high);
    while ((seen_low == 0 || low < seen_low) && !atomic_compare_exchange_weak(&range->low, &seen_low, low))
        ;
    while (high > seen_high && !atomic_compare_exchange_weak(&range->high, &seen_high, high))
        ;
}

/* Whether a page of [low, low + size_bytes) may be protected: all of it belongs to a block that reaches to
 * block_high, or the program has protected something there. Pages that a block shares hold what the allocator
 * itself reads and writes. */
static bool may_be_protected(uintptr_t low, size_t size_bytes, uintptr_t block_high)
{
    const struct tn_protected *range = &tn_shim_process.protected_memory;
    uintptr_t page = (low + tn_page_bytes - 1) & ~(tn_page_bytes - 1);
    if (page < low + size_bytes && page + tn_page_bytes <= block_high)
        return true;
    return low < load(&range->high) && load(&range->low) < low + size_bytes;
}

/* Threads between the look at tn_is_filtered and the end of the system call. */
static _Atomic uint32_t reading;

/* How often the wait for them looks: some milliseconds. A thread that a signal has interrupted there may not
 * go on. */
#define END_LOOKS 10000000u

void tn_heap_end_reading(void)
{
    for (uint32_t i = 0; i < END_LOOKS && atomic_load(&reading) != 0; i++)
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void tn_heap_begin_reading(void)
{
    atomic_store(&reading, 0);
}

/* Sequentially consistent: either the thread sees the filter coming, or who sets it sees the thread. */
bool tn_heap_copy(uintptr_t address, void *to, size_t size_bytes, long *ret_got)
{
    struct iovec local = {to, size_bytes}, from = {(void *)address, size_bytes};
    long got = -EPERM;
    atomic_fetch_add(&reading, 1);
    if (!atomic_load(&tn_is_filtered) && !tn_shim_process.is_reading_refused)
        got = tn_sys6(SYS_process_vm_readv, tn_hot.pid, (long)&local, 1, (long)&from, 1, 0);
    atomic_fetch_sub(&reading, 1);
    if (got < 0 && got != -EFAULT)
        tn_shim_process.is_reading_refused = true;
    *ret_got = got > 0 ? got : 0;
    return got >= 0 || got == -EFAULT;
}

bool tn_heap_read(uintptr_t address, size_t usable_bytes, uint64_t *words, uint32_t count)
{
    size_t size_bytes = count * sizeof(words[0]);
    if (!may_be_protected(address, size_bytes, address + usable_bytes)) {
        const uint64_t *from = (const uint64_t *)address;
        for (uint32_t i = 0; i < count; i++)
            words[i] = from[i];
        return true;
    }
    long got = 0;
    return tn_heap_copy(address, words, size_bytes, &got) && got == (long)size_bytes;
}
