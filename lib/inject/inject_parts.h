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

/* Catch the signals of crashes that nobody has asked for. Once, when the library is loaded. */
void tn_inject_watch_crashes(void);

#endif
