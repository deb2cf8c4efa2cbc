/* SPDX-License-Identifier: MIT */

/* The program's own pools, where it tells of any: one row each, the largest first. They stand behind the
 * totals of the heap, in which their blocks are not. Called by compose.c. */

#include "compose.h"
#include "words_pools.h"

void tn_compose_pools(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_report_column columns[] = {
        {"pool", TN_COLUMN_LABEL},
        {"at most", TN_COLUMN_QUANTITY},
        {"use", TN_COLUMN_WORDS},
    };
    struct tn_report_row rows[TN_SUMMARY_POOLS] = {{{NULL}, false}};
    if (summary->pool_count == 0)
        return;
    for (size_t i = 0; i < summary->pool_count; i++) {
        const struct tn_summary_pool *pool = &summary->pools[i];
        rows[i].cells[0] = pool->name;
        rows[i].cells[1] = tn_words_bytes(&composer->words, pool->peak_live_bytes);
        rows[i].cells[2] = tn_words_pool_use(&composer->words, pool, summary->is_closed);
    }
    composer->sink->heading(composer->sink, tn_words_pools_heading());
    tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_pools_meaning());
    const struct tn_report_table table = {.columns = columns,
                                          .column_count = sizeof(columns) / sizeof(columns[0]),
                                          .rows = rows,
                                          .row_count = summary->pool_count};
    composer->sink->table(composer->sink, &table);
    if (summary->all_pools > summary->pool_count)
        tn_compose_paragraph(composer, TN_PARAGRAPH_REMARK,
                             tn_words_pools_more(&composer->words, summary->all_pools - summary->pool_count));
}
