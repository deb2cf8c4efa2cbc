/* SPDX-License-Identifier: MIT */
/* One replay: events of a source are applied to a heap one by one, until the end or a failure that is to
 * stop it. A map knows the heap's block of each id; track.c measures. Called by search.c, risk.c,
 * lib/simulate and the tools. */
#include "tenure/replay.h"
#include "dense_map.h"
#include "track.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One replay under way. */
struct replay_run {
    const struct tn_replay_options *options;
    struct tn_heap *heap;
    struct tn_dense_map blocks; /* id -> block; 0: the program got no block (refused or failed) */
    struct tn_track track;
    struct tn_replay_result result;
    size_t offset_capacity;
};

void tn_replay_options_init(struct tn_replay_options *options, const struct tn_policy *policy)
{
    *options = (struct tn_replay_options){.policy = policy};
    tn_heap_options_init(&options->heap);
}

const char *tn_replay_class_name(enum tn_replay_class class)
{
    static const char *const names[] = {"capacity", "fragmentation", "policy"};
    return names[class];
}

void tn_replay_result_finish(struct tn_replay_result *result)
{
    free(result->failure.layout);
    free(result->samples);
    free(result->pins);
    free(result->offsets);
    *result = (struct tn_replay_result){0};
}

static int note_offset(struct replay_run *run, uint64_t offset)
{
    struct tn_replay_result *result = &run->result;
    if (!run->options->wants_offsets)
        return 0;
    if (result->offset_count == run->offset_capacity) {
        size_t capacity = run->offset_capacity != 0 ? run->offset_capacity * 2 : 256;
        uint64_t *offsets = realloc(result->offsets, capacity * sizeof(*offsets));
        if (offsets == NULL)
            return -ENOMEM;
        result->offsets = offsets;
        run->offset_capacity = capacity;
    }
    result->offsets[result->offset_count++] = offset;
    return 0;
}

struct layout {
    struct tn_heap_extent *extents; /* owned; NULL while only counting */
    size_t count;
};

static int count_extent(void *context, const struct tn_heap_extent *extent)
{
    struct layout *layout = context;
    if (layout->extents != NULL)
        layout->extents[layout->count] = *extent;
    layout->count++;
    return 0;
}

static int take_layout(struct replay_run *run, struct tn_replay_failure *failure)
{
    struct layout layout = {0};
    tn_heap_walk(run->heap, count_extent, &layout);
    layout.extents = calloc(layout.count, sizeof(*layout.extents));
    if (layout.extents == NULL)
        return -ENOMEM;
    layout.count = 0;
    tn_heap_walk(run->heap, count_extent, &layout);
    failure->layout = layout.extents;
    failure->layout_count = layout.count;
    return 0;
}

static int note_failure(struct replay_run *run, const struct tn_replay_event *event)
{
    struct tn_replay_result *result = &run->result;
    if (result->failures++ > 0)
        return 0;
    struct tn_heap_state state;
    tn_heap_state(run->heap, &state);
    struct tn_replay_failure *failure = &result->failure;
    *failure = (struct tn_replay_failure){
        .event = result->events,
        .time_ns = event->time_ns,
        .size_bytes = event->size_bytes,
        .need_bytes = tn_heap_need(run->heap, event->size_bytes),
        .free_bytes = state.free_bytes,
        .largest_free_bytes = tn_heap_largest_free(run->heap),
        .site_id = event->site_id,
        .thread_id = event->thread_id,
    };
    if (failure->need_bytes > failure->free_bytes)
        failure->class = TN_REPLAY_CAPACITY;
    else if (failure->need_bytes > failure->largest_free_bytes)
        failure->class = TN_REPLAY_FRAGMENTATION;
    else
        failure->class = TN_REPLAY_POLICY;
    return take_layout(run, failure);
}

/* Place or resize (old_block not 0) once. */
static int attempt(struct replay_run *run, const struct tn_replay_event *event, uint32_t old_block,
                   uint32_t *ret_block)
{
    if (old_block != 0)
        return tn_heap_resize(run->heap, old_block, event->size_bytes, ret_block);
    return tn_heap_place(run->heap, event->size_bytes, event->alignment_bytes, event->site_id, ret_block);
}

/* Grow the region by twice as much each time until the block fits: a policy may want more than the block
 * needs. */
static int grow(struct replay_run *run, const struct tn_replay_event *event, uint32_t old_block,
                uint32_t *ret_block)
{
    uint64_t more = tn_heap_need(run->heap, event->size_bytes) + event->alignment_bytes;
    for (; more < TN_HEAP_UNLIMITED; more *= 2) {
        if (tn_heap_grow(run->heap, more) < 0)
            return -ENOMEM;
        int r = attempt(run, event, old_block, ret_block);
        if (r != -ENOSPC)
            return r;
    }
    return -ENOSPC;
}

/* The program got no block. A new id is remembered without one: a later resize places it, its release does
 * nothing. */
static int note_missing(struct replay_run *run, const struct tn_replay_event *event, uint32_t old_block)
{
    int r = note_offset(run, UINT64_MAX);
    if (r == 0 && old_block == 0)
        r = tn_dense_map_put(&run->blocks, event->id, 0);
    return r;
}

/* Returns 1 when the replay is to end, 0, or negative errno. */
static int put(struct replay_run *run, struct tn_replay_event *event, uint32_t old_block,
               struct tn_replay_step *step)
{
    uint32_t block = 0;
    int r = attempt(run, event, old_block, &block);
    if (r == -EINVAL) {
        run->result.refused++;
        return note_missing(run, event, old_block);
    }
    if (r == -ENOSPC) {
        step->has_failed = true;
        r = note_failure(run, event);
        if (r < 0)
            return r;
        r = run->options->after == TN_REPLAY_GROW ? grow(run, event, old_block, &block) : -ENOSPC;
    }
    if (r == -ENOSPC) {
        r = note_missing(run, event, old_block);
        return r < 0 ? r : run->options->after == TN_REPLAY_STOP;
    }
    if (r < 0)
        return r;
    step->block = block;
    r = note_offset(run, tn_heap_offset(run->heap, block));
    return r < 0 ? r : tn_dense_map_put(&run->blocks, event->id, block);
}

static int place(struct replay_run *run, struct tn_replay_event *event, struct tn_replay_step *step)
{
    if (run->options->edit != NULL && !run->options->edit(run->options->context, event)) {
        run->result.dropped++;
        return 0;
    }
    run->result.allocations++;
    return put(run, event, 0, step);
}

/* A block that the edit dropped is not known, so its resizes and its release do nothing. */
static int resize(struct replay_run *run, struct tn_replay_event *event, struct tn_replay_step *step)
{
    const uint64_t *block = tn_dense_map_find(&run->blocks, event->id);
    if (block == NULL)
        return 0;
    if (run->options->edit != NULL && !run->options->edit(run->options->context, event))
        return 0;
    return put(run, event, (uint32_t)*block, step);
}

static int release(struct replay_run *run, const struct tn_replay_event *event)
{
    uint64_t block = 0;
    if (tn_dense_map_remove(&run->blocks, event->id, &block) && block != 0)
        tn_heap_release(run->heap, (uint32_t)block);
    return 0;
}

/* Returns 1 when the replay is to end, 0, or negative errno. */
static int replay_event(struct replay_run *run, struct tn_replay_event *event)
{
    run->result.events++;
    struct tn_replay_step step = {.event = event, .number = run->result.events, .heap = run->heap};
    int r;
    if (event->kind == TN_REPLAY_PLACE)
        r = place(run, event, &step);
    else if (event->kind == TN_REPLAY_RESIZE)
        r = resize(run, event, &step);
    else
        r = release(run, event);
    if (r < 0)
        return r;
    int tracked = tn_track_event(&run->track, run->heap, run->result.events, event->time_ns);
    if (run->options->observe != NULL)
        run->options->observe(run->options->context, &step);
    return tracked < 0 ? tracked : r;
}

static int replay_all(struct replay_run *run, const struct tn_replay_source *source, struct tn_error *error)
{
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    while (r == 0) {
        r = source->next(source->state, &event, error);
        if (r <= 0)
            return r;
        r = replay_event(run, &event);
        if (r < 0)
            return tn_error_set(error, r, "cannot replay: out of memory");
    }
    return r < 0 ? r : 0;
}

static int finish(struct replay_run *run, struct tn_error *error)
{
    struct tn_replay_result *result = &run->result;
    struct tn_heap_state state;
    tn_heap_state(run->heap, &state);
    result->policy = run->options->policy;
    result->heap_bytes = run->options->heap.heap_bytes;
    result->end_heap_bytes = state.heap_bytes;
    result->pointer_bytes = run->options->heap.pointer_bytes;
    result->has_survived = result->failures == 0;
    result->high_water_bytes = state.high_water_bytes;
    result->smallest_bytes = tn_heap_smallest(run->heap);
    result->control_bytes = state.control_bytes;
    result->system_bytes = state.system_bytes;
    if (tn_track_finish(&run->track, run->heap, result->events, result) < 0)
        return tn_error_set(error, -ENOMEM, "cannot replay: out of memory");
    return 0;
}

int tn_replay_run(const struct tn_replay_source *source, const struct tn_replay_options *options,
                  struct tn_replay_result *ret_result, struct tn_error *error)
{
    struct replay_run run = {.options = options};
    int r = tn_heap_open(options->policy, &options->heap, &run.heap, error);
    if (r < 0)
        return r;
    r = tn_track_open(&run.track, options->wants_samples, options->wants_pins);
    if (r < 0)
        tn_error_set(error, r, "cannot replay: out of memory");
    if (r == 0)
        r = replay_all(&run, source, error);
    if (r == 0)
        r = finish(&run, error);
    tn_track_close(&run.track);
    tn_dense_map_finish(&run.blocks);
    tn_heap_close(run.heap);
    if (r < 0)
        tn_replay_result_finish(&run.result);
    else
        *ret_result = run.result;
    return r;
}
