/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_FREERTOS_H
#define TENURE_HEAP_FREERTOS_H

/* What heap_2, heap_4 and heap_5 of FreeRTOS have in common: a header of two pointers rounded up to
 * portBYTE_ALIGNMENT, and a rest that is split off only if it is larger than two headers. */

#include "holes.h"

/* Set align, natural and header. */
void tn_freertos_init(struct tn_heap *heap);

/* Bytes with header; 0 bytes are refused. */
uint64_t tn_freertos_need(const struct tn_heap *heap, uint64_t size);

/* Smallest rest that is split off. */
uint64_t tn_freertos_least_rest(const struct tn_heap *heap);

/* heap_4 and heap_5: the tree of holes is the whole state. */
struct tn_freertos {
    struct tn_tree tree;
};

/* heap_4 and heap_5: their functions of struct tn_policy. */
uint32_t tn_freertos_place(struct tn_heap *heap, uint64_t size, uint64_t need);
void tn_freertos_release(struct tn_heap *heap, uint32_t number);
const char *tn_freertos_check(const struct tn_heap *heap);

#endif
