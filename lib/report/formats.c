/* SPDX-License-Identifier: MIT */

/* The table of formats: one line and one file (format_NAME.c) each. `tenure report --format` takes its names;
 * nothing else has to know a format by name. */

#include "tenure/report.h"

#include <stddef.h>
#include <string.h>

const struct tn_report_format tn_report_formats[] = {
    {.name = "text", .summary = "text for people", .write = tn_report_text},
    {.name = "json", .summary = "one JSON object, for programs", .write = tn_report_json},
    {.name = "html",
     .summary = "one page for a browser",
#ifdef TN_HAS_D3
     .write = tn_report_html,
#else
     .missing = "it needs D3 (package node-d3), which was not there when tenure was built",
#endif
     .has_charts = true},
    {0},
};

const struct tn_report_format *tn_report_format_find(const char *name)
{
    for (const struct tn_report_format *format = tn_report_formats; format->name != NULL; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}
