/* SPDX-License-Identifier: MIT */

/* The totals of the process that a report is about: one table of label, number, and what the number means.
 * Rows whose number is not known, or 0 where that goes without saying, are left out. Called by compose.c. */

#include "compose.h"
#include "runtime_block.h"

#define ROWS_MAX 9

struct total_rows {
    struct tn_report_row rows[ROWS_MAX];
    size_t count;
};

static void add(struct total_rows *totals, enum tn_fixed_words label, const char *number, const char *meaning)
{
    totals->rows[totals->count++] = (struct tn_report_row){.cells = {tn_words_fixed(label), number, meaning}};
}

static void add_live(struct total_rows *rows, struct tn_words *words, const struct tn_summary *summary)
{
    const struct tn_summary_totals *totals = &summary->totals;
    add(rows, TN_WORDS_LABEL_LIVE, tn_words_count(words, totals->live_count),
        totals->live_count == 0 ? tn_words_fixed(TN_WORDS_ALL_RELEASED)
                                : tn_words_still_live(words, totals->live_bytes, summary->is_closed));
    add(rows, TN_WORDS_LABEL_PEAK, tn_words_bytes(words, totals->peak_live_bytes),
        tn_words_peak(words, totals->peak_live_count, totals->peak_ns));
    const struct tn_summary_site *block = tn_report_runtime_block(summary);
    if (block != NULL)
        add(rows, TN_WORDS_LABEL_RUNTIME, tn_words_bytes(words, block->total_bytes),
            tn_words_runtime_block(words, tn_report_module_name(block)));
}

/* Where rounding is not known, the bytes got are none, or fewer than those asked for. */
static void add_small(struct total_rows *rows, struct tn_words *words, const struct tn_summary_totals *totals)
{
    add(rows, TN_WORDS_LABEL_SHORT_LIVED,
        tn_words_share(words, totals->small_short_lived, totals->allocations),
        tn_words_small_short_lived(words, totals->small_short_lived));
    if (totals->usable_bytes >= totals->total_bytes && totals->total_bytes != 0)
        add(rows, TN_WORDS_LABEL_ROUNDING,
            tn_words_share(words, totals->usable_bytes - totals->total_bytes, totals->total_bytes),
            tn_words_rounding(words, totals->usable_bytes, totals->total_bytes));
    if (totals->reallocs != 0)
        add(rows, TN_WORDS_LABEL_REALLOC, tn_words_count(words, totals->reallocs),
            tn_words_fixed(TN_WORDS_REALLOC_CONTINUES));
    if (totals->failures != 0)
        add(rows, TN_WORDS_LABEL_FAILED, tn_words_count(words, totals->failures),
            tn_words_fixed(TN_WORDS_FAILED_CALLS));
}

void tn_compose_totals(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_totals *totals = &summary->totals;
    struct tn_words *words = &composer->words;
    const struct tn_report_column columns[] = {
        {tn_words_fixed(TN_WORDS_TITLE_TOTAL), TN_COLUMN_LABEL},
        {tn_words_fixed(TN_WORDS_TITLE_QUANTITY), TN_COLUMN_QUANTITY},
        {tn_words_fixed(TN_WORDS_TITLE_MEANING), TN_COLUMN_WORDS},
    };
    struct total_rows rows = {.count = 0};
    add(&rows, TN_WORDS_LABEL_ALLOCATIONS, tn_words_count(words, totals->allocations),
        tn_words_requests(words, totals, summary->site_count));
    add(&rows, TN_WORDS_LABEL_FREES, tn_words_count(words, totals->frees),
        totals->reallocs != 0 ? tn_words_fixed(TN_WORDS_FREES_OF_REALLOC) : "");
    add_live(&rows, words, summary);
    add_small(&rows, words, totals);
    composer->sink->heading(composer->sink, summary->process_count > 1
                                                ? tn_words_totals_of(words, summary->process_id)
                                                : tn_words_fixed(TN_WORDS_TOTALS));
    const struct tn_report_table table = {.columns = columns,
                                          .column_count = sizeof(columns) / sizeof(columns[0]),
                                          .rows = rows.rows,
                                          .row_count = rows.count};
    composer->sink->table(composer->sink, &table);
}
