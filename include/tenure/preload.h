/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PRELOAD_H
#define TENURE_PRELOAD_H

/* What the libraries that the tools preload into a program have in common: the allocator behind them, the
 * file of the run, walks of the stack, and the places of a plan. Nothing here asks the program's heap for
 * memory, and nothing locks: any thread may call it at any time. */

#include "tenure/inject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ------------------------------------------------------------------------------------------ the next
 * allocator */

/* The definitions behind this library: the C library's, or those of another preloaded library. Written once,
 * by tn_preload_is_ready. */
struct tn_preload_next {
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
    void (*leave)(int) __attribute__((noreturn)); /* exit */
    void (*(*get_new_handler)(void))(void);       /* NULL: there is no C++ */
};

extern struct tn_preload_next tn_preload_next;

/* Whether the next definitions can be called; looks for them first, which the loader may ask for memory.
 *
 * Threads  the first call comes before there are others */
bool tn_preload_is_ready(void);

/* Called once when they can be called. Each library has its own. */
void tn_preload_begin(void);

/* Memory for what is asked before they can be called. It is never released.
 *
 * Returns  a block at a multiple of 16, zeroed; NULL: there is no room */
void *tn_preload_early_take(size_t size_bytes);

/* Whether a block is such memory. */
bool tn_preload_is_early(const void *block);

/* Bytes of such a block, as asked for. */
size_t tn_preload_early_bytes(const void *block);

/* Give a block that is such memory, or NULL while the next definitions are not known, another size.
 *
 * Returns  a block with its contents, from the next definitions if they are known; NULL: there is no room,
 * and
 *          the block stays as it is */
void *tn_preload_early_resize(void *block, size_t size_bytes);

/* ------------------------------------------------------------------------------------------ stacks */

/* A shared library or program in memory. */
struct tn_preload_image {
    const char *path;       /* as the loader knows it, "" for the program; borrowed */
    uintptr_t bias;         /* address in memory minus address in the file */
    uintptr_t first, after; /* its addresses; 0: not known */
};

/* Find the image that an address lies in.
 *
 * Returns  whether there is one */
bool tn_preload_find_image(uintptr_t address, struct tn_preload_image *ret_image);

/* A frame of the calling thread's stack. */
struct tn_preload_frame {
    uintptr_t address;  /* where it goes on: a return address, or the instruction that a signal interrupted */
    uintptr_t cfa;      /* stack pointer with which it called the next inner one: that one's own CFA */
    uintptr_t function; /* where its code begins, as the unwind tables have it */
};

/* Call visit for each frame of the calling thread's stack, this library's own included, innermost first,
 * until it returns false.
 *
 * Cost  some hundred ns a frame: libgcc's walk, by tables that are mapped anyway */
void tn_preload_visit(bool (*visit)(const struct tn_preload_frame *frame, void *user), void *user);

/* Walk the stack from a frame outwards.
 *
 * first       its address
 * ret_frames  room for max frames
 * Returns     how many there are; 0: the frame was not found */
size_t tn_preload_walk(uintptr_t first, struct tn_preload_frame *ret_frames, size_t max);

/* ------------------------------------------------------------------------------------------ places */

/* The places of a plan, as its file has them. Borrowed. */
struct tn_preload_places {
    const struct tn_inject_module *modules;
    const struct tn_inject_step *steps;
    const void *places;    /* each begins as struct tn_inject_place; in order of the first step */
    size_t place_bytes;    /* of each */
    uint64_t module_count; /* below 16,384 */
    uint32_t place_count;
};

/* Pass over the functions by which C++ asks for memory, and the shim: they stand between a place and malloc.
 * Once, from tn_preload_begin: a symbol that is not there makes the loader allocate. */
void tn_preload_pass_operators(void);

/* Whether an address lies in one of them. */
bool tn_preload_is_passed(uintptr_t address);

/* Find the first place that the calling thread's stack begins with.
 *
 * caller      return address of the allocation function
 * ret_frames  room for max frames, from the place's first one outwards; *ret_count: how many there are, at
 *             least one more than the place has where the stack goes on
 * Returns     its index; place_count: there is none
 * Cost        a look into a table where no place begins with the caller; else a walk. One plan in a process
 */
uint32_t tn_preload_find_place(const struct tn_preload_places *places, uintptr_t caller,
                               struct tn_preload_frame *ret_frames, size_t max, size_t *ret_count);

/* ------------------------------------------------------------------------------------------ the file of the
 * run */

/* Map the file that an environment variable names.
 *
 * ret_bytes  of the file
 * Returns    NULL: there is none, or it cannot be mapped */
void *tn_preload_map(const char *variable, uint64_t *ret_bytes);

/* Where the modules of stacks that are told are named. Borrowed. */
struct tn_preload_seen {
    struct tn_inject_seen *items; /* TN_INJECT_SEEN_MAX */
    uint32_t *count;              /* atomic */
};

/* The index of a path there, which is added if it is new; TN_INJECT_SEEN_MAX: there is no room. */
uint32_t tn_preload_see(const struct tn_preload_seen *seen, const char *path);

/* Tell a stack, if none was told there before. */
void tn_preload_tell(const struct tn_preload_seen *seen, struct tn_inject_stack *stack,
                     const struct tn_preload_frame *frames, size_t count);

#endif
