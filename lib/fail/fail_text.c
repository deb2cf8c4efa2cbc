/* SPDX-License-Identifier: MIT */
/* The report for people: the totals, then every place that needs work, the worst first, each with the command
 * that shows it again. */
#include "fail_words.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#define SHOWN_MAX 20 /* results of one class; the others are counted */

static int print_head(const struct tn_fail_report *report, struct tn_buffer *out)
{
    char runs[TN_QUANTITY_TEXT_BYTES], duration[TN_QUANTITY_TEXT_BYTES], subjects[TN_QUANTITY_TEXT_BYTES];
    const char *what = report->is_by_stack ? "stack" : "site";
    uint64_t rate =
        report->duration_ns > 0 ? report->results->count * UINT64_C(10000000000) / report->duration_ns : 0;
    int r = tn_buffer_print(out, "What ");
    if (r == 0)
        r = tn_buffer_show(out, report->command, "");
    if (r == 0)
        r = tn_buffer_print(out, " does when memory runs out\n\n");
    if (r == 0)
        r = tn_buffer_print(
            out, "%s run%s in %s, %" PRIu64 ".%" PRIu64 " a second; the log has %s %s%s",
            tn_print_count(runs, report->results->count), report->results->count == 1 ? "" : "s",
            tn_print_duration(duration, report->duration_ns), rate / 10, rate % 10,
            tn_print_count(subjects, report->subject_count), what, report->subject_count == 1 ? "" : "s");
    if (r == 0 && report->library_count > 0)
        r = tn_buffer_print(out, ", of which %s in libraries left out (--libraries)",
                            tn_print_count(subjects, report->library_count));
    if (r == 0 && report->unreachable_count > 0)
        r = tn_buffer_print(out, ", %s in files that were changed since (record again)",
                            tn_print_count(subjects, report->unreachable_count));
    if (r == 0)
        r = tn_buffer_print(out, ".\n");
    if (r == 0 && !report->baseline->has_steady_output)
        r = tn_buffer_print(
            out, "Outputs are not compared: two runs without a failure differ (--check judges).\n");
    return r;
}

/* Names of files may hold anything. */
static int print_repeat(const struct tn_fail_report *report, const struct tn_fail_result *result,
                        struct tn_buffer *out)
{
    char *repeat = tn_fail_repeat_text(report, result);
    int r = repeat != NULL ? tn_buffer_show(out, repeat, "") : -ENOMEM;
    free(repeat);
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}

static int print_result(const struct tn_fail_report *report, const struct tn_fail_result *result,
                        struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "  ");
    if (r == 0)
        r = tn_buffer_show(out, result->place[0] != '\0' ? result->place : "the program", "");
    if (r == 0 && result->via[0] != '\0')
        r = tn_buffer_print(out, ", by ");
    if (r == 0 && result->via[0] != '\0')
        r = tn_buffer_show(out, result->via, "");
    if (r == 0)
        r = tn_buffer_print(out, "\n    ");
    if (r == 0)
        r = tn_fail_print_end(result, out);
    if (r == 0)
        r = tn_buffer_print(out, "\n    ");
    return r == 0 ? print_repeat(report, result, out) : r;
}

static int print_class(const struct tn_fail_report *report, enum tn_fail_class class, struct tn_buffer *out)
{
    size_t count = tn_fail_count(report->results, class), shown = 0;
    int r = tn_buffer_print(out, "\n%s: %s\n", tn_fail_class_name(class), tn_fail_class_words(class));
    for (size_t i = 0; i < report->results->count && r == 0 && shown < SHOWN_MAX; i++) {
        if (report->results->items[i].class != class)
            continue;
        r = print_result(report, &report->results->items[i], out);
        shown++;
    }
    if (r == 0 && shown < count)
        r = tn_buffer_print(out, "  and %zu more (--format json has all)\n", count - shown);
    return r;
}

/* What went well is counted, and told only where it is all there is. */
static bool is_told(const struct tn_fail_report *report, enum tn_fail_class class)
{
    return tn_fail_count(report->results, class) > 0 &&
           (class >= TN_FAIL_LEAKED || report->results->count == 1 || class == TN_FAIL_NOT_REACHED);
}

/* Who ends by abort has noticed, and has decided so. */
static int print_count(const struct tn_fail_results *results, enum tn_fail_class class, size_t count,
                       struct tn_buffer *out)
{
    size_t aborted = 0;
    for (size_t i = 0; i < results->count && class == TN_FAIL_CRASHED; i++)
        aborted += results->items[i].class == class && results->items[i].signal == SIGABRT;
    int r = tn_buffer_print(out, "  %6zu  %s", count, tn_fail_class_name(class));
    if (r == 0 && aborted > 0)
        r = tn_buffer_print(out, ", %zu of them by abort", aborted);
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}

int tn_fail_write_text(const struct tn_fail_report *report, struct tn_buffer *out)
{
    int r = print_head(report, out);
    if (r == 0)
        r = tn_buffer_print(out, "\n");
    for (int class = TN_FAIL_CLASS_COUNT - 1; class >= 0 && r == 0; class --) {
        size_t count = tn_fail_count(report->results, (enum tn_fail_class) class);
        if (count > 0)
            r = print_count(report->results, (enum tn_fail_class) class, count, out);
    }
    for (int class = TN_FAIL_CLASS_COUNT - 1; class >= 0 && r == 0; class --)
        if (is_told(report, (enum tn_fail_class) class))
            r = print_class(report, (enum tn_fail_class) class, out);
    return r;
}
