/* SPDX-License-Identifier: MIT */

/* The table of sites: those with most allocations, and those with most short-lived ones and the highest peaks
 * that are not among them. Sites of the runtime are not listed: no code of the program's was behind them, so
 * there is nothing to change. */

#include "compose.h"
#include "runtime_block.h"

#include <string.h>

struct tn_report_site tn_compose_summary_site(const struct tn_summary_site *site)
{
    return (struct tn_report_site){.function = site->function,
                                   .file = site->file,
                                   .module = site->module,
                                   .via = site->via,
                                   .line = site->line,
                                   .offset_bytes = site->offset_bytes};
}

/* ---------------------------------------------------------------------------------------- which sites */

#define LISTED_MAX 64u /* in the table, at most */
#define TOPS       1u  /* of each other list, unless it is in the table already */

struct listed_sites {
    const struct tn_summary_site *sites[LISTED_MAX];
    size_t count;
};

static bool is_listed(const struct listed_sites *listed, const struct tn_summary_site *site)
{
    for (size_t i = 0; i < listed->count; i++) {
        const struct tn_summary_site *other = listed->sites[i];
        if (other->site_id == site->site_id && other->offset_bytes == site->offset_bytes &&
            strcmp(other->module, site->module) == 0)
            return true;
    }
    return false;
}

/* Take the first so many sites of a list; those that are listed already count, too. */
static void take_sites(const struct tn_summary_sites *from, size_t max, struct listed_sites *listed)
{
    size_t taken = 0;
    for (size_t i = 0; i < from->count && (max == 0 || taken < max) && listed->count < LISTED_MAX; i++) {
        const struct tn_summary_site *site = &from->sites[i];
        if (tn_report_is_runtime(site))
            continue;
        taken++;
        if (!is_listed(listed, site))
            listed->sites[listed->count++] = site;
    }
}

/* ---------------------------------------------------------------------------------------- the table */

static struct tn_report_row make_row(struct tn_composer *composer, const struct tn_summary_site *site)
{
    struct tn_words *words = &composer->words;
    bool has_median = site->has_quantiles && site->freed != 0;
    const char *median = has_median ? tn_words_duration(words, site->lifetime_ns.p50) : "-";
    return (struct tn_report_row){.cells = {tn_words_count(words, site->allocations),
                                            tn_words_share(words, site->small_short_lived, site->allocations),
                                            tn_words_bytes(words, site->peak_live_bytes), median,
                                            tn_words_site_sizes(words, site), tn_words_place(words, site)}};
}

void tn_compose_sites(struct tn_composer *composer)
{
    const struct tn_report_column columns[] = {
        {tn_words_fixed(TN_WORDS_TITLE_CALLS), TN_COLUMN_COUNT},
        {tn_words_fixed(TN_WORDS_TITLE_SHORT_LIVED), TN_COLUMN_QUANTITY},
        {tn_words_fixed(TN_WORDS_TITLE_PEAK), TN_COLUMN_QUANTITY},
        {tn_words_fixed(TN_WORDS_TITLE_MEDIAN), TN_COLUMN_QUANTITY},
        {tn_words_fixed(TN_WORDS_TITLE_SIZES), TN_COLUMN_QUANTITY},
        {tn_words_fixed(TN_WORDS_TITLE_LINE), TN_COLUMN_LINE},
    };
    const struct tn_summary *summary = composer->report->summary;
    size_t max = composer->report->site_max;
    struct listed_sites listed = {.count = 0};
    struct tn_report_row rows[LISTED_MAX];
    take_sites(&summary->lists[TN_SUMMARY_BY_ALLOCATIONS], max, &listed);
    for (unsigned list = TN_SUMMARY_BY_SMALL_SHORT_LIVED; list < TN_SUMMARY_LIST_COUNT; list++)
        take_sites(&summary->lists[list], TOPS, &listed);
    if (listed.count == 0)
        return;
    for (size_t i = 0; i < listed.count; i++)
        rows[i] = make_row(composer, listed.sites[i]);
    composer->sink->heading(composer->sink, tn_words_fixed(TN_WORDS_SITES));
    composer->sink->table(composer->sink,
                          &(struct tn_report_table){.columns = columns,
                                                    .column_count = sizeof(columns) / sizeof(columns[0]),
                                                    .rows = rows,
                                                    .row_count = listed.count,
                                                    .has_titles = true});
}
