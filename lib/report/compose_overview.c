/* SPDX-License-Identifier: MIT */

/* The first screen: is the program at risk, what are the first things to do, what do they bring together.
 * Called behind the recording. */

#include "compose.h"
#include "select.h"

#include <string.h>

#define FIRST_MAX   3u /* findings that are told first */
#define CHURN_PARTS 5u /* small short-lived allocations are worth a word above this part of all */

static bool is_growth(const struct tn_finding *finding)
{
    return finding->rise_bytes != 0 && finding->confidence != TN_CONFIDENCE_WEAK;
}

/* The first finding of growth, whether it is shown or not. */
static const char *growth_words(struct tn_composer *composer)
{
    const struct tn_findings *findings = composer->report->findings;
    const struct tn_finding *first = NULL;
    uint64_t count = 0;
    for (size_t i = 0; findings != NULL && i < findings->count; i++) {
        if (!is_growth(&findings->items[i]))
            continue;
        first = first != NULL ? first : &findings->items[i];
        count++;
    }
    if (first == NULL)
        return NULL;
    return tn_words_risk_of_growth(&composer->words, tn_words_title(&composer->words, first), first->rank,
                                   count);
}

static void put_risk(struct tn_composer *composer)
{
    const struct tn_report *report = composer->report;
    const struct tn_findings *findings = report->findings;
    struct tn_words *words = &composer->words;
    const char *growth = growth_words(composer);
    if (growth != NULL)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, growth);
    if (findings != NULL && findings->heap_model_count != 0 && findings->peak_live_bytes != 0) {
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_risk_of_holes(words, findings));
        return;
    }
    const struct tn_summary_totals *totals = &report->summary->totals;
    if (totals->small_short_lived > totals->allocations / CHURN_PARTS)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_risk_of_churn(words, totals));
    if (findings != NULL)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_fixed(TN_WORDS_NO_RISK_MEASURED));
}

/* What the whole program could do instead is told at its place, not among the first. */
static const struct tn_finding *next_of_line(const struct tn_report *report, struct tn_report_cursor *cursor)
{
    const struct tn_finding *finding;
    while ((finding = tn_report_next_finding(report, cursor)) != NULL && finding->site_count == 0)
        ;
    return finding;
}

/* Without a plan: the first findings, and what they bring together. */
static void put_first(struct tn_composer *composer)
{
    const struct tn_report *report = composer->report;
    uint64_t allocations = report->summary->totals.allocations;
    struct tn_words *words = &composer->words;
    struct tn_report_cursor cursor = {0};
    const struct tn_finding *finding;
    size_t count = 0;
    while (count < FIRST_MAX && (finding = next_of_line(report, &cursor)) != NULL) {
        if (count++ == 0)
            tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_fixed(TN_WORDS_DO_FIRST));
        const struct tn_report_entry entry = {.number = finding->rank,
                                              .words = tn_words_first_title(words, finding)};
        composer->sink->entry(composer->sink, &entry);
    }
    if (count == 0)
        return;
    const char *together = tn_words_first_together(words, &report->findings->plan, count, allocations);
    if (together[0] != '\0')
        tn_compose_paragraph(composer, TN_PARAGRAPH_REMARK, together);
}

void tn_compose_overview(struct tn_composer *composer)
{
    const struct tn_findings *findings = composer->report->findings;
    composer->sink->heading(composer->sink, tn_words_fixed(TN_WORDS_OVERVIEW));
    put_risk(composer);
    if (findings != NULL && findings->program_plan != NULL)
        tn_compose_plan(composer);
    else
        put_first(composer);
}
