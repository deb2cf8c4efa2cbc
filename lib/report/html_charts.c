/* SPDX-License-Identifier: MIT */

/* Writes what lib/chart has counted as lists of numbers for the HTML page, in the order in which html/data.js
 * takes them apart. Called by format_html.c. */

#include "html_data.h"

#include "tenure/charts.h"

static void put(struct tn_json *json, uint64_t value)
{
    tn_json_uint(json, NULL, value);
}

static void write_bins(const struct tn_charts *charts, struct tn_json *json)
{
    tn_json_uint(json, "from_ns", charts->from_ns);
    tn_json_uint(json, "bin_ns", charts->bin_ns);
    tn_json_open_array(json, "bins");
    for (size_t i = 0; i < charts->bin_count; i++) {
        const struct tn_chart_bin *bin = &charts->bins[i];
        tn_json_open_array(json, NULL);
        put(json, bin->live_min_bytes);
        put(json, bin->live_max_bytes);
        put(json, bin->live_max_count);
        put(json, bin->allocations);
        put(json, bin->allocated_bytes);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
}

static void write_sizes(const struct tn_charts *charts, struct tn_json *json)
{
    tn_json_uint(json, "distinct_sizes", charts->distinct_sizes);
    tn_json_open_array(json, "sizes");
    for (size_t i = 0; i < charts->size_count; i++) {
        tn_json_open_array(json, NULL);
        put(json, charts->sizes[i].size_bytes);
        put(json, charts->sizes[i].allocations);
        put(json, charts->sizes[i].allocated_bytes);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
}

/* By node its caller and its name, in one list; by leaf, likewise, what its stacks did. */
static void write_tree(const struct tn_chart_tree *tree, const char *key, struct tn_json *json)
{
    tn_json_open_object(json, key);
    tn_json_open_array(json, "nodes");
    for (size_t i = 1; i < tree->node_count; i++) {
        put(json, tree->nodes[i].parent);
        put(json, tree->nodes[i].name);
    }
    tn_json_close_array(json);
    tn_json_open_array(json, "leaves");
    for (size_t i = 0; i < tree->leaf_count; i++) {
        const struct tn_chart_leaf *leaf = &tree->leaves[i];
        put(json, leaf->node);
        put(json, leaf->site_id);
        put(json, leaf->allocations);
        put(json, leaf->allocated_bytes);
        put(json, leaf->peak_bytes);
        put(json, leaf->short_lived);
        put(json, leaf->live_bytes);
    }
    tn_json_close_array(json);
    tn_json_uint(json, "left_out", tree->left_out_nodes);
    tn_json_close_object(json);
}

static void write_names(const struct tn_charts *charts, struct tn_html_texts *texts, struct tn_json *json)
{
    tn_json_open_array(json, "names");
    for (size_t i = 0; i < charts->name_count; i++) {
        const struct tn_chart_name *name = &charts->names[i];
        char function[TN_SHORT_NAME_BYTES];
        tn_json_open_array(json, NULL);
        put(json,
            tn_html_text_number(texts, tn_function_short_name(name->function, function, sizeof(function))));
        put(json, tn_html_text_number(texts, name->file));
        put(json, name->line);
        put(json, tn_html_text_number(texts, name->module));
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
}

/* A list for each interval: by leaf its number and what it did. */
static void write_shares(const struct tn_charts *charts, struct tn_json *json)
{
    size_t at = 0;
    tn_json_uint(json, "stack_bin_ns", charts->stack_bin_ns);
    tn_json_open_array(json, "shares");
    for (size_t bin = 0; bin < charts->stack_bin_count; bin++) {
        tn_json_open_array(json, NULL);
        for (; at < charts->share_count && charts->shares[at].bin == bin; at++) {
            put(json, charts->shares[at].leaf);
            put(json, charts->shares[at].allocations);
            put(json, charts->shares[at].allocated_bytes);
            put(json, charts->shares[at].short_lived);
        }
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
}

static void write_threads(const struct tn_charts *charts, struct tn_html_texts *texts, struct tn_json *json)
{
    tn_json_open_array(json, "threads");
    for (size_t i = 0; i < charts->thread_count; i++) {
        const struct tn_chart_thread *thread = &charts->threads[i];
        tn_json_open_array(json, NULL);
        put(json, thread->id);
        put(json, thread->tid);
        put(json, tn_html_text_number(texts, thread->name));
        put(json, thread->start_ns);
        put(json, thread->end_ns);
        put(json, thread->stack_size_bytes);
        put(json, thread->allocations);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
    tn_json_uint(json, "threads_left_out", charts->left_out_threads);
    tn_json_open_array(json, "handovers");
    for (size_t i = 0; i < charts->handover_count; i++) {
        tn_json_open_array(json, NULL);
        put(json, charts->handovers[i].thread_id);
        put(json, charts->handovers[i].free_thread_id);
        put(json, charts->handovers[i].blocks);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
    tn_json_uint(json, "handed_over", charts->handed_over);
}

static void write_marks(const struct tn_charts *charts, struct tn_json *json)
{
    tn_json_open_array(json, "marks");
    for (size_t i = 0; i < charts->mark_count; i++) {
        tn_json_open_array(json, NULL);
        put(json, charts->marks[i].time_ns);
        tn_json_text(json, NULL, charts->marks[i].text);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
    tn_json_uint(json, "marks_left_out", charts->left_out_marks);
}

void tn_html_write_charts(const struct tn_charts *charts, struct tn_html_texts *texts, struct tn_json *json)
{
    tn_json_open_object(json, "charts");
    write_bins(charts, json);
    write_sizes(charts, json);
    write_names(charts, texts, json);
    write_tree(&charts->births, "births", json);
    write_tree(&charts->deaths, "deaths", json);
    write_shares(charts, json);
    write_threads(charts, texts, json);
    write_marks(charts, json);
    tn_html_write_maps(charts, json);
    tn_json_close_object(json);
}
