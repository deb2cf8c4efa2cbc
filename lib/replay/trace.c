/* SPDX-License-Identifier: MIT */
/* Events of a source in memory, to be replayed many times: reading a log takes longer than replaying it.
 * Blocks get new ids, the smallest that is free, so that whoever follows them can use an array; number,
 * order and content of the events stay. Called by lib/simulate and the tools. */
#include "dense_map.h"
#include "tenure/replay.h"

/* One event in 32 bytes. */
struct packed_event {
    uint64_t time_ns;
    uint64_t size_bytes;
    uint32_t id;
    uint32_t site_id;
    uint32_t thread_id;
    uint16_t role;
    uint8_t kind;
    uint8_t align_code; /* 1 + log2 of the alignment; 0: none */
};

struct tn_replay_trace {
    struct packed_event *events; /* owned */
    size_t event_count, event_capacity;
    size_t position; /* of the source: the next event */
};

/* State of the reading. */
struct trace_reading {
    struct tn_replay_trace *trace;
    struct tn_dense_map number_of_id; /* the source's id -> ours */
    uint32_t *spares;                 /* owned; numbers that are free again */
    size_t spare_count, spare_capacity;
    uint32_t last_number; /* highest that was given */
};

/* The id of blocks that were never placed: what is done to them does nothing. */
#define UNKNOWN_NUMBER 1u

static int keep_spare(struct trace_reading *reading, uint32_t number)
{
    if (reading->spare_count == reading->spare_capacity) {
        size_t capacity = reading->spare_capacity != 0 ? reading->spare_capacity * 2 : 256;
        uint32_t *spares = realloc(reading->spares, capacity * sizeof(spares[0]));
        if (spares == NULL)
            return -ENOMEM;
        reading->spares = spares;
        reading->spare_capacity = capacity;
    }
    reading->spares[reading->spare_count++] = number;
    return 0;
}

/* Our id of a block. Returns 0 or -ENOMEM. */
static int number_block(struct trace_reading *reading, const struct tn_replay_event *event,
                        uint32_t *ret_number)
{
    const uint64_t *known = tn_dense_map_find(&reading->number_of_id, event->id);
    *ret_number = known != NULL ? (uint32_t)*known : UNKNOWN_NUMBER;
    if (event->kind == TN_REPLAY_RELEASE && known != NULL) {
        uint64_t number = 0;
        tn_dense_map_remove(&reading->number_of_id, event->id, &number);
        return keep_spare(reading, (uint32_t)number);
    }
    if (event->kind != TN_REPLAY_PLACE || known != NULL)
        return 0;
    *ret_number = reading->spare_count > 0 ? reading->spares[--reading->spare_count] : ++reading->last_number;
    return tn_dense_map_put(&reading->number_of_id, event->id, *ret_number);
}

static int append(struct trace_reading *reading, const struct tn_replay_event *event)
{
    struct tn_replay_trace *trace = reading->trace;
    uint32_t number = 0;
    if (trace->event_count == trace->event_capacity) {
        size_t capacity = trace->event_capacity != 0 ? trace->event_capacity * 2 : 4096;
        struct packed_event *events = realloc(trace->events, capacity * sizeof(events[0]));
        if (events == NULL)
            return -ENOMEM;
        trace->events = events;
        trace->event_capacity = capacity;
    }
    int r = number_block(reading, event, &number);
    if (r < 0)
        return r;
    trace->events[trace->event_count++] = (struct packed_event){
        .time_ns = event->time_ns,
        .size_bytes = event->size_bytes,
        .id = number,
        .site_id = event->site_id,
        .thread_id = event->thread_id,
        .role = event->role,
        .kind = (uint8_t)event->kind,
        .align_code =
            event->alignment_bytes != 0 ? (uint8_t)(1 + __builtin_ctzll(event->alignment_bytes)) : 0,
    };
    return 0;
}

static int read_all(struct trace_reading *reading, const struct tn_replay_source *source, size_t max_events,
                    struct tn_error *error)
{
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    if (r < 0)
        return r;
    while ((r = source->next(source->state, &event, error)) > 0) {
        if (reading->trace->event_count == max_events)
            return tn_error_set(error, -E2BIG, "more events than can be kept in memory");
        if (append(reading, &event) < 0)
            return tn_error_set(error, -ENOMEM, "cannot replay: out of memory");
    }
    return r;
}

int tn_replay_trace_read(const struct tn_replay_source *source, size_t max_events,
                         struct tn_replay_trace **ret_trace, struct tn_error *error)
{
    struct tn_replay_trace *trace = calloc(1, sizeof(*trace));
    if (trace == NULL)
        return tn_error_set(error, -ENOMEM, "cannot replay: out of memory");
    struct trace_reading reading = {.trace = trace, .last_number = UNKNOWN_NUMBER};
    int r = read_all(&reading, source, max_events, error);
    tn_dense_map_finish(&reading.number_of_id);
    free(reading.spares);
    if (r < 0)
        tn_replay_trace_close(trace);
    else
        *ret_trace = trace;
    return r;
}

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    (void)error;
    struct tn_replay_trace *trace = state;
    if (trace->position == trace->event_count)
        return 0;
    const struct packed_event *event = &trace->events[trace->position++];
    *ret_event = (struct tn_replay_event){
        .kind = (enum tn_replay_kind)event->kind,
        .id = event->id,
        .size_bytes = event->size_bytes,
        .alignment_bytes = event->align_code != 0 ? UINT64_C(1) << (event->align_code - 1) : 0,
        .time_ns = event->time_ns,
        .site_id = event->site_id,
        .thread_id = event->thread_id,
        .role = event->role,
    };
    return 1;
}

static int go_back(void *state, struct tn_error *error)
{
    (void)error;
    ((struct tn_replay_trace *)state)->position = 0;
    return 0;
}

struct tn_replay_source tn_replay_trace_source(struct tn_replay_trace *trace)
{
    return (struct tn_replay_source){.state = trace, .next = next, .rewind = go_back};
}

size_t tn_replay_trace_count(const struct tn_replay_trace *trace)
{
    return trace->event_count;
}

void tn_replay_trace_close(struct tn_replay_trace *trace)
{
    if (trace == NULL)
        return;
    free(trace->events);
    free(trace);
}
