/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_SITE_STATS_H
#define TENURE_FINISH_SITE_STATS_H

/* What is counted of one process while its events go by: of each site, and of the blocks that live. */

#include "live_blocks.h"
#include "quantile.h"
#include "timeline.h"

#include "tenure/log.h"
#include "tenure/map.h"

#define TN_DISTINCT_SIZES_MAX 16384u /* sizes told apart at one site; more are shown as this many */
#define TN_SIZE_BITS          1024u  /* sizes below have a bit each; the others go into a map */

/* One site of one process. Sizes in bytes; the invariant of all counts: allocations = freed + live_count. */
struct tn_site_stats {
    uint32_t site_id;
    uint64_t allocations, freed, live_count, peak_live_count;
    uint64_t total_bytes, usable_bytes, live_bytes, peak_live_bytes;
    uint64_t min_size_bytes, max_size_bytes;
    uint64_t freed_by_other_thread, short_lived, small_short_lived;
    uint64_t first_birth_ns, last_birth_ns;
    uint64_t last_birth_allocations;       /* allocations of the process up to and with its last one */
    uint64_t size_bits[TN_SIZE_BITS / 64]; /* sizes that were asked for */
    struct tn_map sizes;                   /* size -> 1, of those that have no bit */
    uint64_t distinct_sizes;               /* up to TN_DISTINCT_SIZES_MAX */
    uint64_t last_size_bytes;              /* most sites ask for one size again and again */
    struct tn_quantile lifetime_ns, lifetime_allocations, lifetime_bytes;
};

/* One process. */
struct tn_process_stats {
    struct tn_site_stats *sites; /* owned */
    size_t used_count, used_capacity;
    uint32_t *by_site; /* owned; site id -> 1 + index; 0: none yet */
    size_t site_count; /* highest site id + 1 */
    struct tn_live_blocks live;
    uint64_t events, allocations, frees, allocated_bytes, live_bytes, peak_live_bytes, peak_live_count;
};

/* Begin with a process. site_count: highest site id + 1. Returns 0 or -ENOMEM; tn_process_stats_finish
 * releases. */
int tn_process_stats_begin(struct tn_process_stats *process, size_t site_count);

/* Count a birth at a site (from 1, below site_count). Returns 0; -EBADMSG: its id is not above the last
 * one's; -ENOMEM. */
int tn_process_stats_birth(struct tn_process_stats *process, const struct tn_log_event *event,
                           uint32_t site_id);

/* Count a death. Returns 0; -EBADMSG: the block was not born or has died already (nothing changed);
 * -ENOMEM. */
int tn_process_stats_death(struct tn_process_stats *process, const struct tn_log_event *event);

/* The state right after the last event. */
struct tn_timeline_point tn_process_stats_point(const struct tn_process_stats *process, uint64_t time_ns);

/* When initialisation was done, by the rule of docs/sites.md: the birth of the youngest block that lives now
 * and belongs to a site all of whose allocations lie in the first tenth of those made so far. To be asked
 * where teardown begins. 0: there is no such block. Cost: the live blocks. */
uint64_t tn_process_stats_initialised_ns(const struct tn_process_stats *process);

/* Release; empty again. */
void tn_process_stats_finish(struct tn_process_stats *process);

#endif
