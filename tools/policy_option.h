/* SPDX-License-Identifier: MIT */
#ifndef TENURE_POLICY_OPTION_H
#define TENURE_POLICY_OPTION_H

/* The value of `--policy`: models of heaps as users name them. */

#include "tenure/simulate.h"

#define TN_POLICY_OPTION_DEFAULT "first-fit,freertos-heap4,tlsf,glibc"

#define TN_POLICY_OPTION_MAX 16 /* models that findings are measured on */

/* Read one model: NAME[:KEY=VALUE]...
 *
 * option       where it was given, for messages: "option '--policy' of 'report'"
 * heap         parameters that hold for all models
 * ret_options  the policy's, with these parameters
 * Returns      0; -EINVAL: no such policy, parameter or value; -ENOMEM; error says what failed */
int tn_policy_option_parse(const char *option, const char *text, const struct tn_heap_options *heap,
                           struct tn_replay_options *ret_options, struct tn_error *error);

/* Read a list of models, separated by commas, on which findings are to be measured.
 *
 * text       is cut into words, which the models' names borrow
 * models     room for TN_POLICY_OPTION_MAX
 * ret_count  models read, at least one on success
 * Returns    0; -EINVAL: too many, or no such policy, parameter or value; -ENOMEM; error says what failed */
int tn_policy_option_models(const char *option, char *text, struct tn_what_if_model *models,
                            size_t *ret_count, struct tn_error *error);

#endif
