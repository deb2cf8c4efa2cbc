/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_BLOCKS_H
#define TN_ANALYZE_BLOCKS_H

/* The live blocks by their ids. Ids are dense and rise with time, so that a directory of all ids, one number
 * for each 64 of them, is small (7 MB for a hundred million allocations), and the pages behind it, 64 slots
 * each, are kept only while one of their blocks lives. Births and the deaths of young blocks stay in the
 * cache. */

#include "tenure/analysis.h"

#define TN_PAGE_IDS 64u

/* The slots of 64 ids in a row. */
struct tn_block_page {
    uint64_t live_bits;          /* bit i: the i-th of them lives */
    uint32_t slots[TN_PAGE_IDS]; /* valid where its bit is set; slots[0] of a free page: the next one + 1 */
};

/* Zeroed is empty; id_limit is then to be set. */
struct tn_blocks {
    struct tn_block *items;      /* owned; by slot; in a free one id is 0, stack_id 1 + the next free slot */
    uint32_t capacity;           /* room in items */
    uint32_t used;               /* slots that were ever used */
    uint32_t free_slot_1;        /* 1 + the first free slot; 0: none */
    uint64_t id_limit;           /* ids above it mean that the log is damaged */
    uint32_t *directory;         /* owned; by id / 64: 1 + index of the page; 0: none */
    size_t directory_size;       /* entries in directory */
    struct tn_block_page *pages; /* owned */
    uint32_t page_capacity;      /* room in pages */
    uint32_t page_used;          /* pages that were ever used */
    uint32_t free_page_1;        /* 1 + the first free page; 0: none */
    uint64_t live_count;         /* blocks that live */
};

/* Add a block.
 *
 * id         of the allocation
 * ret_block  the new block, with id and slot; valid until the next one is added
 * Returns    0; -EBADMSG the id is out of range or already live; -ENOMEM */
int tn_blocks_add(struct tn_blocks *blocks, uint64_t id, struct tn_block **ret_block);

/* The live block of an id, or NULL. Valid until the next one is added. */
struct tn_block *tn_blocks_find(const struct tn_blocks *blocks, uint64_t id);

/* Prefetch for a block that will be asked for some events later: first its page, nearer to the event the
 * block itself. Only hints: the id need not be live. */
static inline void tn_blocks_expect_page(const struct tn_blocks *blocks, uint64_t id)
{
    size_t number = id / TN_PAGE_IDS;
    if (number >= blocks->directory_size || blocks->directory[number] == 0)
        return;
    const struct tn_block_page *page = &blocks->pages[blocks->directory[number] - 1];
    __builtin_prefetch(&page->live_bits);
    __builtin_prefetch(&page->slots[id % TN_PAGE_IDS]);
}

/* Returns the slot of the block; UINT32_MAX: it does not live. */
static inline uint32_t tn_blocks_expect(const struct tn_blocks *blocks, uint64_t id)
{
    const struct tn_block *block = tn_blocks_find(blocks, id);
    for (size_t i = 0; block != NULL && i < sizeof(*block); i += 64)
        __builtin_prefetch((const char *)block + i);
    return block != NULL ? (uint32_t)(block - blocks->items) : UINT32_MAX;
}

/* Remove a block that tn_blocks_find returned; its slot is free again. */
void tn_blocks_drop(struct tn_blocks *blocks, struct tn_block *block);

/* Release; empty again. */
void tn_blocks_finish(struct tn_blocks *blocks);

#endif
