/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include "tenure/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tn_census_begin(struct tn_census *census, size_t site_count)
{
    *census = (struct tn_census){.site_count = site_count};
    census->by_site = calloc(site_count, sizeof(census->by_site[0]));
    return census->by_site != NULL ? 0 : -ENOMEM;
}

static int tally_of(struct tn_census *census, uint32_t site_id, uint32_t *ret_index)
{
    if (census->by_site[site_id] != 0) {
        *ret_index = census->by_site[site_id] - 1;
        return 0;
    }
    if (census->tally_count == census->tally_capacity) {
        size_t capacity = census->tally_capacity != 0 ? census->tally_capacity * 2 : 64;
        struct tn_tally *tallies = realloc(census->tallies, capacity * sizeof(tallies[0]));
        if (tallies == NULL)
            return -ENOMEM;
        census->tallies = tallies;
        census->tally_capacity = capacity;
    }
    *ret_index = (uint32_t)census->tally_count;
    memset(&census->tallies[census->tally_count], 0, sizeof(census->tallies[0]));
    census->tallies[census->tally_count++].site_id = site_id;
    census->by_site[site_id] = (uint32_t)census->tally_count;
    return 0;
}

static int count_size(struct tn_tally *tally, uint64_t size_bytes)
{
    if (tally->allocations != 0 && tally->last_size_bytes == size_bytes)
        return 0;
    tally->last_size_bytes = size_bytes;
    if (tally->distinct_sizes == TN_DISTINCT_SIZES_MAX)
        return 0;
    if (size_bytes < TN_SIZE_BITS) {
        uint64_t *bits = &tally->size_bits[size_bytes / 64], bit = UINT64_C(1) << size_bytes % 64;
        tally->distinct_sizes += (*bits & bit) == 0;
        *bits |= bit;
        return 0;
    }
    size_t before = tally->sizes.count;
    int r = tn_map_put(&tally->sizes, size_bytes, 1);
    tally->distinct_sizes += tally->sizes.count - before;
    return r;
}

static void count_birth(struct tn_tally *tally, const struct tn_log_event *event, uint64_t allocations)
{
    uint64_t size_bytes = event->size_bytes;
    if (tally->allocations == 0 || size_bytes < tally->min_size_bytes)
        tally->min_size_bytes = size_bytes;
    if (size_bytes > tally->max_size_bytes)
        tally->max_size_bytes = size_bytes;
    if (tally->allocations++ == 0)
        tally->first_birth_ns = event->time_ns;
    tally->last_birth_ns = event->time_ns;
    tally->last_birth_allocations = allocations;
    tally->total_bytes += size_bytes;
    tally->usable_bytes += event->usable_size_bytes;
    tally->live_bytes += size_bytes;
    if (++tally->live_count > tally->peak_live_count)
        tally->peak_live_count = tally->live_count;
    if (tally->live_bytes > tally->peak_live_bytes)
        tally->peak_live_bytes = tally->live_bytes;
}

static int add_block(struct tn_census *census, const struct tn_log_event *event, uint32_t tally)
{
    struct tn_living_block block = {
        .size_bytes = event->size_bytes,
        .birth_ns = event->time_ns,
        .birth_allocations = census->allocations + 1,
        .birth_bytes = census->allocated_bytes + event->size_bytes,
        .tally = tally,
        .thread_id = (uint32_t)event->thread_id,
    };
    int r = tn_living_add(&census->living, event->allocation_id, &block);
    return r == -EINVAL ? -EBADMSG : r;
}

int tn_census_birth(struct tn_census *census, const struct tn_log_event *event, uint32_t site_id)
{
    uint32_t index = 0;
    int r = tally_of(census, site_id, &index);
    if (r == 0)
        r = count_size(&census->tallies[index], event->size_bytes);
    if (r == 0)
        r = add_block(census, event, index);
    if (r < 0)
        return r;
    census->events++;
    census->allocations++;
    census->allocated_bytes += event->size_bytes;
    census->live_bytes += event->size_bytes;
    if (census->live_bytes > census->peak_live_bytes)
        census->peak_live_bytes = census->live_bytes;
    if (census->allocations - census->frees > census->peak_live_count)
        census->peak_live_count = census->allocations - census->frees;
    count_birth(&census->tallies[index], event, census->allocations);
    return 0;
}

static int count_death(struct tn_tally *tally, const struct tn_living_block *block,
                       const struct tn_log_event *event, const struct tn_census *census)
{
    uint64_t lifetime_bytes = census->allocated_bytes - block->birth_bytes;
    uint64_t lifetime_ns = event->time_ns > block->birth_ns ? event->time_ns - block->birth_ns : 0;
    tally->freed++;
    tally->live_count--;
    tally->live_bytes -= block->size_bytes;
    if (block->thread_id != (uint32_t)event->thread_id)
        tally->freed_by_other_thread++;
    if (lifetime_bytes < TN_SHORT_LIFETIME_BYTES) {
        tally->short_lived++;
        tally->small_short_lived += block->size_bytes <= TN_SMALL_SIZE_BYTES;
    }
    int r = tn_quantile_add(&tally->lifetime_ns, lifetime_ns);
    if (r == 0)
        r = tn_quantile_add(&tally->lifetime_allocations, census->allocations - block->birth_allocations);
    return r < 0 ? r : tn_quantile_add(&tally->lifetime_bytes, lifetime_bytes);
}

int tn_census_death(struct tn_census *census, const struct tn_log_event *event)
{
    struct tn_living_block block;
    if (!tn_living_take(&census->living, event->allocation_id, &block))
        return -EBADMSG;
    int r = count_death(&census->tallies[block.tally], &block, event, census);
    census->events++;
    census->frees++;
    census->live_bytes -= block.size_bytes;
    return r;
}

struct tn_timeline_point tn_census_point(const struct tn_census *census, uint64_t time_ns)
{
    return (struct tn_timeline_point){.time_ns = time_ns,
                                      .live_count = census->allocations - census->frees,
                                      .live_bytes = census->live_bytes,
                                      .allocations = census->allocations,
                                      .allocated_bytes = census->allocated_bytes,
                                      .event = census->events};
}

struct initialised {
    const struct tn_census *census;
    uint64_t latest_ns;
};

static void see_block(void *context, const struct tn_living_block *block)
{
    struct initialised *initialised = context;
    const struct tn_census *census = initialised->census;
    bool is_early = census->tallies[block->tally].last_birth_allocations <= census->allocations / 10;
    if (is_early && block->birth_ns > initialised->latest_ns)
        initialised->latest_ns = block->birth_ns;
}

uint64_t tn_census_initialised_ns(const struct tn_census *census)
{
    struct initialised initialised = {.census = census};
    tn_living_each(&census->living, see_block, &initialised);
    return initialised.latest_ns;
}

void tn_census_finish(struct tn_census *census)
{
    for (size_t i = 0; i < census->tally_count; i++) {
        struct tn_tally *tally = &census->tallies[i];
        tn_map_finish(&tally->sizes);
        tn_quantile_finish(&tally->lifetime_ns);
        tn_quantile_finish(&tally->lifetime_allocations);
        tn_quantile_finish(&tally->lifetime_bytes);
    }
    free(census->tallies);
    free(census->by_site);
    tn_living_finish(&census->living);
    *census = (struct tn_census){0};
}
