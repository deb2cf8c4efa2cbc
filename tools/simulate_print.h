/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIMULATE_PRINT_H
#define TENURE_SIMULATE_PRINT_H

/* What `simulate` was asked and what came of it, and the two forms in which it is printed. */

#include "tenure/simulate.h"

#define TN_SIMULATE_POLICIES_MAX 64

/* Filled by cmd_simulate.c and simulate_apply.c, read by the printers. Zeroed at the start. */
struct tn_simulation {
    const char *name;               /* borrowed; of the script or log */
    struct tn_replay_source source; /* borrowed; the events of the script or log */
    struct tn_log_source *log;      /* borrowed; NULL: a script */
    uint64_t pauses;                /* of the log's recording; what was allocated meanwhile is not replayed */
    uint64_t paused_ns;             /* spent in them */
    uint64_t unrecorded_allocations;                               /* made meanwhile, in all processes */
    struct tn_simulated_policy policies[TN_SIMULATE_POLICIES_MAX]; /* owned */
    size_t policy_count;                                           /* of policies and models */
    struct tn_overrides overrides;                            /* owned; what is assumed of the log's sites */
    bool has_heap;                                            /* the region was given */
    bool has_offsets;                                         /* they are to be printed */
    struct tn_findings findings;                              /* owned; what_if borrows them */
    struct tn_what_if what_if;                                /* owned; valid if has_changes */
    struct tn_what_if_model models[TN_SIMULATE_POLICIES_MAX]; /* of what_if, by policy */
    uint64_t findings_left; /* findings that could have been measured, but were too many */
    bool has_changes;       /* findings were to be applied */
};

/* Analyse the log that is replayed, and measure what the findings would change.
 *
 * kinds    of findings, separated by commas, or "all"
 * plan     NULL; else numbers or keys of the findings to take, or letters of steps, separated by commas, as
 * reports
 *          give them
 * Returns  as tn_analyze and tn_what_if_run; -EINVAL: no such finding, or one that no replay can show */
int tn_simulate_apply(struct tn_simulation *simulation, struct tn_log *log, const char *kinds,
                      const char *plan, struct tn_error *error);

/* Append the answer as text for people. Returns 0 or -ENOMEM. */
int tn_simulate_print_text(const struct tn_simulation *simulation, struct tn_buffer *out);

/* Append the answer as one JSON object. Returns 0 or -ENOMEM. */
int tn_simulate_print_json(const struct tn_simulation *simulation, struct tn_buffer *out);

/* Append a risk card as text. Returns 0 or -ENOMEM. */
int tn_simulate_print_risk(const struct tn_risk_card *card, struct tn_buffer *out);

#endif
