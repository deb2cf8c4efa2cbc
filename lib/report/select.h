/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_SELECT_H
#define TN_REPORT_SELECT_H

/* Which findings a report shows, the same in all formats. */

#include "tenure/report.h"

struct tn_report_selection {
    size_t shown;
    size_t too_weak;   /* of less confidence than asked for */
    size_t beyond_max; /* sure enough, but after the ones shown */
};

/* How many findings are shown, and are not. */
struct tn_report_selection tn_report_select(const struct tn_report *report);

/* The next finding of the confidence asked for; NULL at the end. position begins at 0 and is moved on; the
 * caller counts up to `shown`. */
const struct tn_finding *tn_report_next_finding(const struct tn_report *report, size_t *position);

#endif
