/* SPDX-License-Identifier: MIT */
/* The answer of `simulate` as text: a table of policies, then what is special about each, then what
 * findings would change. Called by cmd_simulate.c. */
#include "simulate_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PINS_SHOWN   5
#define LIVE_SHOWN   5
#define LAYOUT_SHOWN 40 /* extents drawn, half from each end */
#define DELTA_TEXT   48

static const char *count_text(char *text, uint64_t count)
{
    return count != 0 ? tn_print_count(text, count) : "?";
}

static int print_site(const struct tn_simulation *simulation, uint32_t site_id, struct tn_buffer *out)
{
    struct tn_source_site site = {0};
    if (simulation->log == NULL || site_id == 0 || tn_log_source_site(simulation->log, site_id, &site) < 0)
        return tn_buffer_print(out, "unknown site");
    const char *file = site.file != NULL ? site.file : site.module;
    int r = tn_buffer_print(out, "%s", site.function != NULL ? site.function : "??");
    if (r == 0 && file != NULL && site.line > 0)
        r = tn_buffer_print(out, " (%s:%" PRId64 ")", file, site.line);
    else if (r == 0 && file != NULL)
        r = tn_buffer_print(out, " (%s+0x%" PRIx64 ")", file, site.offset_bytes);
    tn_source_site_finish(&site);
    return r;
}

/* Share of a part in a whole, in percent. */
static double percent(double part, double whole)
{
    return whole > 0 ? 100.0 * part / whole : 0.0;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* What was assumed for a machine that the program was not recorded on. */
static int print_assumptions(const struct tn_overrides *overrides, struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    if (overrides->left_out_allocations > 0)
        r = tn_buffer_print(
            out, "left out: %s allocation%s of %s by the C library, the C++ library and the loader\n",
            tn_print_count(count, overrides->left_out_allocations), plural(overrides->left_out_allocations),
            tn_print_bytes(bytes, overrides->left_out_bytes));
    if (r == 0 && overrides->size_count > 0)
        r = tn_buffer_print(out,
                            "other sizes: for %s allocation%s, %.1f %% of the bytes that were asked for\n",
                            tn_print_count(count, overrides->overridden_allocations),
                            plural(overrides->overridden_allocations),
                            percent((double)overrides->overridden_bytes, (double)overrides->bytes));
    return r;
}

static int print_pauses(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    char paused[TN_QUANTITY_TEXT_BYTES], allocations[TN_QUANTITY_TEXT_BYTES];
    if (simulation->pauses == 0)
        return 0;
    return tn_buffer_print(out,
                           "recording was paused for %s: %s allocation%s in that time are not replayed\n",
                           tn_print_duration(paused, simulation->paused_ns),
                           tn_print_count(allocations, simulation->unrecorded_allocations),
                           plural(simulation->unrecorded_allocations));
}

static int print_head(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    char events[TN_QUANTITY_TEXT_BYTES], allocations[TN_QUANTITY_TEXT_BYTES], live[TN_QUANTITY_TEXT_BYTES];
    const struct tn_replay_result *result = &simulation->policies[0].result;
    int r = tn_buffer_print(out, "%s: %s event%s replayed, %s allocation%s, at most %s live\n",
                            simulation->name, tn_print_count(events, result->events), plural(result->events),
                            tn_print_count(allocations, result->allocations), plural(result->allocations),
                            tn_print_bytes(live, result->peak_live_bytes));
    if (r == 0)
        r = print_pauses(simulation, out);
    if (r == 0)
        r = print_assumptions(&simulation->overrides, out);
    if (r < 0)
        return r;
    return tn_buffer_print(out, "\n%-18s %14s  %-28s %14s %14s %14s %10s %10s\n", "policy", "heap", "outcome",
                           "high water", "smallest", "safe", "internal", "external");
}

static const char *outcome(const struct tn_replay_result *result, char *text, size_t text_bytes)
{
    if (result->has_survived)
        return "survives";
    snprintf(text, text_bytes, "%s at event %" PRIu64, tn_replay_class_name(result->failure.class),
             result->failure.event);
    return text;
}

static int print_row(const struct tn_simulated_policy *policy, struct tn_buffer *out)
{
    const struct tn_replay_result *result = &policy->result;
    char heap[TN_QUANTITY_TEXT_BYTES], water[TN_QUANTITY_TEXT_BYTES], first[TN_QUANTITY_TEXT_BYTES],
        safe[TN_QUANTITY_TEXT_BYTES], text[64];
    const struct tn_replay_fragmentation *fragmentation = &result->fragmentation;
    bool is_limited = result->heap_bytes != TN_HEAP_UNLIMITED;
    return tn_buffer_print(
        out, "%-18s %14s  %-28s %14s %14s %14s %9.1f%% %9.1f%%\n", policy->label,
        is_limited ? tn_print_count(heap, result->heap_bytes) : "unlimited",
        outcome(result, text, sizeof(text)), tn_print_count(water, result->high_water_bytes),
        count_text(first, result->minimum.first_bytes), count_text(safe, result->minimum.safe_bytes),
        percent(fragmentation->internal_mean_bytes, fragmentation->live_mean_bytes),
        percent(fragmentation->external_mean_bytes, fragmentation->live_mean_bytes));
}

static int print_extent(const struct tn_heap_extent *extent, struct tn_buffer *out)
{
    const char *kind = extent->kind == TN_HEAP_FREE ? " free" : extent->kind == TN_HEAP_FIXED ? " fixed" : "";
    return tn_buffer_print(out, "[%" PRIu64 "%s]", extent->size_bytes, kind);
}

/* As the paper draws it: extents in the order of their addresses. */
static int print_layout(const struct tn_replay_failure *failure, struct tn_buffer *out)
{
    size_t count = failure->layout_count, head = count, tail = count;
    if (count > LAYOUT_SHOWN) {
        head = LAYOUT_SHOWN / 2;
        tail = count - LAYOUT_SHOWN / 2;
    }
    int r = tn_buffer_print(out, "  layout   ");
    for (size_t i = 0; i < count && r == 0; i++) {
        if (i == head)
            r = tn_buffer_print(out, " ... %zu more ... ", tail - head);
        if ((i < head || i >= tail) && r == 0)
            r = print_extent(&failure->layout[i], out);
    }
    return r < 0 ? r : tn_buffer_print(out, "\n");
}

static int print_failure(const struct tn_simulation *simulation, const struct tn_replay_result *result,
                         struct tn_buffer *out)
{
    static const char *const reasons[] = {
        "there is not enough memory",
        "enough is free, but not in one piece",
        "a free piece would do, but the policy's search does not use it",
    };
    const struct tn_replay_failure *failure = &result->failure;
    char size[TN_QUANTITY_TEXT_BYTES], need[TN_QUANTITY_TEXT_BYTES], free_bytes[TN_QUANTITY_TEXT_BYTES],
        largest[TN_QUANTITY_TEXT_BYTES], failures[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(
        out,
        "  event %" PRIu64
        " asks for %s bytes (%s with header and rounding); %s are free, the largest piece has %s\n",
        failure->event, tn_print_count(size, failure->size_bytes), tn_print_count(need, failure->need_bytes),
        tn_print_count(free_bytes, failure->free_bytes),
        tn_print_count(largest, failure->largest_free_bytes));
    if (r == 0)
        r = tn_buffer_print(out, "  %s: %s\n", tn_replay_class_name(failure->class), reasons[failure->class]);
    if (r == 0 && result->failures > 1)
        r = tn_buffer_print(out, "  the first of %s failures\n", tn_print_count(failures, result->failures));
    if (r == 0 && simulation->log != NULL) {
        r = tn_buffer_print(out, "  by       ");
        if (r == 0)
            r = print_site(simulation, failure->site_id, out);
        if (r == 0)
            r = tn_buffer_print(out, ", thread %" PRIu32 "\n", failure->thread_id);
    }
    return r < 0 ? r : print_layout(failure, out);
}

/* Who holds the memory when the heap fails. */
static int print_live(const struct tn_simulation *simulation, const struct tn_simulated_policy *policy,
                      struct tn_buffer *out)
{
    char bytes[TN_QUANTITY_TEXT_BYTES], count[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    for (size_t i = 0; i < policy->live_count && i < LIVE_SHOWN && r == 0; i++) {
        const struct tn_site_live *live = &policy->live[i];
        r = tn_buffer_print(out, "%s %12s bytes live in %s block%s: ", i == 0 ? "  held by  " : "           ",
                            tn_print_count(bytes, live->live_bytes), tn_print_count(count, live->live_count),
                            live->live_count == 1 ? "" : "s");
        if (r == 0)
            r = print_site(simulation, live->site_id, out);
        if (r == 0)
            r = tn_buffer_print(out, "\n");
    }
    if (r == 0 && policy->live_count > LIVE_SHOWN)
        r = tn_buffer_print(out, "            and %zu more sites\n", policy->live_count - LIVE_SHOWN);
    return r;
}

static int print_pins(const struct tn_simulation *simulation, const struct tn_replay_result *result,
                      struct tn_buffer *out)
{
    char peak[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    if (simulation->log == NULL)
        return 0;
    for (size_t i = 0; i < result->pin_count && i < PINS_SHOWN && r == 0; i++) {
        if (result->pins[i].pin.byte_ns <= 0)
            break;
        r = tn_buffer_print(
            out, "%s %14.6g byte seconds, at most %s: ", i == 0 ? "  pinned by" : "           ",
            result->pins[i].pin.byte_ns / 1e9, tn_print_bytes(peak, result->pins[i].pin.peak_bytes));
        if (r == 0)
            r = print_site(simulation, result->pins[i].site_id, out);
        if (r == 0)
            r = tn_buffer_print(out, "\n");
    }
    return r;
}

static int print_offsets(const struct tn_replay_result *result, struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "  offsets  ");
    for (size_t i = 0; i < result->offset_count && r == 0; i++)
        r = result->offsets[i] == UINT64_MAX ? tn_buffer_print(out, " -")
                                             : tn_buffer_print(out, " %" PRIu64, result->offsets[i]);
    return r < 0 ? r : tn_buffer_print(out, "\n");
}

static int print_extra(const struct tn_simulated_policy *policy, struct tn_buffer *out)
{
    const struct tn_replay_result *result = &policy->result;
    char text[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    if (result->control_bytes > 0)
        r = tn_buffer_print(out, "  beside the heap, its control structure takes %s bytes\n",
                            tn_print_count(text, result->control_bytes));
    if (r == 0 && result->system_bytes > 0)
        r = tn_buffer_print(out, "  the break would go up to %s bytes in pages\n",
                            tn_print_count(text, result->system_bytes));
    if (r == 0 && result->mapped_peak_bytes > 0)
        r = tn_buffer_print(out, "  outside the heap, large blocks take up to %s bytes\n",
                            tn_print_count(text, result->mapped_peak_bytes));
    if (r == 0 && result->end_heap_bytes != result->heap_bytes)
        r = tn_buffer_print(out, "  the heap had to grow to %s bytes\n",
                            tn_print_count(text, result->end_heap_bytes));
    if (r == 0 && result->refused > 0)
        r = tn_buffer_print(out, "  %s requests of 0 bytes got no block, as documented for this policy\n",
                            tn_print_count(text, result->refused));
    if (r == 0 && result->minimum.step_bytes > 1)
        r = tn_buffer_print(out, "  regions were tried in steps of %s bytes\n",
                            tn_print_count(text, result->minimum.step_bytes));
    if (r == 0 && tn_policy_needs_pools(policy->options.policy)) {
        r = tn_buffer_print(out, "  pools    ");
        for (size_t i = 0; i < policy->options.heap.pool_count && r == 0; i++)
            r = tn_buffer_print(out, " %" PRIu64 "x%" PRIu64, policy->options.heap.pools[i].block_bytes,
                                policy->options.heap.pools[i].count);
        if (r == 0)
            r = tn_buffer_print(out, "\n");
    }
    return r;
}

static int print_details(const struct tn_simulation *simulation, const struct tn_simulated_policy *policy,
                         struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "\n%s\n", policy->label);
    size_t before = out->size_bytes;
    if (r == 0 && policy->result.failures > 0)
        r = print_failure(simulation, &policy->result, out);
    if (r == 0)
        r = print_live(simulation, policy, out);
    if (r == 0)
        r = print_extra(policy, out);
    if (r == 0)
        r = print_pins(simulation, &policy->result, out);
    if (r == 0 && policy->has_risk)
        r = tn_simulate_print_risk(&policy->risk, out);
    if (r == 0 && simulation->has_offsets)
        r = print_offsets(&policy->result, out);
    if (r == 0 && out->size_bytes == before)
        out->size_bytes -= strlen(policy->label) + 2;
    return r;
}

static const char *print_size(char *text, int64_t bytes)
{
    return tn_print_count(text, bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes);
}

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

static bool is_within(int64_t bytes, uint64_t most)
{
    return (bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes) <= most;
}

/* The median over the models, and the net of it. */
static int print_median(const struct tn_simulation *simulation, const struct tn_what_if_change *change,
                        struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES], noise[TN_QUANTITY_TEXT_BYTES], total[TN_QUANTITY_TEXT_BYTES];
    int64_t median_bytes = change->heap_median_bytes;
    int64_t net_bytes = median_bytes + (int64_t)change->outside_bytes;
    if (simulation->policy_count < 2 || !change->is_measured)
        return 0;
    tn_print_count(noise, change->heap_noise_bytes);
    if (is_within(median_bytes, change->heap_noise_bytes))
        return tn_buffer_print(out, "     median: no clear change of the heap (within %s bytes)\n", noise);
    int r = tn_buffer_print(out, "     median: heap %c%s bytes (give or take %s)",
                            median_bytes < 0 ? '-' : '+', print_size(count, median_bytes), noise);
    if (r == 0 && change->outside_bytes > 0)
        r = tn_buffer_print(out, ", %s bytes %s in all", print_size(total, net_bytes),
                            net_bytes > 0 ? "MORE" : "less");
    return r < 0 ? r : tn_buffer_print(out, "\n");
}

/* One model: the heap alone, then with what is needed elsewhere, so that totals can be compared. */
static int print_measure(const struct tn_simulation *simulation, const struct tn_what_if_change *change,
                         size_t model, struct tn_buffer *out)
{
    const struct tn_what_if_measure *measure = &change->measures[model];
    uint64_t before = simulation->models[model].need.heap_bytes, after = measure->need.heap_bytes;
    char count[TN_QUANTITY_TEXT_BYTES], delta[DELTA_TEXT], total[DELTA_TEXT];
    bool is_luck =
        measure->heap_delta_bytes != 0 && is_within(measure->heap_delta_bytes, measure->noise_bytes);
    int r = tn_buffer_print(out, "     %-18s %12s bytes, %s%s", simulation->policies[model].label,
                            after != 0 ? tn_print_count(count, after) : "?",
                            measure->is_known ? print_delta(delta, measure->heap_delta_bytes, before) : "?",
                            is_luck ? ", no clear change" : "");
    if (r == 0 && measure->is_known && change->outside_bytes > 0)
        r = tn_buffer_print(
            out, "; in all %s",
            print_delta(total, measure->heap_delta_bytes + (int64_t)change->outside_bytes, before));
    if (r == 0 && simulation->has_heap && measure->removes_failure)
        r = tn_buffer_print(out, "; survives now");
    else if (r == 0 && simulation->has_heap && !measure->need.has_survived)
        r = tn_buffer_print(out, "; does not survive");
    return r < 0 ? r : tn_buffer_print(out, "\n");
}

static int print_name(const struct tn_what_if_change *change, struct tn_buffer *out)
{
    char key[TN_FINDING_KEY_BYTES];
    if (change->is_subtotal)
        return tn_buffer_print(out, "\n  Those of these that no condition decides (%zu), together\n",
                               change->finding_count);
    if (change->finding == NULL && change->set != 0)
        return tn_buffer_print(out, "\n  The %zu findings of these steps, together\n", change->finding_count);
    if (change->finding == NULL)
        return tn_buffer_print(out, "\n  All of these together\n");
    return tn_buffer_print(out, "\n  %" PRIu32 ". %s: %s [%s]\n", change->finding->rank,
                           change->finding->kind, change->finding->title,
                           tn_finding_key_print(change->finding, key));
}

static int64_t net_bytes(const struct tn_what_if_change *change, size_t model)
{
    return change->measures[model].heap_delta_bytes + (int64_t)change->outside_bytes;
}

/* The finding that alone needs least memory on a model, in the heap and elsewhere; NULL: none is known. */
static const struct tn_what_if_change *best_alone(const struct tn_simulation *simulation, size_t model)
{
    const struct tn_what_if_change *best = NULL;
    for (size_t i = 0; i < simulation->what_if.count; i++) {
        const struct tn_what_if_change *change = &simulation->what_if.changes[i];
        bool is_candidate = change->finding != NULL && change->measures[model].is_known;
        if (is_candidate && (best == NULL || net_bytes(change, model) < net_bytes(best, model)))
            best = change;
    }
    return best;
}

/* More changes are not less memory: a buffer that is kept elsewhere is there all the time. */
static int print_better_alone(const struct tn_simulation *simulation,
                              const struct tn_what_if_change *together, struct tn_buffer *out)
{
    char delta[DELTA_TEXT];
    int r = 0;
    for (size_t i = 0; i < simulation->policy_count && r == 0; i++) {
        const struct tn_what_if_change *best = best_alone(simulation, i);
        const struct tn_what_if_measure *measure = &together->measures[i];
        if (best == NULL || !measure->is_known ||
            net_bytes(best, i) + (int64_t)measure->noise_bytes >= net_bytes(together, i))
            continue;
        r = tn_buffer_print(out,
                            "     number %" PRIu32
                            " alone is better for the memory of %s (%s in all): the others need more "
                            "elsewhere than they free in the heap\n",
                            best->finding->rank, simulation->policies[i].label,
                            print_delta(delta, net_bytes(best, i), simulation->models[i].need.heap_bytes));
    }
    return r;
}

static int print_change(const struct tn_simulation *simulation, const struct tn_what_if_change *change,
                        struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES];
    int r = print_name(change, out);
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
    if (r == 0 && change->finding == NULL && !change->is_subtotal)
        r = print_better_alone(simulation, change, out);
    return r < 0 ? r : print_median(simulation, change, out);
}

/* Whether a finding, or all together, makes a policy survive that did not. */
static bool is_helped(const struct tn_simulation *simulation, size_t model)
{
    for (size_t i = 0; i < simulation->what_if.count; i++)
        if (simulation->what_if.changes[i].measures[model].removes_failure)
            return true;
    return false;
}

/* A policy that survives in the same heap; NULL: none that was asked for does. */
static const char *surviving_policy(const struct tn_simulation *simulation)
{
    for (size_t i = 0; i < simulation->policy_count; i++)
        if (simulation->policies[i].result.has_survived)
            return simulation->policies[i].label;
    return NULL;
}

/* Where no finding helps in the heap that was asked for, what would. */
static int print_helpless(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    char heap[TN_QUANTITY_TEXT_BYTES], safe[TN_QUANTITY_TEXT_BYTES];
    const char *other = surviving_policy(simulation);
    int r = 0;
    for (size_t i = 0; i < simulation->policy_count && simulation->has_heap && r == 0; i++) {
        const struct tn_simulated_policy *policy = &simulation->policies[i];
        uint64_t safe_bytes = policy->result.minimum.safe_bytes;
        if (policy->result.has_survived || is_helped(simulation, i))
            continue;
        r = tn_buffer_print(out, "\n  No finding helps %s in %s bytes", policy->label,
                            tn_print_count(heap, policy->result.heap_bytes));
        if (r == 0 && safe_bytes != 0)
            r = tn_buffer_print(out, ": %s bytes would", tn_print_count(safe, safe_bytes));
        if (r == 0 && other != NULL)
            r = tn_buffer_print(out, "%s%s%s", safe_bytes != 0 ? ", or " : ": ", other,
                                safe_bytes != 0 ? "" : " would");
        if (r == 0)
            r = tn_buffer_print(out, "\n");
    }
    return r;
}

static int print_changes(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES];
    int r =
        simulation->what_if.count == 0
            ? tn_buffer_print(out,
                              "\nNo finding of the kinds that were asked for can be applied to a replay.\n")
            : tn_buffer_print(
                  out,
                  "\nWhat the findings would change: the smallest safe heap, and what is needed elsewhere\n");
    for (size_t i = 0; i < simulation->what_if.count && r == 0; i++)
        r = print_change(simulation, &simulation->what_if.changes[i], out);
    if (r == 0 && simulation->findings_left > 0)
        r = tn_buffer_print(out, "\n  %s more findings were not measured; name kinds to choose others\n",
                            tn_print_count(count, simulation->findings_left));
    return r < 0 ? r : print_helpless(simulation, out);
}

int tn_simulate_print_text(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    int r = print_head(simulation, out);
    for (size_t i = 0; i < simulation->policy_count && r == 0; i++)
        r = print_row(&simulation->policies[i], out);
    for (size_t i = 0; i < simulation->policy_count && r == 0; i++)
        r = print_details(simulation, &simulation->policies[i], out);
    if (r == 0 && simulation->has_changes)
        r = print_changes(simulation, out);
    return r;
}
