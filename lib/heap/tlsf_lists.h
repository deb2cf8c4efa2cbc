/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_TLSF_LISTS_H
#define TENURE_HEAP_TLSF_LISTS_H

/* Two-level segregated fit: lists by the highest bit of a size and the next few ones, with bit maps over
 * them; a block is the head of the first list whose blocks all fit. Shared by Conte's TLSF and
 * Espressif's. */

#include "extent_list.h"
#include "policy.h"

#define TN_TLSF_FIRST_MAX  64
#define TN_TLSF_SECOND_MAX 32

struct tn_tlsf {
    struct tn_list lists[TN_TLSF_FIRST_MAX][TN_TLSF_SECOND_MAX];
    uint64_t first_map;
    uint32_t second_map[TN_TLSF_FIRST_MAX];
    unsigned second_log2; /* lists of one power of two, as a power of two */
    unsigned align_log2;
};

/* Lay out the pool: first control_bytes of control structure, then one free block and the sentinel. */
int tn_tlsf_open(struct tn_heap *heap, unsigned second_log2, uint64_t control_bytes, struct tn_error *error);

uint64_t tn_tlsf_need(const struct tn_heap *heap, uint64_t size);
uint32_t tn_tlsf_place(struct tn_heap *heap, uint64_t size, uint64_t need);
void tn_tlsf_release(struct tn_heap *heap, uint32_t number);
bool tn_tlsf_resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need);
const char *tn_tlsf_check(const struct tn_heap *heap);

#endif
