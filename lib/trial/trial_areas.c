/* SPDX-License-Identifier: MIT */
/* The memory of changes. All of it is reserved when the library is loaded, and becomes resident where blocks
 * are; what is known of a block stands in a table beside. */
#include "trial_parts.h"

#include <sys/mman.h>

#define ALIGN          16
#define BUFFERS_LEAST  256 /* of a change: calls of its owner may be under way in many threads */
#define BUFFERS_FACTOR 16
#define REGIONS_MAX    4096
#define AREA_BYTES_MAX ((uint64_t)1 << 31) /* of a change that needs more, all blocks stay the heap's */

static struct tn_trial_area areas[TN_TRIAL_CHANGES_MAX];
static char *first_area, *after_areas;

static uint64_t round_up(uint64_t bytes)
{
    return bytes == 0 ? ALIGN : (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Blocks are rounded to 16 here, and to 8 where the change counts them: at most twice as much. */
static void plan_regions(const struct tn_trial_change *change, struct tn_trial_area *area)
{
    uint64_t count = change->way == TN_TRIAL_ARENA && change->count != 0 ? change->count : 1;
    area->stride_bytes = ALIGN;
    area->region_slots = change->block_bytes / (ALIGN / 2) + 4;
    if (count > REGIONS_MAX)
        count = REGIONS_MAX;
    area->slot_count = area->region_slots * count;
}

static void plan_area(const struct tn_trial_change *change, struct tn_trial_area *area)
{
    if (change->block_bytes > AREA_BYTES_MAX || change->count > AREA_BYTES_MAX || change->way == 0 ||
        change->way == TN_TRIAL_COMBINED)
        return;
    area->stride_bytes = round_up(change->block_bytes);
    area->slot_count = change->count;
    if (change->way == TN_TRIAL_BUFFER)
        area->slot_count =
            change->count * BUFFERS_FACTOR > BUFFERS_LEAST ? change->count * BUFFERS_FACTOR : BUFFERS_LEAST;
    if (change->way == TN_TRIAL_ARENA || change->way == TN_TRIAL_STATIC)
        plan_regions(change, area);
    if (area->slot_count > AREA_BYTES_MAX / area->stride_bytes)
        area->slot_count = 0;
}

static void *reserve(uint64_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

bool tn_trial_areas_open(void)
{
    uint32_t count = tn_trial_head->change_count;
    uint64_t bytes = 0, slots = 0;
    if (count > TN_TRIAL_CHANGES_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        plan_area(&tn_trial_changes(tn_trial_head)[i], &areas[i]);
        bytes += areas[i].slot_count * areas[i].stride_bytes;
        slots += areas[i].slot_count;
    }
    char *memory = reserve(bytes + ALIGN);
    struct tn_trial_slot *all = memory != NULL ? reserve((slots + 1) * sizeof(*all)) : NULL;
    if (all == NULL)
        return false;
    first_area = memory;
    for (uint32_t i = 0; i < count; i++) {
        areas[i].memory = memory;
        areas[i].slots = all;
        memory += areas[i].slot_count * areas[i].stride_bytes;
        all += areas[i].slot_count;
    }
    after_areas = memory;
    return true;
}

struct tn_trial_area *tn_trial_area_at(uint32_t change)
{
    return &areas[change];
}

bool tn_trial_owns(const void *block)
{
    return (const char *)block >= first_area && (const char *)block < after_areas;
}

uint32_t tn_trial_owner_change(const void *block)
{
    uint32_t low = 0, high = tn_trial_head->change_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if ((const char *)block >= areas[middle].memory)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct tn_trial_slot *tn_trial_slot_of(const struct tn_trial_area *area, const void *block)
{
    return &area->slots[(uint64_t)((const char *)block - area->memory) / area->stride_bytes];
}

char *tn_trial_slot_memory(const struct tn_trial_area *area, const struct tn_trial_slot *slot)
{
    return area->memory + (uint64_t)(slot - area->slots) * area->stride_bytes;
}
