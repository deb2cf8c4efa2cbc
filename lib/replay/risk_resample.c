/* SPDX-License-Identifier: MIT */
/* Level 3 of the risk card: replicas of a mission, each made of the recording's start-up and of its epochs
 * in a random order, drawn with replacement, and replayed. The seed is given, so that the same recording
 * gives the same card. */
#include "risk_levels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define TAIL 0.025 /* of a 95 % interval, each side */

/* One replica under way. Arrays are by the index of a placement. */
struct replica {
    const struct tn_risk_trace *trace;
    struct tn_heap *heap;
    uint32_t *blocks;    /* owned; the placement's block in the heap; 0: none */
    uint32_t *placed_in; /* owned; number of the replica that placed it last */
    uint32_t number;     /* of this replica, from 1 */
};

/* A random number: Sebastiano Vigna's splitmix64. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Binomial tail: P(X >= k) of n trials with probability p. */
static double tail_at_least(uint64_t k, uint64_t n, double p)
{
    double sum = 0;
    for (uint64_t i = k; i <= n; i++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
                   (double)i * log(p) + (double)(n - i) * log1p(-p));
    return sum;
}

void tn_risk_interval(uint64_t successes, uint64_t trials, double *ret_low, double *ret_high)
{
    double low[2] = {0, 1}, high[2] = {0, 1};
    for (int i = 0; i < 60; i++) {
        double at = (low[0] + low[1]) / 2;
        low[tail_at_least(successes, trials, at) > TAIL] = at;
        at = (high[0] + high[1]) / 2;
        high[1 - tail_at_least(successes + 1, trials, at) < TAIL] = at;
    }
    *ret_low = successes == 0 ? 0 : low[0];
    *ret_high = successes == trials ? 1 : high[1];
}

/* Returns 1: done; 0: the heap did not survive; negative errno. */
static int replay_event(struct replica *replica, uint32_t index)
{
    const struct tn_risk_event *event = &replica->trace->events[index];
    uint32_t birth = event->birth, *block = &replica->blocks[birth];
    bool is_permanent = replica->trace->events[birth].is_permanent;
    bool is_there = is_permanent && replica->placed_in[birth] == replica->number;
    int r = 0;
    if (event->kind == TN_REPLAY_RELEASE) {
        if (*block != 0)
            tn_heap_release(replica->heap, *block);
        *block = 0;
        return 1;
    }
    if (event->kind == TN_REPLAY_RESIZE) {
        if (*block != 0)
            r = tn_heap_resize(replica->heap, *block, event->size_bytes, block);
    } else if (!is_there) {
        uint64_t alignment = event->align_log2_1 != 0 ? UINT64_C(1) << (event->align_log2_1 - 1) : 0;
        *block = 0;
        r = tn_heap_place(replica->heap, event->size_bytes, alignment, event->site_id, block);
        replica->placed_in[birth] = replica->number;
    }
    return r == 0 || r == -EINVAL ? 1 : r == -ENOSPC ? 0 : r;
}

static int replay_span(struct replica *replica, uint32_t begin, uint32_t end)
{
    int r = 1;
    for (uint32_t i = begin; i < end && r > 0; i++)
        r = replay_event(replica, i);
    return r;
}

/* Returns 1: survived; 0; negative errno. */
static int replay_mission(struct replica *replica, uint64_t max_events, uint64_t *seed, uint64_t max_epochs,
                          uint64_t *ret_epochs)
{
    const struct tn_risk_trace *trace = replica->trace;
    for (uint32_t i = 0; i < trace->event_count; i++)
        replica->blocks[i] = 0;
    int r = replay_span(replica, 0, trace->warm_up_end);
    uint64_t epochs = 0, events = trace->warm_up_end;
    while (r > 0 && epochs < max_epochs && events < max_events) {
        const struct tn_risk_epoch *epoch = &trace->epochs[draw(seed) % trace->epoch_count];
        r = replay_span(replica, epoch->begin, epoch->end);
        events += epoch->end - epoch->begin;
        epochs++;
    }
    if (epochs > *ret_epochs)
        *ret_epochs = epochs;
    return r;
}

/* One-pass policies are replayed in an unlimited region: that shows what region the replica needs, too. */
static int run_replica(struct replica *replica, const struct tn_risk_options *options, uint64_t *seed,
                       struct tn_risk_card *card, uint64_t *ret_need, struct tn_error *error)
{
    struct tn_heap_options heap = options->heap;
    bool is_one_pass = tn_policy_is_one_pass(options->policy);
    if (is_one_pass)
        heap.heap_bytes = TN_HEAP_UNLIMITED;
    int r = tn_heap_open(options->policy, &heap, &replica->heap, error);
    if (r < 0)
        return r;
    r = replay_mission(replica, options->max_events / options->replicas, seed, card->epochs_horizon,
                       &card->epochs_replayed);
    *ret_need = is_one_pass ? tn_heap_smallest(replica->heap) : 0;
    tn_heap_close(replica->heap);
    if (r < 0)
        return tn_error_set(error, r, "cannot resample the recording: out of memory");
    card->failures += r == 0 || *ret_need > options->heap.heap_bytes;
    card->replicas++;
    return 0;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Share of the replicas that survived, and what follows for a mission of more epochs than were replayed:
 * if epochs fail independently and alike, its probability to survive is that of a replica to the power of
 * the ratio. */
static void judge(struct tn_risk_card *card, uint64_t *needs)
{
    uint64_t survived = card->replicas - card->failures;
    card->survival = (double)survived / (double)card->replicas;
    tn_risk_interval(survived, card->replicas, &card->survival_low, &card->survival_high);
    double missions =
        (double)card->epochs_horizon / (double)(card->epochs_replayed > 0 ? card->epochs_replayed : 1);
    card->mission_low = pow(card->survival_low, missions > 1 ? missions : 1);
    qsort(needs, card->replicas, sizeof(needs[0]), by_size);
    card->need_median_bytes = needs[card->replicas / 2];
    card->need_max_bytes = needs[card->replicas - 1];
}

static int run_replicas(struct replica *replica, const struct tn_risk_options *options,
                        struct tn_risk_card *card, struct tn_error *error)
{
    uint64_t *needs = calloc(options->replicas, sizeof(needs[0])), seed = options->seed;
    if (needs == NULL)
        return tn_error_set(error, -ENOMEM, "cannot resample the recording: out of memory");
    int r = 0;
    for (uint64_t i = 0; i < options->replicas && r == 0; i++) {
        replica->number = (uint32_t)i + 1;
        r = run_replica(replica, options, &seed, card, &needs[i], error);
    }
    if (r == 0)
        judge(card, needs);
    free(needs);
    return r;
}

static enum tn_refusal refuse(const struct tn_risk_trace *trace, const struct tn_risk_card *card)
{
    if (card->free_refusal != TN_REFUSAL_NO && card->free_refusal != TN_REFUSAL_TOO_FEW)
        return card->free_refusal;
    return trace->epoch_count < TN_RISK_EPOCHS_MIN ? TN_REFUSAL_TOO_FEW : TN_REFUSAL_NO;
}

int tn_risk_resample(const struct tn_risk_trace *trace, const struct tn_risk_options *options,
                     struct tn_risk_card *card, struct tn_error *error)
{
    card->epoch_count = trace->epoch_count;
    card->resample_refusal = refuse(trace, card);
    if (card->resample_refusal != TN_REFUSAL_NO)
        return 0;
    double epoch_ns = (double)(card->duration_ns > 0 ? card->duration_ns : 1) / (double)trace->epoch_count;
    card->epochs_horizon = (uint64_t)ceil((double)card->horizon_ns / epoch_ns);
    struct replica replica = {
        .trace = trace,
        .blocks = calloc(trace->event_count, sizeof(uint32_t)),
        .placed_in = calloc(trace->event_count, sizeof(uint32_t)),
    };
    int r = replica.blocks != NULL && replica.placed_in != NULL
                ? run_replicas(&replica, options, card, error)
                : tn_error_set(error, -ENOMEM, "cannot resample the recording: out of memory");
    free(replica.blocks);
    free(replica.placed_in);
    return r;
}
