/* SPDX-License-Identifier: MIT */

/* Writes the result of a check as JUnit XML, which CI systems show as tests: a test case for each limit,
 * failed where it is violated. It has what the schema of Ant's own output demands, the strictest of those in
 * use, and nothing that the one of Jenkins lacks. Called by `tenure check --format junit`. */

#include "metrics.h"

#include <string.h>

static int put_attribute(struct tn_buffer *out, const char *name, const char *value)
{
    int r = tn_buffer_print(out, " %s=\"", name);
    if (r == 0)
        r = tn_buffer_append_xml(out, value);
    return r == 0 ? tn_buffer_append(out, "\"", 1) : r;
}

/* The sentence of a verdict, through print, escaped. */
static int put_verdict(struct tn_buffer *out, const struct tn_check_verdict *verdict)
{
    struct tn_buffer words = {0};
    int r = tn_check_print_verdict(verdict, &words);
    if (r == 0)
        r = put_attribute(out, "message", (const char *)words.data);
    tn_buffer_finish(&words);
    return r;
}

/* A line of the failure's text: a part, and why it does not count. */
static int put_part(struct tn_buffer *out, const struct tn_check_part *part, enum tn_metric metric)
{
    struct tn_buffer words = {0};
    int r = tn_check_print_part(part, metric, &words);
    if (r == 0 && part->exception != NULL)
        r = tn_buffer_print(&words, " (excepted: %s)", part->exception->reason);
    if (r == 0)
        r = tn_buffer_append_xml(out, (const char *)words.data);
    tn_buffer_finish(&words);
    return r == 0 ? tn_buffer_append(out, "\n", 1) : r;
}

static int put_failure(struct tn_buffer *out, const struct tn_check_verdict *verdict)
{
    int r = tn_buffer_print(out, "\n      <failure type=\"limit\"");
    if (r == 0)
        r = put_verdict(out, verdict);
    if (r == 0)
        r = tn_buffer_print(out, ">");
    for (size_t i = 0; i < verdict->part_count && r == 0; i++)
        r = put_part(out, &verdict->parts[i], verdict->limit->metric);
    if (r == 0 && verdict->parts_left != 0)
        r = tn_buffer_print(out, "and %zu more\n", verdict->parts_left);
    return r == 0 ? tn_buffer_print(out, "</failure>\n    ") : r;
}

static int put_case(struct tn_buffer *out, const struct tn_check_verdict *verdict)
{
    int r = tn_buffer_print(out, "    <testcase classname=\"tenure.check\"");
    if (r == 0)
        r = put_attribute(out, "name", verdict->limit->name);
    if (r == 0)
        r = tn_buffer_print(out, " time=\"0\">");
    if (r == 0 && verdict->is_violated)
        r = put_failure(out, verdict);
    return r == 0 ? tn_buffer_print(out, "</testcase>\n") : r;
}

/* The time without its zone: that is how Ant writes it, and its schema demands one. */
static int put_timestamp(struct tn_buffer *out, const char *started_at)
{
    size_t length = strlen("2026-11-22T12:00:00");
    if (strlen(started_at) < length)
        return put_attribute(out, "timestamp", "1970-01-01T00:00:00");
    return tn_buffer_print(out, " timestamp=\"%.*s\"", (int)length, started_at);
}

static int put_suite(struct tn_buffer *out, const struct tn_check_result *result)
{
    const struct tn_summary *summary = result->subject->summary;
    int r = tn_buffer_print(out, "  <testsuite id=\"0\" package=\"tenure\" hostname=\"localhost\"");
    if (r == 0)
        r = put_attribute(out, "name", summary->path[0] != '\0' ? summary->path : "log");
    if (r == 0)
        r = put_timestamp(out, summary->started_at);
    if (r == 0)
        r = tn_buffer_print(out,
                            " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n    <properties/>\n",
                            result->verdict_count, result->violated_count);
    for (size_t i = 0; i < result->verdict_count && r == 0; i++)
        r = put_case(out, &result->verdicts[i]);
    return r == 0 ? tn_buffer_print(out, "    <system-out/>\n    <system-err/>\n  </testsuite>\n") : r;
}

int tn_check_write_junit(const struct tn_check_result *result, struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    if (r == 0)
        r = put_suite(out, result);
    return r == 0 ? tn_buffer_print(out, "</testsuites>\n") : r;
}
