/* SPDX-License-Identifier: MIT */
/* The small heap of the run: a model of lib/heap that places and releases what the program does. Where its
 * blocks are aligned as this machine's programs need it, they lie in a region of the heap's size, each where
 * the model placed it: the model keeps its own structures elsewhere, and leaves room for them. Else blocks
 * come from the next allocator all the same, and the model only says when there is no room. A forked child
 * goes on with a copy, a new image begins with an empty heap. */
#include "inject_parts.h"

#include "tenure/heap.h"
#include "tenure/map.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES_MAX (UINT64_C(1) << 32) /* sizes of its blocks have 32 bits */
#define SIZE_SHIFT       32
#define NEEDED_ALIGNMENT ((uint64_t) _Alignof(max_align_t))
#define PROBE_BYTES_MAX  200u

static struct {
    pthread_mutex_t lock;
    struct tn_heap *heap;
    struct tn_map
        blocks;      /* address -> block of the model, and above that the size asked for, if in the region */
    uint8_t *region; /* the heap's memory; NULL: blocks lie elsewhere. Written before the program runs */
    uint64_t region_bytes; /* of it */
    uint64_t scale;        /* what places of the model are multiplied by */
} model = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock_model(void)
{
    pthread_mutex_lock(&model.lock);
}

static void unlock_model(void)
{
    pthread_mutex_unlock(&model.lock);
}

/* "tlsf:align=8", which the tool has checked. Returns NULL where it is none. */
static const struct tn_policy *read_policy(const char *text, struct tn_heap_options *options)
{
    char copy[TN_INJECT_POLICY_BYTES], *rest = NULL;
    memcpy(copy, text, sizeof(copy));
    copy[sizeof(copy) - 1] = '\0';
    char *name = strtok_r(copy, ":", &rest);
    const struct tn_policy *policy = name != NULL ? tn_policy_find(name) : NULL;
    tn_heap_options_init(options);
    for (char *word = NULL; policy != NULL && (word = strtok_r(NULL, ":", &rest)) != NULL;) {
        char *value = strchr(word, '=');
        if (value == NULL)
            return NULL;
        *value = '\0';
        if (tn_heap_options_set(options, word, value + 1) < 0)
            return NULL;
    }
    return policy;
}

/* What all places of a policy are multiples of, by some of them. */
static uint64_t find_alignment(const struct tn_policy *policy, const struct tn_heap_options *options)
{
    struct tn_heap *heap;
    uint64_t seen = NEEDED_ALIGNMENT;
    if (tn_heap_open(policy, options, &heap, NULL) < 0)
        return NEEDED_ALIGNMENT;
    for (uint64_t size_bytes = 1; size_bytes < PROBE_BYTES_MAX; size_bytes += 3) {
        uint32_t block;
        if (tn_heap_place(heap, size_bytes, 0, 0, &block) == 0)
            seen |= tn_heap_offset(heap, block);
    }
    tn_heap_close(heap);
    return seen & -seen;
}

/* A program may rely on the alignment of any type. Where the policy has less, as on a smaller machine, places
 * are as many times as far apart: their order, and what is free between them, stay what they are. */
static void open_region(const struct tn_policy *policy, const struct tn_heap_options *options)
{
    uint64_t scale = NEEDED_ALIGNMENT / find_alignment(policy, options);
    if (options->heap_bytes > REGION_BYTES_MAX / NEEDED_ALIGNMENT)
        return;
    void *region = mmap(NULL, options->heap_bytes * scale, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return;
    model.region = region;
    model.region_bytes = options->heap_bytes * scale;
    model.scale = scale;
}

void tn_inject_heap_open(void)
{
    struct tn_heap_options options;
    const struct tn_policy *policy = read_policy(tn_inject_head->policy, &options);
    if (policy == NULL)
        return;
    options.heap_bytes = tn_inject_head->limit_bytes;
    options.pointer_bytes = tn_inject_head->pointer_bytes;
    if (tn_heap_open(policy, &options, &model.heap, NULL) < 0)
        return;
    open_region(policy, &options);
    pthread_atfork(lock_model, unlock_model, unlock_model);
}

bool tn_inject_heap_has(const void *address)
{
    return model.region != NULL && (uintptr_t)address - (uintptr_t)model.region < model.region_bytes;
}

/* Where a block lies in the region; NULL: it cannot lie there. Under the lock. */
static void *place_of(uint32_t block, uint64_t size_bytes, uint64_t alignment_bytes)
{
    uint64_t offset = model.region != NULL ? tn_heap_offset(model.heap, block) : UINT64_MAX;
    uint64_t align = alignment_bytes > NEEDED_ALIGNMENT ? alignment_bytes : NEEDED_ALIGNMENT;
    if (offset >= REGION_BYTES_MAX || offset * model.scale >= model.region_bytes)
        return NULL;
    uint8_t *place = model.region + offset * model.scale;
    bool is_inside = size_bytes <= model.region_bytes - offset * model.scale;
    return is_inside && (uintptr_t)place % align == 0 ? place : NULL;
}

static bool note(void *address, uint32_t block, uint64_t size_bytes)
{
    return tn_map_put(&model.blocks, (uintptr_t)address, block | size_bytes << SIZE_SHIFT) == 0;
}

void *tn_inject_heap_take(uint32_t block, uint64_t size_bytes, uint64_t alignment_bytes)
{
    if (block == 0 || model.region == NULL)
        return NULL;
    lock_model();
    void *address = place_of(block, size_bytes, alignment_bytes);
    if (address != NULL && !note(address, block, size_bytes))
        address = NULL;
    unlock_model();
    return address;
}

uint64_t tn_inject_heap_bytes(const void *address)
{
    lock_model();
    const uint64_t *block = tn_map_find(&model.blocks, (uintptr_t)address);
    uint64_t size_bytes = block != NULL ? *block >> SIZE_SHIFT : 0;
    unlock_model();
    return size_bytes;
}

bool tn_inject_heap_is_open(void)
{
    return model.heap != NULL;
}

bool tn_inject_heap_place(uint64_t size_bytes, uint64_t alignment_bytes, uint32_t *ret_block)
{
    *ret_block = 0;
    lock_model();
    int r = tn_heap_place(model.heap, size_bytes, alignment_bytes, 0, ret_block);
    unlock_model();
    /* A policy that gives no block of 0 bytes has not failed. */
    if (r < 0)
        *ret_block = 0;
    return r == 0 || r == -EINVAL;
}

/* Copy a block of the region to where it is now. The old place is free already, but nobody gets it before the
 * lock is given back. Returns where it is; NULL: there is no memory. Under the lock. */
static void *move_contents(uint8_t *from, uint64_t old_bytes, uint32_t block, uint64_t size_bytes)
{
    void *to = place_of(block, size_bytes, 0);
    if (to == NULL)
        to = tn_inject_malloc(size_bytes);
    if (to != NULL)
        memmove(to, from, old_bytes < size_bytes ? old_bytes : size_bytes);
    if (to == NULL || !note(to, block, tn_inject_heap_has(to) ? size_bytes : 0))
        tn_heap_release(model.heap, block);
    return to;
}

bool tn_inject_heap_resize(void *old, uint64_t size_bytes, uint32_t *ret_block, void **ret_moved)
{
    int r = 0;
    uint64_t old_bytes = 0;
    *ret_block = 0;
    *ret_moved = NULL;
    lock_model();
    const uint64_t *known = tn_map_find(&model.blocks, (uintptr_t)old);
    if (known != NULL) {
        old_bytes = *known >> SIZE_SHIFT;
        r = tn_heap_resize(model.heap, (uint32_t)*known, size_bytes, ret_block);
    } else {
        r = tn_heap_place(model.heap, size_bytes, 0, 0, ret_block);
    }
    if (r == 0)
        tn_map_remove(&model.blocks, (uintptr_t)old, NULL);
    if (r == 0 && known != NULL && tn_inject_heap_has(old)) {
        *ret_moved = move_contents(old, old_bytes, *ret_block, size_bytes);
        *ret_block = 0;
    }
    unlock_model();
    return r == 0 || r == -EINVAL;
}

void tn_inject_heap_bind(uint32_t block, uintptr_t address)
{
    if (block == 0)
        return;
    lock_model();
    if (address == 0 || tn_map_put(&model.blocks, address, block) < 0)
        tn_heap_release(model.heap, block);
    unlock_model();
}

bool tn_inject_heap_release(uintptr_t address)
{
    uint64_t block;
    lock_model();
    bool is_known = tn_map_remove(&model.blocks, address, &block);
    if (is_known)
        tn_heap_release(model.heap, (uint32_t)block);
    unlock_model();
    return is_known;
}
