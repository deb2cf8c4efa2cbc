/* SPDX-License-Identifier: MIT */

/* The arena: mappings, each twice as large as the one before, cut into pieces whose sizes are powers of two;
 * released pieces of one size are linked and given out again. A header before each block says where its piece
 * begins. What lies here is small: records of the loader, libc and libunwind, mostly in the first mapping.
 * Called by the entry points while own_depth > 0. */

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

#define CLASS_COUNT      25
#define PART_COUNT_MAX   7u
#define PART_BYTES_FIRST ((size_t)256 << 10)
#define BLOCK_BYTES_MAX  ((size_t)16 << 20)

/* A mapping. Written once, before part_count is raised. */
struct part {
    uintptr_t low, high;
};

static struct tn_lock lock;
static struct part parts[PART_COUNT_MAX];
static _Atomic uint32_t part_count;
static uintptr_t top; /* in the last part: the first byte never given out */
static struct piece *free_pieces[CLASS_COUNT];

bool tn_arena_has(uintptr_t address)
{
    uint32_t count = atomic_load_explicit(&part_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++)
        if (address >= parts[i].low && address < parts[i].high)
            return true;
    return false;
}

/* Map another part, with room for need_bytes. What is left of the last one is wasted. */
static bool add_part(size_t need_bytes)
{
    uint32_t count = atomic_load_explicit(&part_count, memory_order_relaxed);
    size_t part_bytes = PART_BYTES_FIRST << count;
    if (count == PART_COUNT_MAX)
        return false;
    if (part_bytes < need_bytes)
        part_bytes = need_bytes;
    uintptr_t part_low = (uintptr_t)tn_map_pages(part_bytes);
    if (part_low == 0)
        return false;
    uintptr_t low = atomic_load_explicit(&tn_shim_process.arena_low, memory_order_relaxed);
    uintptr_t high = low + atomic_load_explicit(&tn_shim_process.arena_span_bytes, memory_order_relaxed);
    parts[count] = (struct part){part_low, part_low + part_bytes};
    top = part_low;
    if (count == 0 || part_low < low)
        low = part_low;
    if (count == 0 || part_low + part_bytes > high)
        high = part_low + part_bytes;
    atomic_store_explicit(&part_count, count + 1, memory_order_release);
    /* The span first, which is then too large for a moment, and never too small for an old part. */
    atomic_store_explicit(&tn_shim_process.arena_span_bytes, high - low, memory_order_relaxed);
    atomic_store_explicit(&tn_shim_process.arena_low, low, memory_order_release);
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
    if (class >= CLASS_COUNT)
        return 0;
    *ret_bytes = (size_t)1 << class;
    struct piece *piece = free_pieces[class];
    if (piece != NULL) {
        free_pieces[class] = piece->next;
        return (uintptr_t)piece;
    }
    uint32_t count = atomic_load_explicit(&part_count, memory_order_relaxed);
    if ((count == 0 || *ret_bytes > parts[count - 1].high - top) && !add_part(*ret_bytes))
        return 0;
    uintptr_t base = top;
    top += *ret_bytes;
    return base;
}

void *tn_arena_allocate(size_t size_bytes, size_t alignment_bytes)
{
    if (alignment_bytes < 16)
        alignment_bytes = 16;
    if (size_bytes > BLOCK_BYTES_MAX || alignment_bytes > BLOCK_BYTES_MAX)
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
