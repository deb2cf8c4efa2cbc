/* SPDX-License-Identifier: MIT */
/* The recording in memory, as the levels of the risk card need it: permanent and transient blocks told
 * apart, epochs cut at idle points (moments when only permanent blocks live), and the peaks of equal
 * windows of time. */
#include "risk_levels.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TENTHS 10

/* State of the load. */
struct trace_load {
    struct tn_map births; /* id -> 1 + index of the placement of the block that lives */
    uint32_t capacity;
    uint32_t last_placement; /* 1 + index; 0: none */
};

static int out_of_memory(struct tn_error *error)
{
    return tn_error_set(error, -ENOMEM, "cannot assess the risk: out of memory");
}

static int make_room(struct tn_risk_trace *trace, struct trace_load *loading)
{
    if (trace->event_count < loading->capacity)
        return 0;
    uint32_t capacity = loading->capacity != 0 ? loading->capacity * 2 : 4096;
    struct tn_risk_event *events = realloc(trace->events, capacity * sizeof(events[0]));
    if (events == NULL)
        return -ENOMEM;
    trace->events = events;
    loading->capacity = capacity;
    return 0;
}

static uint8_t align_code(uint64_t alignment_bytes)
{
    return alignment_bytes != 0 ? (uint8_t)(1 + __builtin_ctzll(alignment_bytes)) : 0;
}

/* Append an event, unless it releases or resizes a block that is not known. */
static int take(struct tn_risk_trace *trace, struct trace_load *loading, const struct tn_replay_event *event)
{
    uint64_t *known = tn_map_find(&loading->births, event->id);
    if (known == NULL && event->kind != TN_REPLAY_PLACE)
        return 0;
    if (make_room(trace, loading) < 0)
        return -ENOMEM;
    uint32_t index = trace->event_count++;
    uint32_t birth = event->kind == TN_REPLAY_PLACE ? index : (uint32_t)(*known - 1);
    trace->events[index] = (struct tn_risk_event){
        .id = event->id,
        .size_bytes = event->size_bytes,
        .time_ns = event->time_ns,
        .site_id = event->site_id,
        .birth = birth,
        .kind = (uint8_t)event->kind,
        .align_log2_1 = align_code(event->alignment_bytes),
    };
    if (event->kind == TN_REPLAY_RELEASE) {
        tn_map_remove(&loading->births, event->id, NULL);
        return 0;
    }
    loading->last_placement = index + 1;
    return event->kind == TN_REPLAY_PLACE ? tn_map_put(&loading->births, event->id, index + 1) : 0;
}

static int read_events(struct tn_risk_trace *trace, struct trace_load *loading,
                       const struct tn_replay_source *source, struct tn_error *error)
{
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    bool is_first = true;
    while (r >= 0 && (r = source->next(source->state, &event, error)) > 0) {
        if (is_first)
            trace->first_ns = event.time_ns;
        is_first = false;
        trace->last_ns = event.time_ns;
        trace->is_cut = trace->event_count == TN_RISK_EVENTS_MAX;
        if (trace->is_cut)
            return 0;
        if (take(trace, loading, &event) < 0)
            return out_of_memory(error);
    }
    return r;
}

/* A block is permanent if it is not released before the last placement, after which the program only tears
 * down. Those born in the last tenth are not: that they still live proves nothing. */
static void mark_permanent(struct tn_risk_trace *trace, const struct trace_load *loading)
{
    trace->event_count = loading->last_placement;
    for (uint32_t i = 0; i < trace->event_count; i++)
        trace->events[i].is_permanent =
            trace->events[i].kind == TN_REPLAY_PLACE && i < trace->event_count / TENTHS * (TENTHS - 1);
    for (uint32_t i = 0; i < trace->event_count; i++)
        if (trace->events[i].kind == TN_REPLAY_RELEASE)
            trace->events[trace->events[i].birth].is_permanent = false;
}

/* By how much an event changes the count of live transient blocks. */
static int step_of(const struct tn_risk_trace *trace, uint32_t index)
{
    const struct tn_risk_event *event = &trace->events[index];
    if (event->kind == TN_REPLAY_RESIZE || trace->events[event->birth].is_permanent)
        return 0;
    return event->kind == TN_REPLAY_PLACE ? 1 : -1;
}

/* An epoch ends where the last live transient block is released; the first one is the start-up. */
static int cut_epochs(struct tn_risk_trace *trace)
{
    uint64_t transient = 0;
    uint32_t begin = 0, capacity = 0;
    for (uint32_t i = 0; i < trace->event_count; i++) {
        int step = step_of(trace, i);
        transient = transient + (uint64_t)(int64_t)step;
        if (step >= 0 || transient != 0)
            continue;
        if (begin == 0) {
            begin = trace->warm_up_end = i + 1;
            continue;
        }
        if (trace->epoch_count == capacity) {
            capacity = capacity != 0 ? capacity * 2 : 256;
            struct tn_risk_epoch *epochs = realloc(trace->epochs, capacity * sizeof(epochs[0]));
            if (epochs == NULL)
                return -ENOMEM;
            trace->epochs = epochs;
        }
        trace->epochs[trace->epoch_count++] = (struct tn_risk_epoch){begin, i + 1};
        begin = i + 1;
    }
    return 0;
}

/* Time from the first event to the last placement, and 1 ns: each event's share of it is below 1. */
static uint64_t placed_span_ns(const struct tn_risk_trace *trace)
{
    return trace->event_count > 0 ? trace->events[trace->event_count - 1].time_ns - trace->first_ns + 1 : 1;
}

/* Most live bytes in each window of time; in a window without an event, those that live throughout. */
static int find_peaks(struct tn_risk_trace *trace)
{
    uint64_t *sizes = calloc(trace->event_count + 1u, sizeof(sizes[0])); /* of the block, by its placement */
    if (sizes == NULL)
        return -ENOMEM;
    uint64_t span_ns = placed_span_ns(trace), live = 0;
    uint32_t last = 0;
    bool has_events[TN_RISK_WINDOWS] = {false};
    for (uint32_t i = 0; i < trace->event_count; i++) {
        const struct tn_risk_event *event = &trace->events[i];
        double share = (double)(event->time_ns - trace->first_ns) / (double)span_ns;
        uint32_t window = (uint32_t)(share * TN_RISK_WINDOWS);
        for (; last < window; last++)
            trace->peaks[last + 1] = live;
        has_events[window] = true;
        live -= sizes[event->birth];
        sizes[event->birth] = event->kind == TN_REPLAY_RELEASE ? 0 : event->size_bytes;
        live += sizes[event->birth];
        if (live > trace->peaks[window])
            trace->peaks[window] = live;
    }
    for (unsigned i = 0; i < TN_RISK_WINDOWS; i++)
        trace->window_count += has_events[i];
    free(sizes);
    return 0;
}

/* A program whose permanent blocks are born all the time will need more in a year than it was seen to
 * need. The first tenth counts as its start-up. */
static void find_growth(struct tn_risk_trace *trace)
{
    uint64_t births[TENTHS] = {0};
    uint64_t span_ns = placed_span_ns(trace);
    for (uint32_t i = 0; i < trace->event_count; i++) {
        const struct tn_risk_event *event = &trace->events[i];
        double share = (double)(event->time_ns - trace->first_ns) / (double)span_ns;
        if (event->kind == TN_REPLAY_PLACE && event->is_permanent)
            births[(unsigned)(share * TENTHS)]++;
    }
    unsigned late = 0;
    for (unsigned i = 1; i < TENTHS - 1; i++)
        late += births[i] > 0;
    trace->is_growing = late * 3 > (TENTHS - 2) * 2;
}

int tn_risk_trace_load(struct tn_risk_trace *trace, const struct tn_replay_source *source,
                       struct tn_error *error)
{
    struct trace_load loading = {0};
    *trace = (struct tn_risk_trace){0};
    int r = read_events(trace, &loading, source, error);
    tn_map_finish(&loading.births);
    if (r < 0)
        return r;
    mark_permanent(trace, &loading);
    find_growth(trace);
    if (cut_epochs(trace) < 0 || find_peaks(trace) < 0)
        return out_of_memory(error);
    return 0;
}

void tn_risk_trace_finish(struct tn_risk_trace *trace)
{
    free(trace->events);
    free(trace->epochs);
    *trace = (struct tn_risk_trace){0};
}
