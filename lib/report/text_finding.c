/* SPDX-License-Identifier: MIT */
#include "evidence.h"
#include "select.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SITES_MAX 4 /* of one finding; the JSON report has all */

/* How to see that a change did what the finding promises. kind: NULL where it is not known. */
static const char *find_verification(const struct tn_kind *kind, const struct tn_finding *finding)
{
    if (kind == NULL)
        return "Record again and compare.";
    return finding->site_count == 0 && kind->program_verify != NULL ? kind->program_verify : kind->verify;
}

static const struct tn_kind *kind_of(const struct tn_report *report, const struct tn_finding *finding)
{
    return report->kinds != NULL ? tn_kind_find(report->kinds, finding->kind) : NULL;
}

static void print_sites(struct tn_text *text, const struct tn_finding *finding)
{
    char count[TN_QUANTITY_TEXT_BYTES];
    for (size_t i = 0; i < finding->site_count && i < SITES_MAX; i++) {
        tn_text_print(text, "      %-9s", i == 0 ? "where" : "");
        tn_text_place(text, tn_text_finding_site(&finding->sites[i]), TN_TEXT_COLUMNS - 15);
        tn_text_print(text, "\n");
    }
    if (finding->site_count > SITES_MAX)
        tn_text_print(text, "               and %s more: --format json lists them\n",
                      tn_print_count(count, finding->site_count - SITES_MAX));
}

/* "4.2 KiB less", "4.2 KiB more" or "as before". */
static int print_delta(struct tn_buffer *out, int64_t bytes)
{
    char text[TN_QUANTITY_TEXT_BYTES];
    if (bytes == 0)
        return tn_buffer_print(out, "as before");
    uint64_t size_bytes = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    return tn_buffer_print(out, "%s %s", tn_print_bytes(text, size_bytes), bytes < 0 ? "less" : "more");
}

/* What a replay measured: heaps, and what stands in their place. */
static int print_heaps(const struct tn_finding_saving *saving, struct tn_buffer *out)
{
    char bytes[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    for (size_t i = 0; i < saving->heap_delta_count && r == 0; i++) {
        r = tn_buffer_print(out, "heap of %s: ", saving->heap_deltas[i].policy);
        if (r == 0)
            r = print_delta(out, saving->heap_deltas[i].bytes);
        if (r == 0)
            r = tn_buffer_print(out, "; ");
    }
    if (r == 0 && saving->outside != NULL && saving->outside_bytes != 0)
        r = tn_buffer_print(out, "%s of %s memory in its place; ",
                            tn_print_bytes(bytes, saving->outside_bytes), saving->outside);
    return r;
}

static int print_saving(const struct tn_finding_saving *saving, const struct tn_summary_totals *totals,
                        struct tn_buffer *out)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    if (saving->allocations_removed != 0)
        r = tn_buffer_print(out, "%s allocation%s less (%s of all); ",
                            tn_print_count(a, saving->allocations_removed),
                            tn_text_plural(saving->allocations_removed),
                            tn_text_share(b, saving->allocations_removed, totals->allocations));
    if (r == 0 && saving->bytes_removed > 0)
        r = tn_buffer_print(out, "%s of headers and rounding less; ",
                            tn_print_bytes(a, (uint64_t)saving->bytes_removed));
    if (r == 0 && saving->peak_bytes_delta != 0) {
        r = tn_buffer_print(out, "memory at the peak: ");
        if (r == 0)
            r = print_delta(out, saving->peak_bytes_delta);
        if (r == 0)
            r = tn_buffer_print(out, "; ");
    }
    return r == 0 ? print_heaps(saving, out) : r;
}

/* A label and what is in the buffer, which is emptied; nothing when there is nothing to say. */
static void print_labelled(struct tn_text *text, const char *label, struct tn_buffer *words)
{
    char first[24];
    if (words->size_bytes == 0 || tn_buffer_append(words, "", 1) < 0)
        return;
    snprintf(first, sizeof(first), "      %-9s", label);
    char *end = (char *)words->data + words->size_bytes - 1;
    while (end > (char *)words->data && (end[-1] == ' ' || end[-1] == ';' || end[-1] == '\n'))
        *--end = '\0';
    if (words->data[0] != '\0')
        tn_text_wrap(text, first, (const char *)words->data);
    words->size_bytes = 0;
}

static void print_words(struct tn_text *text, const char *label, const char *words)
{
    struct tn_buffer buffer = {0};
    if (words == NULL || words[0] == '\0')
        return;
    if (tn_buffer_append(&buffer, words, strlen(words)) < 0)
        text->result = -ENOMEM;
    print_labelled(text, label, &buffer);
    tn_buffer_finish(&buffer);
}

static void print_finding(struct tn_text *text, const struct tn_finding *finding,
                          const struct tn_report *report)
{
    char first[32];
    struct tn_buffer words = {0};
    const struct tn_kind *kind = kind_of(report, finding);
    snprintf(first, sizeof(first), "%4" PRIu32 ". ", finding->rank);
    tn_text_wrap(text, first, finding->title);
    print_sites(text, finding);
    print_words(text, "change", finding->advice);
    if (tn_evidence_print(kind, &finding->evidence, &words) < 0)
        text->result = -ENOMEM;
    print_labelled(text, "evidence", &words);
    if (print_saving(&finding->saving, &report->summary->totals, &words) < 0)
        text->result = -ENOMEM;
    print_labelled(text, "effect", &words);
    print_words(text, "but", finding->notes);
    print_words(text, "instead", finding->alternatives);
    print_words(text, "verify", find_verification(kind, finding));
    if (tn_buffer_print(&words, "%s, %s; tactic: %s", finding->kind, tn_confidence_name(finding->confidence),
                        finding->tactic) < 0)
        text->result = -ENOMEM;
    print_labelled(text, "kind", &words);
    tn_text_code(text, finding->code, report->code != NULL ? report->code : "c");
    tn_text_print(text, "\n");
    tn_buffer_finish(&words);
}

/* Neither a thousandth of the calls nor a hundredth of the peak is to be had: worth a line, not a page. */
static bool is_small(const struct tn_report *report, const struct tn_finding *finding)
{
    const struct tn_kind *kind = kind_of(report, finding);
    const struct tn_summary_totals *totals = &report->summary->totals;
    const struct tn_finding_saving *saving = &finding->saving;
    int64_t bytes =
        saving->bytes_removed > -saving->peak_bytes_delta ? saving->bytes_removed : -saving->peak_bytes_delta;
    if (kind != NULL && kind->is_never_minor)
        return false;
    return finding->site_count != 0 && saving->heap_delta_count == 0 &&
           saving->allocations_removed < totals->allocations / 1000 &&
           (bytes <= 0 || (uint64_t)bytes < totals->peak_live_bytes / 100);
}

static void print_briefly(struct tn_text *text, const struct tn_finding *finding)
{
    char first[32];
    struct tn_buffer words = {0};
    snprintf(first, sizeof(first), "%4" PRIu32 ". ", finding->rank);
    if (tn_buffer_print(&words, "%s (%s)", finding->title, finding->kind) < 0)
        text->result = -ENOMEM;
    else
        tn_text_wrap(text, first, (const char *)words.data);
    tn_buffer_finish(&words);
}

static void print_hidden(struct tn_text *text, const struct tn_report *report,
                         const struct tn_report_selection *selection)
{
    if (selection->beyond_max != 0)
        tn_text_print(text, "  %zu more finding%s less: --top N shows more.\n", selection->beyond_max,
                      selection->beyond_max == 1 ? " saves" : "s save");
    if (selection->too_weak != 0)
        tn_text_print(text, "  %zu doubtful finding%s not shown: --confidence %s shows %s.\n",
                      selection->too_weak, selection->too_weak == 1 ? " is" : "s are",
                      tn_confidence_name(TN_CONFIDENCE_WEAK), selection->too_weak == 1 ? "it" : "them");
    if (report->findings->given_way != 0)
        tn_text_print(text,
                      "  %" PRIu64
                      " gave way to a stronger one about the same lines, which names "
                      "%s under \"instead\".\n",
                      report->findings->given_way, report->findings->given_way == 1 ? "it" : "them");
    if (selection->shown != 0)
        tn_text_print(text,
                      "  The numbers of a finding come from the log again by the query that --format "
                      "json gives with it.\n");
}

void tn_text_findings(struct tn_text *text, const struct tn_report *report)
{
    struct tn_report_selection selection = tn_report_select(report);
    tn_text_print(text, "Findings%s\n",
                  selection.shown != 0 ? ": what to change, the largest saving first" : "");
    if (selection.shown == 0)
        tn_text_print(text, "  Nothing was found that is worth a change%s.\n",
                      report->summary->is_complete ? "" : ", so far");
    bool is_brief = false, has_told = false;
    struct tn_report_place place = {0};
    const struct tn_finding *finding;
    while ((finding = tn_report_next_finding(report, &place)) != NULL) {
        bool was_brief = is_brief;
        is_brief = is_small(report, finding);
        if (is_brief && !was_brief)
            tn_text_print(text, has_told ? "  These save as little:\n"
                                         : "  Each of these saves less than 0.1 %% of the calls and 1 %% of "
                                           "the peak (--format json\n  tells all of them):\n");
        has_told = has_told || is_brief;
        if (!is_brief && was_brief)
            tn_text_print(text, "\n");
        if (is_brief)
            print_briefly(text, finding);
        else
            print_finding(text, finding, report);
    }
    if (is_brief)
        tn_text_print(text, "\n");
    print_hidden(text, report, &selection);
    tn_text_print(text, "\n");
}
