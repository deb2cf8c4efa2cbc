/* SPDX-License-Identifier: MIT */

/* The order of a report for people, and its beginning: what was lost, because each number that follows
 * depends on it. Findings that are named stand alone. Called by the formats that are sinks. */

#include "compose.h"

void tn_compose_paragraph(struct tn_composer *composer, enum tn_paragraph_role role, const char *words)
{
    composer->sink->paragraph(composer->sink, &(struct tn_report_paragraph){.role = role, .words = words});
}

static void warn(struct tn_composer *composer, const char *words)
{
    tn_compose_paragraph(composer, TN_PARAGRAPH_WARNING, words);
}

void tn_compose_losses(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_losses *losses = &summary->losses;
    struct tn_words *words = &composer->words;
    if (!summary->is_closed)
        warn(composer, tn_words_fixed(TN_WORDS_INCOMPLETE));
    else if (!summary->is_finished)
        warn(composer, tn_words_fixed(TN_WORDS_UNFINISHED));
    if (losses->processes_unrecorded != 0)
        warn(composer, tn_words_processes_unrecorded(words, losses->processes_unrecorded));
    if (losses->damaged_parts != 0)
        warn(composer, tn_words_damaged_parts(words, losses->damaged_parts));
    if (losses->events_lost != 0)
        warn(composer, tn_words_events_lost(words, losses->events_lost));
    if (losses->unmatched_births != 0)
        warn(composer, tn_words_unmatched_births(words, losses->unmatched_births));
    if (losses->unmatched_frees != 0)
        warn(composer, tn_words_unmatched_frees(words, losses->unmatched_frees));
    if (losses->pauses != 0)
        warn(composer, tn_words_paused(words, losses, summary->duration_ns));
    if (losses->stacks_cut != 0)
        warn(composer, tn_words_stacks_cut(words, losses->stacks_cut));
    if (summary->lacks_free_stacks)
        warn(composer, tn_words_fixed(TN_WORDS_NO_FREE_STACKS));
}

static void compose_all(struct tn_composer *composer)
{
    const struct tn_report *report = composer->report;
    const struct tn_summary *summary = report->summary;
    tn_compose_losses(composer);
    if (summary->process_count == 0) {
        tn_compose_paragraph(composer, TN_PARAGRAPH_ALONE, tn_words_fixed(TN_WORDS_NO_PROCESS));
        return;
    }
    if (report->named != NULL && report->findings != NULL) {
        tn_compose_findings(composer);
        return;
    }
    tn_compose_recording(composer);
    if (summary->totals.allocations == 0) {
        tn_compose_paragraph(composer, TN_PARAGRAPH_ALONE,
                             tn_words_fixed(summary->process_count > 1 ? TN_WORDS_NO_ALLOCATION_IN_PROCESS
                                                                       : TN_WORDS_NO_ALLOCATION));
        return;
    }
    tn_compose_overview(composer);
    tn_compose_totals(composer);
    tn_compose_pools(composer);
    tn_compose_nameless(composer);
    if (report->findings != NULL)
        tn_compose_findings(composer);
    tn_compose_sites(composer);
    tn_compose_verify(composer);
    tn_compose_next(composer);
}

int tn_compose(const struct tn_report *report, struct tn_report_sink *sink)
{
    struct tn_composer composer = {.report = report, .sink = sink};
    compose_all(&composer);
    int r = composer.words.result;
    tn_words_finish(&composer.words);
    return r;
}
