/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_TEXT_H
#define TENURE_REPORT_TEXT_H

/* The parts of the text report, one file each. */

#include "tenure/summary.h"
#include "writer.h"

/* The three lists of sites. */
void tn_text_lists(struct tn_text *text, const struct tn_summary *summary);

/* Where a site is: "function at file:line via malloc", or what of that is known.
 *
 * columns  width that it may take, >= 60 */
void tn_text_place(struct tn_text *text, const struct tn_summary_site *site, unsigned columns);

/* What to do next: tactics that fit what was seen, and commands to type. */
void tn_text_next(struct tn_text *text, const struct tn_summary *summary);

#endif
