/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_H
#define TENURE_REPORT_H

/* Reports: from a summary, and from nothing else, to bytes in memory. No file, no log, no global state; any
 * thread on its own data. */

#include "tenure/base.h"
#include "tenure/summary.h"

/* One way to write a report. */
struct tn_report_format {
    const char *name;    /* as `tenure report --format` takes it */
    const char *summary; /* one line, for the help */
    /* Append the report to out. Returns 0, or -ENOMEM (out then holds a part of it). */
    int (*write)(const struct tn_summary *summary, struct tn_buffer *out);
};

/* All formats, ended by one without a name. */
extern const struct tn_report_format tn_report_formats[];

/* The format of that name, or NULL. */
const struct tn_report_format *tn_report_format_find(const char *name);

/* Append the report as text for people: at most 100 columns wide but for paths that are longer, losses first.
 *
 * summary  as tn_summary_load made it; of a log that is incomplete, too
 * Returns  0; -ENOMEM (out then holds a part of the report)
 * Cost     proportional to the sites listed */
int tn_report_text(const struct tn_summary *summary, struct tn_buffer *out);

#endif
