/* SPDX-License-Identifier: MIT */
#include "tenure/report.h"
#include "select.h"

#include <stddef.h>
#include <string.h>

const struct tn_report_format tn_report_formats[] = {
    {"text", "text for people", tn_report_text},
    {"json", "one JSON object, for programs", tn_report_json},
    {NULL, NULL, NULL},
};

const struct tn_report_format *tn_report_format_find(const char *name)
{
    for (const struct tn_report_format *format = tn_report_formats; format->name != NULL; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}

const struct tn_finding *tn_report_next_finding(const struct tn_report *report, size_t *position)
{
    const struct tn_findings *findings = report->findings;
    while (findings != NULL && *position < findings->count) {
        const struct tn_finding *finding = &findings->items[(*position)++];
        if (finding->confidence >= report->least)
            return finding;
    }
    return NULL;
}

struct tn_report_selection tn_report_select(const struct tn_report *report)
{
    struct tn_report_selection selection = {0};
    for (size_t i = 0; report->findings != NULL && i < report->findings->count; i++) {
        if (report->findings->items[i].confidence < report->least)
            selection.too_weak++;
        else if (report->finding_max != 0 && selection.shown >= report->finding_max)
            selection.beyond_max++;
        else
            selection.shown++;
    }
    return selection;
}
