/* SPDX-License-Identifier: MIT */

/* The arena: one mapping, cut into pieces whose sizes are powers of two; released pieces of one size are
 * linked and given out again. A header before each block says where its piece begins. What lies here is
 * small: records of the loader, libc and libunwind, a few hundred kilobytes at most. Called by the entry
 * points while own_depth > 0. */

#include "arena.h"

#include "shim_thread.h"
#include "sys.h"

#include <string.h>
#include <sys/mman.h>

#include "banned.h"

/* A block's header, right before it. */
struct block {
    size_t size_bytes; /* room, without this header */
    uintptr_t base;    /* where the whole piece begins (alignment moves the block) */
};

struct piece {
    struct piece *next;
    size_t size_bytes;
};

#define CLASS_COUNT 25

static struct tn_lock lock;
static uintptr_t top; /* the first byte never given out */
static struct piece *free_pieces[CLASS_COUNT];

static bool open_arena(void)
{
    if (tn_shim_process.arena_low != 0)
        return true;
    void *memory = tn_map_pages(TN_ARENA_BYTES);
    if (memory == NULL)
        return false;
    top = (uintptr_t)memory;
    tn_shim_process.arena_low = top;
    return true;
}

static unsigned class_of(size_t size_bytes)
{
    unsigned class = 6;
    while ((size_t)1 << class < size_bytes)
        class ++;
    return class;
}

/* A piece of at least size_bytes, 0 if there is none. */
static uintptr_t take_piece(size_t size_bytes, size_t *ret_bytes)
{
    unsigned class = class_of(size_bytes);
    if (class >= CLASS_COUNT || !open_arena())
        return 0;
    *ret_bytes = (size_t)1 << class;
    struct piece *piece = free_pieces[class];
    if (piece != NULL) {
        free_pieces[class] = piece->next;
        return (uintptr_t)piece;
    }
    if (*ret_bytes > tn_shim_process.arena_low + TN_ARENA_BYTES - top)
        return 0;
    uintptr_t base = top;
    top += *ret_bytes;
    return base;
}

void *tn_arena_allocate(size_t size_bytes, size_t alignment_bytes)
{
    if (alignment_bytes < 16)
        alignment_bytes = 16;
    if (size_bytes > TN_ARENA_BYTES || alignment_bytes > TN_ARENA_BYTES)
        return NULL;
    size_t need = size_bytes + sizeof(struct block) + alignment_bytes;
    size_t piece_bytes = 0;
    tn_own_begin(&tn_thread);
    uintptr_t base = 0;
    if (tn_lock_take(&lock)) {
        base = take_piece(need, &piece_bytes);
        tn_lock_drop(&lock);
    }
    tn_own_end(&tn_thread);
    if (base == 0)
        return NULL;
    uintptr_t address = (base + sizeof(struct block) + alignment_bytes - 1) & ~(alignment_bytes - 1);
    struct block *block = (struct block *)address - 1;
    block->base = base;
    block->size_bytes = base + piece_bytes - address;
    return (void *)address;
}

void *tn_arena_allocate_zeroed(size_t count, size_t size_bytes)
{
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes))
        return NULL;
    void *address = tn_arena_allocate(total_bytes, 0);
    if (address != NULL)
        memset(address, 0, total_bytes);
    return address;
}

void tn_arena_free(void *address)
{
    struct block block = ((struct block *)address)[-1];
    size_t piece_bytes = (uintptr_t)address + block.size_bytes - block.base;
    unsigned class = class_of(piece_bytes);
    struct piece *piece = (struct piece *)block.base;
    tn_own_begin(&tn_thread);
    if (class < CLASS_COUNT && tn_lock_take(&lock)) {
        piece->next = free_pieces[class];
        free_pieces[class] = piece;
        tn_lock_drop(&lock);
    }
    tn_own_end(&tn_thread);
}

size_t tn_arena_usable_size(const void *address)
{
    return ((const struct block *)address)[-1].size_bytes;
}

void tn_arena_recover(void)
{
    tn_lock_drop(&lock);
}
