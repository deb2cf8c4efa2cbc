/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "tenure/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was not recorded, or is not in the log: before everything else, because each number below depends on
 * it. */
static void print_losses(struct tn_text *text, const struct tn_summary *summary)
{
    const struct tn_summary_losses *losses = &summary->losses;
    char count[TN_QUANTITY_TEXT_BYTES];
    size_t before_bytes = text->out->size_bytes;
    if (!summary->is_complete)
        tn_text_print(text,
                      "! The log is not complete: it is still being written, or the recording was cut "
                      "short.\n  What follows is true of the time until then.\n");
    else if (!summary->is_finished)
        tn_text_print(text, "! Finishing the log was cut short: functions, files and lines are missing.\n");
    if (losses->events_lost != 0)
        tn_text_print(text,
                      "! %s event%s lost: counts are too low by as many, and a block whose free was lost\n"
                      "  looks live.\n",
                      tn_print_count(count, losses->events_lost),
                      losses->events_lost == 1 ? " was" : "s were");
    if (losses->unmatched_births != 0)
        tn_text_print(text,
                      "! %s block%s an address that was still taken: a free before was not seen (by a\n"
                      "  function that is not recorded, say).\n",
                      tn_print_count(count, losses->unmatched_births),
                      losses->unmatched_births == 1 ? " got" : "s got");
    if (losses->unmatched_frees != 0)
        tn_text_print(text, "! %s free%s of blocks whose allocation was not seen.\n",
                      tn_print_count(count, losses->unmatched_frees),
                      losses->unmatched_frees == 1 ? " was" : "s were");
    if (losses->stacks_cut != 0)
        tn_text_print(text, "! %s call stack%s deeper than the depth limit and cut (see --depth).\n",
                      tn_print_count(count, losses->stacks_cut), losses->stacks_cut == 1 ? " was" : "s were");
    if (summary->lacks_free_stacks)
        tn_text_print(text,
                      "! Recorded without the stacks of releases (--free-stacks no): what could be a local\n"
                      "  buffer cannot be told.\n");
    if (text->out->size_bytes != before_bytes)
        tn_text_print(text, "\n");
}

static const struct tn_summary_process *find_process(const struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->process_count; i++)
        if (summary->processes[i].id == summary->process_id)
            return &summary->processes[i];
    return NULL;
}

/* How a process ended, filled up to so many columns. */
static void print_end(struct tn_text *text, const struct tn_summary_process *process, int columns)
{
    char end[32] = "ended";
    if (strcmp(process->exit_kind, "exit") == 0 && process->exit_code >= 0)
        snprintf(end, sizeof(end), "exit %d", process->exit_code);
    else if (strcmp(process->exit_kind, "signal") == 0 && process->exit_code >= 0)
        snprintf(end, sizeof(end), "signal %d", process->exit_code);
    else if (strcmp(process->exit_kind, "exec") == 0)
        snprintf(end, sizeof(end), "executed");
    else if (strcmp(process->exit_kind, "running") == 0)
        snprintf(end, sizeof(end), "runs");
    tn_text_print(text, "%-*s", columns, end);
}

#define PROCESSES_MAX 12

static int compare_descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Processes with fewer allocations than this are not listed, so that about PROCESSES_MAX are. */
static uint64_t listing_threshold(struct tn_text *text, const struct tn_summary *summary)
{
    if (summary->process_count <= PROCESSES_MAX)
        return 0;
    uint64_t *counts = calloc(summary->process_count, sizeof(counts[0]));
    if (counts == NULL) {
        text->result = -ENOMEM;
        return 0;
    }
    for (size_t i = 0; i < summary->process_count; i++)
        counts[i] = summary->processes[i].allocations;
    qsort(counts, summary->process_count, sizeof(counts[0]), compare_descending);
    uint64_t threshold = counts[PROCESSES_MAX - 1];
    free(counts);
    return threshold;
}

/* One line a process; an arrow marks the one that the report is about. */
static void print_processes(struct tn_text *text, const struct tn_summary *summary)
{
    char allocations[TN_QUANTITY_TEXT_BYTES], name[TN_TEXT_NAME_BYTES];
    tn_text_print(text,
                  "  processes  %zu; this report is about process %" PRIu64 " (--process ID for another)\n",
                  summary->process_count, summary->process_id);
    uint64_t threshold = listing_threshold(text, summary);
    size_t listed = 0;
    for (size_t i = 0; i < summary->process_count; i++) {
        const struct tn_summary_process *process = &summary->processes[i];
        bool is_it = process->id == summary->process_id;
        if (!is_it && (process->allocations < threshold || listed >= PROCESSES_MAX))
            continue;
        tn_text_print(text, "  %s %4" PRIu64 "  %11s allocations  ", is_it ? "->" : "  ", process->id,
                      tn_print_count(allocations, process->allocations));
        print_end(text, process, 11);
        tn_text_print(text, "%s\n", tn_text_name(name, process->command_line, 53));
        listed++;
    }
    if (listed < summary->process_count)
        tn_text_print(text, "           and %zu more, smaller ones: tenure info lists them\n",
                      summary->process_count - listed);
    if (summary->losses.inherited_frees != 0)
        tn_text_print(text, "           %s frees in forked children were of blocks that a parent had made\n",
                      tn_print_count(allocations, summary->losses.inherited_frees));
}

/* Functions that are no sites although no list names them: who looks for their lines must know. */
static void print_wrappers(struct tn_text *text, const char *wrappers)
{
    struct tn_buffer words = {0};
    if (wrappers == NULL || wrappers[0] == '\0')
        return;
    if (tn_buffer_print(&words, "%s (found by their use: their callers are the sites)", wrappers) < 0)
        text->result = -ENOMEM;
    else
        tn_text_wrap(text, "  wrappers   ", (const char *)words.data);
    tn_buffer_finish(&words);
}

static void print_recording(struct tn_text *text, const struct tn_summary *summary)
{
    char name[TN_TEXT_NAME_BYTES], duration[TN_QUANTITY_TEXT_BYTES], size[TN_QUANTITY_TEXT_BYTES];
    tn_text_print(text, "What was recorded\n");
    tn_text_print(text, "  program    %s\n", tn_text_path(name, summary->program, TN_TEXT_COLUMNS - 13));
    tn_text_print(text, "  command    %s\n", tn_text_name(name, summary->command_line, TN_TEXT_COLUMNS - 13));
    tn_text_print(text, "  when       %s, %s\n", summary->started_at,
                  tn_print_duration(duration, summary->duration_ns));
    const struct tn_summary_process *process = find_process(summary);
    if (summary->process_count == 1 && process != NULL) {
        tn_text_print(text, "  process    pid %" PRIu32 ", ", process->pid);
        print_end(text, process, 0);
        tn_text_print(text, ", with %" PRIu64 " thread%s\n", summary->totals.threads,
                      tn_text_plural(summary->totals.threads));
    } else if (summary->process_count > 1) {
        print_processes(text, summary);
    }
    print_wrappers(text, summary->wrappers);
    tn_text_print(text, "  log        %s (%s)\n\n", tn_text_path(name, summary->path, TN_TEXT_COLUMNS - 25),
                  tn_print_bytes(size, summary->log_bytes));
}

/* A line of the totals: label, number, and what it means. */
static void print_total(struct tn_text *text, const char *label, const char *number)
{
    tn_text_print(text, "  %-13s %14s", label, number);
}

static void print_live(struct tn_text *text, const struct tn_summary *summary)
{
    const struct tn_summary_totals *totals = &summary->totals;
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], c[TN_QUANTITY_TEXT_BYTES];
    print_total(text, "still live", tn_print_count(a, totals->live_count));
    if (totals->live_count == 0)
        tn_text_print(text, "  at the end: everything was released\n");
    else
        tn_text_print(text, "  with %s, when the %s; by itself this is no leak\n",
                      tn_print_bytes(b, totals->live_bytes),
                      summary->is_complete ? "process ended" : "log was last written");
    print_total(text, "peak", tn_print_bytes(a, totals->peak_live_bytes));
    tn_text_print(text, "  live at once, in %s block%s, %s after the start\n",
                  tn_print_count(b, totals->peak_live_count), tn_text_plural(totals->peak_live_count),
                  tn_print_duration(c, totals->peak_ns));
}

static void print_small_totals(struct tn_text *text, const struct tn_summary_totals *totals)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], c[TN_QUANTITY_TEXT_BYTES];
    print_total(text, "short-lived", tn_text_share(a, totals->small_short_lived, totals->allocations));
    tn_text_print(text, "  %s of <= 1,024 bytes, gone within 32 KiB of later requests\n",
                  tn_print_count(b, totals->small_short_lived));
    if (totals->usable_bytes >= totals->total_bytes && totals->total_bytes != 0) {
        uint64_t excess_bytes = totals->usable_bytes - totals->total_bytes;
        print_total(text, "rounding", tn_text_share(a, excess_bytes, totals->total_bytes));
        tn_text_print(text, "  the allocator gave %s for %s; its headers come on top\n",
                      tn_print_bytes(b, totals->usable_bytes), tn_print_bytes(c, totals->total_bytes));
    }
    if (totals->reallocs != 0) {
        print_total(text, "realloc", tn_print_count(a, totals->reallocs));
        tn_text_print(text, "  of the allocations continue an older block\n");
    }
    if (totals->failures != 0) {
        print_total(text, "failed calls", tn_print_count(a, totals->failures));
        tn_text_print(text, "  returned NULL\n");
    }
}

static void print_totals(struct tn_text *text, const struct tn_summary *summary)
{
    const struct tn_summary_totals *totals = &summary->totals;
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], c[TN_QUANTITY_TEXT_BYTES];
    if (summary->process_count > 1)
        tn_text_print(text, "Totals of process %" PRIu64 "\n", summary->process_id);
    else
        tn_text_print(text, "Totals\n");
    print_total(text, "allocations", tn_print_count(a, totals->allocations));
    uint64_t mean_bytes = totals->allocations != 0 ? totals->total_bytes / totals->allocations : 0;
    tn_text_print(text, "  %s asked for, %s on average, at %s site%s\n",
                  tn_print_bytes(b, totals->total_bytes), tn_print_bytes(c, mean_bytes),
                  tn_print_count((char[TN_QUANTITY_TEXT_BYTES]){0}, summary->site_count),
                  tn_text_plural(summary->site_count));
    print_total(text, "frees", tn_print_count(a, totals->frees));
    tn_text_print(text, "%s\n",
                  totals->reallocs != 0 ? "  a realloc ends one block and begins the next" : "");
    print_live(text, summary);
    print_small_totals(text, totals);
    tn_text_print(text, "\n");
}

int tn_report_text(const struct tn_report *report, struct tn_buffer *out)
{
    const struct tn_summary *summary = report->summary;
    struct tn_text text = {.out = out};
    print_losses(&text, summary);
    if (summary->process_count == 0) {
        tn_text_print(&text, "No process was recorded in this log, so there is nothing to report.\n");
        return text.result;
    }
    print_recording(&text, summary);
    if (summary->totals.allocations == 0) {
        tn_text_print(&text, "No allocation was recorded%s, so there is nothing to report.\n",
                      summary->process_count > 1 ? " in this process" : "");
        return text.result;
    }
    print_totals(&text, summary);
    if (report->findings != NULL)
        tn_text_findings(&text, report);
    tn_text_lists(&text, report);
    tn_text_next(&text, summary);
    return text.result;
}
