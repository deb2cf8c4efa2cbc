/* SPDX-License-Identifier: MIT */
/* Measures a replay while it runs: after each event in O(1) from the heap's counters; at evenly spaced
 * samples, at most TN_SAMPLES_MAX of them, by a walk over the heap. When there are too many, every second
 * one is dropped and the distance doubles. Called by replay.c. */
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
    tn_map_finish(&track->pin_by_site);
    *track = (struct tn_track){0};
}

static struct tn_heap_pin *find_pin(struct tn_track *track, uint32_t site_id)
{
    uint64_t *found = tn_map_find(&track->pin_by_site, (uint64_t)site_id + 1);
    if (found != NULL)
        return &track->pins[*found].pin;
    if (track->pin_count == track->pin_capacity) {
        size_t capacity = track->pin_capacity != 0 ? track->pin_capacity * 2 : 32;
        struct tn_replay_pin *pins = realloc(track->pins, capacity * sizeof(*pins));
        if (pins == NULL)
            return NULL;
        track->pins = pins;
        track->pin_capacity = capacity;
    }
    if (tn_map_put(&track->pin_by_site, (uint64_t)site_id + 1, track->pin_count) < 0)
        return NULL;
    track->pins[track->pin_count] = (struct tn_replay_pin){.site_id = site_id};
    return &track->pins[track->pin_count++].pin;
}

/* One walk over the heap: who pins its holes, each for weight_ns. */
struct sample_walk {
    struct tn_track *track;
    double weight_ns; /* how long the heap has looked like this */
};

static int blame(void *context, uint32_t owner, uint64_t bytes)
{
    struct sample_walk *walk = context;
    struct tn_heap_pin *pin = find_pin(walk->track, owner);
    if (pin == NULL)
        return -ENOMEM;
    tn_heap_pin_add(pin, walk->track->walks, bytes, walk->weight_ns);
    return 0;
}

/* If the room is used up, drop every second sample, and take only every second one from now on. */
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
    struct sample_walk walk = {.track = track, .weight_ns = (double)(time_ns - track->sampled_ns)};
    struct tn_heap_holes holes;
    track->walks++;
    int r = tn_heap_find_pins(heap, track->wants_pins ? blame : NULL, &walk, &holes);
    if (r < 0)
        return r;
    struct tn_replay_sample sample = {
        .event = number,
        .time_ns = time_ns,
        .live_bytes = track->state.live_bytes,
        .internal_bytes = track->state.used_bytes + track->state.mapped_bytes - track->state.live_bytes,
        .external_bytes = track->state.hole_bytes,
        .largest_free_bytes = holes.largest_free_bytes,
        .hole_count = holes.hole_count,
        .live_count = track->state.live_count,
    };
    if (track->wants_samples)
        track->samples[track->sample_count++] = sample;
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
    if (x->pin.byte_ns != y->pin.byte_ns)
        return x->pin.byte_ns < y->pin.byte_ns ? 1 : -1;
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
