/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_REFUTED_H
#define TN_ANALYZE_REFUTED_H

/* Findings that a trial in the program has contradicted, as the log remembers them. */

#include "pass.h"

/* Take the findings that the log says are refuted out of the others, which compete and are numbered anew
 * without them.
 *
 * pass      its log has been loaded
 * findings  in order, with their keys, which stay as they are
 * Returns   0; -ENOMEM, -EIO; error says what failed */
int tn_refuted_part(struct tn_pass *pass, struct tn_findings *findings);

#endif
