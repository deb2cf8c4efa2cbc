/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_HOLE_INDEX_H
#define TENURE_HEAP_HOLE_INDEX_H

/* Free extents by address: finds the lowest one that fits in a few steps, where the allocator itself walks a
 * list. The region is divided into slices of equal size, as many as there are holes, about; each has a list
 * of the holes that begin in it. Above the slices lie levels of numbers, each the largest hole of eight
 * below. Nothing is ever rotated or split: a hole that comes or goes changes one list and a few numbers.
 * Measured against a balanced tree of the extents themselves: a third of the time, since a step reads one
 * cache line of numbers and not an extent a level. Links are fields of the extents: left and right in the
 * list of a slice, `parent` is the slice, `key` the size that the numbers know. */

#include "space.h"

#include <stdint.h>

/* Begin without holes, in a space that was opened: who opens a space anew closes the index first. Returns 0,
 * or -ENOMEM; close it in any case. */
int tn_hole_index_open(struct tn_space *space);

/* Release all. */
void tn_hole_index_close(struct tn_space *space);

/* Put a free extent in. Where memory is short, slices become larger instead. */
void tn_hole_index_insert(struct tn_space *space, uint32_t number);

/* Take an extent out. */
void tn_hole_index_remove(struct tn_space *space, uint32_t number);

/* An extent in the index has changed its offset or size. */
void tn_hole_index_update(struct tn_space *space, uint32_t number);

/* The lowest extent of at least `size` bytes that begins at `offset` or above, or 0. */
uint32_t tn_hole_index_fit(struct tn_space *space, uint64_t offset, uint64_t size);

/* Lists, numbers, counts. Returns NULL, or what is wrong. */
const char *tn_hole_index_check(const struct tn_space *space);

#endif
