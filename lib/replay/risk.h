/* SPDX-License-Identifier: MIT */
#ifndef TN_REPLAY_RISK_H
#define TN_REPLAY_RISK_H

/* What the levels of a risk card share: the recording in memory, cut into epochs. */

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

/* Load a recording. tn_risk_trace_finish releases it, also after a failure. */
int tn_risk_trace_load(struct tn_risk_trace *trace, const struct tn_replay_source *source,
                       struct tn_error *error);

/* Release. */
void tn_risk_trace_finish(struct tn_risk_trace *trace);

/* Level 1: bounds and the certificate. */
int tn_risk_certify(const struct tn_risk_trace *trace, const struct tn_risk_options *options,
                    struct tn_risk_card *card, struct tn_error *error);

/* Level 2: whether the windows' peaks allow to speak, and what follows. */
void tn_risk_without_distribution(const struct tn_risk_trace *trace, struct tn_risk_card *card);

/* Level 3: draw epochs and replay them. */
int tn_risk_resample(const struct tn_risk_trace *trace, const struct tn_risk_options *options,
                     struct tn_risk_card *card, struct tn_error *error);

/* 95 % Clopper-Pearson interval of a share. Cost: some hundred steps. */
void tn_risk_interval(uint64_t successes, uint64_t trials, double *ret_low, double *ret_high);

#endif
