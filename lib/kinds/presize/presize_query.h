/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_PRESIZE_QUERY_H
#define TN_KINDS_PRESIZE_QUERY_H

#include "tenure/analysis.h"
#include "tenure/map.h"

/* How the pass told the steps that were made by copying; keys are pairs of stacks, the upper half that of the
 * larger block's birth. */
struct tn_growth_steps {
    const struct tn_map *releases; /* with that of the release of the smaller block */
    const struct tn_map *births;   /* with that of its birth */
};

/* Set the query of a finding: its steps and chains, or, where too many stacks made them, its sizes.
 *
 * sites   of the group, site_count of them
 * Errors  -ENOMEM: the finding is as before */
int tn_presize_fill_query(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                          const struct tn_growth_steps *steps, struct tn_finding *finding);

#endif
