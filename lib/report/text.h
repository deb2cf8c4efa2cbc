/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_TEXT_H
#define TENURE_REPORT_TEXT_H

/* The parts of the text report, one file each. */

#include "tenure/report.h"
#include "writer.h"

/* The findings, in order of rank: what to change, and why. */
void tn_text_findings(struct tn_text *text, const struct tn_report *report);

/* Code to paste: the part for one system, or for all. */
void tn_text_code(struct tn_text *text, const char *code, const char *wanted);

/* The three lists of sites. */
void tn_text_lists(struct tn_text *text, const struct tn_report *report);

/* Where a site is, as far as it is known. Strings are borrowed, never NULL. */
struct tn_text_site {
    const char *function, *file, *module, *via;
    uint32_t line;
    uint64_t offset_bytes;
};

struct tn_text_site tn_text_summary_site(const struct tn_summary_site *site);
struct tn_text_site tn_text_finding_site(const struct tn_finding_site *site);

/* "function at file:line via malloc", or what of that is known.
 *
 * columns  width that it may take, >= 60 */
void tn_text_place(struct tn_text *text, struct tn_text_site site, unsigned columns);

/* What else to know and to do: what stands against the findings, and commands to type. */
void tn_text_next(struct tn_text *text, const struct tn_summary *summary);

#endif
