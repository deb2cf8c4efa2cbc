/* SPDX-License-Identifier: MIT */
/* The results as JUnit XML, which CI systems show as tests: a test case for each run, failed where the
 * program must not behave so. */
#include "fail_words.h"

#include <errno.h>
#include <stdlib.h>

static int put_attribute(struct tn_buffer *out, const char *name, const char *value)
{
    int r = tn_buffer_print(out, " %s=\"", name);
    if (r == 0)
        r = tn_buffer_append_xml(out, value);
    return r == 0 ? tn_buffer_print(out, "\"") : r;
}

static int put_failure(const struct tn_fail_report *report, const struct tn_fail_result *result,
                       struct tn_buffer *out)
{
    char *end = tn_fail_end_text(result), *repeat = tn_fail_repeat_text(report, result);
    int r = end != NULL && repeat != NULL
                ? tn_buffer_print(out, "\n      <failure type=\"%s\"", tn_fail_class_name(result->class))
                : -ENOMEM;
    if (r == 0)
        r = put_attribute(out, "message", end);
    if (r == 0)
        r = tn_buffer_print(out, ">");
    if (r == 0)
        r = tn_buffer_append_xml(out, repeat);
    free(end);
    free(repeat);
    return r == 0 ? tn_buffer_print(out, "</failure>\n    ") : r;
}

static int put_case(const struct tn_fail_report *report, const struct tn_fail_result *result,
                    struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "    <testcase classname=\"tenure.fail\"");
    if (r == 0)
        r = put_attribute(out, "name", result->place[0] != '\0' ? result->place : "the program");
    if (r == 0)
        r = tn_buffer_print(out, " time=\"%.3f\">", (double)result->duration_ns / 1e9);
    if (r == 0 && tn_fail_class_is_bad(result->class))
        r = put_failure(report, result, out);
    return r == 0 ? tn_buffer_print(out, "</testcase>\n") : r;
}

static size_t count_bad(const struct tn_fail_results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += tn_fail_class_is_bad(results->items[i].class);
    return count;
}

int tn_fail_write_junit(const struct tn_fail_report *report, struct tn_buffer *out)
{
    int r = tn_buffer_print(out,
                            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite id=\"0\" "
                            "package=\"tenure\" hostname=\"localhost\"");
    if (r == 0)
        r = put_attribute(out, "name", report->command);
    if (r == 0)
        r = tn_buffer_print(out,
                            " timestamp=\"1970-01-01T00:00:00\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                            "time=\"%.3f\">\n    <properties/>\n",
                            report->results->count, count_bad(report->results),
                            (double)report->duration_ns / 1e9);
    for (size_t i = 0; i < report->results->count && r == 0; i++)
        r = put_case(report, &report->results->items[i], out);
    return r == 0
               ? tn_buffer_print(out, "    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n")
               : r;
}
