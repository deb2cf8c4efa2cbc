/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_EVIDENCE_H
#define TN_REPORT_EVIDENCE_H

/* The evidence of a finding as words for people. */

#include "tenure/base.h"
#include "tenure/kind.h"

/* Append what carries the statement, as "90,000 blocks seen, at most 1 at once, all gone before the return of
 * main (app.c:12)".
 *
 * kind     its declarations say what is told, and how; NULL: all values are told by their keys
 * out      empty before
 * Returns  0 or -ENOMEM */
int tn_evidence_print(const struct tn_kind *kind, const struct tn_evidence_set *evidence,
                      struct tn_buffer *out);

#endif
