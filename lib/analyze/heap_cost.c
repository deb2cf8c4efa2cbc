/* SPDX-License-Identifier: MIT */
/* What a block costs in the heaps that findings give figures for. The numbers are from the makers' documents
 * and sources, named beside each; the replay models the heaps themselves. */
#include "tenure/analysis.h"

const struct tn_heap_cost tn_heap_costs[] = {
    {"freertos-heap4", 8, 8, 16}, /* BlockLink_t of two words, rounded to portBYTE_ALIGNMENT 8 */
    {"newlib-nano", 8, 4, 12},    /* a size word, and room to align the user pointer to 8 */
    {"newlib", 4, 8, 16},         /* dlmalloc: the size word, four words at least */
    {"tlsf", 4, 4, 16},           /* the size word, three words of payload at least */
    {"zephyr", 4, 8, 8},          /* sys_heap below 256 KiB: a chunk header of 4, units of 8 */
    {"glibc", 8, 16, 32},         /* 64 bit: the size word, two words of alignment */
    {NULL, 0, 0, 0},
};

uint64_t tn_heap_block_bytes(const struct tn_heap_cost *cost, uint64_t size_bytes)
{
    uint64_t units = (size_bytes + cost->header_bytes + cost->alignment_bytes - 1) / cost->alignment_bytes;
    uint64_t block_bytes = units * cost->alignment_bytes;
    return block_bytes < cost->min_block_bytes ? cost->min_block_bytes : block_bytes;
}
