/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_TRACK_H
#define TENURE_REPLAY_TRACK_H

/* What is measured while a replay runs: means over time, peaks, evenly spaced samples, and who pins holes.
 * The heap is walked at the samples only, so that the cost of an event does not grow with the heap. */

#include "tenure/map.h"
#include "tenure/replay.h"

#define TN_SAMPLES_MAX 256 /* when there are so many, every second one is dropped and the stride doubles */

struct tn_track {
    bool wants_samples, wants_pins;
    struct tn_heap_state state; /* after the last event */
    uint64_t first_ns, last_ns, sampled_ns;
    double live_sum, internal_sum, external_sum; /* bytes x ns */
    uint64_t stride, next_sample;                /* in events */
    size_t taken;                                /* samples since half of them went */
    struct tn_replay_sample *samples;            /* owned */
    size_t sample_count;
    struct tn_map pin_by_site;  /* site + 1 -> index of its pin */
    struct tn_replay_pin *pins; /* owned */
    uint64_t walks;
    size_t pin_count, pin_capacity;
    struct tn_replay_fragmentation fragmentation;
    uint64_t used_peak, mapped_peak, peak_live_bytes, peak_live_count;
    bool has_begun;
};

/* Begin. Returns 0 or -ENOMEM; tn_track_close releases it in both cases. */
int tn_track_open(struct tn_track *track, bool wants_samples, bool wants_pins);

/* Measure the heap after event `number` (from 1) at time_ns. Returns 0 or -ENOMEM. */
int tn_track_event(struct tn_track *track, const struct tn_heap *heap, uint64_t number, uint64_t time_ns);

/* Move what was measured into a result, which owns it then, also on failure. Returns 0 or -ENOMEM. */
int tn_track_finish(struct tn_track *track, const struct tn_heap *heap, uint64_t number,
                    struct tn_replay_result *result);

/* Release what was not moved into a result. */
void tn_track_close(struct tn_track *track);

#endif
