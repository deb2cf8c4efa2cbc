/* SPDX-License-Identifier: MIT */
#ifndef TENURE_HEAP_POLICY_H
#define TENURE_HEAP_POLICY_H

/* A placement policy: a few functions over the chain of extents (space.h), called by heap.c only, which does
 * what all have in common. Quantities are bytes unless they say otherwise. */

#include "space.h"
#include "tenure/heap.h"

/* Extents that one operation creates at most: buddies halve a region of 2^46 bytes. */
#define TN_EXTENTS_PER_STEP 64

struct tn_heap {
    const struct tn_policy *policy;
    struct tn_heap_options options; /* as given; the pools it points to are gone after open */
    struct tn_space space;
    void *state;            /* owned; policy->state_bytes, zeroed before open */
    uint64_t pointer;       /* bytes: 4 or 8 */
    uint64_t align;         /* block sizes and offsets are a multiple of it */
    uint64_t natural;       /* user's pointers are a multiple of it */
    uint64_t header;        /* bytes between an extent's begin and the user's pointer */
    uint64_t tail_bytes;    /* what a region needs beyond its highest block; set by open */
    uint64_t control_bytes; /* RAM beside the region */
    uint64_t system_bytes;  /* highest break, where there is one */
};

struct tn_policy {
    const char *name;
    const char *summary;
    size_t state_bytes;
    bool is_one_pass;
    bool needs_pools;

    /* Lay out the region, which is one free extent that is not indexed. Sets align, natural, header,
     * tail_bytes. Returns 0, or -EINVAL or -ENOMEM error says what failed. */
    int (*open)(struct tn_heap *heap, struct tn_error *error);

    /* Release what the state owns; NULL: nothing. */
    void (*close)(struct tn_heap *heap);

    /* Bytes of an extent for a block; 0: no block of this size is ever given. */
    uint64_t (*need)(const struct tn_heap *heap, uint64_t size);

    /* A free extent of need bytes or more, no longer indexed; 0: none. */
    uint32_t (*place)(struct tn_heap *heap, uint64_t size, uint64_t need);

    /* Take back an extent that is free, but not indexed yet. */
    void (*release)(struct tn_heap *heap, uint32_t number);

    /* Resize in place; true: done. NULL: never. The extent is used, `asked` is still the old size. */
    bool (*resize)(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need);

    /* User's pointer minus the extent's begin; NULL: heap->header. */
    uint32_t (*shift)(const struct tn_heap *heap, uint32_t number);

    /* Enlarge the region. NULL: a new free extent at the end is passed to release. */
    void (*grow)(struct tn_heap *heap, uint64_t more);

    /* Size of the region that would have done so far; NULL: high water + tail_bytes. */
    uint64_t (*smallest)(const struct tn_heap *heap);

    /* Size of the largest piece that could become a block; NULL: of the largest free extent. */
    uint64_t (*largest)(const struct tn_heap *heap);

    /* Check the invariants of the index. Returns NULL, or what is wrong. The chain was checked before. */
    const char *(*check)(const struct tn_heap *heap);
};

static inline uint64_t tn_round_up(uint64_t bytes, uint64_t align)
{
    return (bytes + align - 1) & ~(align - 1);
}

static inline uint64_t tn_round_down(uint64_t bytes, uint64_t align)
{
    return bytes & ~(align - 1);
}

/* Index of the highest bit, from 0; x > 0. */
static inline unsigned tn_log2(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}

/* A parameter, or the policy's own value. */
static inline uint64_t tn_or(uint64_t value, uint64_t fallback)
{
    return value != TN_HEAP_DEFAULT ? value : fallback;
}

/* Say that a region is too small. Returns -EINVAL. */
int tn_heap_too_small(const struct tn_heap *heap, uint64_t least_bytes, struct tn_error *error);

extern const struct tn_policy tn_policy_first_fit, tn_policy_best_fit, tn_policy_next_fit,
    tn_policy_worst_fit, tn_policy_freertos_heap1, tn_policy_freertos_heap2, tn_policy_freertos_heap4,
    tn_policy_freertos_heap5, tn_policy_newlib_nano, tn_policy_newlib, tn_policy_tlsf, tn_policy_tlsf_esp32,
    tn_policy_zephyr, tn_policy_glibc, tn_policy_buddy, tn_policy_pools, tn_policy_pools_spill,
    tn_policy_lwip, tn_policy_mbedtls;

#endif
