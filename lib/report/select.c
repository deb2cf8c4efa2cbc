/* SPDX-License-Identifier: MIT */

/* Chooses the findings to show: sure enough, and among the first so many. All formats ask here, so that they
 * show the same. */

#include "select.h"

#include "runtime_block.h"

#include <string.h>

/* Whether a finding that is sure enough is shown, when so many were before it. */
static bool has_room(const struct tn_report *report, const struct tn_finding *finding, size_t shown)
{
    return report->named != NULL || report->finding_max == 0 || shown < report->finding_max ||
           (report->has_whole && finding->site_count == 0);
}

/* Whether a finding is sure enough, or asked for by name. */
static bool is_wanted(const struct tn_report *report, const struct tn_finding *finding)
{
    return report->named != NULL ? tn_finding_is_named(finding, report->named)
                                 : finding->confidence >= report->least;
}

/* A program that makes most of its allocations in one library exists for it: who records it wants to know. */
#define OWN_PERCENT_MIN 50

const char *tn_report_own_library(const struct tn_summary *summary)
{
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    for (size_t i = 0; i < sites->count; i++) {
        const char *name = tn_report_module_name(&sites->sites[i]);
        uint64_t allocations = 0;
        for (size_t k = 0; k < sites->count; k++)
            if (strcmp(sites->sites[k].module, sites->sites[i].module) == 0)
                allocations += sites->sites[k].allocations;
        if (!tn_report_is_runtime(&sites->sites[i]) && strstr(name, ".so") != NULL &&
            allocations > summary->totals.allocations / 100 * OWN_PERCENT_MIN)
            return name;
    }
    return NULL;
}

static bool is_own_library(const struct tn_report *report, const char *library)
{
    const char *own = tn_report_own_library(report->summary);
    return own != NULL && strcmp(own, library) == 0;
}

bool tn_report_is_folded(const struct tn_report *report, const struct tn_finding *finding)
{
    return report->folds_libraries && report->named == NULL && finding->confidence >= report->least &&
           tn_finding_library(finding) != NULL && !is_own_library(report, tn_finding_library(finding));
}

static bool is_hidden(const struct tn_report *report, const struct tn_finding *finding)
{
    return report->hides_small && report->named == NULL && finding->is_small;
}

const struct tn_finding *tn_report_next_finding(const struct tn_report *report,
                                                struct tn_report_cursor *cursor)
{
    const struct tn_findings *findings = report->findings;
    while (findings != NULL && cursor->index < findings->count) {
        const struct tn_finding *finding = &findings->items[cursor->index++];
        if (!is_wanted(report, finding) || tn_report_is_folded(report, finding) ||
            is_hidden(report, finding) || !has_room(report, finding, cursor->shown))
            continue;
        cursor->shown++;
        return finding;
    }
    return NULL;
}

struct tn_report_selection tn_report_select(const struct tn_report *report)
{
    struct tn_report_selection selection = {0};
    for (size_t i = 0; report->findings != NULL && i < report->findings->count; i++) {
        const struct tn_finding *finding = &report->findings->items[i];
        if (!is_wanted(report, finding))
            selection.too_weak += report->named == NULL;
        else if (tn_report_is_folded(report, finding))
            continue;
        else if (is_hidden(report, finding)) {
            selection.small++;
            selection.small_allocations_removed += finding->saving.allocations_removed;
        } else if (has_room(report, finding, selection.shown))
            selection.shown++;
        else
            selection.beyond_max++;
    }
    return selection;
}
