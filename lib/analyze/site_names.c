/* SPDX-License-Identifier: MIT */
/* Names the sites that a finding is about: from `site`, or, where the report found sites anew, from the frame
 * that the pass noted. Kinds call this once a finding. */
#include "pass.h"

#include "tenure/source_frames.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The row that names a site: function, file, line, module, offset, via, site id. */
static int find_names(const struct tn_pass *pass, uint32_t site, sqlite3_stmt **ret_row)
{
    const struct tn_site_origin *origin =
        pass->origins != NULL ? &pass->origins[tn_pass_whole(pass, site)] : NULL;
    int r = tn_pass_prepare(
        pass,
        origin == NULL ? "SELECT function, file, line, module, offset_bytes, via, id FROM site WHERE id = ?1"
                       : "SELECT f.function, f.file, f.line, m.path, CASE WHEN f.line IS NULL THEN "
                         "f.offset_bytes END, ?2,"
                         " (SELECT s.id FROM site AS s WHERE s.function IS f.function AND s.file IS f.file"
                         "  AND s.line IS f.line AND s.module IS m.path AND s.via = ?2"
                         "  AND (f.line IS NOT NULL OR s.offset_bytes IS f.offset_bytes))"
                         " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id WHERE f.id = ?1",
        ret_row);
    if (r < 0)
        return r;
    tn_sql_bind_count(*ret_row, 1, (origin != NULL ? origin->frame_id : pass->sites[site].site_id));
    if (origin != NULL)
        tn_sql_bind_text(*ret_row, 2, origin->via);
    return 0;
}

/* The lines that lead to a role's births; of a function that a thread began with, its name alone: it calls
 * from several lines. */
static int name_role(const struct tn_pass *pass, const struct tn_pass_role *role,
                     struct tn_finding_site *site)
{
    struct tn_finding_line callers[TN_ROLE_CALLERS_MAX] = {0};
    uint32_t count = role->caller_count != 0 || role->call.is_told ? role->caller_count : 1;
    int r = 0;
    site->call = role->call;
    site->thread_id = role->thread_id;
    for (uint32_t i = 0; i < count && r == 0; i++)
        r = tn_pass_line(pass, role->caller_count != 0 ? role->callers[i] : 0, &callers[i]);
    if (r == 0 && role->is_outermost && role->caller_count != 0) {
        callers[0].file[0] = '\0';
        callers[0].line = 0;
        callers[0].offset_bytes = 0;
    }
    if (r == 0)
        r = tn_finding_narrow_site(site, role->stacks, role->stack_count, site->allocations, callers, count);
    for (uint32_t i = 0; i < count; i++)
        tn_finding_line_finish(&callers[i]);
    return r;
}

static int name_site(const struct tn_pass *pass, uint32_t site, struct tn_finding_site *ret_site)
{
    sqlite3_stmt *row;
    int r = find_names(pass, site, &row);
    if (r < 0)
        return r;
    int next = tn_sql_next(row);
    *ret_site = (struct tn_finding_site){
        .site_id = tn_sql_count(row, 6),
        .function = tn_sql_copy_text(row, 0),
        .file = tn_sql_copy_text(row, 1),
        .line = (uint32_t)tn_sql_count(row, 2),
        .module = tn_sql_copy_text(row, 3),
        .offset_bytes = tn_sql_count(row, 4),
        .via = next == 1 ? tn_sql_copy_text(row, 5) : strdup("unknown"),
        .allocations = pass->sites[site].allocations,
        .index = site,
    };
    sqlite3_finalize(row);
    bool has_all = ret_site->function != NULL && ret_site->file != NULL && ret_site->module != NULL &&
                   ret_site->via != NULL;
    if (!has_all)
        return -ENOMEM;
    if (next < 0)
        return tn_pass_refuse(pass, next, "cannot read");
    const struct tn_pass_role *role = tn_pass_role(pass, site);
    return role != NULL ? name_role(pass, role, ret_site) : 0;
}

/* Whether a stack of the site's births has its frame only because a jump was followed; releases of the same
 * line may have jumped, too. */
static bool is_birth_by_jump(const struct tn_pass *pass, const struct tn_source_frames *frames,
                             const struct tn_finding_site *site)
{
    uint32_t whole = tn_pass_whole(pass, site->index);
    struct tn_source_cursor inside;
    for (uint32_t id = 1; id < pass->node_count; id++) {
        if (tn_pass_whole(pass, pass->nodes[id].site) != whole || pass->nodes[id].function == 0)
            continue;
        struct tn_source_cursor at = tn_source_cursor_find_site(frames, pass, site, id, &inside);
        if (at.node != 0 && frames->frames[pass->nodes[at.node].frame_id].is_tail_call)
            return true;
    }
    return false;
}

/* Whether the site's frame was added to the stacks, because it had ended in a jump. */
static int find_tail_call(const struct tn_pass *pass, struct tn_finding_site *site)
{
    const struct tn_source_frames *frames;
    int r = tn_pass_frames(pass, &frames);
    for (size_t i = 1; r == 0 && i < frames->frame_count && !site->is_tail_call; i++) {
        const struct tn_return_address *frame = &frames->frames[i];
        site->is_tail_call = frame->is_tail_call && frame->source.function != 0 &&
                             frame->source.line == site->line &&
                             (site->line != 0 || frame->offset_bytes == site->offset_bytes) &&
                             strcmp(frames->functions[frame->source.function].name, site->function) == 0 &&
                             is_birth_by_jump(pass, frames, site);
    }
    return r;
}

int tn_finding_begin(const struct tn_pass *pass, const struct tn_kind *kind, const uint32_t *sites,
                     size_t site_count, struct tn_finding *ret_finding)
{
    struct tn_finding finding = {.kind = kind->name, .tactic = kind->tactic};
    if (site_count == 0 && kind->program_tactic != NULL)
        finding.tactic = kind->program_tactic;
    finding.sites = calloc(site_count + 1, sizeof(finding.sites[0]));
    int r = finding.sites != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < site_count; i++) {
        finding.site_count++;
        r = name_site(pass, sites[i], &finding.sites[i]);
        if (r == 0)
            r = find_tail_call(pass, &finding.sites[i]);
    }
    if (r < 0) {
        tn_finding_finish(&finding);
        return r;
    }
    *ret_finding = finding;
    return 0;
}

int tn_pass_line(const struct tn_pass *pass, uint32_t frame_id, struct tn_finding_line *ret_line)
{
    sqlite3_stmt *row;
    int r = tn_pass_prepare(pass,
                            "SELECT f.function, f.file, f.line, m.path, CASE WHEN f.line IS NULL THEN"
                            " f.offset_bytes END FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id"
                            " WHERE f.id = ?1",
                            &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, frame_id);
    int next = tn_sql_next(row);
    struct tn_finding_line line = {.function = tn_sql_copy_text(row, 0),
                                   .file = tn_sql_copy_text(row, 1),
                                   .line = (uint32_t)tn_sql_count(row, 2),
                                   .module = tn_sql_copy_text(row, 3),
                                   .offset_bytes = tn_sql_count(row, 4)};
    sqlite3_finalize(row);
    bool has_all = line.function != NULL && line.file != NULL && line.module != NULL;
    r = !has_all ? -ENOMEM : next < 0 ? tn_pass_refuse(pass, next, "cannot read") : 0;
    if (r < 0)
        tn_finding_line_finish(&line);
    else
        *ret_line = line;
    return r;
}

int tn_finding_narrow_site(struct tn_finding_site *site, const uint32_t *stacks, size_t stack_count,
                           uint64_t allocations, const struct tn_finding_line *callers, size_t caller_count)
{
    uint32_t *own_stacks = malloc((stack_count + 1) * sizeof(own_stacks[0]));
    struct tn_finding_line *own_callers = calloc(caller_count + 1, sizeof(own_callers[0]));
    size_t copied = 0;
    int r = own_stacks == NULL || own_callers == NULL ? -ENOMEM : 0;
    for (; copied < caller_count && r == 0; copied++)
        r = tn_finding_line_copy(&callers[copied], &own_callers[copied]);
    if (r < 0) {
        for (size_t i = 0; i < copied; i++)
            tn_finding_line_finish(&own_callers[i]);
        free(own_callers);
        free(own_stacks);
        return r;
    }
    memcpy(own_stacks, stacks, stack_count * sizeof(own_stacks[0]));
    for (size_t i = 0; i < site->caller_count; i++)
        tn_finding_line_finish(&site->callers[i]);
    free(site->callers);
    free(site->stacks);
    site->stacks = own_stacks;
    site->stack_count = stack_count;
    site->callers = own_callers;
    site->caller_count = caller_count;
    site->allocations = allocations;
    return 0;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

const char *tn_finding_place(const struct tn_finding_site *site, char *ret_text, size_t text_bytes)
{
    const char *module = site->module[0] != '\0' ? last_part(site->module) : "unknown";
    char name[TN_SHORT_NAME_BYTES];
    const char *function = tn_function_short_name(site->function, name, sizeof(name));
    if (site->line != 0 && site->function[0] != '\0')
        snprintf(ret_text, text_bytes, "%s (%s:%" PRIu32 ")", function, last_part(site->file), site->line);
    else if (site->line != 0)
        snprintf(ret_text, text_bytes, "%s:%" PRIu32, last_part(site->file), site->line);
    else if (site->function[0] != '\0')
        snprintf(ret_text, text_bytes, "%s (%s+0x%" PRIx64 ")", function, module, site->offset_bytes);
    else if (site->module[0] != '\0' || site->offset_bytes != 0)
        snprintf(ret_text, text_bytes, "%s+0x%" PRIx64, module, site->offset_bytes);
    else
        snprintf(ret_text, text_bytes, "an unknown place");
    size_t length = strlen(ret_text);
    if (tn_finding_site_is_role(site) && length + 1 < text_bytes) {
        ret_text[length++] = ' ';
        tn_finding_role_print(site, ret_text + length, text_bytes - length);
    }
    return ret_text;
}

/* Whether another one of the sites is in the same function. */
static bool has_namesake(const struct tn_finding_site *sites, size_t site_count, size_t index)
{
    for (size_t i = 0; i < site_count; i++)
        if (i != index && strcmp(sites[i].function, sites[index].function) == 0)
            return true;
    return false;
}

/* Behind a line: ":14", its column, as compilers tell it. Returns its length, as far as it fits. */
static size_t print_short_call(const struct tn_finding_call *call, char *ret_text, size_t text_bytes)
{
    if (call->number == 0)
        snprintf(ret_text, text_bytes, " elsewhere");
    else if (call->column != 0)
        snprintf(ret_text, text_bytes, ":%" PRIu32, call->column);
    else
        snprintf(ret_text, text_bytes, " call %" PRIu32, call->number);
    return strlen(ret_text);
}

/* "pdu.c:107", ":107" where the file is that of the site before, or what is known without a line. */
static void print_short(const struct tn_finding_site *sites, size_t site_count, size_t index, char *ret_text,
                        size_t text_bytes)
{
    const struct tn_finding_site *site = &sites[index], *before = index != 0 ? site - 1 : NULL;
    bool is_same = before != NULL && before->line != 0 && strcmp(before->file, site->file) == 0;
    if (site->line != 0)
        snprintf(ret_text, text_bytes, "%s:%" PRIu32, is_same ? "" : last_part(site->file), site->line);
    else if (site->function[0] != '\0' && !has_namesake(sites, site_count, index))
        snprintf(ret_text, text_bytes, "%s", site->function);
    else
        tn_finding_place(site, ret_text, text_bytes);
    size_t length = strlen(ret_text);
    if (site->call.is_told && length + 1 < text_bytes)
        length += print_short_call(&site->call, ret_text + length, text_bytes - length);
    if (site->caller_count == 0 || length + 1 >= text_bytes)
        return;
    const struct tn_finding_line *caller = &site->callers[0];
    char name[TN_SHORT_NAME_BYTES], place[96];
    const char *text = "elsewhere";
    if (caller->function[0] != '\0')
        text = tn_function_short_name(caller->function, name, sizeof(name));
    else if (caller->offset_bytes != 0)
        text = tn_finding_line_print(caller, place, sizeof(place));
    snprintf(ret_text + length, text_bytes - length, " from %s", text);
}

#define PLACES_MAX 4u /* in one sentence */

const char *tn_finding_places(const struct tn_finding_site *sites, size_t site_count, char *ret_text,
                              size_t text_bytes)
{
    size_t shown = site_count <= PLACES_MAX ? site_count : PLACES_MAX - 1, length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < shown && length < text_bytes; i++) {
        char place[112]; /* longer names are cut: the report lists them in full */
        print_short(sites, site_count, i, place, sizeof(place));
        const char *joint = i == 0 ? "" : i + 1 == site_count ? " and " : ", ";
        length += (size_t)snprintf(ret_text + length, text_bytes - length, "%s%s", joint, place);
    }
    if (shown < site_count && length < text_bytes)
        snprintf(ret_text + length, text_bytes - length, " and %zu more", site_count - shown);
    return ret_text;
}
