/* SPDX-License-Identifier: MIT */
/* The kind `combine`: what a finding says: title, advice, links and notes. Sizes are those of the largest
 * block of each member. Called by combine_finding.c once a finding. */
#include "combine_statement.h"

#include "tenure/kinds.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Links that are told in words; JSON has all. */
#define LINKS_TOLD 3u

/* The share of the groups that have a member. */
double tn_combine_share(const struct tn_combine_group *group, size_t member)
{
    bool is_told = group->relation != TN_COMBINE_SIMILAR && group->group_count != 0;
    return is_told ? (double)group->present[member] / (double)group->group_count : 1;
}

/* "request (a.c:10): 48 B, payload (a.c:11): 256 B, 2 x header (a.c:12): 32 B" */
static int list_members(const struct tn_combine_statement *statement, const struct tn_finding *finding,
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
            r = tn_buffer_print(text, "%s x ", tn_count_text(count).text);
        if (r == 0)
            r = tn_buffer_print(text, "%s: %s B", place, tn_count_text(bytes).text);
        if (r == 0 && tn_combine_share(statement->group, i) < 1)
            r = tn_buffer_print(text, ", present in %.0f %%", 100 * tn_combine_share(statement->group, i));
    }
    return r;
}

static int fill_similar_texts(const struct tn_combine_statement *statement, struct tn_finding *finding,
                              const char *members)
{
    char places[TN_FINDING_PLACES_BYTES];
    int r = tn_finding_set(&finding->title, "Make one type of the blocks of %s (up to %s B): they live alike",
                           tn_finding_places(finding->sites, finding->site_count, places, sizeof(places)),
                           tn_count_text(statement->combined_bytes).text);
    return r < 0
               ? r
               : tn_finding_set(&finding->advice,
                                "See whether these can be one type, and share a pool: %s. They are alike in "
                                "size, in how long they live and in how many there are.",
                                members);
}

static int fill_group_texts(const struct tn_combine_statement *statement, struct tn_finding *finding,
                            const char *members)
{
    char place[320], groups[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES],
        places[TN_FINDING_PLACES_BYTES], blocks[64] = "";
    bool is_embed = statement->group->relation == TN_COMBINE_EMBED;
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_finding_places(finding->sites, finding->site_count, places, sizeof(places));
    tn_print_count(groups, statement->group->group_count);
    if (statement->blocks_per_group > finding->site_count)
        snprintf(blocks, sizeof(blocks), "the %s blocks of ",
                 tn_count_text(statement->blocks_per_group).text);
    int r = tn_finding_set(&finding->title, "Merge %s%s into one structure of %s%s B: %s (%s %s)", blocks,
                           places, statement->varying != 0 ? "up to " : "",
                           tn_print_count(bytes, statement->combined_bytes),
                           is_embed ? "the first outlives the others" : "they come and go together", groups,
                           statement->group->group_count == 1 ? "time" : "times");
    return r < 0 ? r
                 : tn_finding_set(&finding->advice,
                                  "Allocate one structure of %s bytes at %s that holds them all, each "
                                  "at its largest size, and release it once: %s.",
                                  tn_count_text(statement->combined_bytes).text, place, members);
}

int tn_combine_fill_texts(const struct tn_combine_statement *statement, struct tn_finding *finding)
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

bool tn_combine_has_one_module(const struct tn_finding *finding)
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

/* A member that outlived a parent, and was left out, or is in the group still. */
static int note_outliving(const struct tn_combine_statement *statement, struct tn_buffer *notes)
{
    const struct tn_combine_group *group = statement->group;
    uint32_t site = group->outliving_site;
    uint64_t blocks = group->outliving_count;
    for (size_t i = 1; i < group->member_count; i++)
        if (group->outlived[i] != 0) {
            site = group->sites[i];
            blocks = group->outlived[i];
        }
    struct tn_finding named;
    char place[320], count[TN_QUANTITY_TEXT_BYTES];
    if (site == 0)
        return 0;
    int r = tn_finding_begin(statement->pass, &tn_kind_combine, &site, 1, &named);
    if (r < 0)
        return r;
    tn_finding_place(&named.sites[0], place, sizeof(place));
    r = note(notes, "%s is no part of it: %s of its blocks outlived the one that %s made with", place,
             tn_print_count(count, blocks), blocks == 1 ? "it was" : "they were");
    tn_finding_finish(&named);
    return r;
}

int tn_combine_fill_notes(const struct tn_combine_statement *statement, struct tn_finding *finding)
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
    if (r == 0)
        r = note_outliving(statement, &notes);
    if (r == 0 && statement->group->is_few)
        r = note(&notes, "only %s groups were seen, though without exception",
                 tn_print_count(count, statement->group->group_count));
    if (r == 0 && statement->linkage.is_apart)
        r = note(&notes,
                 "none of these blocks was seen to hold another one's address, and they are not released "
                 "in one place: they may be strangers");
    if (r == 0 && !tn_combine_has_one_module(finding))
        r = note(&notes, "the members belong to different modules: the code of both would have to change");
    if (r == 0 && !statement->pass->is_complete)
        r = note(&notes, "the recording was not over: %s group%s seen so far",
                 tn_print_count(count, statement->group->group_count),
                 statement->group->group_count == 1 ? "" : "s");
    finding->notes = (char *)notes.data;
    return r;
}

const char *tn_combine_print_links(const struct tn_combine_statement *statement, char *ret_text,
                                   size_t text_bytes)
{
    size_t told = 0, used = 0;
    ret_text[0] = '\0';
    for (size_t i = 1; i < statement->group->member_count && told < LINKS_TOLD; i++) {
        const struct tn_combine_link *link = &statement->linkage.members[i];
        if (!link->is_linked || used >= text_bytes)
            continue;
        int length = snprintf(ret_text + used, text_bytes - used,
                              "%sat offset %" PRIu64 "%s%s%s in %.0f %% of looks", told != 0 ? ", " : "",
                              link->share.offset_bytes, link->member != NULL ? " (probably " : "",
                              link->member != NULL ? link->member : "", link->member != NULL ? ")" : "",
                              100 * (double)link->share.looks / (double)link->share.looks_made);
        used += length > 0 ? (size_t)length : 0;
        told++;
    }
    return ret_text;
}
