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

/* How far the findings are read. Begin with zeroes. */
struct tn_report_place {
    size_t position, shown;
};

/* The next finding that is shown; NULL at the end. */
const struct tn_finding *tn_report_next_finding(const struct tn_report *report,
                                                struct tn_report_place *place);

#endif
