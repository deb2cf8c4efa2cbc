/* SPDX-License-Identifier: MIT */
#ifndef TENURE_INJECT_PARTS_H
#define TENURE_INJECT_PARTS_H

/* Parts of the library that `tenure fail` preloads. It stands between the program, or the shim, and the C
 * library's allocator. Nothing here may allocate, and nothing locks: any thread may be anywhere. */

#include "tenure/inject.h"
#include "tenure/preload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The file of the run; NULL before it is mapped, or without one. */
extern struct tn_inject_head *tn_inject_head;

/* Where it names the modules of stacks that are told. */
extern struct tn_preload_seen tn_inject_seen;

/* Whether the call that is being made is one of the run's places.
 *
 * caller  the return address of the allocation function */
bool tn_inject_is_place(uintptr_t caller);

/* Lay out the heap of the run's policy. Once, when the file is mapped; nothing happens without a policy. */
void tn_inject_heap_open(void);

/* Whether there is such a heap. The functions below need it. */
bool tn_inject_heap_is_open(void);

/* Place a block in it, before the block itself is there.
 *
 * ret_block  what tn_inject_heap_bind needs; 0: the heap has nothing to place
 * Returns    false: there is no room */
bool tn_inject_heap_place(uint64_t size_bytes, uint64_t alignment_bytes, uint32_t *ret_block);

/* Where a placed block lies in the heap's own memory, and may be used. Instead of tn_inject_heap_bind.
 *
 * block       0: none
 * alignment_bytes  power of two; 0: that of any type
 * Returns     NULL: it has to come from the next allocator, and be bound */
void *tn_inject_heap_take(uint32_t block, uint64_t size_bytes, uint64_t alignment_bytes);

/* Whether an address lies in the heap's own memory. */
bool tn_inject_heap_has(const void *address);

/* What was asked for a live block of that memory. */
uint64_t tn_inject_heap_bytes(const void *address);

/* Give a block that lives another size. One of the heap's own memory is moved, its contents with it.
 *
 * ret_block  as of tn_inject_heap_place
 * ret_moved  where it is now, if it was moved; NULL: the next allocator has to move it
 * Returns    as tn_inject_heap_place */
bool tn_inject_heap_resize(void *old, uint64_t size_bytes, uint32_t *ret_block, void **ret_moved);

/* Say where a placed block is; address 0: it was not made after all. */
void tn_inject_heap_bind(uint32_t block, uintptr_t address);

/* Release a block, if it was placed. Before the block itself is released. Returns whether it was. */
bool tn_inject_heap_release(uintptr_t address);

/* Memory of our own, from the next allocator: nobody counts it, and it never fails by intention. As the
 * functions of libc. */
void *tn_inject_malloc(size_t size_bytes);
void *tn_inject_calloc(size_t count, size_t size_bytes);
void *tn_inject_realloc(void *block, size_t size_bytes);
void tn_inject_free(void *block);

/* Catch the signals of crashes that nobody has asked for. Once, when the library is loaded. */
void tn_inject_watch_crashes(void);

#endif
