/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_PLAIN_H
#define TENURE_HEAP_PLAIN_H

/* The textbook's allocators, which differ only in the hole that they choose: blocks of max(size + header
 * rounded up to the alignment, smallest block), from the low end, any rest that can be a block is split off,
 * neighbours are merged at once. By default without header, alignment and smallest block, as in the paper's
 * example. */

#include "holes.h"

struct tn_plain {
    struct tn_tree tree;
    uint64_t least; /* smallest block */
    uint64_t rover; /* next-fit: where to go on */
};

/* The policies' common functions, see policy.h. */
int tn_plain_open(struct tn_heap *heap, enum tn_tree_order order, struct tn_error *error);
uint64_t tn_plain_need(const struct tn_heap *heap, uint64_t size);
uint32_t tn_plain_take(struct tn_heap *heap, uint32_t hole, uint64_t need);
void tn_plain_release(struct tn_heap *heap, uint32_t number);
bool tn_plain_resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need);
const char *tn_plain_check(const struct tn_heap *heap);

#endif
