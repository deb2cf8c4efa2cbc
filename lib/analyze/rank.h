/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_RANK_H
#define TN_ANALYZE_RANK_H

/* The two halves of tn_findings_rank, between which the plan is made: it sees every finding, with its number
 * and key.
 */

#include "tenure/analyze.h"

/* Let findings compete, put them in order, give numbers and keys. None is left out.
 *
 * Returns  0; -ENOMEM (all findings are still there, unordered) */
int tn_findings_order(struct tn_findings *findings, const struct tn_kind *const *kinds);

/* The same again, after some were taken out: keys stay as they are. */
int tn_findings_reorder(struct tn_findings *findings, const struct tn_kind *const *kinds);

/* Leave out those that were not asked for: where kinds were asked for all others, else those that gave way,
 * which are counted. Parts of the plan are put aside, the others released.
 *
 * only     as tn_analyze_options.only
 * Returns  0; -ENOMEM (all findings are still there) */
int tn_findings_keep(struct tn_findings *findings, const char *only);

#endif
