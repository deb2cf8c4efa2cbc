/* SPDX-License-Identifier: MIT */

/* The lists of sites: most allocations, most short-lived small ones, highest peaks. Sites of the runtime are
 * counted, not listed: no code of the program's was behind them, so there is nothing to change. */

#include "compose.h"
#include "runtime_block.h"

struct tn_report_site tn_compose_summary_site(const struct tn_summary_site *site)
{
    return (struct tn_report_site){.function = site->function,
                                   .file = site->file,
                                   .module = site->module,
                                   .via = site->via,
                                   .line = site->line,
                                   .offset_bytes = site->offset_bytes};
}

static void put_site(struct tn_composer *composer, enum tn_summary_list list,
                     const struct tn_summary_site *site, size_t number)
{
    const struct tn_summary_totals *totals = &composer->report->summary->totals;
    const struct tn_report_site position = tn_compose_summary_site(site);
    const struct tn_report_entry entry = {.number = number,
                                          .words =
                                              tn_words_site_headline(&composer->words, list, site, totals),
                                          .site = &position,
                                          .facts = tn_words_site_facts(&composer->words, site)};
    composer->sink->entry(composer->sink, &entry);
}

static void put_list(struct tn_composer *composer, enum tn_summary_list list)
{
    static const enum tn_fixed_words titles[TN_SUMMARY_LIST_COUNT] = {
        [TN_SUMMARY_BY_ALLOCATIONS] = TN_WORDS_MOST_ALLOCATIONS,
        [TN_SUMMARY_BY_SMALL_SHORT_LIVED] = TN_WORDS_MOST_SMALL_SHORT_LIVED,
        [TN_SUMMARY_BY_PEAK_LIVE_BYTES] = TN_WORDS_HIGHEST_PEAK,
    };
    const struct tn_summary_sites *sites = &composer->report->summary->lists[list];
    size_t max = composer->report->site_max, listed = 0, left_out = 0;
    composer->sink->heading(composer->sink, tn_words_fixed(titles[list]));
    if (sites->count == 0 && list == TN_SUMMARY_BY_SMALL_SHORT_LIVED)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_fixed(TN_WORDS_NONE_SHORT_LIVED));
    for (size_t i = 0; i < sites->count && (max == 0 || listed < max); i++) {
        if (tn_report_is_runtime(&sites->sites[i]))
            left_out++;
        else
            put_site(composer, list, &sites->sites[i], ++listed);
    }
    if (left_out != 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_REMARK, tn_words_left_out(&composer->words, left_out));
}

void tn_compose_sites(struct tn_composer *composer)
{
    for (unsigned list = 0; list < TN_SUMMARY_LIST_COUNT; list++)
        put_list(composer, (enum tn_summary_list)list);
}
