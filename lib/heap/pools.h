/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_POOLS_H
#define TENURE_HEAP_POOLS_H

/* Pools of blocks of one size each, side by side in ascending order. A released block goes to the front of
 * its pool's list; blocks have no header and never merge. */

#include "list.h"
#include "policy.h"

struct tn_pool {
    uint64_t block;      /* bytes */
    uint64_t left;       /* blocks never given out yet: what `untouched` holds */
    uint32_t untouched;  /* chunk of them; 0: none */
    struct tn_list list; /* blocks that came back */
};

struct tn_pools {
    struct tn_pool *pools; /* owned; by block size */
    size_t count;
};

int tn_pools_open(struct tn_heap *heap, struct tn_error *error);
void tn_pools_close(struct tn_heap *heap);
uint64_t tn_pools_need(const struct tn_heap *heap, uint64_t size);

/* A block of the first pool that is large enough, or, if may_spill, of the next that has one. */
uint32_t tn_pools_take(struct tn_heap *heap, uint64_t size, bool may_spill);

void tn_pools_release(struct tn_heap *heap, uint32_t number);
bool tn_pools_resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need);
void tn_pools_grow(struct tn_heap *heap, uint64_t more);
uint64_t tn_pools_smallest(const struct tn_heap *heap);
uint64_t tn_pools_largest(const struct tn_heap *heap);
const char *tn_pools_check(const struct tn_heap *heap);

#endif
