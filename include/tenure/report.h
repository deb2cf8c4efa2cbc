/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_H
#define TENURE_REPORT_H

/* Reports: from a summary and findings, and from nothing else, to bytes in memory. No file, no log, no global
 * state; any thread on its own data. */

#include "tenure/base.h"
#include "tenure/charts.h"
#include "tenure/excerpt.h"
#include "tenure/finding.h"
#include "tenure/kind.h"
#include "tenure/summary.h"

#include <stdbool.h>

/* Version of the JSON report: it grows when a key changes its meaning or goes away. */
#define TN_REPORT_FORMAT_VERSION 2

/* Lines of a finding of which HTML shows the source: those that ask for blocks, and those that release them.
 */
#define TN_REPORT_EXCERPT_SITES    4u
#define TN_REPORT_EXCERPT_RELEASES 2u

/* How a text looks. Zeroed: plain, for files and pipes. */
struct tn_report_style {
    size_t
        columns; /* of a line at most, but for paths, commands and code; 0: 100; fewer than 60 count as 60 */
    bool has_color; /* headings, warnings and commands stand out, by escape sequences of a terminal */
};

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
    const char *steps;    /* with named: the list as it was asked for, with letters of steps; or NULL */
    size_t finding_max;   /* findings shown at most; 0: all */
    bool hides_small;     /* small findings (tn_finding.is_small) are counted, not shown */
    bool folds_libraries; /* text tells findings about libraries that the reader does not build
                             in one line a library; JSON always has all */
    bool has_whole;       /* findings about the whole program are shown beyond finding_max */
    const char *code;     /* definitions to paste, in text: c, freertos, zephyr, threadx, all or
                             none; NULL: c where findings are named, else none. JSON always has all */
    size_t site_max;      /* sites in the table of the text at most; 0: all of the summary's lists */
    struct tn_report_style style;       /* of the text */
    const struct tn_excerpts *excerpts; /* lines of the source that HTML shows beside findings; NULL: none */
    const struct tn_charts *charts; /* what HTML draws over time, by size, stack and thread; NULL: it leaves
                                       these out */
};

/* One way to write a report. */
struct tn_report_format {
    const char *name;    /* as `tenure report --format` takes it */
    const char *summary; /* what it is for, in a few words for messages and help */

    /* Append the report to out.
     *
     * Returns  0; -ENOMEM (out then holds a part of the report) */
    int (*write)(const struct tn_report *report, struct tn_buffer *out);
    bool has_charts;     /* it draws tn_report.charts, which are to be loaded for it */
    const char *missing; /* why this build cannot write it, as the end of a message; NULL: it can, and only
                            then write may be called */
};

/* All formats, ended by one without a name. Static storage. */
extern const struct tn_report_format tn_report_formats[];

/* Find a format.
 *
 * name     any string
 * Returns  the entry of tn_report_formats of that name; NULL: there is none */
const struct tn_report_format *tn_report_format_find(const char *name);

/* The library that makes more than half of the allocations: the program exists for it, so that its findings
 * are told like the program's own even where the library came with the system.
 *
 * Returns  its file name, borrowed from the summary; NULL: there is none */
const char *tn_report_own_library(const struct tn_summary *summary);

/* Whether tn_report.code may have this value.
 *
 * name  any string */
bool tn_report_knows_code(const char *name);

/* Append the report as text for people. Losses come first, then the recording, what to know in short, the
 * totals, the findings in a few lines each, the sites, how to see that a change helped, and what to look at
 * next. Where findings are named, these alone, with all that is known of them.
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

/* Append the report as one HTML page that loads nothing, with a script that draws it: below 3 MB whatever the
 * log's size. What a page of that size has no room for is left out, and the page says so.
 *
 * report   what to tell; named, folds_libraries, site_max and style are not used
 * out      the caller's; what it holds stays before the page
 * Returns  0; -ENOMEM (out then holds a part of the page)
 * Cost     proportional to what is shown */
int tn_report_html(const struct tn_report *report, struct tn_buffer *out);

struct tn_comparison;
struct tn_check_result;
struct tn_runs;

/* Append a comparison of two recordings as text: losses of both logs first, then totals and heaps, what got
 * worse, findings, and the sites that changed most.
 *
 * site_max  sites at most; 0: all that changed
 * style     NULL: plain
 * Returns   0; -ENOMEM (out then holds a part of the text) */
int tn_report_comparison_text(const struct tn_comparison *comparison, size_t site_max,
                              const struct tn_report_style *style, struct tn_buffer *out);

/* Append the same as one self-contained HTML page: no script, nothing loaded from elsewhere.
 *
 * Returns  0; -ENOMEM (out then holds a part of the page) */
int tn_report_comparison_html(const struct tn_comparison *comparison, size_t site_max, struct tn_buffer *out);

/* Append the result of a check as text: losses of the log first, then the limits that are violated and what
 * they count, those that are kept, and what was excepted.
 *
 * style    NULL: plain
 * Returns  0; -ENOMEM (out then holds a part of the text) */
int tn_report_check_text(const struct tn_check_result *result, const struct tn_report_style *style,
                         struct tn_buffer *out);

/* Append what several runs say together as text: the runs, then the findings by how many runs hold them.
 *
 * finding_max  findings of each state at most; 0: all
 * style        NULL: plain
 * Returns      0; -ENOMEM (out then holds a part of the text) */
int tn_report_runs_text(const struct tn_runs *runs, size_t finding_max, const struct tn_report_style *style,
                        struct tn_buffer *out);

#endif
