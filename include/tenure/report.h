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

/* Version of the JSON report: it grows when a key changes its meaning or goes away. */
#define TN_REPORT_FORMAT_VERSION 2

/* What to report, and how much of it. Written by the caller, only read here; all pointers are borrowed for
 * the time of the call. */
struct tn_report {
    const struct tn_summary *summary;   /* as tn_summary_load made it, also of an incomplete log */
    const struct tn_findings *findings; /* ranked; NULL: the log was not analysed */
    const struct tn_kind *const *kinds; /* ended by NULL: words for findings, in text; may be NULL where
                                           findings is */
    enum tn_confidence least;           /* findings of less confidence are counted, not shown */
    const char *named;    /* NULL; else numbers or keys, separated by commas: these findings alone
                             are shown, however sure, and at length */
    size_t finding_max;   /* findings shown at most; 0: all */
    bool folds_libraries; /* text tells findings about libraries that the reader does not build
                             in one line a library; JSON always has all */
    bool has_whole;       /* findings about the whole program are shown beyond finding_max */
    const char *code;     /* definitions to paste, in text: c, freertos, zephyr, threadx, all or
                             none; NULL: c. JSON always has all */
    size_t site_max;      /* sites in each list of the text at most; 0: all of the summary */
};

/* One way to write a report. */
struct tn_report_format {
    const char *name;    /* as `tenure report --format` takes it */
    const char *summary; /* what it is for, in a few words for messages and help */

    /* Append the report to out.
     *
     * Returns  0; -ENOMEM (out then holds a part of the report) */
    int (*write)(const struct tn_report *report, struct tn_buffer *out);
};

/* All formats, ended by one without a name. Static storage. */
extern const struct tn_report_format tn_report_formats[];

/* Find a format.
 *
 * name     any string
 * Returns  the entry of tn_report_formats of that name; NULL: there is none */
const struct tn_report_format *tn_report_format_find(const char *name);

/* Whether tn_report.code may have this value.
 *
 * name  any string */
bool tn_report_knows_code(const char *name);

/* Append the report as text for people, in lines of at most 100 columns but for paths and code that are
 * longer. Losses come first, then the recording, the totals, the findings, the sites, and what to look at
 * next.
 *
 * report   what to tell
 * out      the caller's; what it holds stays before the report
 * Returns  0; -ENOMEM (out then holds a part of the report)
 * Cost     proportional to what is listed */
int tn_report_text(const struct tn_report *report, struct tn_buffer *out);

/* Append the report as one JSON object and a newline: docs/analyses.md has its schema. Bytes that are not
 * UTF-8 become U+FFFD; arrays are never null.
 *
 * report   what to tell; kinds, code and site_max are not used: sites are in the log
 * out      the caller's; what it holds stays before the report
 * Returns  0; -ENOMEM (out then holds a part of the report)
 * Cost     proportional to what is listed */
int tn_report_json(const struct tn_report *report, struct tn_buffer *out);

#endif
