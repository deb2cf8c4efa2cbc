/* SPDX-License-Identifier: MIT */
/* The allocation functions of the program: each asks whether this call is to fail, and else passes it on to
 * the next definition, the C library's or that of another allocator. A function that hands back NULL has done
 * nothing else, as POSIX has it: realloc leaves its block alone. */
#include "inject_parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY       __attribute__((visibility("default"), noinline))
#define ARENA_BYTES 65536 /* for what the loader asks for while the next definitions are looked up */
#define AGAIN_MAX   1000  /* attempts of one call of an operator that are made to fail */
#define CALLER()    ((uintptr_t)__builtin_return_address(0))
#define FRAME()     ((uintptr_t)__builtin_frame_address(0))

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*usable)(void *);
    void (*leave)(int) __attribute__((noreturn));
    void (*(*get_new_handler)(void))(void);
} next;

static enum { UNKNOWN, SEARCHING, KNOWN } state;
static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static size_t arena_used_bytes;

/* An operator of C++ asks again while a handler may have made room: a call that fails, fails all its
 * attempts. */
static __thread struct {
    uintptr_t caller, frame;
    unsigned count;
} again;

static void find(void *slot, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(slot, &symbol, sizeof(symbol));
}

static void find_next(void)
{
    state = SEARCHING;
    find(&next.calloc, "calloc");
    find(&next.malloc, "malloc");
    find(&next.realloc, "realloc");
    find(&next.free, "free");
    find(&next.posix_memalign, "posix_memalign");
    find(&next.aligned_alloc, "aligned_alloc");
    find(&next.memalign, "memalign");
    find(&next.valloc, "valloc");
    find(&next.pvalloc, "pvalloc");
    find(&next.usable, "malloc_usable_size");
    find(&next.leave, "exit");
    find(&next.get_new_handler, "_ZSt15get_new_handlerv");
    tn_inject_find_passed();
    __atomic_store_n(&state, KNOWN, __ATOMIC_RELEASE);
    tn_inject_load();
}

/* Whether the next definitions can be called. The first call comes before there are threads. */
bool tn_inject_is_ready(void)
{
    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == UNKNOWN)
        find_next();
    return __atomic_load_n(&state, __ATOMIC_ACQUIRE) == KNOWN;
}

/* Each block has its size before it: the shim asks for that at once. */
static void *take_from_arena(size_t size_bytes)
{
    size_t left_bytes = ARENA_BYTES - arena_used_bytes;
    if (size_bytes > left_bytes || (size_bytes + 15) / 16 * 16 + 16 > left_bytes)
        return NULL;
    char *block = arena + arena_used_bytes + 16;
    memcpy(block - 16, &size_bytes, sizeof(size_bytes));
    arena_used_bytes += (size_bytes + 15) / 16 * 16 + 16;
    return block;
}

static size_t size_in_arena(const void *block)
{
    size_t size_bytes;
    memcpy(&size_bytes, (const char *)block - 16, sizeof(size_bytes));
    return size_bytes;
}

static bool is_in_arena(const void *block)
{
    return (const char *)block >= arena && (const char *)block < arena + ARENA_BYTES;
}

/* ---------------------------------------------------------------------------------------- what fails */

static bool has_new_handler(void)
{
    return next.get_new_handler != NULL && next.get_new_handler() != NULL;
}

static void fail(uintptr_t caller, uintptr_t frame)
{
    uintptr_t frames[TN_INJECT_FRAMES_MAX + 8];
    if (__atomic_fetch_add(&tn_inject_head->failed, 1, __ATOMIC_RELAXED) == 0) {
        size_t count = tn_inject_walk(frames, sizeof(frames) / sizeof(frames[0])), first = 0;
        while (first < count && frames[first] != caller)
            first++;
        tn_inject_tell(&tn_inject_head->failure, frames + first, count - first);
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
        has_room = old != NULL ? tn_inject_heap_resize((uintptr_t)old, size_bytes, &call->placed)
                               : tn_inject_heap_place(size_bytes, alignment_bytes, &call->placed);
    if (is_hit || !has_room)
        fail(call->caller, call->frame);
    return is_hit || !has_room;
}

/* Bytes of a block that live under a limit. Without one nobody asks: what is released twice must meet the
 * allocator's own checks, and its size cannot be asked for. */
static uint64_t counted_bytes(void *block)
{
    return tn_inject_head != NULL && tn_inject_head->limit_bytes != 0 && block != NULL ? next.usable(block)
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

/* ---------------------------------------------------------------------------------------- the functions */

ENTRY void *malloc(size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_inject_is_ready())
        return take_from_arena(size_bytes);
    return fails(&call, NULL, size_bytes, 0, size_bytes) ? NULL : take_note(&call, next.malloc(size_bytes));
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
    if (!tn_inject_is_ready())
        return take_from_arena(total_bytes);
    if (fails(&call, NULL, total_bytes, 0, total_bytes))
        return NULL;
    return take_note(&call, next.calloc(count, size_bytes));
}

/* What was born before the next definitions were known moves to them. */
static void *move_from_arena(void *block, size_t size_bytes)
{
    void *moved = tn_inject_is_ready() ? next.malloc(size_bytes) : take_from_arena(size_bytes);
    size_t kept_bytes = block != NULL ? size_in_arena(block) : 0;
    if (moved == NULL || block == NULL)
        return moved;
    return memcpy(moved, block, kept_bytes < size_bytes ? kept_bytes : size_bytes);
}

/* realloc and what is built on it. */
static void *move(struct inject_call *call, void *block, size_t size_bytes)
{
    if (!tn_inject_is_ready() || is_in_arena(block))
        return move_from_arena(block, size_bytes);
    uint64_t old_bytes = counted_bytes(block);
    /* Size 0 releases: nothing can fail. */
    bool is_release = block != NULL && size_bytes == 0;
    if (is_release && tn_inject_heap_is_open())
        tn_inject_heap_release((uintptr_t)block);
    if (!is_release && fails(call, block, size_bytes, 0, size_bytes > old_bytes ? size_bytes - old_bytes : 0))
        return NULL;
    void *moved = next.realloc(block, size_bytes);
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
    if (block == NULL || is_in_arena(block) || !tn_inject_is_ready())
        return;
    if (tn_inject_heap_is_open())
        tn_inject_heap_release((uintptr_t)block);
    if (tn_inject_head != NULL)
        take_note_of_death(counted_bytes(block));
    next.free(block);
}

ENTRY size_t malloc_usable_size(void *block)
{
    if (block != NULL && is_in_arena(block))
        return size_in_arena(block);
    return block != NULL && tn_inject_is_ready() ? next.usable(block) : 0;
}

ENTRY int posix_memalign(void **ret_block, size_t alignment_bytes, size_t size_bytes)
{
    struct inject_call call = CALL();
    int found = errno;
    if (!tn_inject_is_ready())
        return ENOMEM;
    if (fails(&call, NULL, size_bytes, alignment_bytes, size_bytes)) {
        errno = found;
        return ENOMEM;
    }
    int r = next.posix_memalign(ret_block, alignment_bytes, size_bytes);
    take_note(&call, r == 0 ? *ret_block : NULL);
    return r;
}

ENTRY void *aligned_alloc(size_t alignment_bytes, size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_inject_is_ready() || fails(&call, NULL, size_bytes, alignment_bytes, size_bytes))
        return NULL;
    return take_note(&call, next.aligned_alloc(alignment_bytes, size_bytes));
}

ENTRY void *memalign(size_t alignment_bytes, size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_inject_is_ready() || fails(&call, NULL, size_bytes, alignment_bytes, size_bytes))
        return NULL;
    return take_note(&call, next.memalign(alignment_bytes, size_bytes));
}

ENTRY void *valloc(size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_inject_is_ready() || fails(&call, NULL, size_bytes, 0, size_bytes))
        return NULL;
    return take_note(&call, next.valloc(size_bytes));
}

ENTRY void *pvalloc(size_t size_bytes)
{
    struct inject_call call = CALL();
    if (!tn_inject_is_ready() || fails(&call, NULL, size_bytes, 0, size_bytes))
        return NULL;
    return take_note(&call, next.pvalloc(size_bytes));
}

/* A return from main does not come here: the C library calls its own. */
ENTRY void exit(int status)
{
    tn_inject_is_ready();
    if (tn_inject_head != NULL)
        __atomic_fetch_add(&tn_inject_head->left_early, 1, __ATOMIC_RELAXED);
    next.leave(status);
}

/* ---------------------------------------------------------------------------------------- for our own use */

void *tn_inject_malloc(size_t size_bytes)
{
    return next.malloc(size_bytes);
}

void *tn_inject_calloc(size_t count, size_t size_bytes)
{
    return next.calloc(count, size_bytes);
}

void *tn_inject_realloc(void *block, size_t size_bytes)
{
    return next.realloc(block, size_bytes);
}

void tn_inject_free(void *block)
{
    next.free(block);
}
