/* SPDX-License-Identifier: MIT */
/* A trial for people: the verdict on each finding, what refuted some with both stacks, and both ways of
 * running the program side by side. */
#include "tenure/try.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TITLE_BYTES 128 /* of a finding's title in the list */

/* Text from a log or a program, which may hold anything. */
static int show(struct tn_buffer *out, const char *before, const char *text, const char *after)
{
    int r = tn_buffer_print(out, "%s", before);
    if (r == 0)
        r = tn_buffer_show(out, text, "");
    return r == 0 ? tn_buffer_print(out, "%s", after) : r;
}

/* ---------------------------------------------------------------------------------------- findings */

/* Its beginning: what to do, and where. The report tells the rest. */
static int print_title(struct tn_buffer *out, const char *title)
{
    char text[TITLE_BYTES];
    const char *colon = strstr(title, ": "), *condition = strstr(title, ", if ");
    size_t length = strlen(title);
    if (colon != NULL)
        length = (size_t)(colon - title);
    if (condition != NULL && (size_t)(condition - title) < length)
        length = (size_t)(condition - title);
    snprintf(text, sizeof(text), "%.*s%s", (int)(length < TITLE_BYTES - 4 ? length : TITLE_BYTES - 4), title,
             length < TITLE_BYTES - 4 ? "" : "...");
    return show(out, "", text, "\n");
}

static int print_line(struct tn_buffer *out, const struct tn_try_result *result)
{
    char claimed[TN_QUANTITY_TEXT_BYTES], served[TN_QUANTITY_TEXT_BYTES];
    bool was_tried = result->verdict != TN_TRY_LEFT_OUT;
    int r =
        tn_buffer_print(out, "%5" PRIu32 "  %-13s  %12s  %12s  ", result->finding->rank,
                        tn_try_verdict_name(result->verdict), tn_print_count(claimed, result->claimed_calls),
                        was_tried ? tn_print_count(served, result->served_calls) : "-");
    return r == 0 ? print_title(out, result->finding->title) : r;
}

/* Nothing of the plan was met: most often it is another program, or other input. */
static int print_unreached(struct tn_buffer *out, const struct tn_try_report *report)
{
    char number[TN_QUANTITY_TEXT_BYTES];
    uint64_t places = 0;
    for (size_t i = 0; i < report->result_count; i++) {
        places += report->results[i].place_count;
        if (report->results[i].asked_calls != 0)
            return 0;
    }
    return tn_buffer_print(
        out,
        "\n0 of %s places of the plan were reached in this run: is it the program that was "
        "recorded, with the like input?\n",
        tn_print_count(number, places));
}

static int print_list(struct tn_buffer *out, const struct tn_try_report *report)
{
    int r = tn_buffer_print(out, "%5s  %-13s  %12s  %12s  %s\n", "", "", "calls: log", "this run", "");
    for (size_t i = 0; i < report->result_count && r == 0; i++)
        r = print_line(out, &report->results[i]);
    return r;
}

static int print_refuted(struct tn_buffer *out, const struct tn_try_result *result)
{
    const struct tn_refutation *refutation = &result->refutation;
    char number[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(out, "\n%" PRIu32 " is refuted: ", result->finding->rank);
    if (r == 0)
        r = show(out, "", refutation->what, ".\n");
    if (r == 0 && refutation->birth[0] != '\0')
        r = show(out, "  the block was made by  ", refutation->birth, "\n");
    if (r == 0 && refutation->moment[0] != '\0')
        r = show(out, "  it was noticed in      ", refutation->moment, "\n");
    if (r == 0 && result->event != 0)
        r = tn_buffer_print(out, "  at the program's call %s of the allocator\n",
                            tn_print_count(number, result->event));
    return r == 0 ? show(out, "  ", refutation->next, "\n") : r;
}

/* What keeps the figures of a finding from being those of the log. */
static int print_remark(struct tn_buffer *out, const struct tn_try_result *result)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES];
    uint32_t number = result->finding->rank;
    int r = 0;
    if (result->verdict == TN_TRY_LEFT_OUT)
        return tn_buffer_print(out, "\n%" PRIu32 " was not tried: %s.\n", number, result->reason);
    if (result->verdict == TN_TRY_NOT_EXERCISED)
        r = tn_buffer_print(
            out, "\n%" PRIu32 " says nothing of this run: none of its allocations was made.\n", number);
    if (r == 0 && result->missing_count != 0)
        r = tn_buffer_print(out,
                            "\n%" PRIu32
                            ": %s of %s places are not in this program as it was recorded; record "
                            "again.\n",
                            number, tn_print_count(a, result->missing_count),
                            tn_print_count(b, result->place_count));
    if (r == 0 && result->fallback_calls != 0)
        r = tn_buffer_print(out, "\n%" PRIu32 ": the heap had to serve %s of %s calls.\n", number,
                            tn_print_count(a, result->fallback_calls),
                            tn_print_count(b, result->asked_calls));
    return r;
}

/* ---------------------------------------------------------------------------------------- both sides */

/* "-31 %" */
static const char *print_change(char *text, size_t text_bytes, uint64_t before, uint64_t after)
{
    double change = before != 0 ? ((double)after - (double)before) * 100 / (double)before : 0;
    snprintf(text, text_bytes, "%+.0f %%", change);
    return before == 0 || before == after ? "" : text;
}

static int print_row(struct tn_buffer *out, const char *label, const char *before, const char *after,
                     const char *remark)
{
    return tn_buffer_print(out, "%-24s  %12s  %12s%s%s\n", label, before, after,
                           remark[0] != '\0' ? "  " : "", remark);
}

static int print_counts(struct tn_buffer *out, const char *label, uint64_t before, uint64_t after)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], change[24];
    return print_row(out, label, tn_print_count(a, before), tn_print_count(b, after),
                     print_change(change, sizeof(change), before, after));
}

static int print_sizes(struct tn_buffer *out, const char *label, uint64_t before, uint64_t after)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], change[24];
    if (before == 0 && after == 0)
        return 0;
    return print_row(out, label, tn_print_bytes(a, before), tn_print_bytes(b, after),
                     print_change(change, sizeof(change), before, after));
}

/* Medians of pairs, which may be no more than noise. */
static int print_series(struct tn_buffer *out, const char *label, const uint64_t *before,
                        const uint64_t *after, size_t count, const char *(*print)(char *text, uint64_t value))
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], change[24];
    uint64_t x = tn_try_median(before, count), y = tn_try_median(after, count);
    if (x == 0 || y == 0)
        return 0;
    bool differs = tn_try_differs(before, after, count);
    return print_row(out, label, print(a, x), print(b, y),
                     differs ? print_change(change, sizeof(change), x, y) : "no more than noise");
}

static int print_figures(struct tn_buffer *out, const struct tn_try_report *report)
{
    const struct tn_try_side *without = &report->without, *with = &report->with;
    int r = print_row(out, "", "without", "with", "");
    if (r == 0)
        r = print_counts(out, "allocations", without->calls, with->calls);
    if (r == 0)
        r = print_counts(out, "  that reach the heap", without->heap_calls, with->heap_calls);
    if (r == 0 && (without->failures != 0 || with->failures != 0))
        r = print_counts(out, "  that find no room", without->failures, with->failures);
    if (r == 0)
        r = print_sizes(out, "live in the heap at most", without->peak_bytes, with->peak_bytes);
    if (r == 0)
        r = print_sizes(out, "  which takes (first-fit)", without->region_bytes, with->region_bytes);
    if (r == 0)
        r = print_sizes(out, "beside the heap", 0, tn_try_outside_bytes(report));
    if (r == 0)
        r = print_series(out, "time", without->duration_ns, with->duration_ns, report->run_count,
                         tn_print_duration);
    if (r == 0)
        r = print_series(out, "  of the processor", without->cpu_ns, with->cpu_ns, report->run_count,
                         tn_print_duration);
    if (r == 0)
        r = print_series(out, "resident memory", without->resident_bytes, with->resident_bytes,
                         report->run_count, tn_print_bytes);
    return r;
}

/* "0", "SIGSEGV"... as a shell has it */
static int print_end(struct tn_buffer *out, const struct tn_try_side *side)
{
    const char *name = side->status > 128 ? sigabbrev_np(side->status - 128) : NULL;
    if (side->is_hung)
        return tn_buffer_print(out, "it did not end in time");
    if (name != NULL)
        return tn_buffer_print(out, "SIG%s", name);
    return tn_buffer_print(out, "%d", side->status);
}

static int print_ends(struct tn_buffer *out, const struct tn_try_report *report)
{
    const struct tn_try_side *without = &report->without, *with = &report->with;
    bool is_equal = without->output_hash == with->output_hash;
    int r = tn_buffer_print(out, "\nExit status without the plan: ");
    if (r == 0)
        r = print_end(out, without);
    if (r == 0)
        r = tn_buffer_print(out, "; with it: ");
    if (r == 0)
        r = print_end(out, with);
    if (r == 0)
        r = tn_buffer_print(out, ". Output: %s.\n",
                            !report->has_steady_output
                                ? "not compared, since two runs without the plan differ"
                            : is_equal ? "equal"
                                       : "another one");
    if (r == 0 && report->run_count != 0)
        r = tn_buffer_print(out,
                            "Times are medians of %zu pair%s; with the plan they hold what it costs to "
                            "recognise its places.\n",
                            report->run_count, report->run_count == 1 ? "" : "s");
    return r;
}

/* ---------------------------------------------------------------------------------------- the whole */

static int print_next(struct tn_buffer *out, const struct tn_try_report *report)
{
    int r = 0;
    if (report->record != NULL)
        r = show(out, "The run with the plan is recorded in ", report->record, ".\n");
    if (r == 0 && tn_try_has_refuted(report))
        r = show(out,
                 report->is_saved ? "What is refuted stands in "
                                  : "With --save, what is refuted is written into ",
                 report->log,
                 report->is_saved ? " now: reports leave it out.\n" : ", and reports leave it out.\n");
    return r;
}

int tn_try_write_text(const struct tn_try_report *report, struct tn_buffer *out)
{
    int r = show(out, "What ", report->command, " does with the plan ");
    if (r == 0)
        r = show(out, "", report->plan, "\n\n");
    if (r == 0)
        r = print_list(out, report);
    if (r == 0)
        r = print_unreached(out, report);
    for (size_t i = 0; i < report->result_count && r == 0; i++)
        r = report->results[i].verdict == TN_TRY_REFUTED ? print_refuted(out, &report->results[i])
                                                         : print_remark(out, &report->results[i]);
    if (r == 0)
        r = tn_buffer_print(out, "\n");
    if (r == 0)
        r = print_figures(out, report);
    if (r == 0)
        r = print_ends(out, report);
    return r == 0 ? print_next(out, report) : r;
}
