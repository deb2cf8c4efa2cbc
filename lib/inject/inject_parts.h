/* SPDX-License-Identifier: MIT */
#ifndef TENURE_INJECT_PARTS_H
#define TENURE_INJECT_PARTS_H

/* Parts of the library that `tenure fail` preloads. It stands between the program, or the shim, and the C
 * library's allocator. Nothing here may allocate, and nothing locks: any thread may be anywhere. */

#include "tenure/inject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A shared library or program in memory. */
struct tn_inject_image {
    const char *path;       /* as the loader knows it, "" for the program; borrowed, NULL: no image */
    uintptr_t bias;         /* address in memory minus address in the file */
    uintptr_t first, after; /* its addresses */
};

/* The file of the run; NULL before it is mapped, or without one. */
extern struct tn_inject_head *tn_inject_head;

/* Whether the next definitions can be called; looks for them first. */
bool tn_inject_is_ready(void);

/* Map the file of the run, once: with the first allocation, or when the library is loaded. */
void tn_inject_load(void);

/* Find the image that an address lies in.
 *
 * Returns  whether there is one */
bool tn_inject_find_image(uintptr_t address, struct tn_inject_image *ret_image);

/* Walk the calling thread's stack.
 *
 * ret_frames  room for max return addresses, innermost first, the caller's own frames included
 * Returns     how many there are */
size_t tn_inject_walk(uintptr_t *ret_frames, size_t max);

/* Tell a stack back, if none was told before.
 *
 * first_is_exact  frames[0] is an instruction, not a return address */
void tn_inject_tell(struct tn_inject_stack *stack, const uintptr_t *frames, size_t count);

/* Whether the call that is being made is one of the run's places.
 *
 * caller  the return address of the allocation function */
bool tn_inject_is_place(uintptr_t caller);

/* Find the functions by which C++ asks for memory: they stand between a place and malloc. Once, before
 * anything fails: a symbol that is not there makes the loader allocate. */
void tn_inject_find_passed(void);

/* Lay out the heap of the run's policy. Once, when the file is mapped; nothing happens without a policy. */
void tn_inject_heap_open(void);

/* Whether there is such a heap. The functions below need it. */
bool tn_inject_heap_is_open(void);

/* Place a block in it, before the block itself is there.
 *
 * ret_block  what tn_inject_heap_bind needs; 0: the heap has nothing to place
 * Returns    false: there is no room */
bool tn_inject_heap_place(uint64_t size_bytes, uint64_t alignment_bytes, uint32_t *ret_block);

/* Give a block that lives another size.
 *
 * address  of the block as it is
 * Returns  as tn_inject_heap_place */
bool tn_inject_heap_resize(uintptr_t address, uint64_t size_bytes, uint32_t *ret_block);

/* Say where a placed block is; address 0: it was not made after all. */
void tn_inject_heap_bind(uint32_t block, uintptr_t address);

/* Release a block, if it was placed. Before the block itself is released. */
void tn_inject_heap_release(uintptr_t address);

/* Memory of our own, from the next allocator: nobody counts it, and it never fails by intention. As the
 * functions of libc. */
void *tn_inject_malloc(size_t size_bytes);
void *tn_inject_calloc(size_t count, size_t size_bytes);
void *tn_inject_realloc(void *block, size_t size_bytes);
void tn_inject_free(void *block);

/* Catch the signals of crashes that nobody has asked for. Once, when the library is loaded. */
void tn_inject_watch_crashes(void);

#endif
