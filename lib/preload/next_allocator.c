/* SPDX-License-Identifier: MIT */
/* Looks for the allocator behind this library. That makes the loader ask for memory, which comes from a small
 * area meanwhile. */
#include "tenure/preload.h"

#include <dlfcn.h>
#include <string.h>

#define EARLY_BYTES 65536

struct tn_preload_next tn_preload_next;

static enum { UNKNOWN, SEARCHING, KNOWN } state;
static char early[EARLY_BYTES] __attribute__((aligned(16)));
static size_t early_used_bytes;

static void find(void *slot, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(slot, &symbol, sizeof(symbol));
}

static void find_next(void)
{
    state = SEARCHING;
    find(&tn_preload_next.calloc, "calloc");
    find(&tn_preload_next.malloc, "malloc");
    find(&tn_preload_next.realloc, "realloc");
    find(&tn_preload_next.free, "free");
    find(&tn_preload_next.posix_memalign, "posix_memalign");
    find(&tn_preload_next.aligned_alloc, "aligned_alloc");
    find(&tn_preload_next.memalign, "memalign");
    find(&tn_preload_next.valloc, "valloc");
    find(&tn_preload_next.pvalloc, "pvalloc");
    find(&tn_preload_next.usable, "malloc_usable_size");
    find(&tn_preload_next.leave, "exit");
    find(&tn_preload_next.get_new_handler, "_ZSt15get_new_handlerv");
    tn_preload_pass_operators();
    __atomic_store_n(&state, KNOWN, __ATOMIC_RELEASE);
    tn_preload_begin();
}

bool tn_preload_is_ready(void)
{
    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == UNKNOWN)
        find_next();
    return __atomic_load_n(&state, __ATOMIC_ACQUIRE) == KNOWN;
}

/* Each block has its size before it: the shim asks for that at once. */
void *tn_preload_early_take(size_t size_bytes)
{
    size_t left_bytes = EARLY_BYTES - early_used_bytes;
    if (size_bytes > left_bytes || (size_bytes + 15) / 16 * 16 + 16 > left_bytes)
        return NULL;
    char *block = early + early_used_bytes + 16;
    memcpy(block - 16, &size_bytes, sizeof(size_bytes));
    early_used_bytes += (size_bytes + 15) / 16 * 16 + 16;
    return block;
}

size_t tn_preload_early_bytes(const void *block)
{
    size_t size_bytes;
    memcpy(&size_bytes, (const char *)block - 16, sizeof(size_bytes));
    return size_bytes;
}

bool tn_preload_is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + EARLY_BYTES;
}

void *tn_preload_early_resize(void *block, size_t size_bytes)
{
    void *moved =
        tn_preload_is_ready() ? tn_preload_next.malloc(size_bytes) : tn_preload_early_take(size_bytes);
    size_t kept_bytes = block != NULL ? tn_preload_early_bytes(block) : 0;
    if (moved == NULL || block == NULL)
        return moved;
    return memcpy(moved, block, kept_bytes < size_bytes ? kept_bytes : size_bytes);
}
