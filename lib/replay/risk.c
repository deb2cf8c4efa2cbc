/* SPDX-License-Identifier: MIT */
/* The risk card: loads the recording once, and lets each level fill its part (risk_bound.c, risk_free.c,
 * risk_resample.c). Called by lib/simulate. */
#include "risk_levels.h"

void tn_risk_options_init(struct tn_risk_options *options)
{
    *options = (struct tn_risk_options){.replicas = 200, .max_events = 50000000, .seed = 1};
    tn_heap_options_init(&options->heap);
}

static int check_survival(const struct tn_replay_source *source, const struct tn_risk_options *options,
                          struct tn_risk_card *card, struct tn_error *error)
{
    struct tn_replay_options replay;
    struct tn_replay_result result;
    tn_replay_options_init(&replay, options->policy);
    replay.heap = options->heap;
    int r = tn_replay_run(source, &replay, &result, error);
    if (r < 0)
        return r;
    card->has_survived = result.has_survived;
    tn_replay_result_finish(&result);
    return 0;
}

int tn_risk_assess(const struct tn_replay_source *source, const struct tn_risk_options *options,
                   struct tn_risk_card *ret_card, struct tn_error *error)
{
    struct tn_risk_card card = {.heap_bytes = options->heap.heap_bytes, .horizon_ns = options->horizon_ns};
    struct tn_risk_trace trace;
    int r = check_survival(source, options, &card, error);
    if (r < 0)
        return r;
    r = tn_risk_trace_load(&trace, source, error);
    card.duration_ns = trace.last_ns - trace.first_ns;
    if (r == 0)
        r = tn_risk_certify(&trace, options, &card, error);
    if (r == 0) {
        tn_risk_without_distribution(&trace, &card);
        r = tn_risk_resample(&trace, options, &card, error);
    }
    tn_risk_trace_finish(&trace);
    if (r == 0)
        *ret_card = card;
    return r;
}
