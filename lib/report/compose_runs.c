/* SPDX-License-Identifier: MIT */

/* The statements of several runs together, for `tenure report LOG LOG ...`: the runs, then the findings by
 * how many of them hold them. Laid out by the text sink. */

#include "compose.h"
#include "text_sink.h"
#include "words_runs.h"

#include <errno.h>
#include <stdlib.h>

struct runs_composer {
    const struct tn_runs *runs;
    struct tn_report_sink *sink;
    struct tn_words words;
};

static void put_paragraph(struct runs_composer *composer, enum tn_paragraph_role role, const char *text)
{
    composer->sink->paragraph(composer->sink, &(struct tn_report_paragraph){.role = role, .words = text});
}

static void warn_of_losses(struct runs_composer *composer)
{
    for (size_t i = 0; i < composer->runs->run_count; i++) {
        const struct tn_summary *summary = composer->runs->runs[i].summary;
        if (!summary->is_complete)
            put_paragraph(composer, TN_PARAGRAPH_WARNING,
                          tn_words_print(&composer->words, "%s: %s", summary->path,
                                         tn_words_fixed(TN_WORDS_INCOMPLETE)));
    }
    if (!composer->runs->is_one_program)
        put_paragraph(composer, TN_PARAGRAPH_WARNING, tn_words_runs_programs(&composer->words));
}

static struct tn_report_row make_row(struct runs_composer *composer, size_t run)
{
    const struct tn_compared_run *one = &composer->runs->runs[run];
    struct tn_words *words = &composer->words;
    return (struct tn_report_row){.cells = {tn_words_print(words, "%zu", run + 1),
                                            tn_words_count(words, one->summary->totals.allocations),
                                            tn_words_bytes(words, one->summary->totals.peak_live_bytes),
                                            tn_words_count(words, one->summary->totals.live_count),
                                            one->summary->path}};
}

static void put_runs(struct runs_composer *composer)
{
    const struct tn_report_column columns[] = {
        {"run", TN_COLUMN_ID},
        {tn_words_fixed(TN_WORDS_LABEL_ALLOCATIONS), TN_COLUMN_COUNT},
        {tn_words_fixed(TN_WORDS_TITLE_PEAK), TN_COLUMN_QUANTITY},
        {tn_words_fixed(TN_WORDS_LABEL_LIVE), TN_COLUMN_COUNT},
        {tn_words_fixed(TN_WORDS_LABEL_LOG), TN_COLUMN_LINE},
    };
    size_t count = composer->runs->run_count;
    struct tn_report_row *rows = calloc(count, sizeof(rows[0]));
    if (rows == NULL) {
        composer->words.result = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < count; i++)
        rows[i] = make_row(composer, i);
    composer->sink->heading(composer->sink, tn_words_fixed(TN_WORDS_RECORDED));
    composer->sink->table(composer->sink,
                          &(struct tn_report_table){.columns = columns,
                                                    .column_count = sizeof(columns) / sizeof(columns[0]),
                                                    .rows = rows,
                                                    .row_count = count,
                                                    .has_titles = true});
    free(rows);
}

/* Key, what it saves, which runs differ, and its numbers over all runs. */
static const char *facts(struct runs_composer *composer, const struct tn_runs_finding *merged)
{
    static const struct tn_evidence_key no_keys[] = {{.key = NULL}};
    struct tn_words *words = &composer->words;
    char key[TN_FINDING_KEY_BYTES];
    const char *text =
        tn_words_print(words, "%s, key %s; %s", merged->shown->kind, tn_finding_key_print(merged->shown, key),
                       tn_words_runs_saving(words, merged));
    const char *verdicts = tn_words_runs_verdicts(words, composer->runs, merged);
    const char *evidence = tn_words_evidence(words, merged->kind != NULL ? merged->kind->evidence : no_keys,
                                             &merged->evidence, false);
    if (verdicts[0] != '\0')
        text = tn_words_print(words, "%s; %s", text, verdicts);
    return evidence[0] != '\0' ? tn_words_print(words, "%s; over all runs: %s", text, evidence) : text;
}

static void put_findings(struct runs_composer *composer, size_t top)
{
    const struct tn_runs *runs = composer->runs;
    size_t max = top != 0 ? top : SIZE_MAX, shown[TN_RUNS_STATE_COUNT] = {0}, number = 0, left = 0;
    for (size_t i = 0; i < runs->finding_count; i++) {
        const struct tn_runs_finding *merged = &runs->findings[i];
        if (shown[merged->state] == max) {
            left++;
            continue;
        }
        if (shown[merged->state]++ == 0)
            composer->sink->heading(composer->sink,
                                    tn_words_runs_heading(&composer->words, merged->state, runs->run_count));
        const struct tn_report_entry entry = {.number = ++number,
                                              .words = tn_words_title(&composer->words, merged->shown),
                                              .facts = facts(composer, merged)};
        composer->sink->entry(composer->sink, &entry);
    }
    if (left != 0)
        put_paragraph(composer, TN_PARAGRAPH_REMARK, tn_words_runs_more(&composer->words, left));
    if (runs->finding_count == 0)
        put_paragraph(composer, TN_PARAGRAPH_ALONE, tn_words_fixed(TN_WORDS_NOTHING_FOUND));
}

int tn_report_runs_text(const struct tn_runs *runs, size_t finding_max, const struct tn_report_style *style,
                        struct tn_buffer *out)
{
    struct tn_text_sink text = tn_text_sink(out, style);
    struct runs_composer composer = {.runs = runs, .sink = &text.sink};
    warn_of_losses(&composer);
    put_runs(&composer);
    put_findings(&composer, finding_max);
    int r = composer.words.result;
    tn_words_finish(&composer.words);
    return r < 0 ? r : text.page.result;
}
