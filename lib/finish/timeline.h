/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_TIMELINE_H
#define TENURE_FINISH_TIMELINE_H

/* A timeline of bounded length, made in one pass of unknown length. A point is kept when enough events or
 * enough time have passed since the last one kept; when the line is full, every second point goes and both
 * distances double. Each point is exact; bursts are covered by events, idle times by time. The first and last
 * points and those of the two peaks are always kept. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_TIMELINE_POINTS_MAX 4096u

/* The state of the heap right after an event. */
struct tn_timeline_point {
    uint64_t time_ns; /* since the log's start */
    uint64_t live_count, live_bytes;
    uint64_t allocations, allocated_bytes; /* so far */
    uint64_t event;                        /* number of the event, from 1: orders points of one instant */
};

/* Zeroed is empty. */
struct tn_timeline {
    struct tn_timeline_point points[TN_TIMELINE_POINTS_MAX];
    size_t count;
    uint64_t event_distance;       /* least number of events between kept points; 0: none added yet */
    uint64_t time_distance_ns;     /* or least time between them; 0: not known yet, events alone count */
    struct tn_timeline_point last; /* the newest point, kept or not; event 0: none */
    struct tn_timeline_point peak_bytes; /* first point with most live_bytes */
    struct tn_timeline_point peak_count; /* first point with most live_count */
};

/* Whether the state after an event is far enough from the last point kept. */
static inline bool tn_timeline_is_due(const struct tn_timeline *timeline, uint64_t event, uint64_t time_ns)
{
    if (timeline->count == 0)
        return true;
    const struct tn_timeline_point *kept = &timeline->points[timeline->count - 1];
    return event - kept->event >= timeline->event_distance ||
           (timeline->time_distance_ns != 0 && time_ns - kept->time_ns >= timeline->time_distance_ns);
}

/* Whether the state after an event must be added: it is due, or a new peak. Others need not be added, but for
 * the last one. Arguments as in struct tn_timeline_point. */
static inline bool tn_timeline_wants(const struct tn_timeline *timeline, uint64_t event, uint64_t time_ns,
                                     uint64_t live_bytes, uint64_t live_count)
{
    return live_bytes > timeline->peak_bytes.live_bytes || live_count > timeline->peak_count.live_count ||
           tn_timeline_is_due(timeline, event, time_ns);
}

/* Add the state after an event, or the last one again. time_ns does not fall from call to call. Cost: some
 * nanoseconds. */
void tn_timeline_add(struct tn_timeline *timeline, struct tn_timeline_point point);

/* Insert the peaks and the last point. Call once, at the end. */
void tn_timeline_complete(struct tn_timeline *timeline);

#endif
