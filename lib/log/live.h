/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_LIVE_H
#define TN_LOG_LIVE_H

/* The live blocks of a process, by their ids. Ids are given in birth order and most blocks die young, so ids
 * are grouped in pages of 64: few pages are in use, and those mostly in the cache. A hash of single ids would
 * miss the cache at each birth and each death once some hundred thousand blocks live. */

#include "tenure/event.h"
#include "tenure/map.h"

#include <stdint.h>

#define TN_LIVE_PAGE_IDS   64u
#define TN_LIVE_CACHE_SIZE 16u

/* What is kept of a birth. */
struct tn_live_block {
    uint64_t id; /* 0: a free slot; size_bytes is then the index of the next free one */
    uint64_t thread_id, previous_id;
    uint64_t size_bytes, usable_size_bytes, alignment_bytes, address, depth_bytes;
    uint64_t birth_ns, birth_allocations, birth_bytes;
    uint32_t stack_id;
    enum tn_function function;
};

/* The ids from number * 64 to number * 64 + 63. */
struct tn_live_page {
    uint64_t number;
    uint64_t live_bits;                 /* bit i: the i-th of them lives; 0: a free page */
    uint32_t indices[TN_LIVE_PAGE_IDS]; /* of those: index of the block */
};

/* Zeroed is empty. Memory: about 110 bytes a live block, up to 380 where one in 64 lives on. */
struct tn_live {
    struct tn_live_block *blocks; /* owned */
    uint32_t block_count, block_capacity;
    uint32_t free_block_1;      /* index + 1 of the first free slot; 0: none */
    struct tn_live_page *pages; /* owned */
    uint32_t page_count, page_capacity;
    uint32_t free_page_1;       /* index + 1 of the first free page, in whose indices[0] the next one is */
    struct tn_map page_indices; /* number + 1 -> index of the page */
    uint32_t recent_1[TN_LIVE_CACHE_SIZE]; /* by number: index + 1 of the page that was used last */
    uint64_t count;                        /* live blocks */
    struct tn_live_block taken;            /* what tn_live_take returned last */
};

/* Add a block. Its id must not be there.
 *
 * ret_block  to be filled (the id is set); valid until the next block is added
 * Returns    0 or -ENOMEM (nothing was added) */
int tn_live_add(struct tn_live *live, uint64_t id, struct tn_live_block **ret_block);

/* Remove a block. Returns it, valid until the next one is removed; NULL: it was not there. */
const struct tn_live_block *tn_live_take(struct tn_live *live, uint64_t id);

/* The ids of all blocks, in order. ret_ids: owned by the caller (free). Returns 0 or -ENOMEM. */
int tn_live_list(const struct tn_live *live, uint64_t **ret_ids);

/* Release the memory; it is empty again. */
void tn_live_finish(struct tn_live *live);

#endif
