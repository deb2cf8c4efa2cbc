/* SPDX-License-Identifier: MIT */
/* speedscope's file format (https://www.speedscope.app/file-format-schema.json): one sampled profile a
 * metric, each stack a sample with the metric as its weight. The chosen metric comes first. */
#include "export_format.h"

#include "tenure/json.h"

static void write_frames(struct tn_json *json, const struct tn_profile *profile)
{
    tn_json_open_object(json, "shared");
    tn_json_open_array(json, "frames");
    for (size_t i = 0; i < profile->places.count; i++) {
        const struct tn_place *place = &profile->places.items[i];
        tn_json_open_object(json, NULL);
        tn_json_text(json, "name", place->function);
        if (place->file[0] != '\0')
            tn_json_text(json, "file", place->file);
        if (place->line != 0)
            tn_json_uint(json, "line", place->line);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
    tn_json_close_object(json);
}

/* The stacks with something of a metric: as samples, or their weights. */
static int write_stacks(struct tn_export_job *job, struct tn_json *json, enum tn_export_metric metric,
                        bool is_weights)
{
    struct tn_profile *profile = job->profile;
    tn_json_open_array(json, is_weights ? "weights" : "samples");
    for (uint64_t id = 0; id < profile->stack_count; id++) {
        uint64_t value = tn_export_value(&profile->stacks[id], metric);
        const uint32_t *path;
        size_t count;
        if (value == 0)
            continue;
        if (is_weights) {
            tn_json_uint(json, NULL, value);
            continue;
        }
        int r = tn_places_path(&profile->places, id, &path, &count);
        if (r == 0)
            r = tn_export_drain(job);
        if (r < 0)
            return r;
        tn_json_open_array(json, NULL);
        for (size_t i = count; i > 0; i--)
            tn_json_uint(json, NULL, path[i - 1]);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
    return json->error;
}

static int write_profile(struct tn_export_job *job, struct tn_json *json, enum tn_export_metric metric)
{
    tn_json_open_object(json, NULL);
    tn_json_text(json, "type", "sampled");
    tn_json_text(json, "name", tn_export_metric_name(metric));
    tn_json_text(json, "unit", tn_export_is_bytes(metric) ? "bytes" : "none");
    tn_json_uint(json, "startValue", 0);
    tn_json_uint(json, "endValue", tn_export_value(&job->profile->total, metric));
    int r = write_stacks(job, json, metric, false);
    if (r == 0)
        r = write_stacks(job, json, metric, true);
    tn_json_close_object(json);
    return r;
}

static int write_speedscope(struct tn_export_job *job)
{
    struct tn_json json = {.out = &job->out};
    tn_json_open_object(&json, NULL);
    tn_json_text(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
    tn_json_text(&json, "exporter", "tenure");
    tn_json_text(&json, "name", job->profile->command_line);
    tn_json_uint(&json, "activeProfileIndex", 0);
    write_frames(&json, job->profile);
    tn_json_open_array(&json, "profiles");
    int r = write_profile(job, &json, job->options->metric);
    for (int i = 0; i < TN_EXPORT_METRIC_COUNT && r == 0; i++)
        if (i != (int)job->options->metric)
            r = write_profile(job, &json, (enum tn_export_metric)i);
    tn_json_close_array(&json);
    tn_json_close_object(&json);
    return r == 0 ? json.error : r;
}

const struct tn_export_format tn_export_speedscope = {.name = "speedscope", .write = write_speedscope};
