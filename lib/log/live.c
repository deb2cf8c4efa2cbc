/* SPDX-License-Identifier: MIT */

/* Pages of 64 ids, found by a hash behind a small cache of recent pages, and the blocks in an array of slots.
 * Used by the allocation cursor, for each birth and each death. */

#include "live.h"

#include <errno.h>
#include <stdlib.h>

/* Make room for one more element. Indices are kept in 32 bits, plus one. */
static int grow(void **array, uint32_t *capacity, uint32_t count, size_t element_bytes)
{
    if (count < *capacity)
        return 0;
    size_t wider = *capacity != 0 ? (size_t)*capacity * 2 : 256;
    void *data = wider < UINT32_MAX ? realloc(*array, wider * element_bytes) : NULL;
    if (data == NULL)
        return -ENOMEM;
    *array = data;
    *capacity = (uint32_t)wider;
    return 0;
}

/* ---------------------------------------------------------------------------------------- pages */

static struct tn_live_page *find_page(struct tn_live *live, uint64_t number)
{
    uint32_t *recent_1 = &live->recent_1[number % TN_LIVE_CACHE_SIZE];
    if (*recent_1 != 0 && live->pages[*recent_1 - 1].number == number &&
        live->pages[*recent_1 - 1].live_bits != 0)
        return &live->pages[*recent_1 - 1];
    const uint64_t *index = tn_map_find(&live->page_indices, number + 1);
    if (index == NULL)
        return NULL;
    *recent_1 = (uint32_t)*index + 1;
    return &live->pages[*index];
}

static int make_page(struct tn_live *live, uint64_t number, struct tn_live_page **ret_page)
{
    uint32_t index = live->free_page_1 - 1;
    int r = 0;
    if (live->free_page_1 == 0) {
        r = grow((void **)&live->pages, &live->page_capacity, live->page_count, sizeof(live->pages[0]));
        index = live->page_count;
    }
    if (r == 0)
        r = tn_map_put(&live->page_indices, number + 1, index);
    if (r < 0)
        return r;
    if (live->free_page_1 != 0)
        live->free_page_1 = live->pages[index].indices[0];
    else
        live->page_count++;
    live->pages[index].number = number;
    live->pages[index].live_bits = 0;
    live->recent_1[number % TN_LIVE_CACHE_SIZE] = index + 1;
    *ret_page = &live->pages[index];
    return 0;
}

static void drop_page(struct tn_live *live, struct tn_live_page *page)
{
    tn_map_remove(&live->page_indices, page->number + 1, NULL);
    page->indices[0] = live->free_page_1;
    live->free_page_1 = (uint32_t)(page - live->pages) + 1;
}

/* ---------------------------------------------------------------------------------------- blocks */

static int take_slot(struct tn_live *live, uint32_t *ret_index)
{
    if (live->free_block_1 != 0) {
        *ret_index = live->free_block_1 - 1;
        live->free_block_1 = (uint32_t)live->blocks[*ret_index].size_bytes;
        return 0;
    }
    int r = grow((void **)&live->blocks, &live->block_capacity, live->block_count, sizeof(live->blocks[0]));
    if (r == 0)
        *ret_index = live->block_count++;
    return r;
}

static void give_slot_back(struct tn_live *live, uint32_t index)
{
    live->blocks[index].id = 0;
    live->blocks[index].size_bytes = live->free_block_1;
    live->free_block_1 = index + 1;
}

int tn_live_add(struct tn_live *live, uint64_t id, struct tn_live_block **ret_block)
{
    uint32_t index;
    int r = take_slot(live, &index);
    if (r < 0)
        return r;
    struct tn_live_page *page = find_page(live, id / TN_LIVE_PAGE_IDS);
    if (page == NULL)
        r = make_page(live, id / TN_LIVE_PAGE_IDS, &page);
    if (r < 0) {
        give_slot_back(live, index);
        return r;
    }
    page->live_bits |= UINT64_C(1) << id % TN_LIVE_PAGE_IDS;
    page->indices[id % TN_LIVE_PAGE_IDS] = index;
    live->count++;
    live->blocks[index].id = id;
    *ret_block = &live->blocks[index];
    return 0;
}

const struct tn_live_block *tn_live_take(struct tn_live *live, uint64_t id)
{
    struct tn_live_page *page = find_page(live, id / TN_LIVE_PAGE_IDS);
    uint64_t bit = UINT64_C(1) << id % TN_LIVE_PAGE_IDS;
    if (page == NULL || (page->live_bits & bit) == 0)
        return NULL;
    uint32_t index = page->indices[id % TN_LIVE_PAGE_IDS];
    page->live_bits &= ~bit;
    if (page->live_bits == 0)
        drop_page(live, page);
    live->count--;
    live->taken = live->blocks[index];
    give_slot_back(live, index);
    return &live->taken;
}

/* ---------------------------------------------------------------------------------------- the whole */

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int tn_live_list(const struct tn_live *live, uint64_t **ret_ids)
{
    uint64_t *ids = malloc((live->count + 1) * sizeof(ids[0]));
    if (ids == NULL)
        return -ENOMEM;
    size_t count = 0;
    for (uint32_t i = 0; i < live->block_count; i++)
        if (live->blocks[i].id != 0)
            ids[count++] = live->blocks[i].id;
    qsort(ids, count, sizeof(ids[0]), compare_numbers);
    *ret_ids = ids;
    return 0;
}

void tn_live_finish(struct tn_live *live)
{
    free(live->blocks);
    free(live->pages);
    tn_map_finish(&live->page_indices);
    *live = (struct tn_live){0};
}
