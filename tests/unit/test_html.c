/* SPDX-License-Identifier: MIT */
/* The HTML page: its size stays bounded whatever it is given, and nothing that a name holds becomes markup.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES_MAX 3000000u
#define NAME_BYTES     2100u

static const char data_begin[] = "<script type=\"application/json\" id=\"data\">";

static char *text_of(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

/* A name of C++ of 2,000 characters that ends with a number. */
static char *long_name(size_t number)
{
    char *name = calloc(1, NAME_BYTES);
    assert_non_null(name);
    for (size_t at = 0; at + 20 < NAME_BYTES - 40; at += 16)
        memcpy(name + at, "ns::pair<K, V >,", 16);
    snprintf(name + strlen(name), 32, "</script>%zu", number);
    return name;
}

/* A process that has site_count sites, each with long names. */
static struct tn_summary make_summary(size_t site_count)
{
    struct tn_summary summary = {
        .is_closed = true, .is_complete = true, .is_finished = true, .process_id = 1};
    struct tn_summary_sites *list = &summary.lists[TN_SUMMARY_BY_ALLOCATIONS];
    summary.path = text_of("/tmp/a \"b\".db");
    summary.program = text_of("</script><script>alert(1)</script>");
    summary.command_line = text_of("x <!-- <script>");
    summary.started_at = text_of("2026-01-01T00:00:00Z");
    summary.tool_version = text_of("1");
    summary.wrappers = text_of("");
    summary.process_count = 1;
    summary.processes = calloc(1, sizeof(summary.processes[0]));
    assert_non_null(summary.processes);
    summary.processes[0] = (struct tn_summary_process){.id = 1,
                                                       .pid = 1,
                                                       .executable = text_of("/bin/x"),
                                                       .command_line = text_of("x"),
                                                       .exit_kind = text_of("exit"),
                                                       .allocations = site_count};
    summary.totals.allocations = summary.site_count = site_count;
    list->sites = calloc(site_count + 1, sizeof(list->sites[0]));
    assert_non_null(list->sites);
    list->count = site_count;
    for (size_t i = 0; i < site_count; i++)
        list->sites[i] = (struct tn_summary_site){.site_id = i + 1,
                                                  .function = long_name(i),
                                                  .file = long_name(i),
                                                  .line = 1,
                                                  .module = text_of("/lib/x.so"),
                                                  .via = text_of("malloc"),
                                                  .allocations = 1,
                                                  .min_size_bytes = 24,
                                                  .max_size_bytes = 24};
    return summary;
}

/* As much as there can be of everything. */
static struct tn_charts make_full_charts(void)
{
    struct tn_charts charts = {.bin_ns = 1000000, .stack_bin_ns = 4000000, .stack_bin_count = 120};
    charts.bin_count = TN_CHART_BINS_MAX;
    charts.bins = calloc(charts.bin_count, sizeof(charts.bins[0]));
    charts.size_count = TN_CHART_SIZES_MAX;
    charts.sizes = calloc(charts.size_count, sizeof(charts.sizes[0]));
    charts.name_count = charts.births.node_count = TN_CHART_NODES_MAX;
    charts.names = calloc(charts.name_count, sizeof(charts.names[0]));
    charts.births.nodes = calloc(charts.births.node_count, sizeof(charts.births.nodes[0]));
    charts.births.leaf_count = 8000;
    charts.births.leaves = calloc(charts.births.leaf_count, sizeof(charts.births.leaves[0]));
    charts.share_count = 40000;
    charts.shares = calloc(charts.share_count, sizeof(charts.shares[0]));
    assert_true(charts.bins && charts.sizes && charts.names && charts.births.nodes && charts.births.leaves &&
                charts.shares);
    for (size_t i = 0; i < charts.name_count; i++) {
        charts.names[i] = (struct tn_chart_name){long_name(i), text_of("a.cpp"), text_of("/lib/x.so"), 1};
        charts.births.nodes[i] = (struct tn_chart_node){i != 0 ? (uint32_t)i - 1 : 0, (uint32_t)i};
    }
    for (size_t i = 0; i < charts.share_count; i++)
        charts.shares[i] =
            (struct tn_chart_share){(uint32_t)(i / 400), (uint32_t)(i % 400), 1000000, 1u << 30, 1000};
    return charts;
}

/* The page of a process, ended by 0. */
static char *page_of(size_t site_count, bool has_charts, size_t *ret_bytes)
{
    struct tn_summary summary = make_summary(site_count);
    struct tn_charts charts = has_charts ? make_full_charts() : (struct tn_charts){0};
    struct tn_report report = {.summary = &summary, .charts = has_charts ? &charts : NULL};
    struct tn_buffer out = {0};
    assert_int_equal(tn_report_format_find("html")->write(&report, &out), 0);
    *ret_bytes = out.size_bytes;
    assert_int_equal(tn_buffer_append(&out, "", 1), 0);
    tn_charts_finish(&charts);
    tn_summary_finish(&summary);
    return (char *)out.data;
}

static void is_bounded_and_has_no_markup(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 100, 6000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        for (int has_charts = 0; has_charts < 2; has_charts++) {
            size_t page_bytes;
            char *page = page_of(counts[i], has_charts != 0, &page_bytes);
            assert_true(page_bytes < PAGE_BYTES_MAX);
            assert_int_equal(strlen(page), page_bytes);
            const char *data = strstr(page, data_begin);
            assert_non_null(data);
            const char *end = strchr(data + sizeof(data_begin) - 1, '<');
            assert_memory_equal(end, "</script>\n<script>", 18);
            assert_memory_equal(end - 1, "}", 1);
            free(page);
        }
}

/* What is left out is told. */
static void tells_what_it_left_out(void **state)
{
    (void)state;
    size_t page_bytes;
    char *page = page_of(6000, false, &page_bytes);
    const char *told = strstr(page, "\"sites_left_out\":");
    assert_non_null(told);
    long left_out = strtol(told + 17, NULL, 10);
    assert_true(left_out >= 4000 && left_out < 6000);
    free(page);
}

int main(void)
{
    if (tn_report_format_find("html")->missing != NULL)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_bounded_and_has_no_markup),
        cmocka_unit_test(tells_what_it_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
