/* SPDX-License-Identifier: MIT */
/* The table of live blocks: a directory by id, pages of 64 slots, and the blocks themselves. Free pages and
 * free slots are kept in lists within the arrays. The pass calls this once or twice an event, which is why
 * the directory is an array and not a hash table. */
#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Make room for one more element. Indices and capacities fit in 32 bits, with one to spare for "none". */
static int grow(void **array, uint32_t *capacity, uint32_t count, size_t element_bytes)
{
    if (count < *capacity)
        return 0;
    size_t wider = *capacity != 0 ? (size_t)*capacity * 2 : 1024;
    void *data = wider < UINT32_MAX ? realloc(*array, wider * element_bytes) : NULL;
    if (data == NULL)
        return -ENOMEM;
    *array = data;
    *capacity = (uint32_t)wider;
    return 0;
}

static int grow_directory(struct tn_blocks *blocks, size_t index)
{
    if (index < blocks->directory_size)
        return 0;
    size_t wider = index * 2 + 1024;
    uint32_t *directory = realloc(blocks->directory, wider * sizeof(directory[0]));
    if (directory == NULL)
        return -ENOMEM;
    memset(directory + blocks->directory_size, 0, (wider - blocks->directory_size) * sizeof(directory[0]));
    blocks->directory = directory;
    blocks->directory_size = wider;
    return 0;
}

static int page_of(struct tn_blocks *blocks, uint64_t id, struct tn_block_page **ret_page)
{
    size_t number = id / TN_PAGE_IDS;
    int r = grow_directory(blocks, number);
    if (r < 0)
        return r;
    uint32_t index_1 = blocks->directory[number];
    if (index_1 == 0 && blocks->free_page_1 != 0) {
        index_1 = blocks->free_page_1;
        blocks->free_page_1 = blocks->pages[index_1 - 1].slots[0];
    }
    if (index_1 == 0) {
        r = grow((void **)&blocks->pages, &blocks->page_capacity, blocks->page_used,
                 sizeof(blocks->pages[0]));
        if (r < 0)
            return r;
        index_1 = ++blocks->page_used;
    }
    if (blocks->directory[number] == 0)
        blocks->pages[index_1 - 1].live_bits = 0;
    blocks->directory[number] = index_1;
    *ret_page = &blocks->pages[index_1 - 1];
    return 0;
}

static int take_slot(struct tn_blocks *blocks, uint32_t *ret_slot)
{
    if (blocks->free_slot_1 != 0) {
        *ret_slot = blocks->free_slot_1 - 1;
        blocks->free_slot_1 = blocks->items[*ret_slot].stack_id;
        return 0;
    }
    int r = grow((void **)&blocks->items, &blocks->capacity, blocks->used, sizeof(blocks->items[0]));
    if (r == 0)
        *ret_slot = blocks->used++;
    return r;
}

int tn_blocks_add(struct tn_blocks *blocks, uint64_t id, struct tn_block **ret_block)
{
    struct tn_block_page *page = NULL;
    uint32_t slot = 0;
    if (id == 0 || id > blocks->id_limit)
        return -EBADMSG;
    int r = page_of(blocks, id, &page);
    if (r < 0)
        return r;
    uint64_t bit = UINT64_C(1) << id % TN_PAGE_IDS;
    if ((page->live_bits & bit) != 0)
        return -EBADMSG;
    r = take_slot(blocks, &slot);
    if (r < 0)
        return r;
    page->live_bits |= bit;
    page->slots[id % TN_PAGE_IDS] = slot;
    blocks->live_count++;
    /* the caller fills the rest; zeroing it first made up a third of the cost */
    blocks->items[slot].id = id;
    blocks->items[slot].slot = slot;
    *ret_block = &blocks->items[slot];
    return 0;
}

struct tn_block *tn_blocks_find(const struct tn_blocks *blocks, uint64_t id)
{
    size_t number = id / TN_PAGE_IDS;
    if (number >= blocks->directory_size || blocks->directory[number] == 0)
        return NULL;
    const struct tn_block_page *page = &blocks->pages[blocks->directory[number] - 1];
    if ((page->live_bits >> id % TN_PAGE_IDS & 1) == 0)
        return NULL;
    return &blocks->items[page->slots[id % TN_PAGE_IDS]];
}

void tn_blocks_drop(struct tn_blocks *blocks, struct tn_block *block)
{
    size_t number = block->id / TN_PAGE_IDS;
    uint32_t index_1 = blocks->directory[number];
    struct tn_block_page *page = &blocks->pages[index_1 - 1];
    page->live_bits &= ~(UINT64_C(1) << block->id % TN_PAGE_IDS);
    if (page->live_bits == 0) {
        blocks->directory[number] = 0;
        page->slots[0] = blocks->free_page_1;
        blocks->free_page_1 = index_1;
    }
    block->id = 0;
    block->stack_id = blocks->free_slot_1;
    blocks->free_slot_1 = block->slot + 1;
    blocks->live_count--;
}

void tn_blocks_finish(struct tn_blocks *blocks)
{
    free(blocks->items);
    free(blocks->directory);
    free(blocks->pages);
    *blocks = (struct tn_blocks){0};
}
