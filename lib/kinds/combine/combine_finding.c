/* SPDX-License-Identifier: MIT */
/* The kind `combine`: states one group as a finding. Sums up what the members take now and what one structure
 * would take, and writes title, advice, evidence, query and notes. */
#include "combine.h"

#include "tenure/analysis.h"
#include "tenure/kinds.h"
#include "tenure/releases.h"
#include "tenure/size_source.h"
#include "tenure/source_frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Members of a structure begin at this alignment. */
#define MEMBER_ALIGNMENT 8u

static const char *const relation_names[] = {"equal", "embed", "similar"};

/* What a finding is written from. */
struct combine_statement {
    const struct tn_combine *combine;
    const struct tn_pass *pass;
    const struct tn_combine_group *group;
    uint64_t combined_bytes;
    uint64_t blocks_per_group;
    uint64_t allocations;        /* of all members, a chain of reallocs once */
    uint64_t peak_groups;        /* most structures at once */
    uint64_t header_saved_bytes; /* at that time */
    uint64_t unused_bytes;       /* in each structure, on average, since members have their maximum size */
    double mean_bytes;           /* of the members of one structure */
    uint64_t varying;            /* members whose blocks have more than one size */
    bool has_resizes;
};

/* Bytes of heap for one structure in glibc, the allocator of most recordings. */
static uint64_t glibc_bytes(uint64_t size_bytes)
{
    const struct tn_heap_cost *cost = tn_heap_costs;
    while (cost->policy != NULL && strcmp(cost->policy, "glibc") != 0)
        cost++;
    return cost->policy != NULL ? tn_heap_block_bytes(cost, size_bytes) : size_bytes;
}

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + MEMBER_ALIGNMENT - 1) / MEMBER_ALIGNMENT * MEMBER_ALIGNMENT;
}

/* The share of the groups that have a member. */
static double share_of(const struct tn_combine_group *group, size_t member)
{
    bool is_told = group->relation != TN_COMBINE_SIMILAR && group->group_count != 0;
    return is_told ? (double)group->present[member] / (double)group->group_count : 1;
}

/* A common type for similar sites is as large as the largest of them; a structure holds all members. */
static void sum_members(struct combine_statement *statement)
{
    const struct tn_combine_group *group = statement->group;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct tn_combine_site *own = &statement->combine->sites[group->sites[i]];
        uint64_t member_bytes = round_up(own->max_size_bytes) * group->per_group[i];
        bool is_one_type = group->relation == TN_COMBINE_SIMILAR;
        if (!is_one_type)
            statement->combined_bytes += member_bytes;
        else if (member_bytes > statement->combined_bytes)
            statement->combined_bytes = member_bytes;
        statement->mean_bytes +=
            share_of(group, i) * (double)own->size_bytes / (double)own->births * (double)group->per_group[i];
        statement->blocks_per_group += group->per_group[i];
        statement->allocations += own->births;
        statement->varying += own->max_size_bytes * own->births != own->size_bytes;
        statement->has_resizes |= own->resizes != 0;
    }
    statement->peak_groups = statement->pass->sites[group->sites[0]].peak_live_count;
    if (group->relation == TN_COMBINE_SIMILAR)
        return;
    statement->header_saved_bytes =
        (statement->blocks_per_group - 1) * TN_HEADER_BYTES * statement->peak_groups;
    if ((double)statement->combined_bytes > statement->mean_bytes)
        statement->unused_bytes = statement->combined_bytes - (uint64_t)statement->mean_bytes;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the members took at the process's peak, against one block for each structure then. Blocks of the same
 * lines that are in no group, such as lists that the program keeps, stay as they are. */
static void fill_saving(const struct combine_statement *statement, struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    if (group->relation == TN_COMBINE_SIMILAR)
        return;
    double now_bytes = 0, overhead_bytes = 0;
    uint64_t groups_at_peak = statement->pass->sites[group->sites[0]].live_count_at_peak;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct tn_pass_site *seen = &statement->pass->sites[group->sites[i]];
        uint64_t count_at_peak = lesser(seen->live_count_at_peak, group->per_group[i] * groups_at_peak);
        uint64_t count = lesser(seen->peak_live_count, group->per_group[i] * statement->peak_groups);
        double rounding_bytes = (double)(seen->usable_bytes - seen->total_bytes) / (double)seen->allocations;
        double mean_bytes = seen->live_count_at_peak != 0
                                ? (double)seen->live_bytes_at_peak / (double)seen->live_count_at_peak
                                : 0;
        now_bytes += (mean_bytes + rounding_bytes + TN_HEADER_BYTES) * (double)count_at_peak;
        overhead_bytes += (rounding_bytes + TN_HEADER_BYTES) * (double)count;
    }
    uint64_t block_bytes = glibc_bytes(statement->combined_bytes);
    uint64_t left_bytes = (block_bytes - statement->combined_bytes) * statement->peak_groups;
    uint64_t left_count = group->group_count + group->exceptions;
    finding->saving.allocations_removed = statement->allocations - lesser(statement->allocations, left_count);
    finding->saving.bytes_removed = (int64_t)overhead_bytes - (int64_t)left_bytes;
    finding->saving.peak_bytes_delta = (int64_t)(block_bytes * groups_at_peak) - (int64_t)now_bytes;
    finding->apply = TN_APPLY_COMBINE;
    finding->apply_bytes = statement->combined_bytes;
}

/* ---------------------------------------------------------------------------------------- evidence */

static void add_members(const struct combine_statement *statement, struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    char place[320];
    struct tn_evidence_set *members = tn_evidence_add_list(&finding->evidence, "members");
    for (size_t i = 0; i < group->member_count; i++) {
        const struct tn_combine_site *own = &statement->combine->sites[group->sites[i]];
        const struct tn_finding_site *site = &finding->sites[i];
        struct tn_evidence_set *member = tn_evidence_add_object(members, NULL);
        struct tn_evidence_set *named = tn_evidence_add_object(member, "site");
        tn_evidence_add_text(named, "place", tn_finding_place(site, place, sizeof(place)));
        tn_evidence_add_text(named, "function", site->function);
        tn_evidence_add_text(named, "file", site->file);
        tn_evidence_add_number(named, "line", TN_UNIT_NONE, site->line);
        tn_evidence_add_bytes(member, "size_bytes", own->max_size_bytes);
        tn_evidence_add_bytes(member, "mean_size_bytes",
                              own->births != 0 ? own->size_bytes / own->births : 0);
        tn_evidence_add_count(member, "per_group", group->per_group[i]);
        if (share_of(group, i) < 1)
            tn_evidence_add_real(member, "share", TN_UNIT_RATIO, share_of(group, i), 2);
        tn_evidence_add_count(member, "allocations", own->births);
    }
}

static void fill_evidence(const struct combine_statement *statement, struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_text(evidence, "relation", relation_names[statement->group->relation]);
    add_members(statement, finding);
    tn_evidence_add_bytes(evidence, "combined_bytes", statement->combined_bytes);
    tn_evidence_add_count(evidence, "groups", statement->group->group_count);
    tn_evidence_add_count(evidence, "exceptions", statement->group->exceptions);
    tn_evidence_add_count(evidence, "allocations", statement->allocations);
    tn_evidence_add_count(evidence, "peak_groups", statement->peak_groups);
    tn_evidence_add_bytes(evidence, "header_saved_bytes", statement->header_saved_bytes);
    tn_evidence_add_bytes(evidence, "unused_bytes", statement->unused_bytes);
}

/* SQL counts the members' blocks and sums up their sizes. It cannot tell which of them die together, and does
 * not follow the chains of resized members. */
static int append_member(const struct combine_statement *statement, size_t index, struct tn_buffer *query)
{
    char *where = NULL;
    int r = tn_finding_where(statement->pass, &statement->group->sites[index], 1, &where);
    if (r == 0)
        r = tn_buffer_print(query,
                            "%sSELECT count(*) AS blocks, %" PRIu64
                            " * ((max(size_bytes) + %u) / %u * %u) AS bytes"
                            " FROM allocation WHERE %s AND previous_id IS NULL",
                            index == 0 ? "" : " UNION ALL ", statement->group->per_group[index],
                            MEMBER_ALIGNMENT - 1, MEMBER_ALIGNMENT, MEMBER_ALIGNMENT, where);
    free(where);
    return r;
}

static int fill_query(const struct combine_statement *statement, struct tn_finding *finding)
{
    struct tn_buffer query = {0};
    bool is_one_type = statement->group->relation == TN_COMBINE_SIMILAR;
    const char *bytes = is_one_type ? ", max(bytes) AS combined_bytes" : ", sum(bytes) AS combined_bytes";
    int r = tn_buffer_print(&query, "SELECT sum(blocks) AS allocations%s FROM (",
                            statement->has_resizes ? "" : bytes);
    for (size_t i = 0; r == 0 && i < statement->group->member_count; i++)
        r = append_member(statement, i, &query);
    if (r == 0)
        r = tn_buffer_print(&query, ")");
    finding->query = (char *)query.data;
    return r;
}

/* ---------------------------------------------------------------------------------------- words */

/* "request (a.c:10): 48 B, payload (a.c:11): 256 B, 2 x header (a.c:12): 32 B" */
static int list_members(const struct combine_statement *statement, const struct tn_finding *finding,
                        struct tn_buffer *text)
{
    int r = 0;
    char place[320];
    for (size_t i = 0; r == 0 && i < finding->site_count; i++) {
        uint64_t bytes = statement->combine->sites[statement->group->sites[i]].max_size_bytes;
        uint64_t count = statement->group->per_group[i];
        tn_finding_place(&finding->sites[i], place, sizeof(place));
        if (i == 12 && finding->site_count > 13)
            return tn_buffer_print(text, ", and %zu more", finding->site_count - i);
        r = tn_buffer_print(text, "%s", i == 0 ? "" : ", ");
        if (r == 0 && count > 1)
            r = tn_buffer_print(text, "%" PRIu64 " x ", count);
        if (r == 0)
            r = tn_buffer_print(text, "%s: %" PRIu64 " B", place, bytes);
        if (r == 0 && share_of(statement->group, i) < 1)
            r = tn_buffer_print(text, ", present in %.0f %%", 100 * share_of(statement->group, i));
    }
    return r;
}

static int fill_similar_texts(const struct combine_statement *statement, struct tn_finding *finding,
                              const char *members)
{
    char places[TN_FINDING_PLACES_BYTES];
    int r = tn_finding_set(&finding->title,
                           "Make one type of the blocks of %s (up to %" PRIu64 " B): they live alike",
                           tn_finding_places(finding->sites, finding->site_count, places, sizeof(places)),
                           statement->combined_bytes);
    return r < 0
               ? r
               : tn_finding_set(&finding->advice,
                                "See whether these can be one type, and share a pool: %s. They are alike in "
                                "size, in how long they live and in how many there are.",
                                members);
}

static int fill_group_texts(const struct combine_statement *statement, struct tn_finding *finding,
                            const char *members)
{
    char place[320], groups[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES],
        places[TN_FINDING_PLACES_BYTES], blocks[64] = "";
    bool is_embed = statement->group->relation == TN_COMBINE_EMBED;
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_finding_places(finding->sites, finding->site_count, places, sizeof(places));
    tn_print_count(groups, statement->group->group_count);
    if (statement->blocks_per_group > finding->site_count)
        snprintf(blocks, sizeof(blocks), "the %" PRIu64 " blocks of ", statement->blocks_per_group);
    int r = tn_finding_set(&finding->title, "Merge %s%s into one structure of %s%s B: %s (%s %s)", blocks,
                           places, statement->varying != 0 ? "up to " : "",
                           tn_print_count(bytes, statement->combined_bytes),
                           is_embed ? "the first outlives the others" : "they come and go together", groups,
                           statement->group->group_count == 1 ? "time" : "times");
    return r < 0 ? r
                 : tn_finding_set(&finding->advice,
                                  "Allocate one structure of %" PRIu64
                                  " bytes at %s that holds them all, each "
                                  "at its largest size, and release it once: %s.",
                                  statement->combined_bytes, place, members);
}

static int fill_texts(const struct combine_statement *statement, struct tn_finding *finding)
{
    struct tn_buffer members = {0};
    int r = list_members(statement, finding, &members);
    if (r == 0 && statement->group->relation == TN_COMBINE_SIMILAR)
        r = fill_similar_texts(statement, finding, (char *)members.data);
    else if (r == 0)
        r = fill_group_texts(statement, finding, (char *)members.data);
    tn_buffer_finish(&members);
    return r;
}

static bool has_one_module(const struct tn_finding *finding)
{
    for (size_t i = 1; i < finding->site_count; i++)
        if (strcmp(finding->sites[0].module, finding->sites[i].module) != 0)
            return false;
    return true;
}

static int note(struct tn_buffer *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int note(struct tn_buffer *notes, const char *format, ...)
{
    char line[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return tn_buffer_print(notes, "%s%s", notes->size_bytes != 0 ? "\n" : "", line);
}

static int fill_notes(const struct combine_statement *statement, struct tn_finding *finding)
{
    struct tn_buffer notes = {0};
    char bytes[TN_QUANTITY_TEXT_BYTES], count[TN_QUANTITY_TEXT_BYTES];
    int64_t delta_bytes = finding->saving.peak_bytes_delta;
    uint64_t exceptions = statement->group->exceptions;
    int r = 0;
    if (delta_bytes > 0)
        r = note(&notes,
                 "this costs %s of memory at the peak, since every member has its largest size: it buys "
                 "fewer calls, and a heap that is easier to foresee",
                 tn_print_bytes(bytes, (uint64_t)delta_bytes));
    if (r == 0 && statement->varying != 0 && statement->group->relation != TN_COMBINE_SIMILAR)
        r = note(
            &notes,
            "%s of the members var%s in size: the largest seen is no limit yet; set one, or leave %s out",
            tn_print_count(count, statement->varying), statement->varying == 1 ? "ies" : "y",
            statement->varying == 1 ? "it" : "them");
    if (r == 0 && exceptions != 0 && statement->group->strays != 0)
        r = note(&notes, "%s of these sites' blocks %s in no group", tn_print_count(count, exceptions),
                 exceptions == 1 ? "was" : "were");
    else if (r == 0 && exceptions != 0)
        r = note(&notes, "%s%s a member was not needed",
                 exceptions == 1 ? "once" : tn_print_count(count, exceptions),
                 exceptions == 1 ? "" : " times");
    if (r == 0 && statement->group->left_out != 0)
        r = note(&notes, "%s more %s with them, but %s far too large at times to be a member",
                 tn_print_count(count, statement->group->left_out),
                 statement->group->left_out == 1 ? "block comes and goes" : "blocks come and go",
                 statement->group->left_out == 1 ? "is" : "are");
    if (r == 0 && statement->group->is_few)
        r = note(&notes, "only %s groups were seen, though without exception",
                 tn_print_count(count, statement->group->group_count));
    if (r == 0 && !has_one_module(finding))
        r = note(&notes, "the members belong to different modules: the code of both would have to change");
    if (r == 0 && !statement->pass->is_complete)
        r = note(&notes, "the recording was not over: %s group%s seen so far",
                 tn_print_count(count, statement->group->group_count),
                 statement->group->group_count == 1 ? "" : "s");
    finding->notes = (char *)notes.data;
    return r;
}

/* ---------------------------------------------------------------------------------------- the finding */

static bool is_changeable(const struct combine_statement *statement, const struct tn_finding *finding)
{
    for (size_t i = 0; i < finding->site_count; i++)
        if (tn_source_frames_is_opaque(&statement->combine->frames, statement->pass, &finding->sites[i],
                                       statement->combine->sites[statement->group->sites[i]].stack_id))
            return false;
    return true;
}

/* Whether members at their largest size would mostly be unused: a rare giant sets the size of all. */
static bool is_mostly_empty(const struct combine_statement *statement)
{
    double waste = tn_pass_threshold(statement->pass, "combine.waste");
    return statement->group->relation != TN_COMBINE_SIMILAR &&
           (double)statement->combined_bytes > waste * statement->mean_bytes;
}

/* Whether the parent is a buffer that is made to grow, even if it did not in this run: it is no structure to
 * put members into, and what dies within its life does so by chance. */
static bool is_growing_parent(const struct combine_statement *statement)
{
    const struct tn_combine_site *parent = &statement->combine->sites[statement->group->sites[0]];
    return statement->group->relation == TN_COMBINE_EMBED &&
           (parent->resizes != 0 || parent->realloc_births != 0);
}

/* Members whose size is not fixed: the worst of them is named. */
static int add_size_condition(const struct combine_statement *statement, struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    struct tn_size_source worst = {.kind = TN_SIZE_FIXED};
    size_t named = 0, count = 0;
    char place[320], what[400];
    int r = 0;
    for (size_t i = 0; i < group->member_count && r == 0; i++) {
        struct tn_size_source source;
        r = tn_size_source_find(statement->pass, group->sites[i], &finding->sites[i], NULL, 0,
                                (struct tn_size_range){0}, &source);
        count += r == 0 && source.kind != TN_SIZE_FIXED;
        if (r == 0 && source.kind > worst.kind) {
            worst = source;
            named = i;
        }
    }
    if (r < 0 || worst.kind == TN_SIZE_FIXED)
        return r;
    tn_finding_place(&finding->sites[named], place, sizeof(place));
    snprintf(what, sizeof(what), "the size of %s", place);
    if (count > 1)
        snprintf(what, sizeof(what), "each of %zu members, as that of %s,", count, place);
    return tn_size_source_add_condition(statement->pass, &worst, &finding->sites[named], what,
                                        statement->combine->sites[group->sites[named]].max_size_bytes,
                                        finding);
}

static int fill_conditions(const struct combine_statement *statement, struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    struct tn_release_sites sites = {group->sites, group->member_count, group->member_count};
    struct tn_release_range range = {0};
    int r = tn_pass_add_releases(statement->pass, &sites, range, finding);
    if (r < 0 || group->relation == TN_COMBINE_SIMILAR)
        return r;
    r = tn_pass_add_release_conditions(statement->pass, &sites, range, "a member", finding);
    return r < 0 ? r : add_size_condition(statement, finding);
}

static int fill(struct combine_statement *statement, struct tn_finding *finding)
{
    double share = tn_pass_threshold(statement->pass, "combine.exceptions");
    bool is_clean = (double)statement->group->strays <= share * (double)statement->allocations &&
                    has_one_module(finding) && statement->pass->is_complete && !is_mostly_empty(statement) &&
                    !is_growing_parent(statement) && !statement->group->is_few;
    for (size_t i = 0; i < finding->site_count; i++)
        finding->sites[i].per_group = (uint32_t)statement->group->per_group[i];
    finding->confidence = is_clean ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
    fill_saving(statement, finding);
    int r = fill_texts(statement, finding);
    fill_evidence(statement, finding);
    if (r == 0)
        r = fill_query(statement, finding);
    if (r == 0)
        r = fill_conditions(statement, finding);
    return r < 0 ? r : fill_notes(statement, finding);
}

/* The member, not the first one, whose largest size is unused most: a rare giant. */
static size_t most_unused(const struct tn_combine *combine, const struct tn_combine_group *group)
{
    size_t most = 1;
    double most_bytes = -1;
    for (size_t i = 1; i < group->member_count; i++) {
        const struct tn_combine_site *own = &combine->sites[group->sites[i]];
        double mean_bytes = share_of(group, i) * (double)own->size_bytes / (double)own->births;
        double unused_bytes = ((double)own->max_size_bytes - mean_bytes) * (double)group->per_group[i];
        if (unused_bytes > most_bytes) {
            most = i;
            most_bytes = unused_bytes;
        }
    }
    return most;
}

static void leave_out(struct tn_combine_group *group, size_t member)
{
    group->exceptions -= group->outside[member];
    group->strays -= group->outside[member];
    group->member_count--;
    for (size_t i = member; i < group->member_count; i++) {
        group->sites[i] = group->sites[i + 1];
        group->per_group[i] = group->per_group[i + 1];
        group->present[i] = group->present[i + 1];
        group->outside[i] = group->outside[i + 1];
    }
    group->left_out++;
}

/* A group that a member with a rare giant makes mostly empty is tried without that member. What is no better
 * without stays as it was. */
static void leave_out_giants(const struct tn_combine *combine, const struct tn_pass *pass,
                             struct tn_combine_group *group)
{
    struct tn_combine_group fewer = *group;
    for (;;) {
        struct combine_statement statement = {.combine = combine, .pass = pass, .group = &fewer};
        sum_members(&statement);
        if (!is_mostly_empty(&statement)) {
            *group = fewer;
            return;
        }
        if (fewer.member_count == 2)
            return;
        leave_out(&fewer, most_unused(combine, &fewer));
    }
}

int tn_combine_state(const struct tn_combine *combine, const struct tn_pass *pass,
                     const struct tn_combine_group *found, struct tn_findings *findings)
{
    struct tn_combine_group group = *found;
    struct combine_statement statement = {.combine = combine, .pass = pass, .group = &group};
    struct tn_finding finding;
    leave_out_giants(combine, pass, &group);
    int r = tn_finding_begin(pass, &tn_kind_combine, group.sites, group.member_count, &finding);
    if (r < 0)
        return r;
    if (!is_changeable(&statement, &finding)) {
        tn_finding_finish(&finding);
        return 0;
    }
    sum_members(&statement);
    r = fill(&statement, &finding);
    if (r == 0)
        r = tn_findings_add(findings, &finding);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}
