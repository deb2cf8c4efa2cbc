/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_RISK_LEVELS_H
#define TENURE_REPLAY_RISK_LEVELS_H

/* What the three levels of a risk card share: the recording in memory, cut into epochs; and their entry
 * points. */

#include "tenure/risk.h"

#define TN_RISK_EVENTS_MAX 4000000u

/* One event of the recording. */
struct tn_risk_event {
    uint64_t id, size_bytes, time_ns;
    uint32_t site_id;
    uint32_t birth;       /* index of the placement that this event belongs to; its own for a placement */
    uint8_t kind;         /* enum tn_replay_kind */
    uint8_t align_log2_1; /* 1 + log2 of the alignment; 0: none */
    bool is_permanent;    /* placement: not released before the last placement, and not young then */
};

/* Events from begin to end, the next epoch's begin. At both ends only permanent blocks live. */
struct tn_risk_epoch {
    uint32_t begin, end;
};

struct tn_risk_trace {
    struct tn_risk_event *events; /* owned; up to the last placement: what comes after is teardown */
    uint32_t event_count;
    bool is_cut;                  /* there were more */
    uint64_t first_ns, last_ns;   /* of all events, teardown included */
    struct tn_risk_epoch *epochs; /* owned; without the first one, which is the start-up */
    uint32_t epoch_count;
    uint32_t warm_up_end; /* events before belong to the start-up */
    uint64_t peaks[TN_RISK_WINDOWS];
    uint32_t window_count; /* windows with events */
    bool is_growing;       /* permanent blocks are born in most tenths of the time after the start-up */
};

/* Load a recording. Returns 0, an error of the source or -ENOMEM; error says what failed.
 * tn_risk_trace_finish releases it in each case. */
int tn_risk_trace_load(struct tn_risk_trace *trace, const struct tn_replay_source *source,
                       struct tn_error *error);

/* Release what a trace owns. */
void tn_risk_trace_finish(struct tn_risk_trace *trace);

/* Level 1: bounds and the certificate. Returns 0, -EINVAL or -ENOMEM; error says what failed. */
int tn_risk_certify(const struct tn_risk_trace *trace, const struct tn_risk_options *options,
                    struct tn_risk_card *card, struct tn_error *error);

/* Level 2: whether the peaks of the windows permit a statement, and which. */
void tn_risk_without_distribution(const struct tn_risk_trace *trace, struct tn_risk_card *card);

/* Level 3: draw epochs and replay them. Returns 0, -EINVAL or -ENOMEM; error says what failed. */
int tn_risk_resample(const struct tn_risk_trace *trace, const struct tn_risk_options *options,
                     struct tn_risk_card *card, struct tn_error *error);

/* 95 % Clopper-Pearson interval of the share successes / trials. Cost: 120 sums of `trials` terms. */
void tn_risk_interval(uint64_t successes, uint64_t trials, double *ret_low, double *ret_high);

#endif
