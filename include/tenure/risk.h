/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RISK_H
#define TENURE_RISK_H

/* The risk card: what a recording of some minutes can say of a mission of a year, in three levels, strongest
 * first. The certificate needs no statistics, only bounds that the program must keep. The distribution-free
 * statement assumes that the future is like the recording. The resampled mission replays the recording's own
 * epochs in new orders. A level that the recording does not support refuses, and says why. Formulas and
 * sources: docs/simulator.md. lib/simulate uses it. A card is plain data and owns nothing. Any thread. */

#include "tenure/base.h"
#include "tenure/heap.h"
#include "tenure/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_RISK_WINDOWS    20 /* equal parts of the recording, whose peaks are compared */
#define TN_RISK_EPOCHS_MIN 20 /* fewer are no sample */

/* What is assessed. Set by the caller, after tn_risk_options_init. */
struct tn_risk_options {
    const struct tn_policy *policy;
    struct tn_heap_options heap; /* heap_bytes: the region to judge */
    uint64_t horizon_ns;         /* length of the mission, > 0 */
    uint64_t replicas;           /* missions that are resampled; 200 give an interval of 1.5 % */
    uint64_t max_events;         /* replayed in all replicas together, at the most */
    uint64_t seed;               /* of the draws: the same seed gives the same card */
};

/* Set defaults: 200 replicas, 50 million events, seed 1. The caller sets policy, heap and horizon. */
void tn_risk_options_init(struct tn_risk_options *options);

enum tn_certificate {
    TN_CERTIFICATE_NONE = 0,      /* no bound is known for this policy with these parameters */
    TN_CERTIFICATE_GAPS = 1,      /* counting: so many blocks leave so many gaps, each smaller than a block */
    TN_CERTIFICATE_FIRST_FIT = 2, /* Robson's bound of first fit */
    TN_CERTIFICATE_BUDDY = 3,     /* Robson's bound of powers of two */
    TN_CERTIFICATE_POOLS = 4,     /* as many blocks as live at once: nothing can be in the way */
};

/* Name of a certificate in reports: "none", "gaps", "first-fit", "buddy", "pools". Static string. */
const char *tn_certificate_name(enum tn_certificate certificate);

/* Why a level says nothing. */
enum tn_refusal {
    TN_REFUSAL_NO = 0,       /* it speaks */
    TN_REFUSAL_TREND,        /* the peaks of the windows rise: a leak makes every other number meaningless */
    TN_REFUSAL_TOO_FEW,      /* too few windows with events, or too few epochs */
    TN_REFUSAL_GROWTH,       /* blocks that are never released are born to the end */
    TN_REFUSAL_TOO_LONG,     /* more events than are held in memory */
    TN_REFUSAL_DOES_NOT_FIT, /* the recording itself does not survive in this heap */
};

/* A refusal in words for people; "" for TN_REFUSAL_NO. Static string. */
const char *tn_refusal_text(enum tn_refusal refusal);

/* The card. Written by tn_risk_assess; sizes in bytes of region, headers and rounding included, unless it
 * says otherwise. */
struct tn_risk_card {
    uint64_t heap_bytes;  /* region that was judged */
    uint64_t horizon_ns;  /* of the mission */
    uint64_t duration_ns; /* of the recording, from its first to its last event */
    bool has_survived;    /* the recording, in this region */

    /* Level 1: a region that suffices for every program within these bounds. That this program stays within
     * them was observed, not proved. */
    enum tn_certificate certificate;
    uint64_t certified_bytes;   /* region that cannot fail within the bounds; 0 with NONE */
    uint64_t bound_bytes;       /* M: bytes of blocks live at once */
    uint64_t bound_count;       /* K: blocks live at once */
    uint64_t bound_block_bytes; /* largest block */
    uint64_t bound_least_bytes; /* smallest block, or the unit of sizes: what n is counted in */
    double certified_factor;    /* certified_bytes / bound_bytes */
    bool is_certified;          /* heap_bytes >= certified_bytes */

    /* Level 2: from the peaks of equal windows of time. */
    enum tn_refusal free_refusal;
    uint64_t window_count;                  /* windows with events */
    uint64_t window_peaks[TN_RISK_WINDOWS]; /* most bytes requested and live in each */
    double trend_z;            /* Mann-Kendall; above 1.645 and with a slope that matters: refused */
    double trend_share;        /* Theil-Sen slope times duration, in parts of the median peak */
    double exceed_probability; /* that the mission's peak exceeds the recorded one */
    double failure_upper;      /* 95 % upper bound: probability of failure, as none was seen so far */
    uint64_t missions_needed;  /* tests without a failure to claim 99 % survival at 95 % confidence */

    /* Level 3: from replayed missions of resampled epochs. */
    enum tn_refusal resample_refusal;
    uint64_t epoch_count;       /* between idle points, when only blocks live that are never released */
    uint64_t epochs_horizon;    /* in the mission, at the recorded pace */
    uint64_t replicas;          /* replayed */
    uint64_t epochs_replayed;   /* in each, at most */
    uint64_t failures;          /* replicas that did not survive what was replayed */
    double survival;            /* share that did */
    double survival_low;        /* 95 % Clopper-Pearson interval, lower end */
    double survival_high;       /* and upper end */
    double mission_low;         /* survival_low for the whole mission, if epochs fail independently */
    uint64_t need_median_bytes; /* region that half of the replicas needed; one-pass policies, else 0 */
    uint64_t need_max_bytes;    /* region that all of them needed; one-pass policies, else 0 */
};

/* Assess the risk.
 *
 * source    the recording
 * ret_card  written on success; owns nothing
 * Returns   0, also when levels refuse; -EINVAL: the policy cannot be opened so; -ENOMEM; an error of the
 *           source; error says what failed
 * Cost      memory for up to 4 million events (160 MB); time for max_events on the policy */
int tn_risk_assess(const struct tn_replay_source *source, const struct tn_risk_options *options,
                   struct tn_risk_card *ret_card, struct tn_error *error);

#endif
