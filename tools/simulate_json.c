/* SPDX-License-Identifier: MIT */
/* The answer of `simulate` as one JSON object; docs/simulator.md describes its members. Called by
 * cmd_simulate.c. */
#include "simulate_print.h"

#include "tenure/json.h"

#define FORMAT_VERSION 1

static void put_or_null(struct tn_json *json, const char *key, uint64_t bytes)
{
    if (bytes != 0)
        tn_json_uint(json, key, bytes);
    else
        tn_json_null(json, key);
}

static void put_measures(struct tn_json *json, const struct tn_simulation *simulation,
                         const struct tn_what_if_change *change)
{
    tn_json_open_array(json, "policies");
    for (size_t i = 0; i < simulation->policy_count; i++) {
        const struct tn_what_if_measure *measure = &change->measures[i];
        tn_json_open_object(json, NULL);
        tn_json_text(json, "policy", simulation->policies[i].label);
        put_or_null(json, "heap_bytes", measure->need.heap_bytes);
        tn_json_int(json, "heap_delta_bytes", measure->heap_delta_bytes);
        tn_json_int(json, "total_delta_bytes", measure->heap_delta_bytes + (int64_t)change->outside_bytes);
        tn_json_uint(json, "noise_bytes", measure->noise_bytes);
        tn_json_uint(json, "step_bytes", measure->need.step_bytes);
        tn_json_bool(json, "survived", measure->need.has_survived);
        tn_json_bool(json, "removes_failure", measure->removes_failure);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void put_change(struct tn_json *json, const struct tn_simulation *simulation,
                       const struct tn_what_if_change *change)
{
    tn_json_open_object(json, NULL);
    char key[TN_FINDING_KEY_BYTES];
    tn_json_bool(json, "is_together", change->finding == NULL);
    tn_json_bool(json, "is_subtotal", change->is_subtotal);
    tn_json_uint(json, "findings", change->finding_count);
    if (change->finding != NULL) {
        tn_json_text(json, "kind", change->finding->kind);
        tn_json_uint(json, "rank", change->finding->rank);
        tn_json_text(json, "key", tn_finding_key_print(change->finding, key));
        tn_json_text(json, "title", change->finding->title);
    }
    tn_json_uint(json, "allocations_removed", change->allocations_removed);
    tn_json_text(json, "outside", change->outside);
    tn_json_uint(json, "outside_bytes", change->outside_bytes);
    if (change->is_measured) {
        tn_json_int(json, "heap_median_bytes", change->heap_median_bytes);
        tn_json_uint(json, "heap_noise_bytes", change->heap_noise_bytes);
        tn_json_int(json, "net_bytes", change->heap_median_bytes + (int64_t)change->outside_bytes);
    }
    put_measures(json, simulation, change);
    tn_json_close_object(json);
}

static void put_changes(struct tn_json *json, const struct tn_simulation *simulation)
{
    tn_json_open_object(json, "what_if");
    tn_json_open_array(json, "before");
    for (size_t i = 0; i < simulation->policy_count; i++) {
        tn_json_open_object(json, NULL);
        tn_json_text(json, "policy", simulation->policies[i].label);
        tn_json_uint(json, "heap_bytes", simulation->models[i].need.heap_bytes);
        tn_json_bool(json, "survived", simulation->models[i].need.has_survived);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
    tn_json_open_array(json, "changes");
    for (size_t i = 0; i < simulation->what_if.count; i++)
        put_change(json, simulation, &simulation->what_if.changes[i]);
    tn_json_close_array(json);
    tn_json_uint(json, "left_out", simulation->findings_left);
    tn_json_close_object(json);
}

static void put_refusal(struct tn_json *json, enum tn_refusal refusal)
{
    tn_json_text(json, "refused", refusal != TN_REFUSAL_NO ? tn_refusal_text(refusal) : NULL);
}

static void put_certificate(struct tn_json *json, const struct tn_risk_card *card)
{
    tn_json_open_object(json, "certificate");
    tn_json_text(json, "kind", tn_certificate_name(card->certificate));
    if (card->certificate != TN_CERTIFICATE_NONE) {
        tn_json_uint(json, "certified_bytes", card->certified_bytes);
        tn_json_real(json, "factor", card->certified_factor, 6);
    }
    tn_json_bool(json, "is_certified", card->is_certified);
    tn_json_uint(json, "live_bytes", card->bound_bytes);
    tn_json_uint(json, "live_count", card->bound_count);
    tn_json_uint(json, "largest_block_bytes", card->bound_block_bytes);
    tn_json_close_object(json);
}

static void put_free(struct tn_json *json, const struct tn_risk_card *card)
{
    tn_json_open_object(json, "distribution_free");
    put_refusal(json, card->free_refusal);
    tn_json_uint(json, "windows", card->window_count);
    tn_json_open_array(json, "peak_live_bytes");
    for (size_t i = 0; i < TN_RISK_WINDOWS; i++)
        tn_json_uint(json, NULL, card->window_peaks[i]);
    tn_json_close_array(json);
    tn_json_real(json, "trend_z", card->trend_z, 6);
    tn_json_real(json, "trend_share", card->trend_share, 6);
    if (card->free_refusal == TN_REFUSAL_NO) {
        tn_json_real(json, "exceed_probability", card->exceed_probability, 6);
        tn_json_real(json, "failure_upper", card->failure_upper, 6);
    }
    tn_json_uint(json, "missions_needed", card->missions_needed);
    tn_json_close_object(json);
}

static void put_resample(struct tn_json *json, const struct tn_risk_card *card)
{
    tn_json_open_object(json, "resampled");
    put_refusal(json, card->resample_refusal);
    tn_json_uint(json, "epochs", card->epoch_count);
    if (card->resample_refusal == TN_REFUSAL_NO) {
        tn_json_uint(json, "epochs_horizon", card->epochs_horizon);
        tn_json_uint(json, "epochs_replayed", card->epochs_replayed);
        tn_json_uint(json, "replicas", card->replicas);
        tn_json_uint(json, "failures", card->failures);
        tn_json_real(json, "survival", card->survival, 6);
        tn_json_real(json, "survival_low", card->survival_low, 6);
        tn_json_real(json, "survival_high", card->survival_high, 6);
        tn_json_real(json, "mission_low", card->mission_low, 6);
        if (card->need_max_bytes != 0) {
            tn_json_uint(json, "need_median_bytes", card->need_median_bytes);
            tn_json_uint(json, "need_max_bytes", card->need_max_bytes);
        }
    }
    tn_json_close_object(json);
}

static void put_risk(struct tn_json *json, const struct tn_risk_card *card)
{
    tn_json_open_object(json, "risk");
    tn_json_uint(json, "heap_bytes", card->heap_bytes);
    tn_json_uint(json, "horizon_ns", card->horizon_ns);
    tn_json_uint(json, "duration_ns", card->duration_ns);
    tn_json_bool(json, "survived", card->has_survived);
    put_certificate(json, card);
    put_free(json, card);
    put_resample(json, card);
    tn_json_close_object(json);
}

static void put_site(struct tn_json *json, const struct tn_simulation *simulation, const char *key,
                     uint32_t site_id)
{
    struct tn_source_site site = {0};
    if (simulation->log == NULL || site_id == 0 || tn_log_source_site(simulation->log, site_id, &site) < 0) {
        tn_json_null(json, key);
        return;
    }
    tn_json_open_object(json, key);
    tn_json_uint(json, "id", site_id);
    tn_json_text(json, "function", site.function);
    tn_json_text(json, "file", site.file);
    if (site.line > 0)
        tn_json_int(json, "line", site.line);
    else
        tn_json_null(json, "line");
    tn_json_text(json, "module", site.module);
    tn_json_text(json, "via", site.via);
    tn_json_close_object(json);
    tn_source_site_finish(&site);
}

static void put_layout(struct tn_json *json, const struct tn_replay_failure *failure)
{
    tn_json_open_array(json, "layout");
    for (size_t i = 0; i < failure->layout_count; i++) {
        const struct tn_heap_extent *extent = &failure->layout[i];
        tn_json_open_object(json, NULL);
        tn_json_uint(json, "offset_bytes", extent->offset_bytes);
        tn_json_uint(json, "size_bytes", extent->size_bytes);
        tn_json_bool(json, "is_free", extent->kind == TN_HEAP_FREE);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

/* All sites that have something live before the failure, most bytes first. */
static void put_live(struct tn_json *json, const struct tn_simulation *simulation,
                     const struct tn_simulated_policy *policy)
{
    tn_json_open_array(json, "live");
    for (size_t i = 0; i < policy->live_count; i++) {
        tn_json_open_object(json, NULL);
        put_site(json, simulation, "site", policy->live[i].site_id);
        tn_json_uint(json, "live_count", policy->live[i].live_count);
        tn_json_uint(json, "live_bytes", policy->live[i].live_bytes);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void put_failure(struct tn_json *json, const struct tn_simulation *simulation,
                        const struct tn_simulated_policy *policy)
{
    const struct tn_replay_result *result = &policy->result;
    const struct tn_replay_failure *failure = &result->failure;
    if (result->failures == 0) {
        tn_json_null(json, "failure");
        return;
    }
    tn_json_open_object(json, "failure");
    tn_json_uint(json, "event", failure->event);
    tn_json_uint(json, "time_ns", failure->time_ns);
    tn_json_uint(json, "size_bytes", failure->size_bytes);
    tn_json_uint(json, "need_bytes", failure->need_bytes);
    tn_json_uint(json, "free_bytes", failure->free_bytes);
    tn_json_uint(json, "largest_free_bytes", failure->largest_free_bytes);
    tn_json_text(json, "class", tn_replay_class_name(failure->class));
    put_site(json, simulation, "site", failure->site_id);
    if (failure->thread_id != 0)
        tn_json_uint(json, "thread_id", failure->thread_id);
    else
        tn_json_null(json, "thread_id");
    put_layout(json, failure);
    put_live(json, simulation, policy);
    tn_json_close_object(json);
}

static void put_samples(struct tn_json *json, const struct tn_replay_result *result)
{
    tn_json_open_array(json, "samples");
    for (size_t i = 0; i < result->sample_count; i++) {
        const struct tn_replay_sample *sample = &result->samples[i];
        tn_json_open_object(json, NULL);
        tn_json_uint(json, "event", sample->event);
        tn_json_uint(json, "time_ns", sample->time_ns);
        tn_json_uint(json, "live_count", sample->live_count);
        tn_json_uint(json, "live_bytes", sample->live_bytes);
        tn_json_uint(json, "internal_bytes", sample->internal_bytes);
        tn_json_uint(json, "external_bytes", sample->external_bytes);
        tn_json_uint(json, "hole_count", sample->hole_count);
        tn_json_uint(json, "largest_free_bytes", sample->largest_free_bytes);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void put_fragmentation(struct tn_json *json, const struct tn_replay_result *result)
{
    const struct tn_replay_fragmentation *fragmentation = &result->fragmentation;
    tn_json_open_object(json, "fragmentation");
    tn_json_real(json, "live_mean_bytes", fragmentation->live_mean_bytes, 12);
    tn_json_real(json, "internal_mean_bytes", fragmentation->internal_mean_bytes, 12);
    tn_json_real(json, "external_mean_bytes", fragmentation->external_mean_bytes, 12);
    tn_json_uint(json, "internal_at_peak_bytes", fragmentation->internal_at_peak_bytes);
    tn_json_uint(json, "external_at_peak_bytes", fragmentation->external_at_peak_bytes);
    tn_json_uint(json, "internal_max_bytes", fragmentation->internal_max_bytes);
    tn_json_uint(json, "external_max_bytes", fragmentation->external_max_bytes);
    put_samples(json, result);
    tn_json_close_object(json);
}

static void put_pins(struct tn_json *json, const struct tn_simulation *simulation,
                     const struct tn_replay_result *result)
{
    tn_json_open_array(json, "pinning");
    for (size_t i = 0; i < result->pin_count && result->pins[i].pin.byte_ns > 0; i++) {
        tn_json_open_object(json, NULL);
        put_site(json, simulation, "site", result->pins[i].site_id);
        tn_json_real(json, "byte_seconds", result->pins[i].pin.byte_ns / 1e9, 9);
        tn_json_uint(json, "peak_bytes", result->pins[i].pin.peak_bytes);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void put_minimum(struct tn_json *json, const struct tn_replay_minimum *minimum)
{
    tn_json_open_object(json, "minimum_heap_bytes");
    put_or_null(json, "first", minimum->first_bytes);
    put_or_null(json, "safe", minimum->safe_bytes);
    put_or_null(json, "step", minimum->step_bytes);
    tn_json_uint(json, "tried", minimum->tried_count);
    tn_json_close_object(json);
}

static void put_pools(struct tn_json *json, const struct tn_simulated_policy *policy)
{
    if (policy->options.heap.pool_count == 0 || !tn_policy_needs_pools(policy->options.policy))
        return;
    tn_json_open_array(json, "pools");
    for (size_t i = 0; i < policy->options.heap.pool_count; i++) {
        tn_json_open_object(json, NULL);
        tn_json_uint(json, "block_bytes", policy->options.heap.pools[i].block_bytes);
        tn_json_uint(json, "count", policy->options.heap.pools[i].count);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void put_offsets(struct tn_json *json, const struct tn_replay_result *result)
{
    tn_json_open_array(json, "offsets");
    for (size_t i = 0; i < result->offset_count; i++) {
        if (result->offsets[i] == UINT64_MAX)
            tn_json_null(json, NULL);
        else
            tn_json_uint(json, NULL, result->offsets[i]);
    }
    tn_json_close_array(json);
}

static void put_policy(struct tn_json *json, const struct tn_simulation *simulation,
                       const struct tn_simulated_policy *policy)
{
    const struct tn_replay_result *result = &policy->result;
    tn_json_open_object(json, NULL);
    tn_json_text(json, "policy", policy->label);
    if (result->heap_bytes != TN_HEAP_UNLIMITED)
        tn_json_uint(json, "heap_bytes", result->heap_bytes);
    else
        tn_json_null(json, "heap_bytes");
    tn_json_uint(json, "pointer_size", result->pointer_bytes);
    tn_json_bool(json, "survived", result->has_survived);
    put_failure(json, simulation, policy);
    tn_json_uint(json, "failures", result->failures);
    tn_json_uint(json, "events", result->events);
    tn_json_uint(json, "allocations", result->allocations);
    tn_json_uint(json, "refused", result->refused);
    tn_json_uint(json, "high_water_bytes", result->high_water_bytes);
    if (result->end_heap_bytes != result->heap_bytes)
        tn_json_uint(json, "grown_heap_bytes", result->end_heap_bytes);
    put_minimum(json, &result->minimum);
    tn_json_uint(json, "control_bytes", result->control_bytes);
    tn_json_uint(json, "system_bytes", result->system_bytes);
    tn_json_uint(json, "mapped_peak_bytes", result->mapped_peak_bytes);
    tn_json_uint(json, "peak_live_bytes", result->peak_live_bytes);
    tn_json_uint(json, "peak_live_count", result->peak_live_count);
    put_pools(json, policy);
    put_fragmentation(json, result);
    put_pins(json, simulation, result);
    if (policy->has_risk)
        put_risk(json, &policy->risk);
    if (simulation->has_offsets)
        put_offsets(json, result);
    tn_json_close_object(json);
}

static void put_assumptions(struct tn_json *json, const struct tn_overrides *overrides)
{
    if (overrides->allocations == 0)
        return;
    tn_json_open_object(json, "assumed");
    tn_json_uint(json, "allocations", overrides->allocations);
    tn_json_uint(json, "total_bytes", overrides->bytes);
    tn_json_uint(json, "left_out_allocations", overrides->left_out_allocations);
    tn_json_uint(json, "left_out_bytes", overrides->left_out_bytes);
    tn_json_uint(json, "overridden_allocations", overrides->overridden_allocations);
    tn_json_uint(json, "overridden_bytes", overrides->overridden_bytes);
    tn_json_close_object(json);
}

static void put_recording(struct tn_json *json, const struct tn_simulation *simulation)
{
    tn_json_uint(json, "process_id", tn_log_source_process(simulation->log));
    tn_json_open_object(json, "recording");
    tn_json_uint(json, "pauses", simulation->pauses);
    tn_json_uint(json, "paused_ns", simulation->paused_ns);
    tn_json_uint(json, "unrecorded_allocations", simulation->unrecorded_allocations);
    tn_json_close_object(json);
}

int tn_simulate_print_json(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_int(&json, "format_version", FORMAT_VERSION);
    tn_json_text(&json, "source", simulation->name);
    if (simulation->log != NULL)
        put_recording(&json, simulation);
    put_assumptions(&json, &simulation->overrides);
    tn_json_open_array(&json, "policies");
    for (size_t i = 0; i < simulation->policy_count; i++)
        put_policy(&json, simulation, &simulation->policies[i]);
    tn_json_close_array(&json);
    if (simulation->has_changes)
        put_changes(&json, simulation);
    tn_json_close_object(&json);
    if (json.error < 0)
        return json.error;
    return tn_buffer_print(out, "\n");
}
