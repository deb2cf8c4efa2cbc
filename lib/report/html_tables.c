/* SPDX-License-Identifier: MIT */

/* Writes sites, links and the figures of findings as lists for the HTML page, in the order in which
 * html/data.js takes them apart. Called by format_html.c. */

#include "html_data.h"

#include "json_parts.h"
#include "select.h"

static void put(struct tn_json *json, uint64_t value)
{
    tn_json_uint(json, NULL, value);
}

/* A figure of blocks that died; null where none did, or it is not known. */
static void put_of_dead(struct tn_json *json, const struct tn_summary_site *site, uint64_t value)
{
    if (site->has_quantiles && site->freed != 0)
        put(json, value);
    else
        tn_json_null(json, NULL);
}

static void write_site(const struct tn_summary_site *site, struct tn_html_texts *texts, struct tn_json *json)
{
    tn_json_open_array(json, NULL);
    put(json, site->site_id);
    put(json, tn_html_text_number(texts, site->function));
    put(json, tn_html_text_number(texts, site->file));
    put(json, site->line);
    put(json, tn_html_text_number(texts, site->module));
    put(json, site->offset_bytes);
    put(json, tn_html_text_number(texts, site->via));
    put(json, site->allocations);
    put(json, site->total_bytes);
    put(json, site->min_size_bytes);
    put(json, site->max_size_bytes);
    put(json, site->distinct_sizes);
    put(json, site->peak_live_count);
    put(json, site->peak_live_bytes);
    put(json, site->live_at_end);
    put(json, site->freed);
    put(json, site->freed_by_other_thread);
    put(json, site->short_lived);
    put(json, site->small_short_lived);
    put_of_dead(json, site, site->lifetime_ns.p50);
    put_of_dead(json, site, site->lifetime_ns.p90);
    put_of_dead(json, site, site->lifetime_allocations.p50);
    put_of_dead(json, site, site->lifetime_allocations.p90);
    put_of_dead(json, site, site->lifetime_bytes.p50);
    tn_json_close_array(json);
}

/* The first ones of a list that were not written before. */
static size_t write_list(const struct tn_summary_sites *list, size_t site_max, struct tn_map *written,
                         struct tn_html_texts *texts, struct tn_json *json)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count && count < site_max; i++) {
        const struct tn_summary_site *site = &list->sites[i];
        if (site->site_id != 0 && tn_map_find(written, site->site_id) != NULL)
            continue;
        if (site->site_id != 0 && tn_map_put(written, site->site_id, 1) < 0)
            continue;
        write_site(site, texts, json);
        count++;
    }
    return count;
}

void tn_html_write_sites(const struct tn_summary *summary, size_t site_max, struct tn_html_texts *texts,
                         struct tn_json *json)
{
    struct tn_map written = {0};
    size_t by_peak = site_max / 5;
    tn_json_open_array(json, "sites");
    size_t count =
        write_list(&summary->lists[TN_SUMMARY_BY_ALLOCATIONS], site_max - by_peak, &written, texts, json);
    count += write_list(&summary->lists[TN_SUMMARY_BY_PEAK_LIVE_BYTES], by_peak, &written, texts, json);
    tn_json_close_array(json);
    tn_json_uint(json, "sites_left_out", summary->site_count > count ? summary->site_count - count : 0);
    tn_map_finish(&written);
}

static void write_link(const struct tn_summary_link *link, struct tn_html_texts *texts, struct tn_json *json)
{
    tn_json_open_array(json, NULL);
    put(json, link->holder.site_id);
    put(json, tn_html_text_number(texts, link->global_module));
    put(json, link->offset_bytes);
    put(json, link->held.site_id);
    put(json, link->inner_offset_bytes);
    tn_json_text(json, NULL, link->moment);
    put(json, link->looks);
    put(json, link->looks_made);
    put(json, link->distinct_held_blocks);
    put(json, tn_html_text_number(texts, link->holder_type));
    put(json, tn_html_text_number(texts, link->holder_member));
    tn_json_close_array(json);
}

void tn_html_write_links(const struct tn_summary *summary, size_t link_max, struct tn_html_texts *texts,
                         struct tn_json *json)
{
    size_t count = summary->link_count < link_max ? summary->link_count : link_max;
    tn_json_open_array(json, "links");
    for (size_t i = 0; i < count; i++)
        write_link(&summary->links[i], texts, json);
    tn_json_close_array(json);
    tn_json_uint(json, "links_left_out", summary->link_count - count);
}

#define FINDING_SITES_MAX 200u /* that a selection of the finding marks in the table */

static void write_excerpt(const struct tn_excerpts *excerpts, const char *file, uint32_t line,
                          const char *role, struct tn_json *json)
{
    const struct tn_excerpt *excerpt = tn_excerpts_find(excerpts, file, line);
    if (excerpt == NULL)
        return;
    tn_json_open_object(json, NULL);
    tn_json_text(json, "role", role);
    tn_json_text(json, "file", excerpt->file);
    tn_json_uint(json, "line", excerpt->line);
    tn_json_uint(json, "first_line", excerpt->first_line);
    tn_json_text(json, "text", excerpt->text);
    tn_json_close_object(json);
}

/* The lines of the source around those where blocks are asked for, and released. */
static void write_excerpts(const struct tn_report *report, const struct tn_finding *finding,
                           struct tn_json *json)
{
    tn_json_open_array(json, "excerpts");
    for (size_t i = 0; i < finding->site_count && i < TN_REPORT_EXCERPT_SITES; i++)
        write_excerpt(report->excerpts, finding->sites[i].file, finding->sites[i].line, "asked for", json);
    for (size_t i = 0; i < finding->release_count && i < TN_REPORT_EXCERPT_RELEASES; i++)
        write_excerpt(report->excerpts, finding->releases[i].line.file, finding->releases[i].line.line,
                      "released", json);
    tn_json_close_array(json);
}

static void write_finding(const struct tn_report *report, const struct tn_finding *finding,
                          struct tn_json *json)
{
    char key[TN_FINDING_KEY_BYTES];
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "rank", finding->rank);
    tn_json_text(json, "key", tn_finding_key_print(finding, key));
    tn_json_open_array(json, "site_ids");
    for (size_t i = 0; i < finding->site_count && i < FINDING_SITES_MAX; i++)
        put(json, finding->sites[i].site_id);
    tn_json_close_array(json);
    tn_report_write_saving(json, &finding->saving);
    tn_json_text(json, "query", finding->query);
    write_excerpts(report, finding, json);
    /* What is about the whole program is drawn beside the sizes. */
    if (finding->site_count == 0)
        tn_evidence_write_json(&finding->evidence, "evidence", json);
    tn_json_close_object(json);
}

void tn_html_write_findings(const struct tn_report *report, struct tn_json *json)
{
    struct tn_report_cursor cursor = {0};
    const struct tn_finding *finding;
    tn_json_open_array(json, "findings");
    while ((finding = tn_report_next_finding(report, &cursor)) != NULL)
        write_finding(report, finding, json);
    tn_json_close_array(json);
}
