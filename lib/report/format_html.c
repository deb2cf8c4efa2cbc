/* SPDX-License-Identifier: MIT */

/* The HTML format: one file that loads nothing. Its fixed parts come from lib/report/html, its sentences are
 * the statements of the text report, and its figures stand in the page as JSON, which a script draws. The
 * page stays below a size whatever the log's: where its data are too many, it is written again with less
 * detail. */

#include "compose.h"
#include "html_data.h"
#include "html_parts.h"
#include "html_said.h"
#include "json_parts.h"
#include "plan_json.h"
#include "tenure/charts.h"

#include <errno.h>

#define DATA_BYTES_MAX 2500000u /* with D3 and the scripts below 3 MB */
#define PROCESSES_MAX  200u
#define DETAILS        6

static const struct tn_html_detail details[DETAILS] = {
    {.site_max = 2000, .finding_max = 30, .link_max = 400, .length_max = 400},
    {.site_max = 2000, .finding_max = 20, .link_max = 300, .length_max = 200},
    {.site_max = 1000, .finding_max = 15, .link_max = 200, .length_max = 120},
    {.site_max = 500, .finding_max = 10, .link_max = 100, .length_max = 100},
    {.site_max = 250, .finding_max = 5, .link_max = 50, .length_max = 80},
    {.site_max = 100, .finding_max = 1, .link_max = 20, .length_max = 60},
};

/* ---------------------------------------------------------------------------------------- the data */

/* One part of the report in sentences, as a list. */
static void write_part(struct tn_composer *composer, struct tn_json *json, const char *key,
                       void (*compose)(struct tn_composer *))
{
    tn_json_open_array(json, key);
    compose(composer);
    tn_json_close_array(json);
}

static int write_said(const struct tn_report *report, struct tn_json *json)
{
    const struct tn_summary *summary = report->summary;
    struct tn_said_sink said = tn_said_sink(json);
    struct tn_composer composer = {.report = report, .sink = &said.sink};
    tn_json_open_object(json, "said");
    write_part(&composer, json, "losses", tn_compose_losses);
    if (summary->process_count != 0) {
        write_part(&composer, json, "recording", tn_compose_recording);
        write_part(&composer, json, "overview", tn_compose_overview);
        write_part(&composer, json, "totals", tn_compose_totals);
        write_part(&composer, json, "nameless", tn_compose_nameless);
    }
    if (report->findings != NULL)
        write_part(&composer, json, "findings", tn_compose_cards);
    tn_json_close_object(json);
    int r = composer.words.result;
    tn_words_finish(&composer.words);
    return r;
}

static void write_processes(struct tn_json *json, const struct tn_summary *summary)
{
    size_t count = summary->process_count < PROCESSES_MAX ? summary->process_count : PROCESSES_MAX;
    tn_json_uint(json, "process_id", summary->process_id);
    tn_json_open_array(json, "processes");
    for (size_t i = 0; i < summary->process_count; i++)
        if (i < count || summary->processes[i].id == summary->process_id)
            tn_report_write_process(json, &summary->processes[i]);
    tn_json_close_array(json);
    tn_json_uint(json, "process_count", summary->process_count);
}

static void write_heaps(struct tn_json *json, const struct tn_findings *findings)
{
    tn_json_open_object(json, "heaps");
    tn_json_uint(json, "models", findings != NULL ? findings->heap_model_count : 0);
    tn_json_uint(json, "least_bytes", findings != NULL ? findings->heap_least_bytes : 0);
    tn_json_uint(json, "most_bytes", findings != NULL ? findings->heap_most_bytes : 0);
    tn_json_close_object(json);
}

/* Returns 0 or -ENOMEM. */
static int write_data(const struct tn_report *report, const struct tn_html_detail *detail,
                      struct tn_buffer *out)
{
    static const struct tn_charts no_charts = {0};
    const struct tn_summary *summary = report->summary;
    struct tn_json json = {.out = out};
    struct tn_html_texts texts = {.length_max = detail->length_max};
    struct tn_report cut = *report;
    if (cut.finding_max == 0 || cut.finding_max > detail->finding_max)
        cut.finding_max = detail->finding_max;
    tn_json_open_object(&json, NULL);
    tn_json_text(&json, "log", summary->path);
    tn_json_text(&json, "program",
                 summary->program_label != NULL ? summary->program_label : summary->program);
    tn_report_write_recording(&json, summary);
    write_processes(&json, summary);
    tn_report_write_totals(&json, summary);
    tn_report_write_losses(&json, &summary->losses);
    write_heaps(&json, report->findings);
    tn_report_write_plan(&json, report->findings);
    int r = write_said(&cut, &json);
    tn_html_write_findings(&cut, &json);
    tn_html_write_sites(summary, detail->site_max, &texts, &json);
    tn_html_write_links(summary, detail->link_max, &texts, &json);
    tn_html_write_charts(report->charts != NULL ? report->charts : &no_charts, &texts, &json);
    tn_html_texts_write(&texts, "texts", &json);
    tn_json_close_object(&json);
    if (r == 0)
        r = texts.error != 0 ? texts.error : json.error;
    tn_html_texts_finish(&texts);
    return r;
}

/* ---------------------------------------------------------------------------------------- the page */

/* JSON within HTML: a "<" could end the script or open a comment, and is a "<" in JSON as \u003c, too. It
 * stands only in strings. */
static int append_data(const struct tn_buffer *data, struct tn_buffer *out)
{
    int r = 0;
    size_t from = 0;
    for (size_t i = 0; i < data->size_bytes && r == 0; i++) {
        if (data->data[i] != '<')
            continue;
        r = tn_buffer_append(out, data->data + from, i - from);
        if (r == 0)
            r = tn_buffer_append(out, "\\u003c", 6);
        from = i + 1;
    }
    return r == 0 ? tn_buffer_append(out, data->data + from, data->size_bytes - from) : r;
}

int tn_report_html(const struct tn_report *report, struct tn_buffer *out)
{
    struct tn_buffer data = {0};
    int r = 0;
    for (int i = 0; i < DETAILS && r == 0; i++) {
        tn_buffer_finish(&data);
        r = write_data(report, &details[i], &data);
        if (data.size_bytes <= DATA_BYTES_MAX)
            break;
    }
    if (r == 0)
        r = tn_buffer_append(out, tn_html_before, tn_html_before_bytes);
    if (r == 0)
        r = append_data(&data, out);
    if (r == 0)
        r = tn_buffer_append(out, tn_html_after, tn_html_after_bytes);
    tn_buffer_finish(&data);
    return r;
}
