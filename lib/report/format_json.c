/* SPDX-License-Identifier: MIT */

/* The JSON format: everything that a summary and its findings hold, member by member, not by statements:
 * programs read it. docs/analyses.md has its schema; a key that changes its meaning changes
 * TN_REPORT_FORMAT_VERSION. */

#include "json_parts.h"
#include "plan_json.h"
#include "runtime_block.h"
#include "select.h"

#include "tenure/json.h"
#include "tenure/report.h"

#include <string.h>

void tn_report_write_recording(struct tn_json *json, const struct tn_summary *summary)
{
    tn_json_open_object(json, "recording");
    tn_json_bool(json, "closed", summary->is_closed);
    tn_json_bool(json, "complete", summary->is_complete);
    tn_json_bool(json, "finished", summary->is_finished);
    tn_json_bool(json, "free_stacks", !summary->lacks_free_stacks);
    tn_json_text(json, "command_line", summary->command_line);
    tn_json_text(json, "started_at", summary->started_at);
    tn_json_uint(json, "duration_ns", summary->duration_ns);
    tn_json_uint(json, "log_bytes", summary->log_bytes);
    tn_json_text(json, "tool_version", summary->tool_version);
    tn_json_raw(json, "wrappers_found", summary->wrappers_found != NULL ? summary->wrappers_found : "[]");
    tn_json_raw(json, "wrappers_undecided",
                summary->wrappers_undecided != NULL ? summary->wrappers_undecided : "[]");
    tn_json_close_object(json);
}

void tn_report_write_process(struct tn_json *json, const struct tn_summary_process *process)
{
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "id", process->id);
    if (process->parent_id != 0)
        tn_json_uint(json, "parent_id", process->parent_id);
    else
        tn_json_null(json, "parent_id");
    tn_json_uint(json, "pid", process->pid);
    tn_json_text(json, "executable", process->executable);
    tn_json_text(json, "command_line", process->command_line);
    tn_json_text(json, "exit_kind", process->exit_kind);
    if (process->exit_code >= 0)
        tn_json_int(json, "exit_code", process->exit_code);
    else
        tn_json_null(json, "exit_code");
    tn_json_uint(json, "start_ns", process->start_ns);
    tn_json_uint(json, "end_ns", process->end_ns);
    tn_json_uint(json, "allocations", process->allocations);
    tn_json_uint(json, "frees", process->frees);
    tn_json_close_object(json);
}

static void write_processes(struct tn_json *json, const struct tn_summary *summary)
{
    tn_json_uint(json, "process_id", summary->process_id);
    tn_json_open_array(json, "processes");
    for (size_t i = 0; i < summary->process_count; i++)
        tn_report_write_process(json, &summary->processes[i]);
    tn_json_close_array(json);
}

static void write_runtime_block(struct tn_json *json, const struct tn_summary_site *site)
{
    if (site == NULL) {
        tn_json_null(json, "runtime_block");
        return;
    }
    tn_json_open_object(json, "runtime_block");
    tn_json_text(json, "module", site->module);
    tn_json_uint(json, "size_bytes", site->total_bytes);
    tn_json_close_object(json);
}

void tn_report_write_totals(struct tn_json *json, const struct tn_summary *summary)
{
    const struct tn_summary_totals *totals = &summary->totals;
    tn_json_open_object(json, "totals");
    tn_json_uint(json, "allocations", totals->allocations);
    tn_json_uint(json, "frees", totals->frees);
    tn_json_uint(json, "reallocs", totals->reallocs);
    tn_json_uint(json, "failures", totals->failures);
    tn_json_uint(json, "total_bytes", totals->total_bytes);
    tn_json_uint(json, "usable_bytes", totals->usable_bytes);
    tn_json_uint(json, "live_count", totals->live_count);
    tn_json_uint(json, "live_bytes", totals->live_bytes);
    tn_json_uint(json, "peak_live_bytes", totals->peak_live_bytes);
    tn_json_uint(json, "peak_live_count", totals->peak_live_count);
    tn_json_uint(json, "peak_ns", totals->peak_ns);
    tn_json_uint(json, "small_short_lived", totals->small_short_lived);
    tn_json_uint(json, "threads", totals->threads);
    tn_json_uint(json, "sites", summary->site_count);
    write_runtime_block(json, tn_report_runtime_block(summary));
    tn_json_close_object(json);
}

void tn_report_write_losses(struct tn_json *json, const struct tn_summary_losses *losses)
{
    tn_json_open_object(json, "losses");
    tn_json_uint(json, "processes_unrecorded", losses->processes_unrecorded);
    tn_json_uint(json, "events_lost", losses->events_lost);
    tn_json_uint(json, "damaged_parts", losses->damaged_parts);
    tn_json_uint(json, "unmatched_frees", losses->unmatched_frees);
    tn_json_uint(json, "unmatched_births", losses->unmatched_births);
    tn_json_uint(json, "stacks_cut", losses->stacks_cut);
    tn_json_uint(json, "inherited_frees", losses->inherited_frees);
    tn_json_uint(json, "pauses", losses->pauses);
    tn_json_uint(json, "paused_ns", losses->paused_ns);
    tn_json_uint(json, "unrecorded_allocations", losses->unrecorded_allocations);
    tn_json_uint(json, "unrecorded_frees", losses->unrecorded_frees);
    tn_json_close_object(json);
}

static void write_callers(struct tn_json *json, const struct tn_finding_site *site)
{
    tn_json_open_array(json, "callers");
    for (size_t i = 0; i < site->caller_count; i++) {
        const struct tn_finding_line *line = &site->callers[i];
        tn_json_open_object(json, NULL);
        tn_json_text(json, "function", line->function);
        tn_json_text(json, "file", line->file);
        tn_json_uint(json, "line", line->line);
        tn_json_text(json, "module", line->module);
        tn_json_uint(json, "offset_bytes", line->offset_bytes);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_call(struct tn_json *json, const struct tn_finding_call *call)
{
    if (!call->is_told) {
        tn_json_null(json, "call");
        return;
    }
    tn_json_open_object(json, "call");
    tn_json_uint(json, "number", call->number);
    tn_json_uint(json, "column", call->column);
    tn_json_uint(json, "offset_bytes", call->offset_bytes);
    tn_json_close_object(json);
}

static void write_site(struct tn_json *json, const struct tn_finding_site *site)
{
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "site_id", site->site_id);
    tn_json_text(json, "function", site->function);
    tn_json_text(json, "file", site->file);
    tn_json_uint(json, "line", site->line);
    tn_json_text(json, "module", site->module);
    tn_json_uint(json, "offset_bytes", site->offset_bytes);
    tn_json_bool(json, "is_tail_call", site->is_tail_call);
    tn_json_text(json, "via", site->via);
    tn_json_uint(json, "allocations", site->allocations);
    write_callers(json, site);
    write_call(json, &site->call);
    if (site->thread_id != 0)
        tn_json_uint(json, "thread_id", site->thread_id);
    else
        tn_json_null(json, "thread_id");
    tn_json_close_object(json);
}

void tn_report_write_saving(struct tn_json *json, const struct tn_finding_saving *saving)
{
    tn_json_open_object(json, "saving");
    tn_json_uint(json, "allocations_removed", saving->allocations_removed);
    tn_json_int(json, "bytes_removed", saving->bytes_removed);
    tn_json_int(json, "peak_bytes_delta", saving->peak_bytes_delta);
    tn_json_open_object(json, "heap_bytes_delta");
    for (size_t i = 0; i < saving->heap_delta_count; i++)
        tn_json_int(json, saving->heap_deltas[i].policy, saving->heap_deltas[i].bytes);
    tn_json_close_object(json);
    tn_json_uint(json, "outside_bytes", saving->outside_bytes);
    tn_json_text(json, "outside", saving->outside);
    tn_report_write_measured(json, saving);
    tn_json_close_object(json);
}

/* The words of a list such as "pool, preallocate", each for itself. */
static void write_words(struct tn_json *json, const char *key, const char *words)
{
    tn_json_open_array(json, key);
    while (words != NULL && *words != '\0') {
        char word[64];
        size_t length = strcspn(words, ",");
        size_t kept = length < sizeof(word) ? length : sizeof(word) - 1;
        memcpy(word, words, kept);
        word[kept] = '\0';
        tn_json_text(json, NULL, word);
        words += length;
        words += strspn(words, ", ");
    }
    tn_json_close_array(json);
}

static void write_members(struct tn_json *json, const struct tn_finding *finding)
{
    char key[TN_FINDING_KEY_BYTES];
    tn_json_text(json, "kind", finding->kind);
    tn_json_uint(json, "rank", finding->rank);
    tn_json_text(json, "key", tn_finding_key_print(finding, key));
    tn_json_text(json, "confidence", tn_confidence_name(finding->confidence));
    tn_json_text(json, "title", finding->title);
    tn_json_text(json, "library", tn_finding_library(finding));
    tn_finding_write_condition(finding, "condition", json);
    tn_json_open_array(json, "sites");
    for (size_t i = 0; i < finding->site_count; i++)
        write_site(json, &finding->sites[i]);
    tn_json_close_array(json);
    tn_finding_write_releases(finding, "released_at", json);
    tn_json_text(json, "tactic", finding->tactic);
    tn_json_text(json, "advice", finding->advice);
    tn_report_write_saving(json, &finding->saving);
    tn_evidence_write_json(&finding->evidence, "evidence", json);
    tn_json_text(json, "query", finding->query);
    tn_json_text(json, "code", finding->code);
    tn_json_text(json, "notes", finding->notes);
    write_words(json, "alternatives", finding->alternatives);
}

static void write_finding(struct tn_json *json, const struct tn_finding *finding)
{
    tn_json_open_object(json, NULL);
    write_members(json, finding);
    tn_json_close_object(json);
}

/* A list of their own, so that who follows the findings does not follow these. */
static void write_refuted(struct tn_json *json, const struct tn_findings *findings)
{
    tn_json_open_array(json, "refuted");
    for (size_t i = 0; findings != NULL && i < findings->refuted_count; i++) {
        tn_json_open_object(json, NULL);
        write_members(json, &findings->refuted[i]);
        tn_finding_write_refutation(&findings->refuted[i], "refuted_by", json);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_findings(struct tn_json *json, const struct tn_report *report)
{
    struct tn_report whole = *report;
    whole.folds_libraries = false;
    struct tn_report_selection selection = tn_report_select(&whole);
    struct tn_report_cursor cursor = {0};
    const struct tn_finding *finding;
    tn_json_open_array(json, "findings");
    while ((finding = tn_report_next_finding(&whole, &cursor)) != NULL)
        write_finding(json, finding);
    tn_json_close_array(json);
    write_refuted(json, report->findings);
    tn_report_write_plan(json, report->findings);
    tn_json_open_object(json, "not_shown");
    tn_json_uint(json, "too_weak", selection.too_weak);
    tn_json_uint(json, "beyond_top", selection.beyond_max);
    tn_json_uint(json, "small", selection.small);
    tn_json_uint(json, "given_way", report->findings != NULL ? report->findings->given_way : 0);
    tn_json_close_object(json);
}

/* null where no site has the place. */
static void write_place(struct tn_json *json, const char *key, const struct tn_summary_place *place)
{
    if (place->site_id == 0) {
        tn_json_null(json, key);
        return;
    }
    tn_json_open_object(json, key);
    tn_json_uint(json, "site_id", place->site_id);
    tn_json_text(json, "function", place->function);
    tn_json_text(json, "file", place->file);
    tn_json_uint(json, "line", place->line);
    tn_json_text(json, "module", place->module);
    tn_json_uint(json, "offset_bytes", place->offset_bytes);
    tn_json_text(json, "via", place->via);
    tn_json_close_object(json);
}

/* null where there is none. */
static void write_name(struct tn_json *json, const char *key, const char *name)
{
    if (name[0] != '\0')
        tn_json_text(json, key, name);
    else
        tn_json_null(json, key);
}

static void write_link(struct tn_json *json, const struct tn_summary_link *link)
{
    tn_json_open_object(json, NULL);
    write_place(json, "holder", &link->holder);
    if (link->holder.site_id == 0)
        tn_json_text(json, "global_module", link->global_module);
    else
        tn_json_null(json, "global_module");
    tn_json_uint(json, "offset_bytes", link->offset_bytes);
    write_name(json, "holder_type", link->holder_type);
    write_name(json, "holder_member", link->holder_member);
    write_place(json, "held", &link->held);
    tn_json_uint(json, "inner_offset_bytes", link->inner_offset_bytes);
    tn_json_text(json, "moment", link->moment);
    tn_json_uint(json, "looks", link->looks);
    tn_json_uint(json, "looks_made", link->looks_made);
    tn_json_real(json, "share", link->share, 4);
    tn_json_uint(json, "distinct_held_blocks", link->distinct_held_blocks);
    tn_json_close_object(json);
}

static void write_ownership(struct tn_json *json, const struct tn_summary *summary)
{
    tn_json_open_array(json, "ownership");
    for (size_t i = 0; i < summary->link_count; i++)
        write_link(json, &summary->links[i]);
    tn_json_close_array(json);
}

static void write_pool(struct tn_json *json, const struct tn_summary_pool *pool)
{
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "pool_id", pool->id);
    tn_json_text(json, "name", pool->name);
    tn_json_uint(json, "allocations", pool->allocations);
    tn_json_uint(json, "frees", pool->frees);
    tn_json_uint(json, "resets", pool->resets);
    tn_json_uint(json, "total_bytes", pool->total_bytes);
    tn_json_uint(json, "live_count", pool->live_count);
    tn_json_uint(json, "live_bytes", pool->live_bytes);
    tn_json_uint(json, "peak_live_count", pool->peak_live_count);
    tn_json_uint(json, "peak_live_bytes", pool->peak_live_bytes);
    tn_json_uint(json, "unknown_frees", pool->unknown_frees);
    tn_json_uint(json, "unseen_frees", pool->unseen_frees);
    tn_json_uint(json, "size_count", pool->size_count);
    tn_json_open_array(json, "sizes");
    for (size_t i = 0; i < pool->listed_sizes; i++) {
        tn_json_open_object(json, NULL);
        tn_json_uint(json, "size_bytes", pool->sizes[i].size_bytes);
        tn_json_uint(json, "allocations", pool->sizes[i].allocations);
        tn_json_uint(json, "peak_live_count", pool->sizes[i].peak_live_count);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
    tn_json_close_object(json);
}

static void write_pools(struct tn_json *json, const struct tn_summary *summary)
{
    tn_json_open_array(json, "pools");
    for (size_t i = 0; i < summary->pool_count; i++)
        write_pool(json, &summary->pools[i]);
    tn_json_close_array(json);
    tn_json_uint(json, "pool_count", summary->all_pools);
}

int tn_report_json(const struct tn_report *report, struct tn_buffer *out)
{
    const struct tn_summary *summary = report->summary;
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "format_version", TN_REPORT_FORMAT_VERSION);
    tn_json_text(&json, "log", summary->path);
    tn_json_text(&json, "program", summary->program);
    tn_report_write_recording(&json, summary);
    write_processes(&json, summary);
    tn_report_write_totals(&json, summary);
    tn_report_write_losses(&json, &summary->losses);
    write_findings(&json, report);
    write_ownership(&json, summary);
    write_pools(&json, summary);
    tn_json_close_object(&json);
    if (json.error == 0)
        json.error = tn_buffer_append(out, "\n", 1);
    return json.error;
}
