/* SPDX-License-Identifier: MIT */
#ifndef TN_COMPARE_MATCH_FINDINGS_H
#define TN_COMPARE_MATCH_FINDINGS_H

/* Which finding of the old recording is which of the new one: the same kind at the same sites, in whatever
 * lines these stand now. */

#include "tenure/compare.h"

struct site_candidate;

/* Match.
 *
 * before, after   findings of the old and the new recording; NULL: none
 * sites           site_count matched sites of both recordings
 * ret_changes     the caller's (free): new ones first, then changed, gone, the same; by rank in each
 * ret_count       changes in it
 * Returns         0; -ENOMEM
 * Cost            the findings of a kind, squared, times their sites */
int tn_match_findings(const struct tn_findings *before, const struct tn_findings *after,
                      const struct site_candidate *sites, size_t site_count,
                      struct tn_finding_change **ret_changes, size_t *ret_count);

#endif
