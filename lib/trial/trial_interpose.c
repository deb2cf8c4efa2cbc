/* SPDX-License-Identifier: MIT */
/* The allocation functions of the program: each asks whether this call is served, and else passes it on to
 * the next definition as it came, by a jump: so the shim behind sees the program as its caller. */
#include "trial_parts.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY    __attribute__((visibility("default"), noinline))
#define CALLER() ((uintptr_t)__builtin_return_address(0))

static struct tn_preload_next *const next = &tn_preload_next;

/* Bytes of a block that the heap does not know; 0: it does. */
static size_t own_bytes(const void *block)
{
    return tn_preload_is_early(block) ? tn_preload_early_bytes(block) : tn_trial_bytes(block);
}

ENTRY void *malloc(size_t size_bytes)
{
    uintptr_t caller = CALLER();
    if (!tn_preload_is_ready())
        return tn_preload_early_take(size_bytes);
    void *block = tn_trial_serve(caller, size_bytes, 0);
    return block != NULL ? block : next->malloc(size_bytes);
}

ENTRY void *calloc(size_t count, size_t size_bytes)
{
    uintptr_t caller = CALLER();
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (!tn_preload_is_ready())
        return tn_preload_early_take(total_bytes);
    void *block = tn_trial_serve(caller, total_bytes, 0);
    return block != NULL ? memset(block, 0, total_bytes) : next->calloc(count, size_bytes);
}

/* ---------------------------------------------------------------------------------------- other sizes */

/* A block that the heap does not know, and which does not fit where it is. */
static void *move_away(uintptr_t caller, void *block, size_t size_bytes)
{
    size_t kept_bytes = own_bytes(block);
    void *moved = tn_trial_serve(caller, size_bytes, 0);
    if (moved == NULL)
        moved = next->malloc(size_bytes);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, kept_bytes < size_bytes ? kept_bytes : size_bytes);
    tn_trial_take_back(caller, block);
    return moved;
}

/* realloc of a block that the heap does not know. */
static void *resize(uintptr_t caller, void *block, size_t size_bytes)
{
    if (tn_preload_is_early(block))
        return size_bytes != 0 ? tn_preload_early_resize(block, size_bytes) : NULL;
    if (size_bytes == 0) {
        tn_trial_release(caller, block);
        return NULL;
    }
    return tn_trial_resize(caller, block, size_bytes) ? block : move_away(caller, block, size_bytes);
}

/* A block of the heap, or none, that moves to where its new size is served; NULL: it stays the heap's. */
static void *take_over(uintptr_t caller, void *block, size_t size_bytes)
{
    /* Size 0 releases. */
    if (block != NULL && size_bytes == 0)
        return NULL;
    void *target = tn_trial_serve(caller, size_bytes, 0);
    if (target == NULL || block == NULL)
        return target;
    size_t kept_bytes = next->usable(block);
    memcpy(target, block, kept_bytes < size_bytes ? kept_bytes : size_bytes);
    next->free(block);
    return target;
}

/* Whether the call was seen to; if not, the heap is to be asked. */
static bool is_moved(uintptr_t caller, void *block, size_t size_bytes, void **ret_moved)
{
    if (!tn_preload_is_ready()) {
        *ret_moved = tn_preload_early_resize(block, size_bytes);
        return true;
    }
    bool is_own = block != NULL && own_bytes(block) != 0;
    *ret_moved = is_own ? resize(caller, block, size_bytes) : take_over(caller, block, size_bytes);
    return is_own || *ret_moved != NULL;
}

ENTRY void *realloc(void *block, size_t size_bytes)
{
    void *moved;
    if (is_moved(CALLER(), block, size_bytes, &moved))
        return moved;
    return next->realloc(block, size_bytes);
}

ENTRY void *reallocarray(void *block, size_t count, size_t size_bytes)
{
    uintptr_t caller = CALLER();
    size_t total_bytes;
    void *moved;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (is_moved(caller, block, total_bytes, &moved))
        return moved;
    return next->realloc(block, total_bytes);
}

ENTRY void free(void *block)
{
    uintptr_t caller = CALLER();
    if (block == NULL || tn_preload_is_early(block) || !tn_preload_is_ready() ||
        tn_trial_release(caller, block))
        return;
    next->free(block);
}

ENTRY size_t malloc_usable_size(void *block)
{
    size_t bytes = block != NULL ? own_bytes(block) : 0;
    return block == NULL || bytes != 0 || !tn_preload_is_ready() ? bytes : next->usable(block);
}

/* ---------------------------------------------------------------------------------------- alignment */

ENTRY int posix_memalign(void **ret_block, size_t alignment_bytes, size_t size_bytes)
{
    uintptr_t caller = CALLER();
    if (!tn_preload_is_ready())
        return ENOMEM;
    /* What is no alignment is the next one's to refuse. */
    bool is_right = alignment_bytes >= sizeof(void *) && (alignment_bytes & (alignment_bytes - 1)) == 0;
    void *block = is_right ? tn_trial_serve(caller, size_bytes, alignment_bytes) : NULL;
    if (block == NULL)
        return next->posix_memalign(ret_block, alignment_bytes, size_bytes);
    *ret_block = block;
    return 0;
}

ENTRY void *aligned_alloc(size_t alignment_bytes, size_t size_bytes)
{
    uintptr_t caller = CALLER();
    if (!tn_preload_is_ready())
        return NULL;
    void *block = tn_trial_serve(caller, size_bytes, alignment_bytes);
    return block != NULL ? block : next->aligned_alloc(alignment_bytes, size_bytes);
}

ENTRY void *memalign(size_t alignment_bytes, size_t size_bytes)
{
    uintptr_t caller = CALLER();
    if (!tn_preload_is_ready())
        return NULL;
    void *block = tn_trial_serve(caller, size_bytes, alignment_bytes);
    return block != NULL ? block : next->memalign(alignment_bytes, size_bytes);
}

/* Whole pages are never served: these two are only counted. */
ENTRY void *valloc(size_t size_bytes)
{
    uintptr_t caller = CALLER();
    if (!tn_preload_is_ready())
        return NULL;
    tn_trial_serve(caller, size_bytes, SIZE_MAX);
    return next->valloc(size_bytes);
}

ENTRY void *pvalloc(size_t size_bytes)
{
    uintptr_t caller = CALLER();
    if (!tn_preload_is_ready())
        return NULL;
    tn_trial_serve(caller, size_bytes, SIZE_MAX);
    return next->pvalloc(size_bytes);
}
