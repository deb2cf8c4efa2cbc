/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIMULATE_H
#define TENURE_SIMULATE_H

/* What `simulate` was asked and what came of it, and the two forms in which it is printed. */

#include "replay_log.h"
#include "tenure/finding.h"
#include "tenure/json.h"
#include "tenure/replay.h"
#include "tenure/risk.h"
#include "what_if.h"

#define TN_SIMULATE_POLICIES_MAX 64

/* One policy of a simulation. */
struct tn_simulate_policy {
    char *label; /* owned; as it was asked for: "glibc:tcache=0" */
    struct tn_replay_options options;
    struct tn_heap_pool *pools;     /* owned; of options.heap */
    struct tn_replay_result result; /* owned; valid once has_result */
    bool has_result;
    struct tn_risk_card risk; /* valid once has_risk */
    bool has_risk;
};

struct tn_simulation {
    const char *name; /* of the script or log */
    struct tn_replay_source source;
    struct tn_replay_log *log; /* borrowed; NULL: a script */
    struct tn_simulate_policy policies[TN_SIMULATE_POLICIES_MAX];
    size_t policy_count;
    struct tn_replay_sites sites;                             /* owned; what is assumed of the log's */
    bool has_heap;                                            /* the region was given */
    bool has_offsets;                                         /* to be printed */
    struct tn_findings findings;                              /* owned; what_if borrows them */
    struct tn_what_if what_if;                                /* owned; valid once has_changes */
    struct tn_what_if_model models[TN_SIMULATE_POLICIES_MAX]; /* of what_if, by policy */
    uint64_t findings_left; /* that could have been measured, but were too many */
    bool has_changes;
};

/* Analyse the log that is replayed, and measure what the findings would change.
 *
 * kinds    of findings, separated by commas, or "all"
 * plan     NULL; else the ranks of the findings to take, as kinds "all" gives them, separated
 * by commas Returns  as tn_analyze and tn_what_if_run; -EINVAL: no such rank, or one that no replay can show
 */
int tn_simulate_apply(struct tn_simulation *simulation, struct tn_log *log, const char *kinds,
                      const char *plan, struct tn_error *error);

/* Append the changes, as the member "what_if" and as text. */
void tn_simulate_put_changes(struct tn_json *json, const struct tn_simulation *simulation);
int tn_simulate_print_changes(const struct tn_simulation *simulation, struct tn_buffer *out);

/* Append the answer as text for people. Returns 0 or -ENOMEM. */
int tn_simulate_print_text(const struct tn_simulation *simulation, struct tn_buffer *out);

/* Append the answer as one JSON object. Returns 0 or -ENOMEM. */
int tn_simulate_print_json(const struct tn_simulation *simulation, struct tn_buffer *out);

/* Parse "1y", "30d", "12h", "90m", "10s", "2w".
 *
 * Returns  0; -EINVAL when text is no duration, or none up to 100 years (ret_horizon_ns untouched) */
int tn_simulate_parse_horizon(const char *text, uint64_t *ret_horizon_ns);

/* Append a risk card, as the member "risk" and as text. */
void tn_simulate_put_risk(struct tn_json *json, const struct tn_risk_card *card);
int tn_simulate_print_risk(const struct tn_risk_card *card, struct tn_buffer *out);

#endif
