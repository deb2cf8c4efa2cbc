/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_REPORT_RUNS_H
#define TENURE_TOOL_REPORT_RUNS_H

/* `tenure report LOG LOG ...`: loads several recordings, and writes what they say together. Called by
 * cmd_report.c. */

#include "screen.h"
#include "tenure/analyze.h"
#include "tenure/finding.h"

/* What is wanted of the runs. By the caller; all pointers are borrowed. */
struct tn_runs_request {
    const struct tn_analyze_options *analyze; /* as for one log; process_id is 0 */
    enum tn_confidence least;                 /* findings of less are doubtful */
    size_t top;                               /* findings of each state; 0: all */
    bool is_json;                             /* else text */
    const struct tn_screen *screen;           /* where it goes */
};

/* Load the logs, bring them together, write the result.
 *
 * paths    path_count logs, 2 or more
 * Returns  an exit status; what failed was printed */
int tn_report_runs(const struct tn_runs_request *request, char *const *paths, size_t path_count);

#endif
