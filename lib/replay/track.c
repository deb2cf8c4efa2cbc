/* SPDX-License-Identifier: MIT */
#include "track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tn_track_open(struct tn_track *track, bool wants_samples, bool wants_pins)
{
    *track = (struct tn_track){.wants_samples = wants_samples, .wants_pins = wants_pins, .stride = 1};
    track->next_sample = wants_samples || wants_pins ? 1 : UINT64_MAX;
    if (wants_samples)
        track->samples = calloc(TN_SAMPLES_MAX, sizeof(*track->samples));
    return wants_samples && track->samples == NULL ? -ENOMEM : 0;
}

void tn_track_close(struct tn_track *track)
{
    free(track->samples);
    free(track->pins);
    free(track->now);
    tn_map_finish(&track->pin_by_site);
    *track = (struct tn_track){0};
}

static struct tn_replay_pin *find_pin(struct tn_track *track, uint32_t site_id)
{
    uint64_t *found = tn_map_find(&track->pin_by_site, (uint64_t)site_id + 1);
    if (found != NULL)
        return &track->pins[*found];
    if (track->pin_count == track->pin_capacity) {
        size_t capacity = track->pin_capacity != 0 ? track->pin_capacity * 2 : 32;
        struct tn_replay_pin *pins = realloc(track->pins, capacity * sizeof(*pins));
        if (pins == NULL)
            return NULL;
        track->pins = pins;
        struct tn_pin_now *now = realloc(track->now, capacity * sizeof(*now));
        if (now == NULL)
            return NULL;
        track->now = now;
        track->pin_capacity = capacity;
    }
    if (tn_map_put(&track->pin_by_site, (uint64_t)site_id + 1, track->pin_count) < 0)
        return NULL;
    track->now[track->pin_count] = (struct tn_pin_now){0};
    track->pins[track->pin_count] = (struct tn_replay_pin){.site_id = site_id};
    return &track->pins[track->pin_count++];
}

/* One walk over the heap. A run of blocks between two holes pins them if all of it is of one site: without
 * that site the holes would be one. Where several sites stand in between, no single one of them is to blame.
 */
struct walk {
    struct tn_track *track;
    struct tn_replay_sample sample;
    uint64_t end;     /* of the used part: what is free from there on is no hole */
    double weight_ns; /* how long this state stands for */
    uint64_t hole;    /* bytes of the hole before the run, 0: none */
    uint32_t owner;   /* of the run */
    bool has_run, is_mixed;
    bool is_credited; /* the hole before is credited to `credited` already */
    uint32_t credited;
};

static int blame(struct walk *walk, uint64_t hole_after)
{
    struct tn_replay_pin *pin = find_pin(walk->track, walk->owner);
    if (pin == NULL)
        return -ENOMEM;
    uint64_t bytes = (walk->is_credited && walk->credited == walk->owner ? 0 : walk->hole) + hole_after;
    pin->byte_ns += (double)bytes * walk->weight_ns;
    struct tn_pin_now *now = &walk->track->now[pin - walk->track->pins];
    now->bytes = now->walk == walk->track->walks ? now->bytes + bytes : bytes;
    now->walk = walk->track->walks;
    if (now->bytes > pin->peak_bytes)
        pin->peak_bytes = now->bytes;
    return 0;
}

static int visit(void *context, const struct tn_extent *extent)
{
    struct walk *walk = context;
    if (extent->kind == TN_EXTENT_FREE) {
        bool is_tail = extent->offset_bytes >= walk->end;
        uint64_t hole = is_tail ? 0 : extent->size_bytes;
        walk->sample.hole_count += !is_tail;
        if (extent->size_bytes > walk->sample.largest_free_bytes)
            walk->sample.largest_free_bytes = extent->size_bytes;
        int r = 0;
        bool is_pinned = walk->has_run && !walk->is_mixed && walk->hole > 0;
        if (walk->track->wants_pins && is_pinned)
            r = blame(walk, hole);
        /* Two free chunks that an allocator keeps apart count as one hole here. */
        walk->hole = walk->has_run ? hole : walk->hole + hole;
        if (walk->has_run) {
            walk->is_credited = is_pinned;
            walk->credited = walk->owner;
        }
        walk->has_run = walk->is_mixed = false;
        return r;
    }
    if (extent->kind == TN_EXTENT_FIXED || (walk->has_run && extent->owner != walk->owner))
        walk->is_mixed = true;
    walk->owner = extent->owner;
    walk->has_run = true;
    return 0;
}

static void store(struct tn_track *track, const struct tn_replay_sample *sample)
{
    if (!track->wants_samples)
        return;
    track->samples[track->sample_count++] = *sample;
}

/* When the room is used up, half the samples go, and only every second one is taken from now on. */
static void thin(struct tn_track *track)
{
    if (track->taken < TN_SAMPLES_MAX)
        return;
    track->taken = TN_SAMPLES_MAX / 2;
    track->stride *= 2;
    if (!track->wants_samples)
        return;
    for (size_t i = 0; i < TN_SAMPLES_MAX / 2; i++)
        track->samples[i] = track->samples[2 * i + 1];
    track->sample_count = TN_SAMPLES_MAX / 2;
}

static int take_sample(struct tn_track *track, const struct tn_heap *heap, uint64_t number, uint64_t time_ns)
{
    struct walk walk = {.track = track, .end = track->state.end_bytes};
    walk.weight_ns = (double)(time_ns - track->sampled_ns);
    walk.sample = (struct tn_replay_sample){
        .event = number,
        .time_ns = time_ns,
        .live_bytes = track->state.live_bytes,
        .internal_bytes = track->state.used_bytes + track->state.mapped_bytes - track->state.live_bytes,
        .external_bytes = track->state.hole_bytes,
        .live_count = track->state.live_count,
    };
    track->walks++;
    int r = tn_heap_walk(heap, visit, &walk);
    if (r < 0)
        return r;
    store(track, &walk.sample);
    track->sampled_ns = time_ns;
    return 0;
}

static void accumulate(struct tn_track *track, uint64_t time_ns)
{
    double ns = (double)(time_ns - track->last_ns);
    const struct tn_heap_state *state = &track->state;
    track->live_sum += ns * (double)state->live_bytes;
    track->internal_sum += ns * (double)(state->used_bytes + state->mapped_bytes - state->live_bytes);
    track->external_sum += ns * (double)state->hole_bytes;
    track->last_ns = time_ns;
}

static void note_peaks(struct tn_track *track)
{
    const struct tn_heap_state *state = &track->state;
    struct tn_replay_fragmentation *fragmentation = &track->fragmentation;
    uint64_t internal = state->used_bytes + state->mapped_bytes - state->live_bytes;
    if (state->used_bytes > track->used_peak)
        track->used_peak = state->used_bytes;
    if (state->mapped_bytes > track->mapped_peak)
        track->mapped_peak = state->mapped_bytes;
    if (state->live_count > track->peak_live_count)
        track->peak_live_count = state->live_count;
    if (internal > fragmentation->internal_max_bytes)
        fragmentation->internal_max_bytes = internal;
    if (state->hole_bytes > fragmentation->external_max_bytes)
        fragmentation->external_max_bytes = state->hole_bytes;
    if (state->live_bytes <= track->peak_live_bytes)
        return;
    track->peak_live_bytes = state->live_bytes;
    fragmentation->internal_at_peak_bytes = internal;
    fragmentation->external_at_peak_bytes = state->hole_bytes;
}

int tn_track_event(struct tn_track *track, const struct tn_heap *heap, uint64_t number, uint64_t time_ns)
{
    if (!track->has_begun) {
        track->first_ns = track->last_ns = track->sampled_ns = time_ns;
        track->has_begun = true;
    }
    accumulate(track, time_ns > track->last_ns ? time_ns : track->last_ns);
    tn_heap_state(heap, &track->state);
    note_peaks(track);
    if (number < track->next_sample)
        return 0;
    thin(track);
    track->next_sample = number - number % track->stride + track->stride;
    if (number % track->stride != 0)
        return 0;
    track->taken++;
    return take_sample(track, heap, number, track->last_ns);
}

static int compare_pins(const void *a, const void *b)
{
    const struct tn_replay_pin *x = a, *y = b;
    if (x->byte_ns != y->byte_ns)
        return x->byte_ns < y->byte_ns ? 1 : -1;
    return x->site_id < y->site_id ? -1 : x->site_id > y->site_id;
}

int tn_track_finish(struct tn_track *track, const struct tn_heap *heap, uint64_t number,
                    struct tn_replay_result *result)
{
    int r = 0;
    bool is_last_sampled = track->sample_count > 0 && track->samples[track->sample_count - 1].event == number;
    if ((track->wants_samples || track->wants_pins) && track->has_begun && !is_last_sampled) {
        thin(track);
        r = take_sample(track, heap, number, track->last_ns);
    }
    double ns = (double)(track->last_ns - track->first_ns);
    if (ns > 0) {
        track->fragmentation.live_mean_bytes = track->live_sum / ns;
        track->fragmentation.internal_mean_bytes = track->internal_sum / ns;
        track->fragmentation.external_mean_bytes = track->external_sum / ns;
    }
    if (track->pin_count > 0)
        qsort(track->pins, track->pin_count, sizeof(*track->pins), compare_pins);
    result->fragmentation = track->fragmentation;
    result->used_peak_bytes = track->used_peak;
    result->mapped_peak_bytes = track->mapped_peak;
    result->peak_live_bytes = track->peak_live_bytes;
    result->peak_live_count = track->peak_live_count;
    result->samples = track->samples;
    result->sample_count = track->sample_count;
    result->pins = track->pins;
    result->pin_count = track->pin_count;
    track->samples = NULL;
    track->pins = NULL;
    return r;
}
