/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODELS_H
#define TENURE_MODELS_H

/* Models of heaps as users name them, and what findings come to on them. */

#include "replay_log.h"
#include "tenure/finding.h"
#include "tenure/replay.h"

#define TN_MODELS_DEFAULT "first-fit,freertos-heap4,tlsf,glibc"

#define TN_MODELS_FINDINGS_MAX 20

/* How much is measured: each finding takes some replays on each model. */
struct tn_models_effort {
    size_t finding_max;  /* findings, the first ones that a replay can show */
    uint64_t max_events; /* replayed in search of each smallest heap */
};

/* Read one model: NAME[:KEY=VALUE]...
 *
 * command      whose option it is, for messages
 * heap         what holds for all models
 * Returns      0; -EINVAL: no such policy, parameter or value; -ENOMEM; with the story in error */
int tn_model_parse(const char *command, const char *text, const struct tn_heap_options *heap,
                   struct tn_replay_options *ret_options, struct tn_error *error);

/* Measure what findings change on models, and note it in their savings (heap_deltas): the strongest ones
 * only, as many as can be measured in bearable time. The caller ranks them anew.
 *
 * log       open; the process is that of the findings
 * policies  models, separated by commas
 * effort    finding_max at most TN_MODELS_FINDINGS_MAX
 * Returns   0; -EINVAL: no such model; an error of the log; -ENOMEM; with the story in error (what was noted
 * until then stays) */
int tn_models_measure(struct tn_log *log, const char *command, const char *policies,
                      const struct tn_models_effort *effort, struct tn_findings *findings,
                      struct tn_error *error);

#endif
