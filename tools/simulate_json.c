/* SPDX-License-Identifier: MIT */
#include "simulate.h"

#include "tenure/json.h"

#define FORMAT_VERSION 1

static void put_site(struct tn_json *json, const struct tn_simulation *simulation, const char *key,
                     uint32_t site_id)
{
    struct tn_replay_site site = {0};
    if (simulation->log == NULL || site_id == 0 || tn_replay_log_site(simulation->log, site_id, &site) < 0) {
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
    tn_replay_site_finish(&site);
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

static void put_failure(struct tn_json *json, const struct tn_simulation *simulation,
                        const struct tn_replay_result *result)
{
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

static void put_or_null(struct tn_json *json, const char *key, uint64_t bytes)
{
    if (bytes != 0)
        tn_json_uint(json, key, bytes);
    else
        tn_json_null(json, key);
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

static void put_pools(struct tn_json *json, const struct tn_simulate_policy *policy)
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
                       const struct tn_simulate_policy *policy)
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
    put_failure(json, simulation, result);
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
        tn_simulate_put_risk(json, &policy->risk);
    if (simulation->has_offsets)
        put_offsets(json, result);
    tn_json_close_object(json);
}

static void put_assumptions(struct tn_json *json, const struct tn_replay_sites *sites)
{
    if (sites->allocations == 0)
        return;
    tn_json_open_object(json, "assumed");
    tn_json_uint(json, "allocations", sites->allocations);
    tn_json_uint(json, "total_bytes", sites->bytes);
    tn_json_uint(json, "left_out_allocations", sites->left_out_allocations);
    tn_json_uint(json, "left_out_bytes", sites->left_out_bytes);
    tn_json_uint(json, "overridden_allocations", sites->overridden_allocations);
    tn_json_uint(json, "overridden_bytes", sites->overridden_bytes);
    tn_json_close_object(json);
}

int tn_simulate_print_json(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_int(&json, "format_version", FORMAT_VERSION);
    tn_json_text(&json, "source", simulation->name);
    if (simulation->log != NULL)
        tn_json_uint(&json, "process_id", tn_replay_log_process(simulation->log));
    put_assumptions(&json, &simulation->sites);
    tn_json_open_array(&json, "policies");
    for (size_t i = 0; i < simulation->policy_count; i++)
        put_policy(&json, simulation, &simulation->policies[i]);
    tn_json_close_array(&json);
    if (simulation->has_changes)
        tn_simulate_put_changes(&json, simulation);
    tn_json_close_object(&json);
    if (json.error < 0)
        return json.error;
    return tn_buffer_print(out, "\n");
}
