/* SPDX-License-Identifier: MIT */
/* The kind `arena`: what is stated of a function that was chosen: its evidence, and what an arena there would
 * save. Called by arenas.c at the end. */
#include "arena_statement.h"

#include "tenure/kinds.h"
#include "tenure/releases.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *function_name(const struct tn_arena_statement *statement, uint32_t function)
{
    return statement->arenas->frames->functions[function].name;
}

/* ---------------------------------------------------------------------------------------- evidence */

static int add_escape(const struct tn_arena_statement *statement, const struct tn_arena_site *site,
                      struct tn_evidence_set *list)
{
    struct tn_finding named;
    int r = tn_finding_begin(statement->pass, &tn_kind_arena, &site->site, 1, &named);
    if (r < 0)
        return r;
    struct tn_evidence_set *entry = tn_evidence_add_object(list, NULL);
    tn_evidence_add_text(entry, "function", named.sites[0].function);
    tn_evidence_add_text(entry, "file", named.sites[0].file);
    tn_evidence_add_number(entry, "line", TN_UNIT_NONE, named.sites[0].line);
    tn_evidence_add_count(entry, "allocations", site->births);
    tn_evidence_add_count(entry, "escapes", site->escapes);
    tn_evidence_add_bool(entry, "is_served", site->is_served);
    tn_finding_finish(&named);
    return tn_arena_add_holder(statement->arenas, statement->pass, site->site, entry);
}

static void add_nested(const struct tn_arena_statement *statement, const struct tn_arena_candidate *nested,
                       struct tn_evidence_set *list)
{
    const struct tn_arena_function *counts = &statement->arenas->functions[nested->function];
    struct tn_evidence_set *entry = tn_evidence_add_object(list, NULL);
    tn_evidence_add_text(entry, "function", function_name(statement, nested->function));
    tn_evidence_add_count(entry, "allocations", nested->served);
    tn_evidence_add_count(entry, "site_count", nested->site_count);
    tn_evidence_add_count(entry, "calls", counts->serving_calls);
    tn_evidence_add_bytes(entry, "arena_bytes", nested->arena_bytes);
    tn_evidence_add_bytes(entry, "reuse_bytes", counts->peak_bytes);
    tn_evidence_add_count(entry, "arena_count", nested->arena_count);
}

static int fill_evidence(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_candidate *own = &statement->choice->own;
    struct tn_evidence_set *evidence = &finding->evidence;
    int r = 0;
    tn_evidence_add_count(evidence, "allocations", own->served);
    tn_evidence_add_count(evidence, "site_count", own->site_count);
    tn_evidence_add_count(evidence, "calls", statement->counts->serving_calls);
    struct tn_evidence_set *owner = tn_evidence_add_object(evidence, "owner");
    tn_evidence_add_text(owner, "function", function_name(statement, own->function));
    tn_evidence_add_text(owner, "file", statement->line.file);
    tn_evidence_add_number(owner, "line", TN_UNIT_NONE, statement->line.line);
    tn_evidence_add_bytes(evidence, "arena_bytes", own->arena_bytes);
    tn_evidence_add_bytes(evidence, "reuse_bytes", statement->counts->peak_bytes);
    tn_evidence_add_count(evidence, "arena_count", own->arena_count);
    tn_evidence_add_bytes(evidence, "min_arena_bytes", statement->counts->min_bytes);
    tn_evidence_add_real(evidence, "share", TN_UNIT_RATIO,
                         (double)own->served / (double)statement->pass->allocation_count, 4);
    tn_evidence_add_count(evidence, "resizes", statement->resizes);
    struct tn_evidence_set *escapes = tn_evidence_add_list(evidence, "escapes");
    for (size_t i = 0; i < statement->survey.count && r == 0; i++)
        if (statement->survey.sites[i].escapes != 0)
            r = add_escape(statement, &statement->survey.sites[i], escapes);
    struct tn_evidence_set *nested = tn_evidence_add_list(evidence, "nested");
    for (size_t i = 0; i < statement->choice->nested_count; i++)
        add_nested(statement, &statement->choice->nested[i], nested);
    return r;
}

/* Append a text as a string of SQL. */
static int append_quoted(struct tn_buffer *out, const char *text)
{
    int r = tn_buffer_append(out, "'", 1);
    for (; *text != '\0' && r == 0; text++)
        r = tn_buffer_append(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    return r < 0 ? r : tn_buffer_append(out, "'", 1);
}

static int fill_query(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    char *where = NULL;
    struct tn_buffer query = {0};
    int r = tn_finding_where(statement->pass, statement->sites, statement->survey.served_count, &where);
    if (r == 0)
        r = tn_buffer_print(&query, "SELECT count(*) AS allocations FROM allocation WHERE %s", where);
    if (r == 0 && statement->is_split) {
        r = tn_buffer_print(&query, " AND stack_id IN (SELECT stack_id FROM stack_frame WHERE function = ");
        r = r < 0 ? r : append_quoted(&query, function_name(statement, statement->choice->own.function));
        r = r < 0 ? r : tn_buffer_print(&query, ")");
    }
    free(where);
    if (r < 0)
        tn_buffer_finish(&query);
    else
        finding->query = (char *)query.data;
    return r;
}

/* ---------------------------------------------------------------------------------------- words */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "handle (server.c:40)", or "handle" where no line is known. */
static void print_owner(const struct tn_arena_statement *statement, char *ret_text, size_t text_bytes)
{
    char short_name[TN_SHORT_NAME_BYTES];
    const char *name = tn_function_short_name(function_name(statement, statement->choice->own.function),
                                              short_name, sizeof(short_name));
    if (statement->line.line != 0)
        snprintf(ret_text, text_bytes, "%s (%s:%" PRIu32 ")", name, last_part(statement->line.file),
                 statement->line.line);
    else
        snprintf(ret_text, text_bytes, "%s", name);
}

static int fill_texts(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_candidate *own = &statement->choice->own;
    char owner[320], calls[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES], number[160] = "";
    tn_print_count(calls, own->served);
    tn_print_count(bytes, own->arena_bytes);
    print_owner(statement, owner, sizeof(owner));
    if (own->arena_count > 1)
        snprintf(number, sizeof(number), ", one for each of the %s calls that are under way at once",
                 tn_count_text(own->arena_count).text);
    int r = tn_finding_set(
        &finding->title,
        "Give %s an arena of %s B: it serves %s allocations of %u lines, which die in its calls", owner,
        bytes, calls, own->site_count);
    if (r == 0)
        r = tn_finding_set(&finding->advice,
                           "Let these lines take their memory one behind the other from a buffer of %s B that"
                           " %s has%s, and reset it when the call returns.",
                           bytes, owner, number);
    return r;
}

__attribute__((format(printf, 3, 4))) static int add_note(struct tn_buffer *notes, bool is_true,
                                                          const char *format, ...)
{
    char line[512];
    va_list values;
    if (!is_true)
        return 0;
    va_start(values, format);
    vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    return tn_buffer_print(notes, "%s%s", notes->size_bytes != 0 ? "\n" : "", line);
}

static int fill_notes(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_candidate *own = &statement->choice->own;
    uint64_t outside = own->births - own->served;
    struct tn_buffer notes = {0};
    int r = add_note(&notes, outside != 0,
                     "outlive the call, at least some, and stay on the heap: blocks of other lines, %s "
                     "allocations in these calls",
                     tn_count_text(outside).text);
    if (r == 0)
        r = tn_arena_note_holder(statement->arenas, statement->pass, &statement->survey, &notes);
    if (r == 0)
        r = add_note(&notes, statement->counts->peak_bytes < own->arena_bytes,
                     "an arena that uses room again as soon as a block dies would need %s B at least",
                     tn_count_text(statement->counts->peak_bytes).text);
    if (r == 0)
        r = add_note(
            &notes, statement->doubtful != 0,
            "released by code before the birth in the call, in a loop or from call to call: %s of the blocks",
            tn_count_text(statement->doubtful).text);
    finding->notes = (char *)notes.data;
    return r;
}

static int fill_code(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_candidate *own = &statement->choice->own;
    struct tn_buffer code = {0};
    int r = tn_arena_code(function_name(statement, own->function), own->arena_bytes, own->arena_count, &code);
    if (r == 0)
        r = tn_buffer_append(&code, "", 1);
    finding->code = (char *)code.data;
    return r;
}

static enum tn_confidence confidence_of(const struct tn_arena_statement *statement)
{
    const struct tn_activations *activations = statement->arenas->activations;
    uint32_t function = statement->choice->own.function;
    if (!statement->pass->is_complete)
        return TN_CONFIDENCE_WEAK;
    if (activations->is_told[function])
        return TN_CONFIDENCE_PROVEN;
    bool can_tell = tn_activations_can_tell(activations, statement->pass, function);
    return can_tell || statement->doubtful == 0 ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
}

/* ---------------------------------------------------------------------------------------- the finding */

/* Of a site that is served in part only that part counts, as if its blocks were all alike; but no more than
 * was ever live in the calls. */
static void fill_saving(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_candidate *own = &statement->choice->own;
    double live_bytes = 0, overhead_bytes = 0;
    double most_bytes = (double)(statement->counts->peak_bytes * own->arena_count);
    for (size_t i = 0; i < statement->survey.served_count; i++) {
        const struct tn_arena_site *site = &statement->survey.sites[i];
        const struct tn_pass_site *seen = &statement->pass->sites[site->site];
        double share = (double)site->births / (double)seen->allocations;
        double mean_overhead_bytes =
            (double)(seen->usable_bytes - seen->total_bytes) / (double)seen->allocations + TN_HEADER_BYTES;
        live_bytes += share * (double)seen->live_bytes_at_peak;
        overhead_bytes += share * mean_overhead_bytes * (double)seen->live_count_at_peak;
    }
    if (live_bytes > most_bytes) {
        overhead_bytes *= most_bytes / live_bytes;
        live_bytes = most_bytes;
    }
    double heap_bytes = live_bytes + overhead_bytes;
    finding->saving.allocations_removed = own->served - statement->escapes;
    finding->saving.bytes_removed = (int64_t)overhead_bytes;
    finding->saving.peak_bytes_delta = (int64_t)(own->arena_bytes * own->arena_count) - (int64_t)heap_bytes;
    finding->saving.outside = "arena";
    finding->apply = TN_APPLY_ARENA;
    finding->apply_bytes = own->arena_bytes;
    finding->apply_count = own->arena_count;
}

/* The part of a site that is served: called from the arena's function, by the line that leads there first. */
static int narrow_site(const struct tn_arena_statement *statement, const struct tn_arena_site *site,
                       struct tn_finding_site *ret_site)
{
    struct tn_finding_line caller;
    int r = tn_pass_line(statement->pass, statement->pass->nodes[site->node].frame_id, &caller);
    if (r < 0)
        return r;
    r = tn_finding_narrow_site(ret_site, site->stacks, site->stack_count, site->births, &caller, 1);
    tn_finding_line_finish(&caller);
    return r;
}

static int narrow_sites(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    int r = 0;
    for (size_t i = 0; i < statement->survey.served_count && r == 0; i++) {
        const struct tn_arena_site *site = &statement->survey.sites[i];
        if (site->births != statement->pass->sites[site->site].allocations)
            r = narrow_site(statement, site, &finding->sites[i]);
    }
    return r;
}

static int fill(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    finding->confidence = confidence_of(statement);
    fill_saving(statement, finding);
    int r = narrow_sites(statement, finding);
    if (r == 0)
        r = fill_texts(statement, finding);
    if (r == 0)
        r = fill_evidence(statement, finding);
    if (r == 0)
        r = fill_query(statement, finding);
    if (r == 0)
        r = tn_arena_add_conditions(statement, finding);
    if (r == 0)
        r = fill_notes(statement, finding);
    return r < 0 ? r : fill_code(statement, finding);
}

static int prepare(struct tn_arena_statement *statement)
{
    const struct tn_arena_survey *survey = &statement->survey;
    const struct tn_arena_site *first = &survey->sites[0];
    statement->sites = calloc(survey->count + 1, sizeof(statement->sites[0]));
    if (statement->sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < survey->served_count; i++) {
        const struct tn_arena_site *site = &survey->sites[i];
        statement->sites[i] = site->site;
        statement->resizes += site->resizes;
        statement->doubtful += site->doubtful;
        statement->escapes += site->escapes;
        statement->is_split |= site->births != statement->pass->sites[site->site].allocations;
    }
    return tn_pass_line(statement->pass, statement->pass->nodes[first->node].frame_id, &statement->line);
}

static int add_finding(const struct tn_arena_statement *statement, struct tn_findings *findings)
{
    struct tn_finding finding;
    int r = tn_finding_begin(statement->pass, &tn_kind_arena, statement->sites,
                             statement->survey.served_count, &finding);
    if (r < 0)
        return r;
    r = fill(statement, &finding);
    if (r == 0)
        r = tn_pass_add_finding(statement->pass, statement->sites, statement->survey.served_count, &finding,
                                findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

int tn_arena_state(struct tn_arenas *arenas, const struct tn_pass *pass, const struct tn_arena_choice *choice,
                   struct tn_findings *findings)
{
    struct tn_arena_statement statement = {
        .arenas = arenas, .pass = pass, .choice = choice, .counts = &arenas->functions[choice->own.function]};
    int r = tn_arena_survey(arenas, pass, choice->own.function, tn_pass_threshold(pass, "arena.escapes"),
                            &statement.survey);
    if (r == 0 && statement.survey.served_count != 0) {
        r = prepare(&statement);
        if (r == 0)
            r = add_finding(&statement, findings);
    }
    tn_finding_line_finish(&statement.line);
    tn_arena_survey_finish(&statement.survey);
    free(statement.sites);
    return r;
}
