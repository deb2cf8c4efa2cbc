/* SPDX-License-Identifier: MIT */

/* The plan in the JSON report. docs/analyses.md has its schema. Called by format_json.c. */

#include "plan_json.h"

#include "tenure/plan.h"

/* null where no replay has measured it. */
void tn_report_write_measured(struct tn_json *json, const struct tn_finding_saving *saving)
{
    if (!saving->is_measured) {
        tn_json_null(json, "replay_allocations_removed");
        tn_json_null(json, "heap_median_bytes");
        tn_json_null(json, "heap_noise_bytes");
        tn_json_null(json, "net_bytes");
        return;
    }
    tn_json_uint(json, "replay_allocations_removed", saving->replay_allocations_removed);
    tn_json_int(json, "heap_median_bytes", saving->heap_median_bytes);
    tn_json_uint(json, "heap_noise_bytes", saving->heap_noise_bytes);
    tn_json_int(json, "net_bytes", tn_saving_net_bytes(saving));
}

static void write_together(struct tn_json *json, const char *key, size_t finding_count,
                           const struct tn_finding_saving *saving)
{
    if (finding_count == 0) {
        tn_json_null(json, key);
        return;
    }
    tn_json_open_object(json, key);
    tn_json_uint(json, "findings", finding_count);
    tn_json_uint(json, "allocations_removed", saving->allocations_removed);
    tn_json_uint(json, "outside_bytes", saving->outside_bytes);
    tn_json_text(json, "outside", saving->outside);
    tn_report_write_measured(json, saving);
    tn_json_close_object(json);
}

static void write_sum(struct tn_json *json, const struct tn_finding_plan *plan)
{
    write_together(json, "together", plan->finding_count, &plan->together);
    write_together(json, "without_conditional", plan->sure_count, &plan->sure);
    write_together(json, "first", plan->first_count, &plan->first);
    tn_json_uint(json, "alone_allocations_removed", plan->alone_allocations);
    tn_json_int(json, "alone_net_bytes", plan->alone_net_bytes);
}

static void write_line_members(struct tn_json *json, const struct tn_finding_line *line)
{
    tn_json_text(json, "function", line->function);
    tn_json_text(json, "file", line->file);
    tn_json_uint(json, "line", line->line);
    tn_json_text(json, "module", line->module);
    tn_json_uint(json, "offset_bytes", line->offset_bytes);
}

/* null where there is none. */
static void write_line(struct tn_json *json, const char *key, const struct tn_finding_line *line)
{
    if (line->function == NULL) {
        tn_json_null(json, key);
        return;
    }
    tn_json_open_object(json, key);
    write_line_members(json, line);
    tn_json_close_object(json);
}

static void write_sites(struct tn_json *json, const struct tn_plan_site *sites, size_t count)
{
    tn_json_open_array(json, "sites");
    for (size_t i = 0; i < count; i++) {
        tn_json_open_object(json, NULL);
        tn_json_uint(json, "site_id", sites[i].site_id);
        write_line_members(json, &sites[i].line);
        tn_json_uint(json, "allocations", sites[i].allocations);
        tn_json_uint(json, "peak_bytes", sites[i].peak_bytes);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole != 0 ? (double)part / (double)whole : 0;
}

static void write_lifetime(struct tn_json *json, const struct tn_findings *findings,
                           const struct tn_lifetime *lifetime)
{
    tn_json_open_object(json, NULL);
    tn_json_text(json, "kind", tn_lifetime_name(lifetime->kind));
    tn_json_text(json, "mechanism", lifetime->mechanism);
    write_line(json, "begin", &lifetime->begin);
    write_line(json, "end", &lifetime->end);
    tn_json_uint(json, "count", lifetime->count);
    tn_json_uint(json, "at_once", lifetime->at_once);
    tn_json_uint(json, "allocations", lifetime->allocations);
    tn_json_real(json, "allocations_share", share(lifetime->allocations, findings->allocations), 4);
    tn_json_uint(json, "peak_bytes", lifetime->peak_bytes);
    tn_json_real(json, "peak_share", share(lifetime->peak_bytes, findings->peak_live_bytes), 4);
    tn_json_uint(json, "lines", lifetime->line_count);
    write_sites(json, lifetime->sites, lifetime->site_count);
    tn_json_close_object(json);
}

static void write_part(struct tn_json *json, const struct tn_findings *findings,
                       const struct tn_plan_part *part)
{
    const struct tn_finding *finding = tn_findings_find_part(findings, part->key);
    char key[TN_FINDING_KEY_BYTES];
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "rank", part->rank);
    tn_json_text(json, "key", finding != NULL ? tn_finding_key_print(finding, key) : NULL);
    tn_json_text(json, "kind", finding != NULL ? finding->kind : NULL);
    tn_json_text(json, "title", finding != NULL ? finding->title : NULL);
    tn_json_bool(json, "conditional", part->is_conditional);
    tn_json_close_object(json);
}

static void write_step(struct tn_json *json, const struct tn_findings *findings, size_t index)
{
    const struct tn_plan *plan = findings->program_plan;
    const struct tn_plan_step *step = &plan->steps[index];
    char letter[2] = {step->letter, '\0'};
    size_t parts = 0;
    tn_json_open_object(json, NULL);
    tn_json_text(json, "letter", letter);
    tn_json_text(json, "mechanism", step->mechanism);
    tn_json_text(json, "title", step->title);
    tn_json_open_array(json, "findings");
    for (size_t i = 0; i < step->part_count; i++)
        write_part(json, findings, &step->parts[i]);
    tn_json_close_array(json);
    tn_json_uint(json, "allocations_removed", step->allocations_removed);
    tn_json_uint(json, "peak_bytes_moved", step->peak_bytes_moved);
    for (size_t i = 0; i <= index; i++)
        parts += plan->steps[i].part_count;
    write_together(json, "together", step->together.is_measured ? parts : 0, &step->together);
    tn_json_close_object(json);
}

static void write_rest(struct tn_json *json, const struct tn_plan *plan)
{
    tn_json_open_object(json, "rest");
    tn_json_uint(json, "allocations", plan->rest_allocations);
    tn_json_uint(json, "peak_bytes", plan->rest_peak_bytes);
    write_sites(json, plan->rest, plan->rest_count);
    tn_json_close_object(json);
}

void tn_report_write_plan(struct tn_json *json, const struct tn_findings *findings)
{
    static const struct tn_finding_plan no_sum = {0};
    static const struct tn_plan no_plan = {0};
    const struct tn_plan *plan =
        findings != NULL && findings->program_plan != NULL ? findings->program_plan : &no_plan;
    tn_json_open_object(json, "plan");
    write_sum(json, findings != NULL ? &findings->plan : &no_sum);
    tn_json_open_array(json, "lifetimes");
    for (size_t i = 0; i < plan->lifetime_count; i++)
        write_lifetime(json, findings, &plan->lifetimes[i]);
    tn_json_close_array(json);
    tn_json_open_array(json, "steps");
    for (size_t i = 0; i < plan->step_count; i++)
        write_step(json, findings, i);
    tn_json_close_array(json);
    write_together(json, "steps_without_conditional", plan->sure_count, &plan->sure);
    if (plan == &no_plan)
        tn_json_null(json, "rest");
    else
        write_rest(json, plan);
    tn_json_close_object(json);
}
