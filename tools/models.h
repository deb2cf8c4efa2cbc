/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODELS_H
#define TENURE_MODELS_H

/* Models of heaps as users name them, and what findings come to on them. */

#include "replay_log.h"
#include "tenure/finding.h"
#include "tenure/replay.h"

#define TN_MODELS_DEFAULT "first-fit,freertos-heap4,tlsf,glibc"

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
 * Returns   0; -EINVAL: no such model; an error of the log; -ENOMEM; with the story in error (what was noted
 * until then stays) */
int tn_models_measure(struct tn_log *log, const char *command, const char *policies,
                      struct tn_findings *findings, struct tn_error *error);

#endif
