/* SPDX-License-Identifier: MIT */

/* The statements of a comparison of two recordings, for `tenure diff`: what either log lost, the totals and
 * heaps side by side, what got worse, findings, sites. Laid out by the text sink. */

#include "compose.h"
#include "html_sink.h"
#include "text_sink.h"
#include "words_change.h"

#include <string.h>

struct change_composer {
    const struct tn_comparison *comparison;
    struct tn_report_sink *sink;
    struct tn_words words;
};

static void put_paragraph(struct change_composer *composer, enum tn_paragraph_role role, const char *text)
{
    composer->sink->paragraph(composer->sink, &(struct tn_report_paragraph){.role = role, .words = text});
}

/* ---------------------------------------------------------------------------------------- recordings */

static void warn(struct change_composer *composer, const struct tn_summary *summary, const char *sentence)
{
    put_paragraph(composer, TN_PARAGRAPH_WARNING,
                  tn_words_print(&composer->words, "%s: %s", summary->path, sentence));
}

static void warn_of_losses(struct change_composer *composer, const struct tn_summary *summary)
{
    const struct tn_summary_losses *losses = &summary->losses;
    struct tn_words *words = &composer->words;
    if (!summary->is_complete)
        warn(composer, summary, tn_words_fixed(TN_WORDS_INCOMPLETE));
    else if (!summary->is_finished)
        warn(composer, summary, tn_words_fixed(TN_WORDS_UNFINISHED));
    if (losses->events_lost != 0)
        warn(composer, summary, tn_words_events_lost(words, losses->events_lost));
    if (losses->unmatched_births != 0)
        warn(composer, summary, tn_words_unmatched_births(words, losses->unmatched_births));
    if (losses->unmatched_frees != 0)
        warn(composer, summary, tn_words_unmatched_frees(words, losses->unmatched_frees));
    if (losses->pauses != 0)
        warn(composer, summary, tn_words_paused(words, losses, summary->duration_ns));
}

static void put_run(struct change_composer *composer, const char *label, const struct tn_summary *summary)
{
    const char *when = tn_words_print(&composer->words, "%s, %s", summary->started_at,
                                      tn_words_duration(&composer->words, summary->duration_ns));
    composer->sink->field(composer->sink,
                          &(struct tn_report_field){label, summary->path, when, TN_FIELD_PATH});
    composer->sink->field(composer->sink,
                          &(struct tn_report_field){"", summary->command_line, NULL, TN_FIELD_LINE});
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void compose_runs(struct change_composer *composer)
{
    const struct tn_summary *before = composer->comparison->old_run->summary;
    const struct tn_summary *after = composer->comparison->new_run->summary;
    warn_of_losses(composer, before);
    warn_of_losses(composer, after);
    const char *old_program = base_name(before->program), *new_program = base_name(after->program);
    if (strcmp(old_program, new_program) != 0)
        put_paragraph(composer, TN_PARAGRAPH_WARNING,
                      tn_words_other_program(&composer->words, old_program, new_program));
    if (strcmp(before->wrappers, after->wrappers) != 0)
        put_paragraph(
            composer, TN_PARAGRAPH_WARNING,
            "The two recordings look through different wrappers, so that sites of the same lines may "
            "not match; record both with the same --wrapper and --find-wrappers no.");
    composer->sink->heading(composer->sink, "What was compared");
    put_run(composer, "old", before);
    put_run(composer, "new", after);
}

/* ---------------------------------------------------------------------------------------- totals */

#define ROWS_MAX 32

struct totals_table {
    struct tn_report_row rows[ROWS_MAX];
    size_t count;
};

static void add_row(struct totals_table *table, const char *before, const char *after, const char *change,
                    const char *meaning)
{
    if (table->count < ROWS_MAX)
        table->rows[table->count++] = (struct tn_report_row){.cells = {before, after, change, meaning}};
}

static void add_counts(struct totals_table *table, struct tn_words *words, uint64_t before, uint64_t after,
                       const char *meaning)
{
    add_row(table, tn_words_count(words, before), tn_words_count(words, after),
            tn_words_change(words, before, after), meaning);
}

static void add_sizes(struct totals_table *table, struct tn_words *words, uint64_t before, uint64_t after,
                      const char *meaning)
{
    add_row(table, tn_words_bytes(words, before), tn_words_bytes(words, after),
            tn_words_change(words, before, after), meaning);
}

static void add_heap(struct totals_table *table, struct tn_words *words, const struct tn_compared_heap *heap)
{
    bool is_known = heap->before_bytes != 0 && heap->after_bytes != 0;
    add_row(table, heap->before_bytes != 0 ? tn_words_count(words, heap->before_bytes) : "not found",
            heap->after_bytes != 0 ? tn_words_count(words, heap->after_bytes) : "not found",
            is_known ? tn_words_change(words, heap->before_bytes, heap->after_bytes) : "",
            tn_words_print(words, "bytes, smallest heap of %s", heap->policy));
}

static void compose_totals(struct change_composer *composer)
{
    static const struct tn_report_column columns[] = {{"before", TN_COLUMN_QUANTITY},
                                                      {"after", TN_COLUMN_QUANTITY},
                                                      {"change", TN_COLUMN_QUANTITY},
                                                      {"meaning", TN_COLUMN_WORDS}};
    const struct tn_comparison *comparison = composer->comparison;
    const struct tn_summary_totals *before = &comparison->old_run->summary->totals;
    const struct tn_summary_totals *after = &comparison->new_run->summary->totals;
    struct tn_words *words = &composer->words;
    struct totals_table table = {.count = 0};
    add_counts(&table, words, before->allocations, after->allocations, "calls");
    add_sizes(&table, words, before->total_bytes, after->total_bytes, "asked for by all of them");
    add_counts(&table, words, before->small_short_lived, after->small_short_lived,
               "small short-lived ones among them");
    add_sizes(&table, words, before->peak_live_bytes, after->peak_live_bytes, "live at the peak");
    add_counts(&table, words, before->live_count, after->live_count, "blocks live at the end");
    for (size_t i = 0; i < comparison->heap_count; i++)
        add_heap(&table, words, &comparison->heaps[i]);
    composer->sink->heading(composer->sink, "Totals: before, after, change");
    composer->sink->table(composer->sink, &(struct tn_report_table){.columns = columns,
                                                                    .column_count = 4,
                                                                    .rows = table.rows,
                                                                    .row_count = table.count});
}

/* ---------------------------------------------------------------------------------------- worse */

static void put_item(struct change_composer *composer, const char *text, const struct tn_report_site *site)
{
    struct tn_report_part parts[2] = {{TN_PART_WORDS, text, NULL}, {TN_PART_SITE, NULL, site}};
    composer->sink->item(composer->sink, &(struct tn_report_item){parts, site != NULL ? 2 : 1});
}

static void compose_regressions(struct change_composer *composer)
{
    const struct tn_comparison *comparison = composer->comparison;
    composer->sink->heading(composer->sink, "What got worse");
    if (comparison->regression_count == 0)
        put_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_no_regression(&composer->words));
    for (size_t i = 0; i < comparison->regression_count; i++)
        put_item(composer, tn_words_regression(&composer->words, &comparison->regressions[i]), NULL);
}

static void compose_findings(struct change_composer *composer)
{
    const struct tn_comparison *comparison = composer->comparison;
    composer->sink->heading(composer->sink, tn_words_changed_findings_heading(&composer->words, comparison));
    for (size_t i = 0; i < comparison->finding_count; i++) {
        const struct tn_finding_change *change = &comparison->findings[i];
        const struct tn_finding *shown = change->after != NULL ? change->after : change->before;
        if (change->state == TN_CHANGE_SAME || !tn_words_finding_counts(change))
            continue;
        struct tn_report_site site = {0};
        if (shown->site_count != 0)
            site = tn_compose_finding_site(&shown->sites[0]);
        put_item(composer, tn_words_finding_change(&composer->words, change),
                 shown->site_count != 0 ? &site : NULL);
    }
}

/* ---------------------------------------------------------------------------------------- sites */

static void compose_sites(struct change_composer *composer, size_t site_max)
{
    const struct tn_comparison *comparison = composer->comparison;
    struct tn_words *words = &composer->words;
    size_t shown = 0, left = 0;
    composer->sink->heading(composer->sink, tn_words_sites_heading(words, comparison));
    for (size_t i = 0; i < comparison->site_count; i++) {
        const struct tn_site_change *change = &comparison->sites[i];
        if (!tn_site_has_changed(change))
            continue;
        if (site_max != 0 && shown == site_max) {
            left++;
            continue;
        }
        struct tn_report_site site =
            tn_compose_summary_site(change->after_count != 0 ? comparison->after[change->after_first]
                                                             : comparison->before[change->before_first]);
        composer->sink->entry(composer->sink, &(struct tn_report_entry){
                                                  .number = ++shown,
                                                  .words = tn_words_site_change(words, change),
                                                  .site = &site,
                                                  .facts = tn_words_site_moved(words, comparison, change)});
    }
    if (left != 0)
        put_paragraph(composer, TN_PARAGRAPH_REMARK,
                      tn_words_print(words, "and %zu more that changed: --top 0 lists them all", left));
}

/* Give the whole comparison to a sink. Returns 0 or -ENOMEM. */
static int compose(const struct tn_comparison *comparison, size_t site_max, struct tn_report_sink *sink)
{
    struct change_composer composer = {.comparison = comparison, .sink = sink};
    compose_runs(&composer);
    compose_totals(&composer);
    compose_regressions(&composer);
    compose_findings(&composer);
    compose_sites(&composer, site_max);
    int r = composer.words.result;
    tn_words_finish(&composer.words);
    return r;
}

int tn_report_comparison_text(const struct tn_comparison *comparison, size_t site_max,
                              const struct tn_report_style *style, struct tn_buffer *out)
{
    struct tn_text_sink text = tn_text_sink(out, style);
    int r = compose(comparison, site_max, &text.sink);
    return r < 0 ? r : text.page.result;
}

int tn_report_comparison_html(const struct tn_comparison *comparison, size_t site_max, struct tn_buffer *out)
{
    struct tn_html_sink html = tn_html_begin(out, "What changed between two recordings");
    int r = compose(comparison, site_max, &html.sink);
    int end = tn_html_end(&html);
    return r < 0 ? r : end;
}
