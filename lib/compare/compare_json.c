/* SPDX-License-Identifier: MIT */

/* Writes a comparison as one JSON object, for programs; docs/ci.md lists its keys. Called by
 * `tenure diff --format json`. */

#include "tenure/compare.h"
#include "tenure/json.h"

#define FORMAT_VERSION 1 /* grows when a key changes its meaning or goes away */

static void write_run(struct tn_json *json, const char *key, const struct tn_summary *summary)
{
    const struct tn_summary_losses *losses = &summary->losses;
    tn_json_open_object(json, key);
    tn_json_text(json, "log", summary->path);
    tn_json_text(json, "program", summary->program);
    tn_json_text(json, "command_line", summary->command_line);
    tn_json_text(json, "started_at", summary->started_at);
    tn_json_uint(json, "duration_ns", summary->duration_ns);
    tn_json_uint(json, "process_id", summary->process_id);
    tn_json_bool(json, "complete", summary->is_complete);
    tn_json_bool(json, "finished", summary->is_finished);
    tn_json_uint(json, "events_lost", losses->events_lost);
    tn_json_uint(json, "unmatched_frees", losses->unmatched_frees);
    tn_json_uint(json, "unmatched_births", losses->unmatched_births);
    tn_json_uint(json, "pauses", losses->pauses);
    tn_json_uint(json, "paused_ns", losses->paused_ns);
    tn_json_uint(json, "unrecorded_allocations", losses->unrecorded_allocations);
    tn_json_close_object(json);
}

static void write_pair(struct tn_json *json, const char *key, uint64_t before, uint64_t after)
{
    tn_json_open_object(json, key);
    tn_json_uint(json, "before", before);
    tn_json_uint(json, "after", after);
    tn_json_close_object(json);
}

static void write_totals(struct tn_json *json, const struct tn_comparison *comparison)
{
    const struct tn_summary_totals *before = &comparison->old_run->summary->totals;
    const struct tn_summary_totals *after = &comparison->new_run->summary->totals;
    tn_json_open_object(json, "totals");
    write_pair(json, "allocations", before->allocations, after->allocations);
    write_pair(json, "total_bytes", before->total_bytes, after->total_bytes);
    write_pair(json, "small_short_lived", before->small_short_lived, after->small_short_lived);
    write_pair(json, "peak_live_bytes", before->peak_live_bytes, after->peak_live_bytes);
    write_pair(json, "live_at_end", before->live_count, after->live_count);
    tn_json_close_object(json);
    tn_json_open_array(json, "heaps");
    for (size_t i = 0; i < comparison->heap_count; i++) {
        const struct tn_compared_heap *heap = &comparison->heaps[i];
        tn_json_open_object(json, NULL);
        tn_json_text(json, "policy", heap->policy);
        write_pair(json, "smallest_heap_bytes", heap->before_bytes, heap->after_bytes);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_sites(struct tn_json *json, const char *key, const struct tn_summary_site *const *sites,
                        size_t count)
{
    tn_json_open_array(json, key);
    for (size_t i = 0; i < count; i++) {
        tn_json_open_object(json, NULL);
        tn_json_uint(json, "site_id", sites[i]->site_id);
        tn_json_text(json, "function", sites[i]->function);
        tn_json_text(json, "file", sites[i]->file);
        tn_json_uint(json, "line", sites[i]->line);
        tn_json_text(json, "module", sites[i]->module);
        tn_json_uint(json, "offset_bytes", sites[i]->offset_bytes);
        tn_json_text(json, "via", sites[i]->via);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static enum tn_change_state site_state(const struct tn_site_change *change)
{
    if (change->before_count == 0)
        return TN_CHANGE_NEW;
    if (change->after_count == 0)
        return TN_CHANGE_GONE;
    return tn_site_has_changed(change) ? TN_CHANGE_CHANGED : TN_CHANGE_SAME;
}

static void write_site_change(struct tn_json *json, const struct tn_comparison *comparison,
                              const struct tn_site_change *change)
{
    const struct tn_site_figures *before = &change->before, *after = &change->after;
    tn_json_open_object(json, NULL);
    tn_json_text(json, "state", tn_change_state_name(site_state(change)));
    write_sites(json, "before", comparison->before + change->before_first, change->before_count);
    write_sites(json, "after", comparison->after + change->after_first, change->after_count);
    write_pair(json, "allocations", before->allocations, after->allocations);
    write_pair(json, "total_bytes", before->total_bytes, after->total_bytes);
    write_pair(json, "small_short_lived", before->small_short_lived, after->small_short_lived);
    write_pair(json, "peak_live_bytes", before->peak_live_bytes, after->peak_live_bytes);
    write_pair(json, "live_at_end", before->live_at_end, after->live_at_end);
    tn_json_close_object(json);
}

static void write_finding(struct tn_json *json, const char *key, const struct tn_finding *finding)
{
    if (finding == NULL) {
        tn_json_null(json, key);
        return;
    }
    char name[TN_FINDING_KEY_BYTES];
    tn_json_open_object(json, key);
    tn_json_uint(json, "rank", finding->rank);
    tn_json_text(json, "key", tn_finding_key_print(finding, name));
    tn_json_text(json, "confidence", tn_confidence_name(finding->confidence));
    tn_json_text(json, "title", finding->title);
    tn_json_uint(json, "allocations_removed", finding->saving.allocations_removed);
    tn_json_int(json, "bytes_removed", finding->saving.bytes_removed);
    tn_json_int(json, "peak_bytes_delta", finding->saving.peak_bytes_delta);
    tn_json_close_object(json);
}

static void write_findings(struct tn_json *json, const struct tn_comparison *comparison)
{
    tn_json_open_array(json, "findings");
    for (size_t i = 0; i < comparison->finding_count; i++) {
        const struct tn_finding_change *change = &comparison->findings[i];
        const struct tn_finding *any = change->after != NULL ? change->after : change->before;
        tn_json_open_object(json, NULL);
        tn_json_text(json, "state", tn_change_state_name(change->state));
        tn_json_text(json, "kind", any->kind);
        write_finding(json, "before", change->before);
        write_finding(json, "after", change->after);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_regressions(struct tn_json *json, const struct tn_comparison *comparison)
{
    tn_json_open_array(json, "regressions");
    for (size_t i = 0; i < comparison->regression_count; i++) {
        const struct tn_regression *regression = &comparison->regressions[i];
        tn_json_open_object(json, NULL);
        tn_json_text(json, "what", tn_regression_name(regression->kind));
        if (regression->finding != NULL) {
            char name[TN_FINDING_KEY_BYTES];
            tn_json_text(json, "kind", regression->finding->kind);
            tn_json_uint(json, "rank", regression->finding->rank);
            tn_json_text(json, "key", tn_finding_key_print(regression->finding, name));
        } else {
            if (regression->policy != NULL)
                tn_json_text(json, "policy", regression->policy);
            tn_json_uint(json, "before", regression->before);
            tn_json_uint(json, "after", regression->after);
        }
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

int tn_comparison_write_json(const struct tn_comparison *comparison, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "format_version", FORMAT_VERSION);
    write_run(&json, "old", comparison->old_run->summary);
    write_run(&json, "new", comparison->new_run->summary);
    write_totals(&json, comparison);
    write_regressions(&json, comparison);
    write_findings(&json, comparison);
    tn_json_open_array(&json, "sites");
    for (size_t i = 0; i < comparison->site_count; i++)
        write_site_change(&json, comparison, &comparison->sites[i]);
    tn_json_close_array(&json);
    tn_json_close_object(&json);
    return json.error == 0 ? tn_buffer_append(out, "\n", 1) : json.error;
}
