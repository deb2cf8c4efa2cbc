/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_LIVE_BLOCKS_H
#define TENURE_FINISH_LIVE_BLOCKS_H

/* The live blocks of one process, by id. Ids rise with each birth and most blocks die young, so blocks of 64
 * neighbouring ids share a page: a birth goes to the page in the cache, a death mostly to one that still is,
 * and a late death misses the cache once or twice instead of the four times that a hash of single ids costs.
 * When a page is old and has few live blocks left, they move to a hash. One thread. */

#include "tenure/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_LIVE_PAGE_IDS   64u
#define TN_LIVE_LEAF_PAGES 512u  /* pages in one leaf of the directory */
#define TN_LIVE_OLD_PAGES  1024u /* a page is old when there are this many newer ones */
#define TN_LIVE_FEW        8u    /* the blocks of an old page move to the hash when they are this few */

/* What is kept of a birth. */
struct tn_live_birth {
    uint64_t size_bytes; /* below 2^56, as in every log */
    uint64_t birth_ns;
    uint64_t birth_allocations, birth_bytes; /* totals of the process, including this block */
    uint32_t stats;                          /* the caller's: index of its site's statistics */
    uint32_t thread_id;                      /* row of the thread that allocated */
};

struct tn_live_leaf;

/* A block that has moved to the hash. */
struct tn_live_stray {
    uint64_t id; /* 0: free entry; then block.size_bytes is 1 + index of the next free one, 0: none */
    struct tn_live_birth block;
};

/* Zeroed is empty. Memory: 33 bytes a block where all neighbours live, 240 at worst, and 2 MB for recent
 * pages.
 */
struct tn_live_blocks {
    struct tn_live_leaf **leaves; /* owned; by id / 64 / 512, minus first_leaf; NULL inside: empty */
    size_t leaf_count, page_count;
    uint64_t first_leaf;
    uint64_t newest;              /* page number of the last birth */
    uint64_t next_old;            /* page number; all below have been checked as old pages */
    struct tn_map stray_indices;  /* id -> index into strays */
    struct tn_live_stray *strays; /* owned */
    size_t stray_count, stray_capacity;
    uint64_t free_stray_1; /* 1 + index of the first free entry; 0: none */
    uint64_t count;        /* live blocks */
};

/* Add a block. Ids only rise from call to call.
 *
 * id       not 0
 * block    birth_allocations rises by one from call to call
 * Returns  0; -ENOMEM, or -EINVAL for an id that does not rise: nothing was added */
int tn_live_blocks_add(struct tn_live_blocks *live, uint64_t id, const struct tn_live_birth *block);

/* Take a block out.
 *
 * Returns  whether it was live; then *ret_block is what was added */
bool tn_live_blocks_take(struct tn_live_blocks *live, uint64_t id, struct tn_live_birth *ret_block);

/* Prefetch for a block that will be taken: the directory entry of its page first, some events later the
 * block. Any id is fine. */
void tn_live_blocks_prefetch_page(const struct tn_live_blocks *live, uint64_t id);
void tn_live_blocks_prefetch(const struct tn_live_blocks *live, uint64_t id);

/* Call `see` for each live block, in no order. */
void tn_live_blocks_each(const struct tn_live_blocks *live,
                         void (*see)(void *context, const struct tn_live_birth *block), void *context);

/* Release; empty again. */
void tn_live_blocks_finish(struct tn_live_blocks *live);

#endif
