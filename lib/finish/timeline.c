/* SPDX-License-Identifier: MIT */
/* Keeps at most 4,096 points: when the line is full, every second one goes and the least distances double.
 * Called by summarize.c. */
#include "timeline.h"

#include <string.h>

/* Room for the two peaks and the last point. */
#define KEPT_MAX (TN_TIMELINE_POINTS_MAX - 3)

static void thin(struct tn_timeline *timeline)
{
    size_t kept = 0;
    for (size_t i = 0; i < timeline->count; i += 2)
        timeline->points[kept++] = timeline->points[i];
    timeline->count = kept;
    timeline->event_distance *= 2;
    uint64_t span_ns = timeline->last.time_ns - timeline->points[0].time_ns;
    /* The first distance in time comes from the events seen so far: half of what would fill the line. */
    if (timeline->time_distance_ns == 0)
        timeline->time_distance_ns = span_ns / (KEPT_MAX / 4) + 1;
    else
        timeline->time_distance_ns *= 2;
}

void tn_timeline_add(struct tn_timeline *timeline, struct tn_timeline_point point)
{
    if (timeline->event_distance == 0)
        timeline->event_distance = 1;
    timeline->last = point;
    if (point.live_bytes > timeline->peak_bytes.live_bytes)
        timeline->peak_bytes = point;
    if (point.live_count > timeline->peak_count.live_count)
        timeline->peak_count = point;
    if (!tn_timeline_is_due(timeline, point.event, point.time_ns))
        return;
    if (timeline->count == KEPT_MAX)
        thin(timeline);
    timeline->points[timeline->count++] = point;
}

static void insert(struct tn_timeline *timeline, const struct tn_timeline_point *point)
{
    size_t at = timeline->count;
    while (at > 0 && timeline->points[at - 1].event > point->event)
        at--;
    if (point->event == 0 || (at > 0 && timeline->points[at - 1].event == point->event))
        return;
    memmove(&timeline->points[at + 1], &timeline->points[at],
            (timeline->count - at) * sizeof(timeline->points[0]));
    timeline->points[at] = *point;
    timeline->count++;
}

void tn_timeline_complete(struct tn_timeline *timeline)
{
    insert(timeline, &timeline->last);
    insert(timeline, &timeline->peak_bytes);
    insert(timeline, &timeline->peak_count);
}
