/* SPDX-License-Identifier: MIT */
#include "living.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_BITS 8u /* of packed_block.size_and_order */

/* Two to a cache line. */
struct packed_block {
    uint64_t size_and_order; /* size_bytes << ORDER_BITS | births of the process in this page before it */
    uint64_t birth_ns, birth_bytes;
    uint32_t tally, thread_id;
};

struct page {
    uint64_t live_bits;         /* bit i: the i-th id lives */
    uint64_t first_allocations; /* birth_allocations of the first block that was added */
    struct packed_block blocks[TN_LIVING_PAGE_IDS];
};

struct tn_living_leaf {
    uint32_t page_count; /* pages that are there */
    struct page *pages[TN_LIVING_LEAF_PAGES];
};

static unsigned count_bits(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

static struct tn_living_block unpack(const struct page *page, unsigned place)
{
    const struct packed_block *packed = &page->blocks[place];
    return (struct tn_living_block){
        .size_bytes = packed->size_and_order >> ORDER_BITS,
        .birth_ns = packed->birth_ns,
        .birth_allocations = page->first_allocations + (packed->size_and_order & ((1u << ORDER_BITS) - 1)),
        .birth_bytes = packed->birth_bytes,
        .tally = packed->tally,
        .thread_id = packed->thread_id,
    };
}

/* ---------------------------------------------------------------------------------------- directory */

static struct tn_living_leaf *leaf_of(const struct tn_living *living, uint64_t number)
{
    uint64_t index = number / TN_LIVING_LEAF_PAGES - living->first_leaf;
    return index < living->leaf_count ? living->leaves[index] : NULL;
}

static struct page *page_of(const struct tn_living *living, uint64_t number)
{
    const struct tn_living_leaf *leaf = leaf_of(living, number);
    return leaf != NULL ? leaf->pages[number % TN_LIVING_LEAF_PAGES] : NULL;
}

/* The directory begins with the first leaf that is asked for: a later process's ids begin far from 1. */
static int make_leaf(struct tn_living *living, uint64_t number, struct tn_living_leaf **ret_leaf)
{
    if (living->leaf_count == 0)
        living->first_leaf = number / TN_LIVING_LEAF_PAGES;
    size_t index = (size_t)(number / TN_LIVING_LEAF_PAGES - living->first_leaf);
    if (index >= living->leaf_count) {
        size_t count = (index + 1) * 2;
        struct tn_living_leaf **leaves = realloc(living->leaves, count * sizeof(struct tn_living_leaf *));
        if (leaves == NULL)
            return -ENOMEM;
        memset(leaves + living->leaf_count, 0,
               (count - living->leaf_count) * sizeof(struct tn_living_leaf *));
        living->leaves = leaves;
        living->leaf_count = count;
    }
    living->leaves[index] = calloc(1, sizeof(struct tn_living_leaf));
    *ret_leaf = living->leaves[index];
    return *ret_leaf != NULL ? 0 : -ENOMEM;
}

static int make_page(struct tn_living *living, uint64_t number, uint64_t allocations, struct page **ret_page)
{
    struct tn_living_leaf *leaf = leaf_of(living, number);
    int r = leaf == NULL ? make_leaf(living, number, &leaf) : 0;
    if (r < 0)
        return r;
    struct page *page = malloc(sizeof(*page));
    if (page == NULL)
        return -ENOMEM;
    page->live_bits = 0;
    page->first_allocations = allocations;
    leaf->pages[number % TN_LIVING_LEAF_PAGES] = page;
    leaf->page_count++;
    living->page_count++;
    *ret_page = page;
    return 0;
}

static void drop_page(struct tn_living *living, uint64_t number)
{
    struct tn_living_leaf **leaf = &living->leaves[number / TN_LIVING_LEAF_PAGES - living->first_leaf];
    free((*leaf)->pages[number % TN_LIVING_LEAF_PAGES]);
    (*leaf)->pages[number % TN_LIVING_LEAF_PAGES] = NULL;
    living->page_count--;
    if (--(*leaf)->page_count != 0)
        return;
    free(*leaf);
    *leaf = NULL;
}

/* ---------------------------------------------------------------------------------------- strays */

static int add_stray(struct tn_living *living, uint64_t id, const struct tn_living_block *block)
{
    uint64_t index = living->free_stray_1 - 1;
    if (living->free_stray_1 == 0) {
        index = living->stray_count;
        if (living->stray_count == living->stray_capacity) {
            size_t capacity = living->stray_capacity != 0 ? living->stray_capacity * 2 : 256;
            struct tn_living_stray *strays = realloc(living->strays, capacity * sizeof(strays[0]));
            if (strays == NULL)
                return -ENOMEM;
            living->strays = strays;
            living->stray_capacity = capacity;
        }
    }
    int r = tn_map_put(&living->stray_indices, id, index);
    if (r < 0)
        return r;
    if (living->free_stray_1 != 0)
        living->free_stray_1 = living->strays[index].block.size_bytes;
    else
        living->stray_count++;
    living->strays[index] = (struct tn_living_stray){id, *block};
    return 0;
}

static bool take_stray(struct tn_living *living, uint64_t id, struct tn_living_block *ret_block)
{
    uint64_t index;
    if (!tn_map_remove(&living->stray_indices, id, &index))
        return false;
    struct tn_living_stray *stray = &living->strays[index];
    *ret_block = stray->block;
    stray->id = 0;
    stray->block.size_bytes = living->free_stray_1;
    living->free_stray_1 = index + 1;
    return true;
}

/* Where memory does not suffice, the blocks stay in their page. */
static void move_out(struct tn_living *living, uint64_t number, struct page *page)
{
    while (page->live_bits != 0) {
        unsigned place = (unsigned)__builtin_ctzll(page->live_bits);
        struct tn_living_block block = unpack(page, place);
        if (add_stray(living, number * TN_LIVING_PAGE_IDS + place, &block) < 0)
            return;
        page->live_bits &= page->live_bits - 1;
    }
    drop_page(living, number);
}

/* A new page makes others old. The one before it was kept even if empty, so that a program that releases each
 * block at once does not make a page for each. */
static void begin_page(struct tn_living *living, uint64_t number)
{
    struct page *last = page_of(living, living->newest);
    if (last != NULL && last->live_bits == 0)
        drop_page(living, living->newest);
    living->newest = number;
    while (living->next_old + TN_LIVING_OLD_PAGES < number) {
        if (leaf_of(living, living->next_old) == NULL) {
            living->next_old += TN_LIVING_LEAF_PAGES - living->next_old % TN_LIVING_LEAF_PAGES;
            continue;
        }
        struct page *page = page_of(living, living->next_old);
        if (page != NULL && count_bits(page->live_bits) <= TN_LIVING_FEW)
            move_out(living, living->next_old, page);
        living->next_old++;
    }
}

/* ---------------------------------------------------------------------------------------- blocks */

int tn_living_add(struct tn_living *living, uint64_t id, const struct tn_living_block *block)
{
    uint64_t number = id / TN_LIVING_PAGE_IDS;
    unsigned place = (unsigned)(id % TN_LIVING_PAGE_IDS);
    if (living->leaf_count == 0)
        living->newest = living->next_old = number;
    if (number < living->newest)
        return -EINVAL;
    struct page *page = page_of(living, number);
    if (page == NULL) {
        int r = make_page(living, number, block->birth_allocations, &page);
        if (r < 0)
            return r;
    }
    if (number != living->newest)
        begin_page(living, number);
    uint64_t order = block->birth_allocations - page->first_allocations;
    if (page->live_bits >> place != 0 || order >= TN_LIVING_PAGE_IDS)
        return -EINVAL;
    page->live_bits |= UINT64_C(1) << place;
    page->blocks[place] = (struct packed_block){block->size_bytes << ORDER_BITS | order, block->birth_ns,
                                                block->birth_bytes, block->tally, block->thread_id};
    living->count++;
    return 0;
}

bool tn_living_take(struct tn_living *living, uint64_t id, struct tn_living_block *ret_block)
{
    uint64_t number = id / TN_LIVING_PAGE_IDS;
    unsigned place = (unsigned)(id % TN_LIVING_PAGE_IDS);
    struct page *page = page_of(living, number);
    if (page == NULL || (page->live_bits >> place & 1) == 0) {
        bool was_stray = take_stray(living, id, ret_block);
        living->count -= was_stray;
        return was_stray;
    }
    *ret_block = unpack(page, place);
    page->live_bits &= ~(UINT64_C(1) << place);
    living->count--;
    if (page->live_bits == 0 && number != living->newest)
        drop_page(living, number);
    else if (number < living->next_old && count_bits(page->live_bits) <= TN_LIVING_FEW)
        move_out(living, number, page);
    return true;
}

void tn_living_expect_later(const struct tn_living *living, uint64_t id)
{
    uint64_t number = id / TN_LIVING_PAGE_IDS;
    const struct tn_living_leaf *leaf = leaf_of(living, number);
    if (leaf != NULL)
        __builtin_prefetch(&leaf->pages[number % TN_LIVING_LEAF_PAGES]);
}

void tn_living_expect(const struct tn_living *living, uint64_t id)
{
    const struct page *page = page_of(living, id / TN_LIVING_PAGE_IDS);
    if (page == NULL) {
        tn_map_expect(&living->stray_indices, id);
        return;
    }
    __builtin_prefetch(page, 1);
    __builtin_prefetch(&page->blocks[id % TN_LIVING_PAGE_IDS]);
}

/* ---------------------------------------------------------------------------------------- the whole */

static void see_page(const struct page *page, void (*see)(void *context, const struct tn_living_block *block),
                     void *context)
{
    for (uint64_t bits = page->live_bits; bits != 0; bits &= bits - 1) {
        struct tn_living_block block = unpack(page, (unsigned)__builtin_ctzll(bits));
        see(context, &block);
    }
}

void tn_living_each(const struct tn_living *living,
                    void (*see)(void *context, const struct tn_living_block *block), void *context)
{
    for (size_t i = 0; i < living->leaf_count; i++)
        for (unsigned j = 0; living->leaves[i] != NULL && j < TN_LIVING_LEAF_PAGES; j++)
            if (living->leaves[i]->pages[j] != NULL)
                see_page(living->leaves[i]->pages[j], see, context);
    for (size_t i = 0; i < living->stray_count; i++)
        if (living->strays[i].id != 0)
            see(context, &living->strays[i].block);
}

void tn_living_finish(struct tn_living *living)
{
    for (size_t i = 0; i < living->leaf_count; i++) {
        for (unsigned j = 0; living->leaves[i] != NULL && j < TN_LIVING_LEAF_PAGES; j++)
            free(living->leaves[i]->pages[j]);
        free(living->leaves[i]);
    }
    free(living->leaves);
    free(living->strays);
    tn_map_finish(&living->stray_indices);
    *living = (struct tn_living){0};
}
