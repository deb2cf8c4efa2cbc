/* SPDX-License-Identifier: MIT */

/* Writes maps of the heap as lists of numbers for the HTML page, in the order in which html/heapmap.js takes
 * them apart. Called by html_charts.c. */

#include "html_data.h"

#include "tenure/charts.h"

static void put(struct tn_json *json, uint64_t value)
{
    tn_json_uint(json, NULL, value);
}

static void write_moments(const struct tn_chart_map *map, const char *key, struct tn_json *json)
{
    tn_json_open_array(json, key);
    for (size_t i = 0; i < map->moment_count; i++) {
        const struct tn_chart_moment *moment = &map->moments[i];
        tn_json_open_array(json, NULL);
        put(json, moment->time_ns);
        put(json, moment->live_bytes);
        put(json, moment->hole_bytes);
        for (size_t k = 0; k < moment->run_count; k++) {
            put(json, moment->runs[k].filled);
            put(json, moment->runs[k].cells);
        }
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
}

void tn_html_write_maps(const struct tn_charts *charts, struct tn_json *json)
{
    if (charts->reaches == NULL) {
        tn_json_null(json, "map");
        return;
    }
    tn_json_open_object(json, "map");
    tn_json_uint(json, "map_bytes", charts->map_bytes);
    tn_json_uint(json, "cells", TN_CHART_CELLS);
    tn_json_uint(json, "applied", charts->applied);
    tn_json_uint(json, "before_bytes", charts->before.heap_bytes);
    tn_json_uint(json, "after_bytes", charts->after.heap_bytes);
    write_moments(&charts->before, "before", json);
    write_moments(&charts->after, "after", json);
    tn_json_open_array(json, "reaches");
    for (size_t i = 0; i < charts->bin_count; i++) {
        put(json, charts->reaches[i].top_bytes);
        put(json, charts->reaches[i].hole_bytes);
    }
    tn_json_close_array(json);
    tn_json_close_object(json);
}
