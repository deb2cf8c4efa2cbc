/* SPDX-License-Identifier: MIT */

/* The table of formats: one line and one file (format_NAME.c) each. `tenure report --format` takes its names;
 * nothing else has to know a format by name. */

#include "tenure/report.h"

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
