/* SPDX-License-Identifier: MIT */
/* The results as a page: one file without scripts, that loads nothing. Written from results alone, with the
 * words of fail_words.h. */
#include "fail_words.h"

#include <errno.h>
#include <stdlib.h>

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>When memory runs out</title>\n<style>\n"
    ":root { color-scheme: light dark; --line: #8886; --bad: #b3261e; }\n"
    "@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; } }\n"
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid "
    "var(--line); }\n"
    "td { overflow-wrap: anywhere; }\n"
    "td:first-child { white-space: nowrap; overflow-wrap: normal; }\n"
    ".bad { color: var(--bad); font-weight: 600; }\n"
    "code { font: 13px/1.4 ui-monospace, monospace; }\n"
    "</style>\n</head>\n<body>\n";

static int put(struct tn_buffer *out, const char *before, const char *text, const char *after)
{
    int r = tn_buffer_print(out, "%s", before);
    if (r == 0)
        r = tn_buffer_append_xml(out, text);
    return r == 0 ? tn_buffer_print(out, "%s", after) : r;
}

static int put_row(const struct tn_fail_report *report, const struct tn_fail_result *result,
                   struct tn_buffer *out)
{
    char *end = tn_fail_end_text(result), *repeat = tn_fail_repeat_text(report, result);
    int r = end != NULL && repeat != NULL ? 0 : -ENOMEM;
    if (r == 0)
        r = put(out, tn_fail_class_is_bad(result->class) ? "<tr><td class=\"bad\">" : "<tr><td>",
                tn_fail_class_name(result->class), "</td>");
    if (r == 0)
        r = put(out, "<td>", result->place[0] != '\0' ? result->place : "the program", "</td>");
    if (r == 0)
        r = put(out, "<td>", end, "</td>");
    if (r == 0)
        r = put(out, "<td><code>", repeat, "</code></td></tr>\n");
    free(end);
    free(repeat);
    return r;
}

static int put_totals(const struct tn_fail_report *report, struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES], duration[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(
        out, "<p>%s runs in %s.</p>\n<table>\n<tr><th>Runs</th><th>Class</th><th></th></tr>\n",
        tn_print_count(count, report->results->count), tn_print_duration(duration, report->duration_ns));
    for (int class = TN_FAIL_CLASS_COUNT - 1; class >= 0 && r == 0; class --) {
        size_t runs = tn_fail_count(report->results, (enum tn_fail_class) class);
        if (runs > 0)
            r = tn_buffer_print(out, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n",
                                tn_print_count(count, runs), tn_fail_class_name((enum tn_fail_class) class),
                                tn_fail_class_words((enum tn_fail_class) class));
    }
    return r == 0 ? tn_buffer_print(out, "</table>\n") : r;
}

int tn_fail_write_html(const struct tn_fail_report *report, struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "%s", head);
    if (r == 0)
        r = put(out, "<h1>When memory runs out</h1>\n<p><code>", report->command, "</code></p>\n");
    if (r == 0)
        r = put_totals(report, out);
    if (r == 0)
        r = tn_buffer_print(out,
                            "<h2>All runs</h2>\n<table>\n<tr><th>Class</th><th>What failed</th><th>What the "
                            "program did</th><th>To see it again</th></tr>\n");
    for (size_t i = 0; i < report->results->count && r == 0; i++)
        r = put_row(report, &report->results->items[i], out);
    return r == 0 ? tn_buffer_print(out, "</table>\n</body>\n</html>\n") : r;
}
