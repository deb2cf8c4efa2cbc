/* SPDX-License-Identifier: MIT */
/* What changes would do, as text and as JSON. */
#include "simulate.h"

#include "tenure/json.h"

#include <inttypes.h>
#include <stdio.h>

#define DELTA_TEXT 48

/* ---------------------------------------------------------------------------------------- JSON */

static void put_measures(struct tn_json *json, const struct tn_simulation *simulation,
                         const struct tn_what_if_change *change)
{
    tn_json_open_array(json, "policies");
    for (size_t i = 0; i < simulation->policy_count; i++) {
        const struct tn_what_if_measure *measure = &change->measures[i];
        tn_json_open_object(json, NULL);
        tn_json_text(json, "policy", simulation->policies[i].label);
        if (measure->heap_bytes != 0)
            tn_json_uint(json, "heap_bytes", measure->heap_bytes);
        else
            tn_json_null(json, "heap_bytes");
        tn_json_int(json, "heap_delta_bytes", measure->heap_delta_bytes);
        tn_json_int(json, "total_delta_bytes", measure->heap_delta_bytes + (int64_t)change->outside_bytes);
        tn_json_bool(json, "survived", measure->has_survived);
        tn_json_bool(json, "removes_failure", measure->removes_failure);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void put_change(struct tn_json *json, const struct tn_simulation *simulation,
                       const struct tn_what_if_change *change)
{
    tn_json_open_object(json, NULL);
    tn_json_bool(json, "is_together", change->finding == NULL);
    if (change->finding != NULL) {
        tn_json_text(json, "kind", change->finding->kind);
        tn_json_uint(json, "rank", change->finding->rank);
        tn_json_text(json, "title", change->finding->title);
    }
    tn_json_uint(json, "allocations_removed", change->allocations_removed);
    tn_json_text(json, "outside", change->outside);
    tn_json_uint(json, "outside_bytes", change->outside_bytes);
    put_measures(json, simulation, change);
    tn_json_close_object(json);
}

void tn_simulate_put_changes(struct tn_json *json, const struct tn_simulation *simulation)
{
    tn_json_open_object(json, "what_if");
    tn_json_open_array(json, "before");
    for (size_t i = 0; i < simulation->policy_count; i++) {
        tn_json_open_object(json, NULL);
        tn_json_text(json, "policy", simulation->policies[i].label);
        tn_json_uint(json, "heap_bytes", simulation->models[i].heap_bytes);
        tn_json_bool(json, "survived", simulation->models[i].has_survived);
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

/* ---------------------------------------------------------------------------------------- text */

static const char *print_delta(char *text, int64_t delta_bytes, uint64_t before)
{
    char count[TN_QUANTITY_TEXT_BYTES];
    if (delta_bytes == 0)
        return "as before";
    bool is_less = delta_bytes < 0;
    uint64_t bytes = (uint64_t)(is_less ? -delta_bytes : delta_bytes);
    snprintf(text, DELTA_TEXT, "%s bytes %s (%.1f %%)", tn_print_count(count, bytes),
             is_less ? "less" : "MORE", 100.0 * (double)bytes / (double)before);
    return text;
}

/* One model: the heap, and with it what is needed elsewhere, so that totals can be compared. */
static int print_measure(const struct tn_simulation *simulation, const struct tn_what_if_change *change,
                         size_t model, struct tn_buffer *out)
{
    const struct tn_what_if_measure *measure = &change->measures[model];
    uint64_t before = simulation->models[model].heap_bytes;
    char count[TN_QUANTITY_TEXT_BYTES], delta[DELTA_TEXT], total[DELTA_TEXT];
    bool is_known = measure->heap_bytes != 0 && before != 0;
    int r = tn_buffer_print(out, "     %-18s %12s bytes, %s", simulation->policies[model].label,
                            measure->heap_bytes != 0 ? tn_print_count(count, measure->heap_bytes) : "?",
                            is_known ? print_delta(delta, measure->heap_delta_bytes, before) : "?");
    if (r == 0 && is_known && change->outside_bytes > 0)
        r = tn_buffer_print(
            out, "; in all %s",
            print_delta(total, measure->heap_delta_bytes + (int64_t)change->outside_bytes, before));
    if (r == 0 && simulation->has_heap && measure->removes_failure)
        r = tn_buffer_print(out, "; survives now");
    else if (r == 0 && simulation->has_heap && !measure->has_survived)
        r = tn_buffer_print(out, "; does not survive");
    return r < 0 ? r : tn_buffer_print(out, "\n");
}

static int print_change(const struct tn_simulation *simulation, const struct tn_what_if_change *change,
                        struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES];
    int r = change->finding != NULL ? tn_buffer_print(out, "\n  %" PRIu32 ". %s: %s\n", change->finding->rank,
                                                      change->finding->kind, change->finding->title)
                                    : tn_buffer_print(out, "\n  All of these together\n");
    if (r == 0)
        r = tn_buffer_print(out, "     %s calls no longer reach the heap",
                            tn_print_count(count, change->allocations_removed));
    if (r == 0 && change->outside != NULL)
        r = tn_buffer_print(out, "; %s bytes more outside (%s)", tn_print_count(bytes, change->outside_bytes),
                            change->outside);
    if (r == 0)
        r = tn_buffer_print(out, "\n");
    for (size_t i = 0; i < simulation->policy_count && r == 0; i++)
        r = print_measure(simulation, change, i, out);
    return r;
}

int tn_simulate_print_changes(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES];
    if (simulation->what_if.count == 0)
        return tn_buffer_print(out,
                               "\nNo finding of the kinds that were asked for can be applied to a replay.\n");
    int r = tn_buffer_print(
        out, "\nWhat the findings would change: the smallest safe heap, and what is needed elsewhere\n");
    for (size_t i = 0; i < simulation->what_if.count && r == 0; i++)
        r = print_change(simulation, &simulation->what_if.changes[i], out);
    if (r == 0 && simulation->findings_left > 0)
        r = tn_buffer_print(out, "\n  %s more findings were not measured; name kinds to choose others\n",
                            tn_print_count(count, simulation->findings_left));
    return r;
}
