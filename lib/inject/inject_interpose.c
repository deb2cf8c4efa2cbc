/* SPDX-License-Identifier: MIT */
/* The allocation functions of the program: each asks whether this call is to fail, and else passes it on to
 * the next definition, the C library's or that of another allocator. A function that hands back NULL has done
 * nothing else, as POSIX has it: realloc leaves its block alone. */
#include "inject_parts.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY     __attribute__((visibility("default"), noinline))
#define AGAIN_MAX 1000 /* attempts of one call of an operator that are made to fail */
#define CALLER()  ((uintptr_t)__builtin_return_address(0))
#define FRAME()   ((uintptr_t)__builtin_frame_address(0))

/* An operator of C++ asks again while a handler may have made room: a call that fails, fails all its
 * attempts. */
static __thread struct {
    uintptr_t caller, frame;
    unsigned count;
} again;

/* ---------------------------------------------------------------------------------------- what fails */

static bool has_new_handler(void)
{
    return tn_preload_next.get_new_handler != NULL && tn_preload_next.get_new_handler() != NULL;
}

static void fail(uintptr_t caller, uintptr_t frame)
{
    struct tn_preload_frame frames[TN_INJECT_FRAMES_MAX];
    if (__atomic_fetch_add(&tn_inject_head->failed, 1, __ATOMIC_RELAXED) == 0) {
        size_t count = tn_preload_walk(caller, frames, TN_INJECT_FRAMES_MAX);
        tn_preload_tell(&tn_inject_seen, &tn_inject_head->failure, frames, count);
    }
    bool has_handler = has_new_handler();
    again.caller = has_handler ? caller : 0;
    again.frame = has_handler ? frame : 0;
    errno = ENOMEM;
}

static bool is_asked_again(uintptr_t caller, uintptr_t frame)
{
    if (again.caller != caller || again.frame != frame || again.caller == 0 || again.count >= AGAIN_MAX)
        return false;
    again.count++;
    /* The operator throws once the handler has gone. */
    if (!has_new_handler())
        again.caller = 0;
    errno = ENOMEM;
    return true;
}

static bool is_turn(uint64_t match)
{
    uint64_t occurrence = tn_inject_head->occurrence;
    return occurrence != 0 &&
           (tn_inject_head->is_persistent != 0 ? match >= occurrence : match == occurrence);
}

/* A call in progress. */
struct inject_call {
    uintptr_t caller, frame; /* of the function that the program called */
    uint32_t placed;         /* in the heap of the run's policy; 0: nowhere */
    void *moved;             /* realloc's result, where that heap has moved the block itself; else NULL */
};

#define CALL() ((struct inject_call){.caller = CALLER(), .frame = FRAME()})

static bool is_over_limit(uint64_t size_bytes)
{
    return tn_inject_head->limit_bytes != 0 && !tn_inject_heap_is_open() &&
           __atomic_load_n(&tn_inject_head->live_bytes, __ATOMIC_RELAXED) + size_bytes >
               tn_inject_head->limit_bytes;
}

/* Whether a call is to fail; then everything but the result is done.
 *
 * old         the block that is given another size; NULL: none
 * more_bytes  that it adds to what lives */
static bool fails(struct inject_call *call, void *old, uint64_t size_bytes, uint64_t alignment_bytes,
                  uint64_t more_bytes)
{
    if (tn_inject_head == NULL)
        return false;
    if (is_asked_again(call->caller, call->frame))
        return true;
    again.caller = again.count = 0;
    bool is_hit = tn_inject_head->place_count != 0 && tn_inject_is_place(call->caller) &&
                  is_turn(__atomic_add_fetch(&tn_inject_head->matches, 1, __ATOMIC_RELAXED));
    bool has_room = !is_over_limit(more_bytes);
    if (!is_hit && tn_inject_heap_is_open())
        has_room = old != NULL ? tn_inject_heap_resize(old, size_bytes, &call->placed, &call->moved)
                               : tn_inject_heap_place(size_bytes, alignment_bytes, &call->placed);
    if (is_hit || !has_room)
        fail(call->caller, call->frame);
    return is_hit || !has_room;
}

static uint64_t usable_bytes(void *block)
{
    return tn_inject_heap_has(block) ? tn_inject_heap_bytes(block) : tn_preload_next.usable(block);
}

/* Bytes of a block that live under a limit. Without one nobody asks: what is released twice must meet the
 * allocator's own checks, and its size cannot be asked for. */
static uint64_t counted_bytes(void *block)
{
    return tn_inject_head != NULL && tn_inject_head->limit_bytes != 0 && block != NULL ? usable_bytes(block)
                                                                                       : 0;
}

static void add_live(uint64_t size_bytes)
{
    uint64_t live_bytes = __atomic_add_fetch(&tn_inject_head->live_bytes, size_bytes, __ATOMIC_RELAXED);
    uint64_t peak_bytes = __atomic_load_n(&tn_inject_head->peak_bytes, __ATOMIC_RELAXED);
    while (live_bytes > peak_bytes &&
           !__atomic_compare_exchange_n(&tn_inject_head->peak_bytes, &peak_bytes, live_bytes, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static void *take_note(const struct inject_call *call, void *block)
{
    if (call->placed != 0)
        tn_inject_heap_bind(call->placed, (uintptr_t)block);
    if (tn_inject_head == NULL || block == NULL)
        return block;
    __atomic_fetch_add(&tn_inject_head->births, 1, __ATOMIC_RELAXED);
    if (tn_inject_head->limit_bytes != 0)
        add_live(counted_bytes(block));
    return block;
}

/* What was born before the file was mapped dies uncounted: the bytes that live never fall below none. */
static void take_note_of_death(uint64_t size_bytes)
{
    __atomic_fetch_add(&tn_inject_head->deaths, 1, __ATOMIC_RELAXED);
    uint64_t live_bytes = __atomic_load_n(&tn_inject_head->live_bytes, __ATOMIC_RELAXED), left_bytes;
    do
        left_bytes = live_bytes > size_bytes ? live_bytes - size_bytes : 0;
    while (size_bytes != 0 &&
           !__atomic_compare_exchange_n(&tn_inject_head->live_bytes, &live_bytes, left_bytes, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

/* The block of a call that does not fail, if the heap of the run's policy has memory of its own for it. */
static void *take_placed(struct inject_call *call, size_t size_bytes, size_t alignment_bytes)
{
    void *block = tn_inject_heap_take(call->placed, size_bytes, alignment_bytes);
    if (block != NULL)
        call->placed = 0;
    return block;
}

/* ---------------------------------------------------------------------------------------- the functions */

ENTRY void *malloc(size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_preload_is_ready())
        return tn_preload_early_take(size_bytes);
    if (fails(&call, NULL, size_bytes, 0, size_bytes))
        return NULL;
    void *block = take_placed(&call, size_bytes, 0);
    return take_note(&call, block != NULL ? block : tn_preload_next.malloc(size_bytes));
}

ENTRY void *calloc(size_t count, size_t size_bytes)
{
    struct inject_call call = CALL();
    size_t total_bytes;
    bool is_too_large = __builtin_mul_overflow(count, size_bytes, &total_bytes);
    if (is_too_large) {
        errno = ENOMEM;
        return NULL;
    }
    if (!tn_preload_is_ready())
        return tn_preload_early_take(total_bytes);
    if (fails(&call, NULL, total_bytes, 0, total_bytes))
        return NULL;
    void *block = take_placed(&call, total_bytes, 0);
    if (block != NULL)
        memset(block, 0, total_bytes);
    return take_note(&call, block != NULL ? block : tn_preload_next.calloc(count, size_bytes));
}

/* realloc and what is built on it. */
static void *move(struct inject_call *call, void *block, size_t size_bytes)
{
    if (!tn_preload_is_ready() || tn_preload_is_early(block))
        return tn_preload_early_resize(block, size_bytes);
    uint64_t old_bytes = counted_bytes(block);
    /* Size 0 releases: nothing can fail. */
    bool is_release = block != NULL && size_bytes == 0, is_own = tn_inject_heap_has(block);
    if (is_release && tn_inject_heap_is_open())
        tn_inject_heap_release((uintptr_t)block);
    if (!is_release && fails(call, block, size_bytes, 0, size_bytes > old_bytes ? size_bytes - old_bytes : 0))
        return NULL;
    void *moved = call->moved;
    if (moved == NULL && !is_own)
        moved = block == NULL ? take_placed(call, size_bytes, 0) : NULL;
    if (moved == NULL && !is_own)
        moved = tn_preload_next.realloc(block, size_bytes);
    if (tn_inject_head != NULL && block != NULL && (moved != NULL || size_bytes == 0))
        take_note_of_death(old_bytes);
    return take_note(call, moved);
}

ENTRY void *realloc(void *block, size_t size_bytes)
{
    struct inject_call call = CALL();
    return move(&call, block, size_bytes);
}

ENTRY void *reallocarray(void *block, size_t count, size_t size_bytes)
{
    struct inject_call call = CALL();
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return move(&call, block, total_bytes);
}

ENTRY void free(void *block)
{
    if (block == NULL || tn_preload_is_early(block) || !tn_preload_is_ready())
        return;
    uint64_t size_bytes = counted_bytes(block);
    bool is_placed = tn_inject_heap_is_open() && tn_inject_heap_release((uintptr_t)block);
    if (tn_inject_head != NULL)
        take_note_of_death(size_bytes);
    if (!is_placed ||
        !tn_inject_heap_has(block)) /* one of the heap's own that is released twice must meet a check */
        tn_preload_next.free(block);
}

ENTRY size_t malloc_usable_size(void *block)
{
    if (block != NULL && tn_preload_is_early(block))
        return tn_preload_early_bytes(block);
    return block != NULL && tn_preload_is_ready() ? usable_bytes(block) : 0;
}

ENTRY int posix_memalign(void **ret_block, size_t alignment_bytes, size_t size_bytes)
{
    struct inject_call call = CALL();
    int found = errno;
    if (!tn_preload_is_ready())
        return ENOMEM;
    if (fails(&call, NULL, size_bytes, alignment_bytes, size_bytes)) {
        errno = found;
        return ENOMEM;
    }
    void *block = take_placed(&call, size_bytes, alignment_bytes);
    int r = block != NULL ? 0 : tn_preload_next.posix_memalign(ret_block, alignment_bytes, size_bytes);
    if (block != NULL)
        *ret_block = block;
    take_note(&call, r == 0 ? *ret_block : NULL);
    return r;
}

ENTRY void *aligned_alloc(size_t alignment_bytes, size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_preload_is_ready() || fails(&call, NULL, size_bytes, alignment_bytes, size_bytes))
        return NULL;
    void *block = take_placed(&call, size_bytes, alignment_bytes);
    return take_note(&call,
                     block != NULL ? block : tn_preload_next.aligned_alloc(alignment_bytes, size_bytes));
}

ENTRY void *memalign(size_t alignment_bytes, size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_preload_is_ready() || fails(&call, NULL, size_bytes, alignment_bytes, size_bytes))
        return NULL;
    void *block = take_placed(&call, size_bytes, alignment_bytes);
    return take_note(&call, block != NULL ? block : tn_preload_next.memalign(alignment_bytes, size_bytes));
}

ENTRY void *valloc(size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_preload_is_ready() || fails(&call, NULL, size_bytes, 0, size_bytes))
        return NULL;
    return take_note(&call, tn_preload_next.valloc(size_bytes));
}

ENTRY void *pvalloc(size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_preload_is_ready() || fails(&call, NULL, size_bytes, 0, size_bytes))
        return NULL;
    return take_note(&call, tn_preload_next.pvalloc(size_bytes));
}

/* A return from main does not come here: the C library calls its own. */
ENTRY void exit(int status)
{
    tn_preload_is_ready();
    if (tn_inject_head != NULL)
        __atomic_fetch_add(&tn_inject_head->left_early, 1, __ATOMIC_RELAXED);
    tn_preload_next.leave(status);
}

/* ---------------------------------------------------------------------------------------- for our own use */

void *tn_inject_malloc(size_t size_bytes)
{
    return tn_preload_next.malloc(size_bytes);
}

void *tn_inject_calloc(size_t count, size_t size_bytes)
{
    return tn_preload_next.calloc(count, size_bytes);
}

void *tn_inject_realloc(void *block, size_t size_bytes)
{
    return tn_preload_next.realloc(block, size_bytes);
}

void tn_inject_free(void *block)
{
    tn_preload_next.free(block);
}
