/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_LIVE_BLOCKS_H
#define TENURE_FINISH_LIVE_BLOCKS_H

/* The blocks of one process that live, by their ids. Ids rise with each birth and most blocks die young, so
 * that blocks of 64 neighbouring ids share a page: a birth goes to the page that is in the cache, a death
 * mostly to one that still is, and a late death misses the cache once or twice instead of four times, as it
 * does with a hash of single ids. A page of which few live on moves to a hash when it is old. */

#include "tenure/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_LIVE_PAGE_IDS   64u
#define TN_LIVE_LEAF_PAGES 512u  /* pages of one leaf of the directory */
#define TN_LIVE_OLD_PAGES  1024u /* a page is old when so many newer ones exist */
#define TN_LIVE_FEW        8u    /* an old page with so many blocks or fewer moves to the hash */

/* What is kept of a birth. */
struct tn_live_birth {
    uint64_t size_bytes; /* below 2^56, as in every log */
    uint64_t birth_ns;
    uint64_t birth_allocations, birth_bytes; /* of the process, up to and with this one */
    uint32_t stats;                          /* the caller's */
    uint32_t thread_id;                      /* who asked */
};

struct tn_live_leaf;

/* A block in the hash. */
struct tn_live_stray {
    uint64_t id; /* 0: a free place; then block.size_bytes is 1 + index of the next one, 0: none */
    struct tn_live_birth block;
};

/* Zeroed is empty. Memory: 33 bytes a block where all neighbours live, 240 at worst, and 2 MB for the young.
 */
struct tn_live_blocks {
    struct tn_live_leaf **leaves; /* owned; by id / 64 / 512, minus first_leaf; NULL inside: empty */
    size_t leaf_count, page_count;
    uint64_t first_leaf;
    uint64_t newest;              /* page number of the last birth */
    uint64_t next_old;            /* page number; all below have been looked at as old ones */
    struct tn_map stray_indices;  /* id -> index into strays */
    struct tn_live_stray *strays; /* owned */
    size_t stray_count, stray_capacity;
    uint64_t free_stray_1; /* 1 + index of the first free place; 0: none */
    uint64_t count;        /* blocks that live */
};

/* Add a block. Ids only rise from call to call.
 *
 * id       not 0
 * block    birth_allocations grows by one from call to call
 * Returns  0; -ENOMEM, or -EINVAL for an id that does not rise: nothing was added */
int tn_live_blocks_add(struct tn_live_blocks *live, uint64_t id, const struct tn_live_birth *block);

/* Take a block out. Returns whether it lived; then *ret_block is what was added. */
bool tn_live_blocks_take(struct tn_live_blocks *live, uint64_t id, struct tn_live_birth *ret_block);

/* Ask for the cache lines of a block that will be taken: first, in good time, for what says where it is, then
 * for the block. Any id will do. */
void tn_live_blocks_prefetch_page(const struct tn_live_blocks *live, uint64_t id);
void tn_live_blocks_prefetch(const struct tn_live_blocks *live, uint64_t id);

/* Call back for each block, in no order. */
void tn_live_blocks_each(const struct tn_live_blocks *live,
                         void (*see)(void *context, const struct tn_live_birth *block), void *context);

/* Release; empty again. */
void tn_live_blocks_finish(struct tn_live_blocks *live);

#endif
