/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_SELECT_H
#define TN_REPORT_SELECT_H

/* Which findings a report shows, the same in all formats. */

#include "tenure/report.h"

/* Whether a finding is sure enough, but about a library, and told in that library's line. */
bool tn_report_is_folded(const struct tn_report *report, const struct tn_finding *finding);

/* How many findings are shown, and why the others are not. */
struct tn_report_selection {
    size_t shown;
    size_t too_weak;                    /* of less confidence than asked for */
    size_t beyond_max;                  /* of enough confidence, but after the ones shown */
    size_t small;                       /* of enough confidence, but they save little */
    uint64_t small_allocations_removed; /* by all of these together */
};

/* Count the findings that are shown, and those that are not. Cost: all findings. */
struct tn_report_selection tn_report_select(const struct tn_report *report);

/* Where reading the findings has got to. Begin with zeroes. */
struct tn_report_cursor {
    size_t index; /* of the next finding to look at */
    size_t shown; /* findings returned so far */
};

/* The next finding that is shown; NULL at the end. */
const struct tn_finding *tn_report_next_finding(const struct tn_report *report,
                                                struct tn_report_cursor *cursor);

#endif
