/* SPDX-License-Identifier: MIT */
/* Counts births and deaths of one process: totals, peaks, sizes and lifetimes of each site, and of the
 * process as a whole. The live blocks carry what a death needs of its birth. Called by summarize.c for each
 * event. */
#include "site_stats.h"

#include "tenure/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tn_process_stats_begin(struct tn_process_stats *process, size_t site_count)
{
    *process = (struct tn_process_stats){.site_count = site_count};
    process->by_site = calloc(site_count, sizeof(process->by_site[0]));
    return process->by_site != NULL ? 0 : -ENOMEM;
}

static int find_or_add_site(struct tn_process_stats *process, uint32_t site_id, uint32_t *ret_index)
{
    if (process->by_site[site_id] != 0) {
        *ret_index = process->by_site[site_id] - 1;
        return 0;
    }
    if (process->used_count == process->used_capacity) {
        size_t capacity = process->used_capacity != 0 ? process->used_capacity * 2 : 64;
        struct tn_site_stats *sites = realloc(process->sites, capacity * sizeof(sites[0]));
        if (sites == NULL)
            return -ENOMEM;
        process->sites = sites;
        process->used_capacity = capacity;
    }
    *ret_index = (uint32_t)process->used_count;
    memset(&process->sites[process->used_count], 0, sizeof(process->sites[0]));
    process->sites[process->used_count++].site_id = site_id;
    process->by_site[site_id] = (uint32_t)process->used_count;
    return 0;
}

static int count_size(struct tn_site_stats *stats, uint64_t size_bytes)
{
    if (stats->allocations != 0 && stats->last_size_bytes == size_bytes)
        return 0;
    stats->last_size_bytes = size_bytes;
    if (stats->distinct_sizes == TN_DISTINCT_SIZES_MAX)
        return 0;
    if (size_bytes < TN_SIZE_BITS) {
        uint64_t *bits = &stats->size_bits[size_bytes / 64], bit = UINT64_C(1) << size_bytes % 64;
        stats->distinct_sizes += (*bits & bit) == 0;
        *bits |= bit;
        return 0;
    }
    size_t before = stats->sizes.count;
    int r = tn_map_put(&stats->sizes, size_bytes, 1);
    stats->distinct_sizes += stats->sizes.count - before;
    return r;
}

static void count_birth(struct tn_site_stats *stats, const struct tn_log_event *event, uint64_t allocations)
{
    uint64_t size_bytes = event->size_bytes;
    if (stats->allocations == 0 || size_bytes < stats->min_size_bytes)
        stats->min_size_bytes = size_bytes;
    if (size_bytes > stats->max_size_bytes)
        stats->max_size_bytes = size_bytes;
    if (stats->allocations++ == 0)
        stats->first_birth_ns = event->time_ns;
    stats->last_birth_ns = event->time_ns;
    stats->last_birth_allocations = allocations;
    stats->total_bytes += size_bytes;
    stats->usable_bytes += event->usable_size_bytes;
    stats->live_bytes += size_bytes;
    if (++stats->live_count > stats->peak_live_count)
        stats->peak_live_count = stats->live_count;
    if (stats->live_bytes > stats->peak_live_bytes)
        stats->peak_live_bytes = stats->live_bytes;
}

static int add_block(struct tn_process_stats *process, const struct tn_log_event *event, uint32_t stats)
{
    struct tn_live_birth block = {
        .size_bytes = event->size_bytes,
        .birth_ns = event->time_ns,
        .birth_allocations = process->allocations + 1,
        .birth_bytes = process->allocated_bytes + event->size_bytes,
        .stats = stats,
        .thread_id = (uint32_t)event->thread_id,
    };
    int r = tn_live_blocks_add(&process->live, event->allocation_id, &block);
    return r == -EINVAL ? -EBADMSG : r;
}

int tn_process_stats_birth(struct tn_process_stats *process, const struct tn_log_event *event,
                           uint32_t site_id)
{
    uint32_t index = 0;
    int r = find_or_add_site(process, site_id, &index);
    if (r == 0)
        r = count_size(&process->sites[index], event->size_bytes);
    if (r == 0)
        r = add_block(process, event, index);
    if (r < 0)
        return r;
    process->events++;
    process->allocations++;
    process->allocated_bytes += event->size_bytes;
    process->live_bytes += event->size_bytes;
    if (process->live_bytes > process->peak_live_bytes)
        process->peak_live_bytes = process->live_bytes;
    if (process->allocations - process->frees > process->peak_live_count)
        process->peak_live_count = process->allocations - process->frees;
    count_birth(&process->sites[index], event, process->allocations);
    return 0;
}

static int count_death(struct tn_site_stats *stats, const struct tn_live_birth *block,
                       const struct tn_log_event *event, const struct tn_process_stats *process)
{
    uint64_t lifetime_bytes = process->allocated_bytes - block->birth_bytes;
    uint64_t lifetime_ns = event->time_ns > block->birth_ns ? event->time_ns - block->birth_ns : 0;
    stats->freed++;
    stats->live_count--;
    stats->live_bytes -= block->size_bytes;
    if (block->thread_id != (uint32_t)event->thread_id)
        stats->freed_by_other_thread++;
    if (lifetime_bytes < TN_SHORT_LIFETIME_BYTES) {
        stats->short_lived++;
        stats->small_short_lived += block->size_bytes <= TN_SMALL_SIZE_BYTES;
    }
    int r = tn_quantile_add(&stats->lifetime_ns, lifetime_ns);
    if (r == 0)
        r = tn_quantile_add(&stats->lifetime_allocations, process->allocations - block->birth_allocations);
    return r < 0 ? r : tn_quantile_add(&stats->lifetime_bytes, lifetime_bytes);
}

int tn_process_stats_death(struct tn_process_stats *process, const struct tn_log_event *event)
{
    struct tn_live_birth block;
    if (!tn_live_blocks_take(&process->live, event->allocation_id, &block))
        return -EBADMSG;
    int r = count_death(&process->sites[block.stats], &block, event, process);
    process->events++;
    process->frees++;
    process->live_bytes -= block.size_bytes;
    return r;
}

struct tn_timeline_point tn_process_stats_point(const struct tn_process_stats *process, uint64_t time_ns)
{
    return (struct tn_timeline_point){.time_ns = time_ns,
                                      .live_count = process->allocations - process->frees,
                                      .live_bytes = process->live_bytes,
                                      .allocations = process->allocations,
                                      .allocated_bytes = process->allocated_bytes,
                                      .event = process->events};
}

struct initialised {
    const struct tn_process_stats *process;
    uint64_t latest_ns;
};

static void see_block(void *context, const struct tn_live_birth *block)
{
    struct initialised *initialised = context;
    const struct tn_process_stats *process = initialised->process;
    bool is_early = process->sites[block->stats].last_birth_allocations <= process->allocations / 10;
    if (is_early && block->birth_ns > initialised->latest_ns)
        initialised->latest_ns = block->birth_ns;
}

uint64_t tn_process_stats_initialised_ns(const struct tn_process_stats *process)
{
    struct initialised initialised = {.process = process};
    tn_live_blocks_each(&process->live, see_block, &initialised);
    return initialised.latest_ns;
}

void tn_process_stats_finish(struct tn_process_stats *process)
{
    for (size_t i = 0; i < process->used_count; i++) {
        struct tn_site_stats *stats = &process->sites[i];
        tn_map_finish(&stats->sizes);
        tn_quantile_finish(&stats->lifetime_ns);
        tn_quantile_finish(&stats->lifetime_allocations);
        tn_quantile_finish(&stats->lifetime_bytes);
    }
    free(process->sites);
    free(process->by_site);
    tn_live_blocks_finish(&process->live);
    *process = (struct tn_process_stats){0};
}
