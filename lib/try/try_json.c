/* SPDX-License-Identifier: MIT */
/* A trial for programs: everything that the text says, with each quantity's unit. docs/try.md explains the
 * members. */
#include "tenure/try.h"

#include "tenure/json.h"

static void write_result(struct tn_json *json, const struct tn_try_result *result)
{
    char key[TN_FINDING_KEY_BYTES];
    struct tn_finding refuted = {.refuted_by = result->refutation}; /* only read */
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "number", result->finding->rank);
    tn_json_text(json, "key", tn_finding_key_print(result->finding, key));
    tn_json_text(json, "kind", result->finding->kind);
    tn_json_text(json, "title", result->finding->title);
    tn_json_text(json, "verdict", tn_try_verdict_name(result->verdict));
    tn_json_text(json, "reason", result->reason);
    tn_json_uint(json, "places", result->place_count);
    tn_json_uint(json, "places_missing", result->missing_count);
    tn_json_uint(json, "claimed_calls", result->claimed_calls);
    tn_json_uint(json, "asked_calls", result->asked_calls);
    tn_json_uint(json, "served_calls", result->served_calls);
    tn_json_uint(json, "fallback_calls", result->fallback_calls);
    tn_json_uint(json, "peak_count", result->peak_count);
    tn_json_uint(json, "outside_bytes", result->outside_bytes);
    tn_json_uint(json, "event", result->event);
    tn_finding_write_refutation(&refuted, "refuted_by", json);
    tn_json_close_object(json);
}

static void write_median(struct tn_json *json, const char *key, const uint64_t *values, size_t count)
{
    uint64_t median = tn_try_median(values, count);
    if (median != 0)
        tn_json_uint(json, key, median);
    else
        tn_json_null(json, key);
}

static void write_side(struct tn_json *json, const char *key, const struct tn_try_side *side,
                       size_t run_count)
{
    tn_json_open_object(json, key);
    tn_json_int(json, "exit_status", side->status);
    tn_json_bool(json, "hung", side->is_hung);
    tn_json_int(json, "drive_status", side->drive_status);
    tn_json_uint(json, "output_bytes", side->output_bytes);
    tn_json_uint(json, "calls", side->calls);
    tn_json_uint(json, "heap_calls", side->heap_calls);
    tn_json_uint(json, "failures", side->failures);
    tn_json_uint(json, "peak_bytes", side->peak_bytes);
    tn_json_uint(json, "region_bytes", side->region_bytes);
    write_median(json, "median_duration_ns", side->duration_ns, run_count);
    write_median(json, "median_cpu_ns", side->cpu_ns, run_count);
    write_median(json, "median_resident_bytes", side->resident_bytes, run_count);
    tn_json_close_object(json);
}

int tn_try_write_json(const struct tn_try_report *report, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    const struct tn_try_side *without = &report->without, *with = &report->with;
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "format_version", 1);
    tn_json_text(&json, "log", report->log);
    tn_json_text(&json, "command", report->command);
    tn_json_text(&json, "plan", report->plan);
    tn_json_text(&json, "recording", report->record);
    tn_json_uint(&json, "heap_bytes", report->heap_bytes);
    tn_json_text(&json, "policy", report->policy);
    tn_json_open_array(&json, "findings");
    for (size_t i = 0; i < report->result_count; i++)
        write_result(&json, &report->results[i]);
    tn_json_close_array(&json);
    tn_json_uint(&json, "outside_bytes", tn_try_outside_bytes(report));
    write_side(&json, "without", without, report->run_count);
    write_side(&json, "with", with, report->run_count);
    tn_json_uint(&json, "pairs", report->run_count);
    tn_json_bool(&json, "outputs_steady", report->has_steady_output);
    tn_json_bool(&json, "outputs_equal", without->output_hash == with->output_hash);
    tn_json_bool(&json, "statuses_equal", without->status == with->status);
    tn_json_bool(&json, "duration_differs",
                 tn_try_differs(without->duration_ns, with->duration_ns, report->run_count));
    tn_json_bool(&json, "resident_differs",
                 tn_try_differs(without->resident_bytes, with->resident_bytes, report->run_count));
    tn_json_bool(&json, "refuted", tn_try_has_refuted(report));
    tn_json_bool(&json, "saved", report->is_saved);
    tn_json_close_object(&json);
    return json.error;
}
