/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INDENT "      "

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "file:line", or "module+0x1234" where there is no line; the name takes at most so many columns. */
static void print_source(char *out, size_t out_bytes, const struct tn_summary_site *site, unsigned columns)
{
    char name[TN_TEXT_NAME_BYTES];
    if (site->line != 0)
        snprintf(out, out_bytes, "%s:%" PRIu32, tn_text_path(name, site->file, columns), site->line);
    else if (site->module[0] != '\0')
        snprintf(out, out_bytes, "%s+0x%" PRIx64, tn_text_path(name, base_name(site->module), columns),
                 site->offset_bytes);
    else
        snprintf(out, out_bytes, "0x%" PRIx64 ", outside every module", site->offset_bytes);
}

#define SOURCE_COLUMNS_MIN   32u /* the name of a file and the folder or two above it */
#define FUNCTION_COLUMNS_MIN 20u

/* When not all fits, the path gives way first, down to its minimum, then the function. */
void tn_text_place(struct tn_text *text, const struct tn_summary_site *site, unsigned columns)
{
    char source[TN_TEXT_NAME_BYTES + 32], function[TN_TEXT_NAME_BYTES], via[TN_TEXT_NAME_BYTES];
    tn_text_name(via, site->via, 24);
    unsigned room = columns - (unsigned)strlen(via) - 5;
    print_source(source, sizeof(source), site, TN_TEXT_NAME_BYTES - 1);
    if (site->function[0] == '\0') {
        if (strlen(source) > room)
            print_source(source, sizeof(source), site, room - 12);
        tn_text_print(text, "%s via %s", source, via);
        return;
    }
    room -= 4;
    size_t function_columns = strlen(site->function);
    if (function_columns + strlen(source) > room) {
        unsigned left = room > function_columns + SOURCE_COLUMNS_MIN + 7
                            ? room - (unsigned)function_columns - 7
                            : SOURCE_COLUMNS_MIN;
        print_source(source, sizeof(source), site, left);
        unsigned taken = (unsigned)strlen(source);
        function_columns = room > taken + FUNCTION_COLUMNS_MIN ? room - taken : FUNCTION_COLUMNS_MIN;
    }
    tn_text_print(text, "%s at %s via %s", tn_text_name(function, site->function, (unsigned)function_columns),
                  source, via);
}

static void print_sizes(struct tn_text *text, const struct tn_summary_site *site)
{
    char low[TN_QUANTITY_TEXT_BYTES], high[TN_QUANTITY_TEXT_BYTES], total[TN_QUANTITY_TEXT_BYTES];
    char distinct[TN_QUANTITY_TEXT_BYTES], mean[TN_QUANTITY_TEXT_BYTES];
    tn_print_count(low, site->min_size_bytes);
    if (site->min_size_bytes == site->max_size_bytes) {
        tn_text_print(text, INDENT "size      %s bytes each, %s in all\n", low,
                      tn_print_bytes(total, site->total_bytes));
        return;
    }
    tn_text_print(text, INDENT "size      %s to %s bytes, mean %s", low,
                  tn_print_count(high, site->max_size_bytes),
                  tn_print_count(mean, (uint64_t)(site->mean_size_bytes + 0.5)));
    if (site->distinct_sizes != 0)
        tn_text_print(text, ", %s different", tn_print_count(distinct, site->distinct_sizes));
    tn_text_print(text, ", %s in all\n", tn_print_bytes(total, site->total_bytes));
}

static void print_live(struct tn_text *text, const struct tn_summary_site *site)
{
    char count[TN_QUANTITY_TEXT_BYTES], size[TN_QUANTITY_TEXT_BYTES], end[TN_QUANTITY_TEXT_BYTES];
    tn_text_print(text, INDENT "live      at most %s at once and at most %s; at the end %s\n",
                  tn_print_count(count, site->peak_live_count), tn_print_bytes(size, site->peak_live_bytes),
                  site->live_at_end == 0 ? "none" : tn_print_count(end, site->live_at_end));
}

static void print_lifetime(struct tn_text *text, const struct tn_summary_site *site)
{
    char p50[TN_QUANTITY_TEXT_BYTES], p90[TN_QUANTITY_TEXT_BYTES], longest[TN_QUANTITY_TEXT_BYTES];
    char count[TN_QUANTITY_TEXT_BYTES], others[TN_QUANTITY_TEXT_BYTES];
    if (!site->has_quantiles || site->freed == 0)
        return;
    tn_text_print(
        text, INDENT "lifetime  half within %s (%s allocation%s), 90 %% within %s, all within %s\n",
        tn_print_duration(p50, site->lifetime_ns.p50), tn_print_count(count, site->lifetime_allocations.p50),
        tn_text_plural(site->lifetime_allocations.p50), tn_print_duration(p90, site->lifetime_ns.p90),
        tn_print_duration(longest, site->lifetime_ns.max));
    if (site->freed_by_other_thread != 0)
        tn_text_print(text, INDENT "threads   %s freed by another thread than the one that asked\n",
                      tn_print_count(others, site->freed_by_other_thread));
}

/* What a list puts first about its sites. */
static void print_headline(struct tn_text *text, enum tn_summary_list list,
                           const struct tn_summary_site *site, const struct tn_summary_totals *totals)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], c[TN_QUANTITY_TEXT_BYTES];
    switch (list) {
    case TN_SUMMARY_BY_SMALL_SHORT_LIVED:
        tn_text_print(text, "%s short-lived small allocations, %s of all such; %s of this site's\n",
                      tn_print_count(a, site->small_short_lived),
                      tn_text_share(b, site->small_short_lived, totals->small_short_lived),
                      tn_text_share(c, site->small_short_lived, site->allocations));
        return;
    case TN_SUMMARY_BY_PEAK_LIVE_BYTES:
        tn_text_print(text, "peak %s (the whole process: %s); %s allocation%s\n",
                      tn_print_bytes(a, site->peak_live_bytes), tn_print_bytes(b, totals->peak_live_bytes),
                      tn_print_count(c, site->allocations), tn_text_plural(site->allocations));
        return;
    default:
        tn_text_print(text, "%s allocation%s, %s of all\n", tn_print_count(a, site->allocations),
                      tn_text_plural(site->allocations),
                      tn_text_share(b, site->allocations, totals->allocations));
    }
}

static void print_list(struct tn_text *text, const struct tn_summary *summary, enum tn_summary_list list)
{
    static const struct {
        const char *title, *empty;
    } heads[TN_SUMMARY_LIST_COUNT] = {
        [TN_SUMMARY_BY_ALLOCATIONS] = {"Most allocations", ""},
        [TN_SUMMARY_BY_SMALL_SHORT_LIVED] = {"Most short-lived small allocations",
                                             "  No site made any: nothing was released so early.\n"},
        [TN_SUMMARY_BY_PEAK_LIVE_BYTES] = {"Highest peak (each site at its own time, so they do not add up)",
                                           ""},
    };
    const struct tn_summary_sites *sites = &summary->lists[list];
    tn_text_print(text, "%s\n", heads[list].title);
    if (sites->count == 0)
        tn_text_print(text, "%s", heads[list].empty);
    for (size_t i = 0; i < sites->count; i++) {
        const struct tn_summary_site *site = &sites->sites[i];
        tn_text_print(text, "%4zu. ", i + 1);
        print_headline(text, list, site, &summary->totals);
        tn_text_print(text, INDENT);
        tn_text_place(text, site, TN_TEXT_COLUMNS - 6);
        tn_text_print(text, "\n");
        print_sizes(text, site);
        print_live(text, site);
        print_lifetime(text, site);
    }
    tn_text_print(text, "\n");
}

void tn_text_lists(struct tn_text *text, const struct tn_summary *summary)
{
    for (unsigned list = 0; list < TN_SUMMARY_LIST_COUNT; list++)
        print_list(text, summary, (enum tn_summary_list)list);
}
