/* SPDX-License-Identifier: MIT */
/* Events a second of each policy: a made trace in memory with thousands of live blocks, replayed; user CPU
 * time, the best of some rounds. usage: heap_speed [POLICY...] */
#include "tenure/replay.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define EVENTS 1000000
#define LIVE   5000
#define ROUNDS 5

struct trace {
    struct tn_replay_event *events;
    size_t position;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Mostly small blocks; when all slots are taken, a random one is released for each that is placed. */
static void make_trace(struct trace *trace)
{
    static uint64_t live[LIVE];
    uint64_t seed = 88172645463325252u, id = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        size_t slot = next_random(&seed) % LIVE;
        uint64_t kind = next_random(&seed) % 100, value = next_random(&seed);
        struct tn_replay_event event = {.time_ns = i};
        if (live[slot] != 0) {
            event.kind = TN_REPLAY_RELEASE;
            event.id = live[slot];
            live[slot] = 0;
        } else {
            event.kind = TN_REPLAY_PLACE;
            event.id = live[slot] = ++id;
            event.size_bytes = 1 + (kind < 80 ? value % 256 : kind < 98 ? value % 2048 : value % 16384);
        }
        trace->events[i] = event;
    }
}

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct trace *trace = state;
    (void)error;
    if (trace->position == EVENTS)
        return 0;
    *ret_event = trace->events[trace->position++];
    return 1;
}

static int go_back(void *state, struct tn_error *error)
{
    struct trace *trace = state;
    (void)error;
    trace->position = 0;
    return 0;
}

static double user_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static int measure(const struct tn_policy *policy, struct trace *trace)
{
    struct tn_replay_source source = {.state = trace, .next = next, .rewind = go_back};
    struct tn_replay_options options;
    struct tn_heap_pool *pools = NULL;
    struct tn_error error;
    double best = 1e9;
    tn_replay_options_init(&options, policy);
    if (tn_policy_needs_pools(policy) &&
        tn_replay_pools(&source, 16, &pools, &options.heap.pool_count, &error) < 0)
        return 1;
    options.heap.pools = pools;
    if (!tn_policy_is_one_pass(policy))
        options.heap.heap_bytes = 8 * 1024 * 1024;
    struct tn_replay_result result = {0};
    for (int round = 0; round < ROUNDS; round++) {
        double start = user_seconds();
        tn_replay_result_finish(&result);
        if (tn_replay_run(&source, &options, &result, &error) < 0) {
            printf("%s: %s\n", tn_policy_name(policy), error.text);
            return 1;
        }
        double seconds = user_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    printf("%-16s %6.1f M events/s, %5.0f ns an event, high water %llu bytes%s\n", tn_policy_name(policy),
           EVENTS / best / 1e6, best / EVENTS * 1e9, (unsigned long long)result.high_water_bytes,
           result.has_survived ? "" : ", DID NOT SURVIVE");
    int status = !result.has_survived;
    tn_replay_result_finish(&result);
    free(pools);
    return status;
}

int main(int argc, char **argv)
{
    struct trace trace = {.events = calloc(EVENTS, sizeof(*trace.events))};
    int status = 0;
    if (trace.events == NULL)
        return 1;
    make_trace(&trace);
    for (size_t i = 0; tn_policy_at(i) != NULL; i++) {
        bool is_wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            is_wanted = is_wanted || strcmp(argv[a], tn_policy_name(tn_policy_at(i))) == 0;
        if (is_wanted)
            status |= measure(tn_policy_at(i), &trace);
    }
    free(trace.events);
    return status;
}
