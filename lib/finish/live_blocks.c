/* SPDX-License-Identifier: MIT */
/* Pages of 64 neighbouring ids, found through a directory of leaves; blocks of old, nearly empty pages move
 * to a hash and are called strays there. Invariant: a live block is in its page or in the hash, never in
 * both. Called by site_stats.c and summarize.c for each event. */
#include "live_blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_BITS 8u /* of packed_block.size_and_order */

/* 32 bytes: two to a cache line. */
struct packed_block {
    uint64_t size_and_order; /* size_bytes << ORDER_BITS | births of the process in this page before it */
    uint64_t birth_ns, birth_bytes;
    uint32_t stats, thread_id;
};

struct page {
    uint64_t live_bits;         /* bit i: the i-th id lives */
    uint64_t first_allocations; /* birth_allocations of the first block that was added */
    struct packed_block blocks[TN_LIVE_PAGE_IDS];
};

struct tn_live_leaf {
    uint32_t page_count; /* pages that exist */
    struct page *pages[TN_LIVE_LEAF_PAGES];
};

static unsigned count_bits(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

static struct tn_live_birth unpack(const struct page *page, unsigned place)
{
    const struct packed_block *packed = &page->blocks[place];
    return (struct tn_live_birth){
        .size_bytes = packed->size_and_order >> ORDER_BITS,
        .birth_ns = packed->birth_ns,
        .birth_allocations = page->first_allocations + (packed->size_and_order & ((1u << ORDER_BITS) - 1)),
        .birth_bytes = packed->birth_bytes,
        .stats = packed->stats,
        .thread_id = packed->thread_id,
    };
}

/* ---------------------------------------------------------------------------------------- directory */

static struct tn_live_leaf *leaf_of(const struct tn_live_blocks *live, uint64_t number)
{
    uint64_t index = number / TN_LIVE_LEAF_PAGES - live->first_leaf;
    return index < live->leaf_count ? live->leaves[index] : NULL;
}

static struct page *page_of(const struct tn_live_blocks *live, uint64_t number)
{
    const struct tn_live_leaf *leaf = leaf_of(live, number);
    return leaf != NULL ? leaf->pages[number % TN_LIVE_LEAF_PAGES] : NULL;
}

/* The directory starts at the first leaf that is used: the ids of later processes start far from 1. */
static int make_leaf(struct tn_live_blocks *live, uint64_t number, struct tn_live_leaf **ret_leaf)
{
    if (live->leaf_count == 0)
        live->first_leaf = number / TN_LIVE_LEAF_PAGES;
    size_t index = (size_t)(number / TN_LIVE_LEAF_PAGES - live->first_leaf);
    if (index >= live->leaf_count) {
        size_t count = (index + 1) * 2;
        struct tn_live_leaf **leaves = realloc(live->leaves, count * sizeof(struct tn_live_leaf *));
        if (leaves == NULL)
            return -ENOMEM;
        memset(leaves + live->leaf_count, 0, (count - live->leaf_count) * sizeof(struct tn_live_leaf *));
        live->leaves = leaves;
        live->leaf_count = count;
    }
    live->leaves[index] = calloc(1, sizeof(struct tn_live_leaf));
    *ret_leaf = live->leaves[index];
    return *ret_leaf != NULL ? 0 : -ENOMEM;
}

static int make_page(struct tn_live_blocks *live, uint64_t number, uint64_t allocations,
                     struct page **ret_page)
{
    struct tn_live_leaf *leaf = leaf_of(live, number);
    int r = leaf == NULL ? make_leaf(live, number, &leaf) : 0;
    if (r < 0)
        return r;
    struct page *page = malloc(sizeof(*page));
    if (page == NULL)
        return -ENOMEM;
    page->live_bits = 0;
    page->first_allocations = allocations;
    leaf->pages[number % TN_LIVE_LEAF_PAGES] = page;
    leaf->page_count++;
    live->page_count++;
    *ret_page = page;
    return 0;
}

static void drop_page(struct tn_live_blocks *live, uint64_t number)
{
    struct tn_live_leaf **leaf = &live->leaves[number / TN_LIVE_LEAF_PAGES - live->first_leaf];
    free((*leaf)->pages[number % TN_LIVE_LEAF_PAGES]);
    (*leaf)->pages[number % TN_LIVE_LEAF_PAGES] = NULL;
    live->page_count--;
    if (--(*leaf)->page_count != 0)
        return;
    free(*leaf);
    *leaf = NULL;
}

/* ---------------------------------------------------------------------------------------- strays */

static int add_stray(struct tn_live_blocks *live, uint64_t id, const struct tn_live_birth *block)
{
    uint64_t index = live->free_stray_1 - 1;
    if (live->free_stray_1 == 0) {
        index = live->stray_count;
        if (live->stray_count == live->stray_capacity) {
            size_t capacity = live->stray_capacity != 0 ? live->stray_capacity * 2 : 256;
            struct tn_live_stray *strays = realloc(live->strays, capacity * sizeof(strays[0]));
            if (strays == NULL)
                return -ENOMEM;
            live->strays = strays;
            live->stray_capacity = capacity;
        }
    }
    int r = tn_map_put(&live->stray_indices, id, index);
    if (r < 0)
        return r;
    if (live->free_stray_1 != 0)
        live->free_stray_1 = live->strays[index].block.size_bytes;
    else
        live->stray_count++;
    live->strays[index] = (struct tn_live_stray){id, *block};
    return 0;
}

static bool take_stray(struct tn_live_blocks *live, uint64_t id, struct tn_live_birth *ret_block)
{
    uint64_t index;
    if (!tn_map_remove(&live->stray_indices, id, &index))
        return false;
    struct tn_live_stray *stray = &live->strays[index];
    *ret_block = stray->block;
    stray->id = 0;
    stray->block.size_bytes = live->free_stray_1;
    live->free_stray_1 = index + 1;
    return true;
}

/* Move the blocks of a page to the hash. When memory is out, they stay in their page. */
static void move_out(struct tn_live_blocks *live, uint64_t number, struct page *page)
{
    while (page->live_bits != 0) {
        unsigned place = (unsigned)__builtin_ctzll(page->live_bits);
        struct tn_live_birth block = unpack(page, place);
        if (add_stray(live, number * TN_LIVE_PAGE_IDS + place, &block) < 0)
            return;
        page->live_bits &= page->live_bits - 1;
    }
    drop_page(live, number);
}

/* A new page makes others old. The newest page is kept even when empty, so that a program that releases each
 * block at once does not allocate a page for each; drop it now. */
static void begin_page(struct tn_live_blocks *live, uint64_t number)
{
    struct page *last = page_of(live, live->newest);
    if (last != NULL && last->live_bits == 0)
        drop_page(live, live->newest);
    live->newest = number;
    while (live->next_old + TN_LIVE_OLD_PAGES < number) {
        if (leaf_of(live, live->next_old) == NULL) {
            live->next_old += TN_LIVE_LEAF_PAGES - live->next_old % TN_LIVE_LEAF_PAGES;
            continue;
        }
        struct page *page = page_of(live, live->next_old);
        if (page != NULL && count_bits(page->live_bits) <= TN_LIVE_FEW)
            move_out(live, live->next_old, page);
        live->next_old++;
    }
}

/* ---------------------------------------------------------------------------------------- blocks */

int tn_live_blocks_add(struct tn_live_blocks *live, uint64_t id, const struct tn_live_birth *block)
{
    uint64_t number = id / TN_LIVE_PAGE_IDS;
    unsigned place = (unsigned)(id % TN_LIVE_PAGE_IDS);
    if (live->leaf_count == 0)
        live->newest = live->next_old = number;
    if (number < live->newest)
        return -EINVAL;
    struct page *page = page_of(live, number);
    if (page == NULL) {
        int r = make_page(live, number, block->birth_allocations, &page);
        if (r < 0)
            return r;
    }
    if (number != live->newest)
        begin_page(live, number);
    uint64_t order = block->birth_allocations - page->first_allocations;
    if (page->live_bits >> place != 0 || order >= TN_LIVE_PAGE_IDS)
        return -EINVAL;
    page->live_bits |= UINT64_C(1) << place;
    page->blocks[place] = (struct packed_block){block->size_bytes << ORDER_BITS | order, block->birth_ns,
                                                block->birth_bytes, block->stats, block->thread_id};
    live->count++;
    return 0;
}

bool tn_live_blocks_take(struct tn_live_blocks *live, uint64_t id, struct tn_live_birth *ret_block)
{
    uint64_t number = id / TN_LIVE_PAGE_IDS;
    unsigned place = (unsigned)(id % TN_LIVE_PAGE_IDS);
    struct page *page = page_of(live, number);
    if (page == NULL || (page->live_bits >> place & 1) == 0) {
        bool was_stray = take_stray(live, id, ret_block);
        live->count -= was_stray;
        return was_stray;
    }
    *ret_block = unpack(page, place);
    page->live_bits &= ~(UINT64_C(1) << place);
    live->count--;
    if (page->live_bits == 0 && number != live->newest)
        drop_page(live, number);
    else if (number < live->next_old && count_bits(page->live_bits) <= TN_LIVE_FEW)
        move_out(live, number, page);
    return true;
}

void tn_live_blocks_prefetch_page(const struct tn_live_blocks *live, uint64_t id)
{
    uint64_t number = id / TN_LIVE_PAGE_IDS;
    const struct tn_live_leaf *leaf = leaf_of(live, number);
    if (leaf != NULL)
        __builtin_prefetch(&leaf->pages[number % TN_LIVE_LEAF_PAGES]);
}

void tn_live_blocks_prefetch(const struct tn_live_blocks *live, uint64_t id)
{
    const struct page *page = page_of(live, id / TN_LIVE_PAGE_IDS);
    if (page == NULL) {
        tn_map_expect(&live->stray_indices, id);
        return;
    }
    __builtin_prefetch(page, 1);
    __builtin_prefetch(&page->blocks[id % TN_LIVE_PAGE_IDS]);
}

/* ---------------------------------------------------------------------------------------- the whole */

static void see_page(const struct page *page, void (*see)(void *context, const struct tn_live_birth *block),
                     void *context)
{
    for (uint64_t bits = page->live_bits; bits != 0; bits &= bits - 1) {
        struct tn_live_birth block = unpack(page, (unsigned)__builtin_ctzll(bits));
        see(context, &block);
    }
}

void tn_live_blocks_each(const struct tn_live_blocks *live,
                         void (*see)(void *context, const struct tn_live_birth *block), void *context)
{
    for (size_t i = 0; i < live->leaf_count; i++)
        for (unsigned j = 0; live->leaves[i] != NULL && j < TN_LIVE_LEAF_PAGES; j++)
            if (live->leaves[i]->pages[j] != NULL)
                see_page(live->leaves[i]->pages[j], see, context);
    for (size_t i = 0; i < live->stray_count; i++)
        if (live->strays[i].id != 0)
            see(context, &live->strays[i].block);
}

void tn_live_blocks_finish(struct tn_live_blocks *live)
{
    for (size_t i = 0; i < live->leaf_count; i++) {
        for (unsigned j = 0; live->leaves[i] != NULL && j < TN_LIVE_LEAF_PAGES; j++)
            free(live->leaves[i]->pages[j]);
        free(live->leaves[i]);
    }
    free(live->leaves);
    free(live->strays);
    tn_map_finish(&live->stray_indices);
    *live = (struct tn_live_blocks){0};
}
