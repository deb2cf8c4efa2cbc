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

struct tn_text_site tn_text_summary_site(const struct tn_summary_site *site)
{
    return (struct tn_text_site){.function = site->function,
                                 .file = site->file,
                                 .module = site->module,
                                 .via = site->via,
                                 .line = site->line,
                                 .offset_bytes = site->offset_bytes};
}

struct tn_text_site tn_text_finding_site(const struct tn_finding_site *site)
{
    return (struct tn_text_site){.function = site->function,
                                 .file = site->file,
                                 .module = site->module,
                                 .via = site->via,
                                 .line = site->line,
                                 .offset_bytes = site->offset_bytes};
}

/* "file:line", or "module+0x1234" where there is no line; the name takes at most so many columns. */
static void print_source(char *out, size_t out_bytes, const struct tn_text_site *site, unsigned columns)
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
void tn_text_place(struct tn_text *text, struct tn_text_site site, unsigned columns)
{
    char source[TN_TEXT_NAME_BYTES + 32], function[TN_TEXT_NAME_BYTES], via[TN_TEXT_NAME_BYTES];
    tn_text_name(via, site.via, 24);
    unsigned room = columns - (unsigned)strlen(via) - 5;
    print_source(source, sizeof(source), &site, TN_TEXT_NAME_BYTES - 1);
    if (site.function[0] == '\0') {
        if (strlen(source) > room)
            print_source(source, sizeof(source), &site, room - 12);
        tn_text_print(text, "%s via %s", source, via);
        return;
    }
    room -= 4;
    size_t function_columns = strlen(site.function);
    if (function_columns + strlen(source) > room) {
        unsigned left = room > function_columns + SOURCE_COLUMNS_MIN + 7
                            ? room - (unsigned)function_columns - 7
                            : SOURCE_COLUMNS_MIN;
        print_source(source, sizeof(source), &site, left);
        unsigned taken = (unsigned)strlen(source);
        function_columns = room > taken + FUNCTION_COLUMNS_MIN ? room - taken : FUNCTION_COLUMNS_MIN;
    }
    tn_text_print(text, "%s at %s via %s", tn_text_name(function, site.function, (unsigned)function_columns),
                  source, via);
}

/* One line: sizes, how many live at once, and how soon they are gone. */
static void print_facts(struct tn_text *text, const struct tn_summary_site *site)
{
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES], c[TN_QUANTITY_TEXT_BYTES];
    tn_print_count(a, site->min_size_bytes);
    if (site->min_size_bytes == site->max_size_bytes)
        tn_text_print(text, INDENT "%s bytes each", a);
    else
        tn_text_print(text, INDENT "%s to %s bytes, mean %s", a, tn_print_count(b, site->max_size_bytes),
                      tn_print_count(c, (uint64_t)(site->mean_size_bytes + 0.5)));
    tn_text_print(text, "; at most %s live", tn_print_count(a, site->peak_live_count));
    if (site->live_at_end != 0)
        tn_text_print(text, ", %s at the end", tn_print_count(a, site->live_at_end));
    if (site->has_quantiles && site->freed != 0)
        tn_text_print(text, "; 90 %% gone within %s", tn_print_duration(a, site->lifetime_ns.p90));
    tn_text_print(text, "\n");
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
        tn_text_print(text, "%s allocation%s, %s of all; %s\n", tn_print_count(a, site->allocations),
                      tn_text_plural(site->allocations),
                      tn_text_share(b, site->allocations, totals->allocations),
                      tn_print_bytes(c, site->total_bytes));
    }
}

/* A site in the C or C++ runtime or the loader itself: no code of the program's was behind it, so there is
 * nothing to change. */
static bool is_runtime(const struct tn_summary_site *site)
{
    static const char *const starts[] = {"libc.so",      "libc-",      "ld-linux",      "ld-musl",
                                         "libstdc++.so", "libc++.so.", "libpthread.so", "libgcc_s.so"};
    const char *name = base_name(site->module);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void print_list(struct tn_text *text, const struct tn_report *report, enum tn_summary_list list)
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
    const struct tn_summary_sites *sites = &report->summary->lists[list];
    tn_text_print(text, "%s\n", heads[list].title);
    if (sites->count == 0)
        tn_text_print(text, "%s", heads[list].empty);
    size_t listed = 0, left_out = 0;
    for (size_t i = 0; i < sites->count && (report->site_max == 0 || listed < report->site_max); i++) {
        const struct tn_summary_site *site = &sites->sites[i];
        if (is_runtime(site)) {
            left_out++;
            continue;
        }
        tn_text_print(text, "%4zu. ", ++listed);
        print_headline(text, list, site, &report->summary->totals);
        tn_text_print(text, INDENT);
        tn_text_place(text, tn_text_summary_site(site), TN_TEXT_COLUMNS - 6);
        tn_text_print(text, "\n");
        print_facts(text, site);
    }
    if (left_out != 0)
        tn_text_print(text, INDENT "(left out: %zu of the C library and the loader themselves)\n", left_out);
    tn_text_print(text, "\n");
}

void tn_text_lists(struct tn_text *text, const struct tn_report *report)
{
    for (unsigned list = 0; list < TN_SUMMARY_LIST_COUNT; list++)
        print_list(text, report, (enum tn_summary_list)list);
}
