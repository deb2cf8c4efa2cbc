/* SPDX-License-Identifier: MIT */

/* Findings about libraries that the reader does not build, one line a library: how many, about how many
 * allocations, and which setting to look for; and what the C library allocates for itself each time that a
 * function of it is called, one line a function. Called behind the list of findings. */

#include "compose.h"
#include "select.h"

#include <inttypes.h>
#include <string.h>

/* Of several findings about a site, its allocations count once: a site is named by its row, or else by where
 * it is. */
static bool is_same_site(const struct tn_finding_site *a, const struct tn_finding_site *b)
{
    return a->site_id == b->site_id && a->offset_bytes == b->offset_bytes &&
           strcmp(a->module, b->module) == 0;
}

static bool was_counted(const struct tn_report *report, size_t index, size_t site)
{
    const struct tn_finding_site *own = &report->findings->items[index].sites[site];
    for (size_t i = 0; i <= index; i++) {
        const struct tn_finding *other = &report->findings->items[i];
        size_t count = i == index ? site : other->site_count;
        for (size_t s = 0; s < count && tn_report_is_folded(report, other); s++)
            if (is_same_site(&other->sites[s], own))
                return true;
    }
    return false;
}

static void put_library(struct tn_composer *composer, const char *library)
{
    const struct tn_report *report = composer->report;
    struct tn_words *words = &composer->words;
    const char *numbers = "";
    uint64_t count = 0, allocations = 0;
    for (size_t i = 0; i < report->findings->count; i++) {
        const struct tn_finding *finding = &report->findings->items[i];
        if (!tn_report_is_folded(report, finding) || strcmp(tn_finding_library(finding), library) != 0)
            continue;
        numbers = tn_words_print(words, "%s%s#%u", numbers, count++ == 0 ? "" : ", ", finding->rank);
        for (size_t s = 0; s < finding->site_count; s++)
            if (!was_counted(report, i, s))
                allocations += finding->sites[s].allocations;
    }
    tn_compose_paragraph(composer, TN_PARAGRAPH_BODY,
                         tn_words_library(words, library, count, numbers, allocations));
}

/* Whether a finding before this one is about the same library. */
static bool was_told(const struct tn_report *report, size_t index, const char *library)
{
    for (size_t i = 0; i < index; i++) {
        const struct tn_finding *other = &report->findings->items[i];
        if (tn_report_is_folded(report, other) && strcmp(tn_finding_library(other), library) == 0)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------------------------------- the C library */

/* Of the process's allocations, from this share on: as for findings, less is small. */
#define CALLS_SHARE 0.01

/* All that the C library allocates for one of its functions, at the first line of those that call it most. */
static void put_calls(struct tn_composer *composer, const struct tn_summary_sites *sites, size_t first)
{
    struct tn_words *words = &composer->words;
    uint64_t all = composer->report->summary->totals.allocations, part = 0, line_count = 0;
    for (size_t i = first; i < sites->count; i++)
        if (strcmp(sites->sites[i].via, sites->sites[first].via) == 0) {
            part += sites->sites[i].allocations;
            line_count++;
        }
    if ((double)part < CALLS_SHARE * (double)all)
        return;
    const char *lines = tn_words_place(words, &sites->sites[first]);
    if (line_count > 1)
        lines = tn_words_print(words, "%s and %" PRIu64 " more line%s", lines, line_count - 1,
                               line_count == 2 ? "" : "s");
    tn_compose_paragraph(composer, TN_PARAGRAPH_BODY,
                         tn_words_library_calls(words, sites->sites[first].via, lines, part, all));
}

static void put_each_call(struct tn_composer *composer)
{
    const struct tn_summary_sites *sites = &composer->report->summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    for (size_t i = 0; i < sites->count; i++) {
        bool was_put = false;
        for (size_t k = 0; k < i; k++)
            was_put = was_put || strcmp(sites->sites[k].via, sites->sites[i].via) == 0;
        if (!was_put && tn_words_call_setting(sites->sites[i].via) != NULL)
            put_calls(composer, sites, i);
    }
}

void tn_compose_libraries(struct tn_composer *composer)
{
    const struct tn_report *report = composer->report;
    for (size_t i = 0; i < report->findings->count; i++) {
        const struct tn_finding *finding = &report->findings->items[i];
        if (!tn_report_is_folded(report, finding))
            continue;
        const char *library = tn_finding_library(finding);
        if (!was_told(report, i, library))
            put_library(composer, library);
    }
    put_each_call(composer);
}
