/* SPDX-License-Identifier: MIT */
/* Which owner's blocks hold holes apart: one walk over the heap in address order. Between two holes lies a
 * run of extents. If all of it belongs to one owner, both holes would be one without that owner, and their
 * bytes are put down to it; a hole between two runs of the same owner counts once. Runs of several owners, or
 * with an extent of the policy's own in them, are put down to nobody. Called by the replay and by the
 * analysis of kind `pinning`. */
#include "tenure/heap.h"

#include <stddef.h>

/* Where the walk stands. */
struct pin_walk {
    int (*blame)(void *context, uint32_t owner, uint64_t bytes);
    void *context;
    struct tn_heap_holes holes;
    uint64_t end;  /* offset of untouched memory: what is free from there on is no hole */
    uint64_t hole; /* bytes of the hole before the run; 0: none */
    uint32_t owner;
    bool has_run, is_mixed; /* there is a run; it has several owners */
    bool is_credited;       /* the hole before the run is put down to `credited` already */
    uint32_t credited;
};

static int end_run(struct pin_walk *walk, uint64_t hole_after)
{
    bool is_pinned = !walk->is_mixed && walk->hole > 0;
    bool is_counted = walk->is_credited && walk->credited == walk->owner;
    int r = 0;
    if (is_pinned && walk->blame != NULL)
        r = walk->blame(walk->context, walk->owner, (is_counted ? 0 : walk->hole) + hole_after);
    walk->hole = hole_after;
    walk->is_credited = is_pinned;
    walk->credited = walk->owner;
    walk->has_run = walk->is_mixed = false;
    return r;
}

static int visit_free(struct pin_walk *walk, const struct tn_heap_extent *extent)
{
    bool is_untouched = extent->offset_bytes >= walk->end;
    uint64_t hole = is_untouched ? 0 : extent->size_bytes;
    walk->holes.hole_count += !is_untouched;
    if (extent->size_bytes > walk->holes.largest_free_bytes)
        walk->holes.largest_free_bytes = extent->size_bytes;
    if (walk->has_run)
        return end_run(walk, hole);
    walk->hole += hole; /* free extents that the policy keeps apart: one hole here */
    return 0;
}

static int visit(void *context, const struct tn_heap_extent *extent)
{
    struct pin_walk *walk = context;
    if (extent->kind == TN_HEAP_FREE)
        return visit_free(walk, extent);
    if (extent->kind == TN_HEAP_FIXED || (walk->has_run && extent->owner != walk->owner))
        walk->is_mixed = true;
    walk->owner = extent->owner;
    walk->has_run = true;
    return 0;
}

int tn_heap_find_pins(const struct tn_heap *heap, int (*blame)(void *context, uint32_t owner, uint64_t bytes),
                      void *context, struct tn_heap_holes *ret_holes)
{
    struct tn_heap_state state;
    tn_heap_state(heap, &state);
    struct pin_walk walk = {.blame = blame, .context = context, .end = state.end_bytes};
    int r = tn_heap_walk(heap, visit, &walk);
    if (r == 0 && ret_holes != NULL)
        *ret_holes = walk.holes;
    return r;
}

void tn_heap_pin_add(struct tn_heap_pin *pin, uint64_t walk, uint64_t bytes, double weight_ns)
{
    pin->byte_ns += (double)bytes * weight_ns;
    pin->now_bytes = pin->walk == walk ? pin->now_bytes + bytes : bytes;
    pin->walk = walk;
    if (pin->now_bytes > pin->peak_bytes)
        pin->peak_bytes = pin->now_bytes;
}
