/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CHOSEN_FINDINGS_H
#define TENURE_CHOSEN_FINDINGS_H

/* The option `--plan` of `simulate` and `try`: findings by number or key, or steps of the plan by letter. */

#include "tenure/base.h"
#include "tenure/finding.h"

#define TN_CHOSEN_MAX   64 /* steps among them */
#define TN_CHOSEN_NAMES 12 /* without steps: each takes its time */

/* Borrowed from the list of findings, each once, in the order in which they were named. */
struct tn_chosen_findings {
    const struct tn_finding *items[TN_CHOSEN_MAX];
    size_t count;
    bool has_steps; /* a letter was among the names */
};

/* Find what is named.
 *
 * command     "simulate", for messages
 * plan        as in "1,3,5a0c91fe" or "A,B"
 * Returns     0; -EINVAL: there is no such finding or step, a trial has refuted it, or it states something
 * that
 *             no replay can show; -ENOMEM; error says which */
int tn_choose_findings(const struct tn_findings *findings, const char *command, const char *plan,
                       struct tn_chosen_findings *ret_chosen, struct tn_error *error);

#endif
