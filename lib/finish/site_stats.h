/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_SITE_STATS_H
#define TENURE_FINISH_SITE_STATS_H

/* Statistics of one process, gathered from its events in order: for each site and for the whole process. One
 * thread. */

#include "live_blocks.h"
#include "quantile.h"
#include "timeline.h"

#include "tenure/log.h"
#include "tenure/map.h"

#define TN_DISTINCT_SIZES_MAX                                                                                \
    16384u                 /* most distinct sizes counted at one site; more are shown as this many */
#define TN_SIZE_BITS 1024u /* sizes below this have a bit each; larger ones go to a map */

/* One site of one process. Invariant: allocations = freed + live_count. */
struct tn_site_stats {
    uint32_t site_id;
    uint64_t allocations, freed, live_count, peak_live_count;
    uint64_t total_bytes, usable_bytes, live_bytes, peak_live_bytes;
    uint64_t min_size_bytes, max_size_bytes;
    uint64_t freed_by_other_thread, short_lived, small_short_lived;
    uint64_t first_birth_ns, last_birth_ns;
    uint64_t last_birth_allocations;       /* allocations of the process including the site's last one */
    uint64_t size_bits[TN_SIZE_BITS / 64]; /* bit i: size i was asked for */
    struct tn_map sizes;                   /* size -> 1, for sizes without a bit */
    uint64_t distinct_sizes;               /* up to TN_DISTINCT_SIZES_MAX */
    uint64_t last_size_bytes;              /* skips the look-up: most sites repeat one size */
    struct tn_quantile lifetime_ns, lifetime_allocations, lifetime_bytes;
};

/* One process. */
struct tn_process_stats {
    struct tn_site_stats *sites; /* owned */
    size_t used_count, used_capacity;
    uint32_t *by_site; /* owned; site id -> 1 + index in sites; 0: none yet */
    size_t site_count; /* highest site id + 1 */
    struct tn_live_blocks live;
    uint64_t events, allocations, frees, allocated_bytes, live_bytes, peak_live_bytes, peak_live_count;
};

/* Start with no events.
 *
 * site_count  highest site id + 1
 * Returns     0 or -ENOMEM; the caller releases with tn_process_stats_finish in either case */
int tn_process_stats_begin(struct tn_process_stats *process, size_t site_count);

/* Count a birth.
 *
 * site_id  from 1, below site_count
 * Returns  0; -EBADMSG: the block's id is not above the last one's; -ENOMEM */
int tn_process_stats_birth(struct tn_process_stats *process, const struct tn_log_event *event,
                           uint32_t site_id);

/* Count a death.
 *
 * Returns  0; -EBADMSG: the block is not live, nothing changed; -ENOMEM */
int tn_process_stats_death(struct tn_process_stats *process, const struct tn_log_event *event);

/* The state of the heap after the last event, as a point of the timeline at time_ns. */
struct tn_timeline_point tn_process_stats_point(const struct tn_process_stats *process, uint64_t time_ns);

/* When initialisation was done, by the rule of docs/sites.md: the birth of the youngest live block whose site
 * made all its allocations within the first tenth of those made so far. Call it where teardown begins.
 *
 * Returns  ns since the log's start; 0: there is no such block
 * Cost     O(live blocks) */
uint64_t tn_process_stats_initialised_ns(const struct tn_process_stats *process);

/* Release; empty again. */
void tn_process_stats_finish(struct tn_process_stats *process);

#endif
