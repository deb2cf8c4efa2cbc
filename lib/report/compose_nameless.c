/* SPDX-License-Identifier: MIT */

/* Where busy sites have no line: how to get lines comes before any advice, because offsets alone do not show
 * what to change. Called behind the totals. */

#include "compose.h"
#include "runtime_block.h"

#include <string.h>

/* Below this share of all allocations, sites without a line are not worth a word. */
#define NAMELESS_PERCENT_MIN 10
#define MODULES_MAX          3

static bool is_nameless(const struct tn_summary_site *site)
{
    return site->line == 0 && site->module[0] != '\0';
}

/* Whether a site before this one, without a line as well, lies in the same module. */
static bool is_module_known(const struct tn_summary_sites *sites, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (sites->sites[i].line == 0 && strcmp(sites->sites[i].module, sites->sites[index].module) == 0)
            return true;
    return false;
}

static const char *nameless_modules(struct tn_words *words, const struct tn_summary_sites *sites)
{
    const char *names = "";
    unsigned count = 0;
    for (size_t i = 0; i < sites->count && count < MODULES_MAX; i++)
        if (is_nameless(&sites->sites[i]) && !is_module_known(sites, i))
            names = tn_words_print(words, "%s%s%s", names, count++ == 0 ? "" : ", ",
                                   tn_report_module_name(&sites->sites[i]));
    return names;
}

void tn_compose_nameless(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    uint64_t allocations = 0;
    for (size_t i = 0; i < sites->count; i++)
        allocations += is_nameless(&sites->sites[i]) ? sites->sites[i].allocations : 0;
    if (!summary->is_finished || allocations == 0 ||
        allocations < summary->totals.allocations / 100 * NAMELESS_PERCENT_MIN)
        return;
    const char *modules = nameless_modules(&composer->words, sites);
    tn_compose_paragraph(
        composer, TN_PARAGRAPH_BODY,
        tn_words_nameless(&composer->words, allocations, summary->totals.allocations, modules));
}
