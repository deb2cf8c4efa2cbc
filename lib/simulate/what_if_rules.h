/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIMULATE_WHAT_IF_RULES_H
#define TENURE_SIMULATE_WHAT_IF_RULES_H

/* Findings as rules that edit the events of a replay. */

#include "tenure/finding.h"
#include "tenure/map.h"
#include "tenure/replay.h"

/* The rules of some findings, and the lists of sites that the rules borrow. Zeroed: none. */
struct tn_what_if_rules {
    struct tn_replay_rule *items; /* owned */
    uint32_t **sites;             /* owned, each */
    uint8_t **positions;          /* owned, each */
    size_t count;                 /* of items, sites and positions */
};

/* Make a rule of each finding.
 *
 * findings  count of them, for which tn_what_if_applies
 * roles     number of the role of a stack in the events; NULL: findings have no roles
 * rules     zeroed; tn_what_if_rules_finish releases it, also after an error
 * Returns   0 or -ENOMEM */
int tn_what_if_rules_make(const struct tn_finding *const *findings, size_t count, const struct tn_map *roles,
                          struct tn_what_if_rules *rules);

/* Release what rules hold; they are zeroed. */
void tn_what_if_rules_finish(struct tn_what_if_rules *rules);

#endif
