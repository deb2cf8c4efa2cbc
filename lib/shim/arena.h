/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ARENA_H
#define TENURE_SHIM_ARENA_H

/* Memory for what the loader, libc and libunwind allocate while the shim calls them (rule 5). All functions:
 * any thread; a lock of the arena's own, held for a few instructions. */

#include "shim_process.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether an address between the arena's lowest and highest byte lies in one of its parts. Any thread. */
bool tn_arena_has(uintptr_t address);

/* Whether address lies in the arena. Cost: two loads and a comparison. */
static inline bool tn_arena_holds(const void *address)
{
    uintptr_t low = atomic_load_explicit(&tn_shim_process.arena_low, memory_order_relaxed);
    size_t span_bytes = atomic_load_explicit(&tn_shim_process.arena_span_bytes, memory_order_relaxed);
    return TN_UNLIKELY((uintptr_t)address - low < span_bytes) && tn_arena_has((uintptr_t)address);
}

/* A block of size_bytes at a multiple of alignment_bytes (a power of two; 0: 16). NULL when the arena is
 * full. tn_arena_free releases it. */
void *tn_arena_allocate(size_t size_bytes, size_t alignment_bytes);

/* Zeroed count * size_bytes; NULL also when the product overflows. */
void *tn_arena_allocate_zeroed(size_t count, size_t size_bytes);

/* Release a block of the arena. */
void tn_arena_free(void *address);

/* In a fork child: drop the lock, which a thread may have held that does not exist here. */
void tn_arena_recover(void);

/* The room of a block of the arena, bytes. */
size_t tn_arena_usable_size(const void *address);

#endif
