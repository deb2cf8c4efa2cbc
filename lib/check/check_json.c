/* SPDX-License-Identifier: MIT */

/* Writes the result of a check as one JSON object, for programs; docs/ci.md lists its keys. Called by `tenure
 * check --format json`. */

#include "metrics.h"

#include "tenure/json.h"

#define FORMAT_VERSION 1 /* grows when a key changes its meaning or goes away */
#define VALUE_DIGITS   12

static void write_part(struct tn_json *json, const struct tn_check_part *part)
{
    tn_json_open_object(json, NULL);
    tn_json_real(json, "amount", part->amount, VALUE_DIGITS);
    if (part->site != NULL) {
        tn_json_text(json, "function", part->site->function);
        tn_json_text(json, "file", part->site->file);
        tn_json_uint(json, "line", part->site->line);
        tn_json_text(json, "module", part->site->module);
        tn_json_uint(json, "offset_bytes", part->site->offset_bytes);
        tn_json_text(json, "via", part->site->via);
    }
    if (part->finding != NULL) {
        char name[TN_FINDING_KEY_BYTES];
        tn_json_text(json, "kind", part->finding->kind);
        tn_json_uint(json, "rank", part->finding->rank);
        tn_json_text(json, "key", tn_finding_key_print(part->finding, name));
        tn_json_text(json, "confidence", tn_confidence_name(part->finding->confidence));
        tn_json_text(json, "title", part->finding->title);
    }
    if (part->exception != NULL) {
        tn_json_text(json, "excepted_because", part->exception->reason);
        tn_json_uint(json, "policy_line", part->exception->line);
    }
    tn_json_close_object(json);
}

static void write_verdict(struct tn_json *json, const struct tn_check_verdict *verdict)
{
    tn_json_open_object(json, NULL);
    tn_json_text(json, "metric", verdict->limit->name);
    tn_json_real(json, "value", verdict->value, VALUE_DIGITS);
    tn_json_real(json, "max", verdict->limit->max, VALUE_DIGITS);
    tn_json_real(json, "excepted", verdict->excepted, VALUE_DIGITS);
    tn_json_bool(json, "violated", verdict->is_violated);
    tn_json_open_array(json, "parts");
    for (size_t i = 0; i < verdict->part_count; i++)
        write_part(json, &verdict->parts[i]);
    tn_json_close_array(json);
    tn_json_uint(json, "parts_left", verdict->parts_left);
    tn_json_close_object(json);
}

static void write_unused(struct tn_json *json, const struct tn_check_result *result)
{
    tn_json_open_array(json, "unused_exceptions");
    for (size_t i = 0; i < result->policy->exception_count; i++) {
        const struct tn_check_exception *exception = &result->policy->exceptions[i];
        if (result->is_used[i])
            continue;
        tn_json_open_object(json, NULL);
        tn_json_text(json, "metric", exception->name);
        tn_json_text(json, "place", exception->place);
        tn_json_uint(json, "policy_line", exception->line);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

int tn_check_write_json(const struct tn_check_result *result, struct tn_buffer *out)
{
    const struct tn_summary *summary = result->subject->summary;
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "format_version", FORMAT_VERSION);
    tn_json_text(&json, "log", summary->path);
    tn_json_text(&json, "program", summary->program);
    tn_json_uint(&json, "process_id", summary->process_id);
    tn_json_bool(&json, "lossy", tn_check_is_lossy(summary));
    tn_json_bool(&json, "passed", result->violated_count == 0);
    tn_json_open_array(&json, "limits");
    for (size_t i = 0; i < result->verdict_count; i++)
        write_verdict(&json, &result->verdicts[i]);
    tn_json_close_array(&json);
    write_unused(&json, result);
    tn_json_close_object(&json);
    return json.error == 0 ? tn_buffer_append(out, "\n", 1) : json.error;
}
