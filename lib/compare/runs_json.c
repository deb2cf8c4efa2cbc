/* SPDX-License-Identifier: MIT */
/* Several runs as one JSON object, for programs: what runs.c brought together. docs/analyses.md has its
 * schema. Called by `report`. */

#include "tenure/json.h"
#include "tenure/runs.h"

static void write_run(const struct tn_compared_run *run, struct tn_json *json)
{
    const struct tn_summary *summary = run->summary;
    tn_json_open_object(json, NULL);
    tn_json_text(json, "log", summary->path);
    tn_json_text(json, "program", summary->program);
    tn_json_text(json, "command_line", summary->command_line);
    tn_json_text(json, "started_at", summary->started_at);
    tn_json_bool(json, "complete", summary->is_complete);
    tn_json_uint(json, "process_id", summary->process_id);
    tn_json_uint(json, "allocations", summary->totals.allocations);
    tn_json_uint(json, "peak_live_bytes", summary->totals.peak_live_bytes);
    tn_json_uint(json, "live_count", summary->totals.live_count);
    tn_json_uint(json, "findings", run->findings->count);
    tn_json_close_object(json);
}

static void write_finding(const struct tn_runs *runs, const struct tn_runs_finding *merged,
                          struct tn_json *json)
{
    char key[TN_FINDING_KEY_BYTES];
    tn_json_open_object(json, NULL);
    tn_json_text(json, "kind", merged->shown->kind);
    tn_json_text(json, "key", tn_finding_key_print(merged->shown, key));
    tn_json_text(json, "state", tn_runs_state_name(merged->state));
    tn_json_text(json, "title", merged->shown->title);
    tn_json_uint(json, "runs_holding", merged->holds_count);
    tn_json_open_array(json, "runs");
    for (size_t i = 0; i < runs->run_count; i++) {
        tn_json_open_object(json, NULL);
        tn_json_text(json, "verdict", tn_run_verdict_name(merged->verdicts[i]));
        tn_json_uint(json, "allocations", merged->site_allocations[i]);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
    tn_json_uint(json, "least_allocations_removed", merged->least_removed);
    tn_json_uint(json, "most_allocations_removed", merged->most_removed);
    tn_evidence_write_json(&merged->evidence, "evidence", json);
    tn_json_close_object(json);
}

#define FORMAT_VERSION 1 /* of this object */

int tn_runs_write_json(const struct tn_runs *runs, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "format_version", FORMAT_VERSION);
    tn_json_bool(&json, "one_program", runs->is_one_program);
    tn_json_open_array(&json, "runs");
    for (size_t i = 0; i < runs->run_count; i++)
        write_run(&runs->runs[i], &json);
    tn_json_close_array(&json);
    tn_json_open_array(&json, "findings");
    for (size_t i = 0; i < runs->finding_count; i++)
        write_finding(runs, &runs->findings[i], &json);
    tn_json_close_array(&json);
    tn_json_close_object(&json);
    if (json.error == 0)
        json.error = tn_buffer_append(out, "\n", 1);
    return json.error;
}
