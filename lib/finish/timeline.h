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

/* Add the state after one event. time_ns does not fall. Cost: some nanoseconds. */
void tn_timeline_add(struct tn_timeline *timeline, struct tn_timeline_point point);

/* Put the peaks and the last point in their places. Call once, at the end. */
void tn_timeline_complete(struct tn_timeline *timeline);

#endif
