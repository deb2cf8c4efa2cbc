/* SPDX-License-Identifier: MIT */

/* The memory of a thread's trail: one mapping, which holds the trail, the frames kept, the new frames and the
 * watches, in this order. capture.c fills it. */

#include "trail.h"

#include "sys.h"

#include "banned.h"

#define LINE_BYTES ((size_t)64)

_Static_assert(sizeof(struct tn_trail) % LINE_BYTES == 0, "the frames behind the trail begin on a line");
_Static_assert(sizeof(struct tn_trail_frame) == LINE_BYTES, "a frame takes a line");

static size_t trail_bytes(uint32_t depth_max)
{
    size_t frames_bytes = (size_t)depth_max * sizeof(struct tn_trail_frame);
    size_t watches_bytes = (2 * (size_t)depth_max + 1) * sizeof(struct tn_watch);
    return sizeof(struct tn_trail) + 2 * frames_bytes + watches_bytes;
}

struct tn_trail *tn_trail_open(uint32_t depth_max)
{
    struct tn_trail *trail = tn_map_pages(trail_bytes(depth_max));
    if (trail == NULL)
        return NULL;
    trail->kept = (struct tn_trail_frame *)(trail + 1);
    trail->fresh = trail->kept + depth_max;
    trail->watches = (struct tn_watch *)(trail->fresh + depth_max);
    return trail;
}

void tn_trail_close(struct tn_trail *trail, uint32_t depth_max)
{
    if (trail != NULL)
        tn_unmap_pages(trail->reference, trail_bytes(depth_max));
    tn_unmap_pages(trail, trail_bytes(depth_max));
}

void tn_trail_forget(struct tn_trail *trail)
{
    if (trail == NULL)
        return;
    trail->count = 0;
    trail->plain_count = 0;
}
