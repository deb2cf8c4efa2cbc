/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_REPORT_LOG_H
#define TENURE_TOOL_REPORT_LOG_H

/* The report of one recording: loads summary and findings, has them measured, loads what the format draws
 * besides, and writes it. Called by cmd_report.c and cmd_view.c. */

#include "screen.h"
#include "tenure/analyze.h"
#include "tenure/report.h"

#define TN_REPORT_TOP_MAX       1000000
#define TN_THRESHOLD_NAME_BYTES 64

/* What is wanted of the report. By the caller; all pointers are borrowed. */
struct tn_report_request {
    const struct tn_report_format *format;
    struct tn_screen screen;                           /* where it goes */
    uint64_t top;                                      /* findings; 0: all */
    bool has_top;                                      /* --top was given */
    bool has_only;                                     /* --only was given */
    uint64_t site_top;                                 /* sites in each list; 0: all */
    enum tn_confidence least;                          /* of the findings to show */
    const char *code;                                  /* as tn_report.code */
    const char *policies;                              /* --policy; NULL: not given */
    const char *named;                                 /* --finding; NULL: not given */
    const char *source_folder;                         /* --source-dir; NULL: not given */
    bool is_saved;                                     /* findings go into the log as well */
    struct tn_analyze_options analyze;                 /* its values are those below */
    struct tn_threshold_value values[TN_GIVEN_MAX];    /* as many as analyze.value_count */
    char names[TN_GIVEN_MAX][TN_THRESHOLD_NAME_BYTES]; /* of the values */
};

/* Set what a format shows unless --top says otherwise: findings, and sites in each list. */
void tn_report_request_init(struct tn_report_request *request, const struct tn_report_format *format);

/* Write the report of a log.
 *
 * path     of the log
 * Returns  an exit status; what failed was printed */
int tn_report_log(const struct tn_report_request *request, const char *path);

#endif
