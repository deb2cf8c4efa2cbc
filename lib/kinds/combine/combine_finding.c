/* SPDX-License-Identifier: MIT */
/* The kind `combine`: states one group as a finding. Sums up what the members take now and what one structure
 * would take, and writes title, advice, evidence, query and notes. */
#include "combine_statement.h"

#include "tenure/analysis.h"
#include "tenure/birth_order.h"
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

/* A common type for similar sites is as large as the largest of them; a structure holds all members. */
static void sum_members(struct tn_combine_statement *statement)
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
        statement->mean_bytes += tn_combine_share(group, i) * (double)own->size_bytes / (double)own->births *
                                 (double)group->per_group[i];
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
static void fill_saving(const struct tn_combine_statement *statement, struct tn_finding *finding)
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

/* Who was seen to hold the member's address, and where. */
static void add_link(const struct tn_combine_link *link, const struct tn_finding *finding,
                     struct tn_evidence_set *member)
{
    char place[320];
    if (!link->is_linked || link->is_holder)
        return;
    tn_evidence_add_text(member, "held_by",
                         tn_finding_place(&finding->sites[link->other], place, sizeof(place)));
    tn_evidence_add_bytes(member, "held_offset_bytes", link->share.offset_bytes);
    if (link->member != NULL)
        tn_evidence_add_text(member, "held_as", link->member);
    tn_evidence_add_real(member, "held_share", TN_UNIT_RATIO,
                         (double)link->share.looks / (double)link->share.looks_made, 2);
}

static void add_members(const struct tn_combine_statement *statement, struct tn_finding *finding)
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
        if (tn_combine_share(group, i) < 1)
            tn_evidence_add_real(member, "share", TN_UNIT_RATIO, tn_combine_share(group, i), 2);
        tn_evidence_add_count(member, "allocations", own->births);
        add_link(&statement->linkage.members[i], finding, member);
    }
}

static void fill_evidence(const struct tn_combine_statement *statement, struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    char links[512];
    tn_evidence_add_text(evidence, "relation", relation_names[statement->group->relation]);
    add_members(statement, finding);
    if (statement->linkage.linked_count != 0)
        tn_evidence_add_text(evidence, "links", tn_combine_print_links(statement, links, sizeof(links)));
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
static int append_member(const struct tn_combine_statement *statement, size_t index, struct tn_buffer *query)
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

static int fill_query(const struct tn_combine_statement *statement, struct tn_finding *finding)
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

/* ---------------------------------------------------------------------------------------- the finding */

static bool is_changeable(const struct tn_combine_statement *statement, const struct tn_finding *finding)
{
    for (size_t i = 0; i < finding->site_count; i++)
        if (tn_source_frames_is_opaque(&statement->combine->frames, statement->pass, &finding->sites[i],
                                       statement->combine->sites[statement->group->sites[i]].stack_id))
            return false;
    return true;
}

/* Whether members at their largest size would mostly be unused: a rare giant sets the size of all. */
static bool is_mostly_empty(const struct tn_combine_statement *statement)
{
    double waste = tn_pass_threshold(statement->pass, "combine.waste");
    return statement->group->relation != TN_COMBINE_SIMILAR &&
           (double)statement->combined_bytes > waste * statement->mean_bytes;
}

/* Whether the parent is a buffer that is made to grow, even if it did not in this run: it is no structure to
 * put members into, and what dies within its life does so by chance. */
static bool is_growing_parent(const struct tn_combine_statement *statement)
{
    const struct tn_combine_site *parent = &statement->combine->sites[statement->group->sites[0]];
    return statement->group->relation == TN_COMBINE_EMBED &&
           (parent->resizes != 0 || parent->realloc_births != 0);
}

/* Members whose size is not fixed: the worst of them is named. */
static int add_size_condition(const struct tn_combine_statement *statement, struct tn_finding *finding)
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

/* Whether a member may come alone to a structure that is there already: the first one that may is told. */
static int add_alone_condition(const struct tn_combine_statement *statement, struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    bool has = false;
    size_t at = 1;
    int r = 0;
    for (; at < group->member_count && r == 0; at++) {
        struct tn_birth_order_question question = {{group->sites[0], group->sites[at]},
                                                   {&finding->sites[0], &finding->sites[at]}};
        r = tn_pass_comes_alone(statement->pass, &question, &has);
        if (has)
            break;
    }
    if (r < 0 || !has)
        return r;
    char first[256], member[256];
    const struct tn_finding_site *site = &finding->sites[at];
    struct tn_finding_line line = {site->function, site->file, site->line, site->module, site->offset_bytes};
    tn_finding_place(&finding->sites[0], first, sizeof(first));
    return tn_finding_add_condition(finding, "number", &line, 1,
                                    "no second one comes to one structure: %s is reached without %s, too",
                                    tn_finding_place(site, member, sizeof(member)), first);
}

static int fill_conditions(const struct tn_combine_statement *statement, struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    struct tn_release_sites sites = {group->sites, group->member_count, group->member_count};
    struct tn_release_range range = {0};
    int r = tn_pass_add_releases(statement->pass, &sites, range, finding);
    if (r < 0 || group->relation == TN_COMBINE_SIMILAR)
        return r;
    r = tn_pass_add_release_conditions(statement->pass, &sites, range, "a member", finding);
    if (r == 0)
        r = add_alone_condition(statement, finding);
    return r < 0 ? r : add_size_condition(statement, finding);
}

static bool is_outlived(const struct tn_combine_group *group)
{
    for (size_t i = 1; i < group->member_count; i++)
        if (group->outlived[i] != 0)
            return true;
    return false;
}

/* Members that hold each other's addresses belong together, however few they are, or how many more blocks
 * their lines make. */
static bool is_clean(const struct tn_combine_statement *statement, const struct tn_finding *finding)
{
    const struct tn_combine_group *group = statement->group;
    double share = statement->linkage.is_firm ? 1 - tn_pass_threshold(statement->pass, "combine.confidence")
                                              : tn_pass_threshold(statement->pass, "combine.exceptions");
    return (double)group->strays <= share * (double)statement->allocations &&
           tn_combine_has_one_module(finding) && statement->pass->is_complete &&
           !is_mostly_empty(statement) && !is_growing_parent(statement) && !statement->linkage.is_apart &&
           !group->is_few && !is_outlived(group);
}

static int fill(struct tn_combine_statement *statement, struct tn_finding *finding)
{
    int r = tn_combine_find_links(statement->combine, statement->pass, statement->group, &statement->linkage);
    if (r < 0)
        return r;
    for (size_t i = 0; i < finding->site_count; i++)
        finding->sites[i].per_group = (uint32_t)statement->group->per_group[i];
    finding->confidence = is_clean(statement, finding) ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
    fill_saving(statement, finding);
    r = tn_combine_fill_texts(statement, finding);
    fill_evidence(statement, finding);
    if (r == 0)
        r = fill_query(statement, finding);
    if (r == 0)
        r = fill_conditions(statement, finding);
    return r < 0 ? r : tn_combine_fill_notes(statement, finding);
}

/* The member, not the first one, whose largest size is unused most: a rare giant. */
static size_t most_unused(const struct tn_combine *combine, const struct tn_combine_group *group)
{
    size_t most = 1;
    double most_bytes = -1;
    for (size_t i = 1; i < group->member_count; i++) {
        const struct tn_combine_site *own = &combine->sites[group->sites[i]];
        double mean_bytes = tn_combine_share(group, i) * (double)own->size_bytes / (double)own->births;
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
        group->outlived[i] = group->outlived[i + 1];
    }
}

/* A member of which a block outlived its parent would be released too early: the others are a structure
 * without it. */
static void leave_out_outliving(struct tn_combine_group *group)
{
    for (size_t i = group->member_count - 1; i != 0 && group->member_count > 2; i--)
        if (group->outlived[i] != 0) {
            group->outliving_site = group->sites[i];
            group->outliving_count = group->outlived[i];
            leave_out(group, i);
        }
}

/* A group that a member with a rare giant makes mostly empty is tried without that member. What is no better
 * without stays as it was. */
static void leave_out_giants(const struct tn_combine *combine, const struct tn_pass *pass,
                             struct tn_combine_group *group)
{
    struct tn_combine_group fewer = *group;
    for (;;) {
        struct tn_combine_statement statement = {.combine = combine, .pass = pass, .group = &fewer};
        sum_members(&statement);
        if (!is_mostly_empty(&statement)) {
            *group = fewer;
            return;
        }
        if (fewer.member_count == 2)
            return;
        leave_out(&fewer, most_unused(combine, &fewer));
        fewer.left_out++;
    }
}

int tn_combine_state(const struct tn_combine *combine, const struct tn_pass *pass,
                     const struct tn_combine_group *found, struct tn_findings *findings)
{
    struct tn_combine_group group = *found;
    struct tn_combine_statement statement = {.combine = combine, .pass = pass, .group = &group};
    struct tn_finding finding;
    leave_out_outliving(&group);
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
