/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_TIMELINE_H
#define TENURE_FINISH_TIMELINE_H

/* A time line of bounded length, made in one pass of unknown length. A point is kept when enough events or
 * enough time have passed since the last one kept; whenever the line is full, every second point goes and
 * both distances double. So each point is exact, bursts show by their events and waits by their time. The
 * first and the last point and those of the two peaks are always there. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_TIMELINE_POINTS_MAX 4096u

/* The state of the heap right after an event. */
struct tn_timeline_point {
    uint64_t time_ns; /* since the log's start */
    uint64_t live_count, live_bytes;
    uint64_t allocations, allocated_bytes; /* so far */
    uint64_t event; /* number of the event, from 1: tells points of one instant apart */
};

/* Zeroed is empty. */
struct tn_timeline {
    struct tn_timeline_point points[TN_TIMELINE_POINTS_MAX];
    size_t count;
    uint64_t event_distance,
        time_distance_ns;                /* both passed at least, or the point is not kept; 0: none yet */
    struct tn_timeline_point last;       /* the newest point, kept or not; event 0: none */
    struct tn_timeline_point peak_bytes; /* first with most live_bytes */
    struct tn_timeline_point peak_count; /* first with most live_count */
};

/* Whether the state after an event is far enough from the last one that was kept. */
static inline bool tn_timeline_is_due(const struct tn_timeline *timeline, uint64_t event, uint64_t time_ns)
{
    if (timeline->count == 0)
        return true;
    const struct tn_timeline_point *kept = &timeline->points[timeline->count - 1];
    return event - kept->event >= timeline->event_distance ||
           (timeline->time_distance_ns != 0 && time_ns - kept->time_ns >= timeline->time_distance_ns);
}

/* Whether adding the state after an event changes the line: it is due, or a peak so far. All others but the
 * last one need not be added. Arguments as in struct tn_timeline_point. */
static inline bool tn_timeline_wants(const struct tn_timeline *timeline, uint64_t event, uint64_t time_ns,
                                     uint64_t live_bytes, uint64_t live_count)
{
    return live_bytes > timeline->peak_bytes.live_bytes || live_count > timeline->peak_count.live_count ||
           tn_timeline_is_due(timeline, event, time_ns);
}

/* Add the state after one event, or again the last one. time_ns does not fall. Cost: some nanoseconds. */
void tn_timeline_add(struct tn_timeline *timeline, struct tn_timeline_point point);

/* Put the peaks and the last point in their places. Call once, at the end. */
void tn_timeline_complete(struct tn_timeline *timeline);

#endif
