/* SPDX-License-Identifier: MIT */

/* Looks stacks up. Invariant: what is returned reaches no further than memory that was mapped, in one piece
 * and with one protection, after the last change that the process has made to its mappings by libc's
 * functions (interpose_maps.c, and releases of large blocks, which may have been mappings). Called by
 * shim_thread.c, and by capture.c and walk.c before they load anything. */

#include "stack_region.h"

#include "maps.h"
#include "sys.h"

#include <pthread.h>
#include <sys/resource.h>

#include "banned.h"

/* How far below its control block a thread's first event is believed to lie on its own stack. */
#define OWN_DISTANCE_MAX ((uintptr_t)1 << 20)

/* Ends of stacks are rounded to the smallest pages that there are: with larger ones, that lies within. */
#define UNIT_SHIFT 12
#define UNIT_BYTES ((uintptr_t)1 << UNIT_SHIFT)

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
    thread->stack_high = (thread->stack_base + UNIT_BYTES) & ~(UNIT_BYTES - 1);
    thread->stack_low = thread->stack_high - size_bytes;
}

/* Threads that were noted and have had no event yet. Where their number exceeds what there is room for, or
 * two write to one place at once, a note is lost, and its thread looked up. */
#define NOTE_SET_BITS 10
#define SET_NOTES     4u
#define SIZE_BITS     28
#define SLACK_UNKNOWN UINTPTR_MAX

static _Atomic uint64_t
    notes[1 << NOTE_SET_BITS][SET_NOTES]; /* a control block's page, its stack's size; 0: none */

/* How much further up stacks begin than their size says, counted from the end of the control block's page:
 * what libc keeps in them above that. The same for all; from the first one that was noted and looked up. */
static _Atomic uintptr_t slack_bytes = SLACK_UNKNOWN;

static _Atomic uint64_t *set_of(uintptr_t control_block)
{
    uint64_t mixed = (control_block >> UNIT_SHIFT) * UINT64_C(0x9e3779b97f4a7c15);
    return notes[mixed >> (64 - NOTE_SET_BITS)];
}

static bool is_of(uint64_t note, uintptr_t control_block)
{
    return note >> SIZE_BITS == control_block >> UNIT_SHIFT;
}

/* The place of an older note for the same address, else one that is free, else any. */
static _Atomic uint64_t *place_for(uintptr_t control_block)
{
    _Atomic uint64_t *set = set_of(control_block), *place = set;
    for (uint32_t i = 0; i < SET_NOTES; i++) {
        uint64_t note = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (note != 0 && is_of(note, control_block))
            return &set[i];
        place = note == 0 ? &set[i] : place;
    }
    return place;
}

static uintptr_t stack_end(uintptr_t control_block)
{
    return (control_block + UNIT_BYTES) & ~(UNIT_BYTES - 1);
}

/* Once a process, from the first thread that is made. A stack that begins below what its size says is none
 * that libc has made. */
static void learn_slack(struct tn_thread *thread, uintptr_t control_block, size_t size_bytes)
{
    struct tn_maps_search search = {.address = control_block};
    if (tn_is_filtered || thread->own_depth != 0)
        return;
    tn_own_begin(thread);
    uintptr_t slack =
        tn_maps_look_up(&search) ? search.low - (stack_end(control_block) - size_bytes) : size_bytes;
    if (slack < size_bytes)
        atomic_store_explicit(&slack_bytes, slack, memory_order_relaxed);
    tn_own_end(thread);
}

void tn_region_note_thread(uintptr_t control_block, size_t size_bytes)
{
    uint64_t units = size_bytes >> UNIT_SHIFT;
    uint64_t note = (uint64_t)(control_block >> UNIT_SHIFT) << SIZE_BITS | units;
    bool is_sound = units != 0 && units >> SIZE_BITS == 0 && size_bytes % UNIT_BYTES == 0;
    if (is_sound && atomic_load_explicit(&slack_bytes, memory_order_relaxed) == SLACK_UNKNOWN)
        learn_slack(&tn_thread, control_block, size_bytes);
    atomic_store_explicit(place_for(control_block), is_sound ? note : 0, memory_order_relaxed);
}

/* The noted size of a thread's stack, once; 0: none is. */
static size_t take_note(uintptr_t control_block)
{
    _Atomic uint64_t *set = set_of(control_block);
    for (uint32_t i = 0; i < SET_NOTES; i++) {
        uint64_t note = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (note != 0 && is_of(note, control_block) && atomic_compare_exchange_strong(&set[i], &note, 0))
            return (size_t)(note & ((UINT64_C(1) << SIZE_BITS) - 1)) << UNIT_SHIFT;
    }
    return 0;
}

/* How often a thread looks for its note that has come here before who made it has returned: for as long as a
 * tenth of the look-up takes. */
#define LOOKS 300

static size_t wait_for_note(uintptr_t control_block)
{
    size_t size_bytes = take_note(control_block);
    bool is_used = atomic_load_explicit(&slack_bytes, memory_order_relaxed) != SLACK_UNKNOWN;
    for (int i = 0; i < LOOKS && size_bytes == 0 && is_used; i++) {
        tn_arch_settle();
        size_bytes = take_note(control_block);
    }
    return size_bytes;
}

static void set_stack(struct tn_thread *thread, uintptr_t low, uintptr_t high)
{
    thread->stack_low = low;
    thread->stack_high = high;
    thread->stack_base = high;
}

/* Where the kernel may not be asked: from the event that is being written up to the control block. Deeper
 * events of the thread are taken for those of another stack, and their stacks are cut. */
static void guess_stack(struct tn_thread *thread, uintptr_t high)
{
    if (high - thread->inside_cfa >= OWN_DISTANCE_MAX)
        return;
    set_stack(thread, thread->inside_cfa & ~(tn_page_bytes - 1), high);
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
    uintptr_t high = stack_end(search.address);
    size_t noted_bytes = wait_for_note(search.address);
    uintptr_t slack = atomic_load_explicit(&slack_bytes, memory_order_relaxed);
    if (noted_bytes != 0 && slack != SLACK_UNKNOWN)
        set_stack(thread, high - noted_bytes + slack, high);
    else if (tn_is_filtered)
        guess_stack(thread, high);
    else if (tn_maps_look_up(&search))
        set_stack(thread, search.low, high < search.high ? high : search.high);
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
    if (!tn_maps_look_up(&first))
        return false;
    if (!widen(first.low, first.high))
        return tn_maps_look_up(search);
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
