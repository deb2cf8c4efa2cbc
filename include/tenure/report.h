/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_H
#define TENURE_REPORT_H

/* Reports: from a summary and findings, and from nothing else, to bytes in memory. No file, no log, no global
 * state; any thread on its own data. */

#include "tenure/base.h"
#include "tenure/finding.h"
#include "tenure/kind.h"
#include "tenure/summary.h"

#include <stdbool.h>

#define TN_REPORT_FORMAT_VERSION                                                                             \
    1 /* of the JSON report; grows when a key changes its meaning or goes away                               \
       */

/* What to report, and how much of it. */
struct tn_report {
    const struct tn_summary *summary;   /* borrowed */
    const struct tn_findings *findings; /* borrowed, ranked; NULL: the log was not analysed */
    const struct tn_kind *const *kinds; /* borrowed, ended by NULL; with all kinds that findings are of */
    enum tn_confidence least;           /* findings of less confidence are counted, not shown */
    size_t finding_max;                 /* findings shown at most; 0: all */
    bool has_whole;                     /* findings about the whole program are shown beyond finding_max */
    const char *code;                   /* definitions to paste in text: c, freertos, zephyr, threadx, all or
                                           none; NULL: c. JSON has all */
    size_t site_max;                    /* sites in each list at most; 0: as many as the summary has */
};

/* One way to write a report. */
struct tn_report_format {
    const char *name;    /* as `tenure report --format` takes it */
    const char *summary; /* one line, for the help */
    /* Append the report to out. Returns 0, or -ENOMEM (out then holds a part of it). */
    int (*write)(const struct tn_report *report, struct tn_buffer *out);
};

/* All formats, ended by one without a name. */
extern const struct tn_report_format tn_report_formats[];

/* The format of that name, or NULL. */
const struct tn_report_format *tn_report_format_find(const char *name);

/* Whether tn_report.code may have this value. */
bool tn_report_knows_code(const char *name);

/* Append the report as text for people: at most 100 columns wide but for paths and code that are longer.
 * Losses first, then the recording, the totals, the findings, and the sites.
 *
 * report   its summary as tn_summary_load made it; of a log that is incomplete, too
 * Returns  0; -ENOMEM (out then holds a part of the report)
 * Cost     proportional to what is listed */
int tn_report_text(const struct tn_report *report, struct tn_buffer *out);

/* Append the report as one JSON object: docs/analyses.md has its schema. Strings that are not UTF-8 get
 * U+FFFD for what is none; arrays are never null.
 *
 * report   site_max is not used: sites are in the log
 * Returns  0; -ENOMEM (out then holds a part of the report)
 * Cost     proportional to what is listed */
int tn_report_json(const struct tn_report *report, struct tn_buffer *out);

#endif
