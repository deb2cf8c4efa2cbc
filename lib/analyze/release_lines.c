/* SPDX-License-Identifier: MIT */
/* Writes into findings where their blocks are released and resized, and what follows from that: a line that
 * also releases the blocks of other sites cannot be taken out, and what is resized is no fixed part of
 * anything. Called when findings are stated. */
#include "release_count.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The releases at one place. */
struct line_count {
    struct tn_release_place place;
    struct tn_source_frame frame;
    uint64_t count;
};

struct line_counts {
    struct line_count *items; /* owned */
    size_t count, capacity;
    uint64_t total;
};

/* Whether two frames stand for one line of the source. */
static bool is_same_line(const struct tn_source_frame *one, const struct tn_source_frame *other)
{
    if (one->line == 0 || one->function == 0)
        return one->frame_id == other->frame_id;
    return one->function == other->function && one->line == other->line;
}

static int add_place(struct line_counts *lines, const struct tn_release_place *place,
                     const struct tn_source_frame *frame, uint64_t count)
{
    for (size_t i = 0; i < lines->count; i++)
        if (is_same_line(&lines->items[i].frame, frame)) {
            struct line_count *line = &lines->items[i];
            line->count += count;
            if (place->other_count > line->place.other_count)
                line->place = *place;
            return 0;
        }
    if (lines->count == lines->capacity) {
        size_t capacity = lines->capacity * 2 + 8;
        void *items = realloc(lines->items, capacity * sizeof(lines->items[0]));
        if (items == NULL)
            return -ENOMEM;
        lines->items = items;
        lines->capacity = capacity;
    }
    lines->items[lines->count++] = (struct line_count){*place, *frame, count};
    return 0;
}

/* A place without a frame of the program is told as its innermost frame. */
static const struct tn_source_frame *frame_of(const struct tn_pass *pass,
                                              const struct tn_source_frames *frames,
                                              const struct tn_release_place *place, uint32_t stack_id)
{
    struct tn_source_cursor innermost = {stack_id, 0};
    return tn_source_cursor_frame(frames, pass, place->at.node != 0 ? place->at : innermost);
}

static int compare_lines(const void *a, const void *b)
{
    const struct line_count *left = a, *right = b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return (left->frame.frame_id > right->frame.frame_id) - (left->frame.frame_id < right->frame.frame_id);
}

/* Collect the places where the own sites' blocks are released, or resized, most frequent first. */
static int collect(const struct tn_pass *pass, const struct tn_release_sites *sites,
                   struct tn_release_range range, bool is_resize, bool has_others, struct line_counts *lines)
{
    const struct tn_source_frames *frames;
    int r = tn_pass_frames(pass, &frames);
    for (size_t i = 0; i < sites->own_count && r == 0; i++) {
        const struct tn_release_count *counts;
        size_t count;
        r = tn_releases_find(pass, sites->items[i], &counts, &count);
        for (size_t k = 0; k < count && r == 0; k++) {
            struct tn_release_place place;
            uint64_t seen = counts[k].count + (has_others ? counts[k].elsewhere : 0);
            if (counts[k].is_resize != is_resize || counts[k].stack_id == 0 || seen == 0 ||
                !tn_release_stack_is_known(pass, frames, counts[k].stack_id))
                continue;
            lines->total += seen;
            r = tn_release_place_find(pass, sites, counts[k].stack_id, range, &place);
            if (r == 0)
                r = add_place(lines, &place, frame_of(pass, frames, &place, counts[k].stack_id), seen);
        }
    }
    if (lines->count != 0)
        qsort(lines->items, lines->count, sizeof(lines->items[0]), compare_lines);
    return r;
}

int tn_pass_add_releases(const struct tn_pass *pass, const struct tn_release_sites *sites,
                         struct tn_release_range range, struct tn_finding *finding)
{
    struct line_counts lines = {0};
    int r = collect(pass, sites, range, false, false, &lines);
    finding->releases = r == 0 ? calloc(lines.count + 1, sizeof(finding->releases[0])) : NULL;
    if (r == 0 && finding->releases == NULL)
        r = -ENOMEM;
    for (size_t i = 0; i < lines.count && r == 0; i++) {
        struct tn_finding_release *release = &finding->releases[i];
        release->count = lines.items[i].count;
        release->share = (double)release->count / (double)lines.total;
        release->other_sites = lines.items[i].place.other_count;
        r = tn_pass_line(pass, lines.items[i].frame.frame_id, &release->line);
        finding->release_count += r == 0;
    }
    free(lines.items);
    return r;
}

/* The place that releases blocks of most other sites; NULL: none does. */
static const struct line_count *find_worst(const struct line_counts *lines)
{
    const struct line_count *worst = NULL;
    for (size_t i = 0; i < lines->count; i++)
        if (lines->items[i].place.other_count > (worst != NULL ? worst->place.other_count : 0))
            worst = &lines->items[i];
    return worst;
}

static int add_resized(const struct tn_pass *pass, const struct line_counts *lines,
                       struct tn_finding *finding)
{
    struct tn_finding_line line;
    char place[320];
    int r = tn_pass_line(pass, lines->items[0].frame.frame_id, &line);
    if (r < 0)
        return r;
    tn_finding_line_print(&line, place, sizeof(place));
    r = tn_finding_add_condition(finding, "resized", &line, 1,
                                 "realloc at %s no longer resizes the block: a largest size has to be set",
                                 place);
    tn_finding_line_finish(&line);
    return r;
}

static int add_shared(const struct tn_pass *pass, const struct line_count *worst, const char *blocks,
                      struct tn_finding *finding)
{
    struct tn_finding_line line;
    char place[320];
    bool has_role = false, is_one = worst->place.other_count == 1;
    int r = tn_pass_line(pass, worst->frame.frame_id, &line);
    if (r < 0)
        return r;
    for (size_t i = 0; i < finding->site_count; i++)
        has_role = has_role || tn_finding_site_is_role(&finding->sites[i]);
    tn_finding_line_print(&line, place, sizeof(place));
    r = tn_finding_add_condition(
        finding, "shared-release", &line, 1,
        "%s no longer releases it: that line also releases blocks of %zu other %s, so "
        "%s would be passed to free",
        place, worst->place.other_count,
        has_role ? (is_one ? "line or role" : "lines or roles") : (is_one ? "line" : "lines"), blocks);
    tn_finding_line_finish(&line);
    return r;
}

/* The sites of a question, and the other roles of the sites that it is about. Returns how many. */
static size_t list_siblings(const struct tn_pass *pass, const struct tn_release_sites *sites,
                            uint32_t *ret_items)
{
    size_t count = 0, whole_count = pass->site_count - pass->role_count;
    for (size_t i = 0; i < sites->count; i++)
        ret_items[count++] = sites->items[i];
    for (size_t k = whole_count; k < pass->site_count; k++) {
        bool is_sibling = false, is_listed = false;
        for (size_t i = 0; i < sites->own_count; i++)
            is_sibling =
                is_sibling || tn_pass_whole(pass, sites->items[i]) == pass->roles[k - whole_count].whole;
        for (size_t i = 0; i < sites->count; i++)
            is_listed = is_listed || sites->items[i] == k;
        if (is_sibling && !is_listed)
            ret_items[count++] = (uint32_t)k;
    }
    return count;
}

/* Whether a line that releases these blocks also releases those of another role of the same site: the program
 * makes no difference between them there, so that they are no roles for what must not be passed to free. */
static int check_siblings(const struct tn_pass *pass, const struct tn_release_sites *sites,
                          struct tn_release_range range, const struct line_count *worst, bool *ret_is_one)
{
    struct line_counts others = {0};
    uint32_t *items = calloc(sites->count + pass->role_count + 1, sizeof(items[0]));
    *ret_is_one = false;
    if (items == NULL)
        return -ENOMEM;
    size_t count = list_siblings(pass, sites, items);
    struct tn_release_sites wider = {.items = items, .own_count = sites->own_count, .count = count};
    int r = count != sites->count ? collect(pass, &wider, range, false, true, &others) : 0;
    const struct line_count *left = find_worst(&others);
    *ret_is_one =
        count != sites->count && worst->place.other_count > (left != NULL ? left->place.other_count : 0);
    free(others.items);
    free(items);
    return r;
}

static int add_shared_or_weaken(const struct tn_pass *pass, const struct tn_release_sites *sites,
                                struct tn_release_range range, const struct line_count *worst,
                                const char *blocks, struct tn_finding *finding)
{
    bool is_one;
    int r = check_siblings(pass, sites, range, worst, &is_one);
    if (r == 0 && is_one)
        finding->confidence = TN_CONFIDENCE_WEAK;
    return r < 0 ? r : add_shared(pass, worst, blocks, finding);
}

int tn_pass_add_release_conditions(const struct tn_pass *pass, const struct tn_release_sites *sites,
                                   struct tn_release_range range, const char *blocks,
                                   struct tn_finding *finding)
{
    struct line_counts releases = {0}, resizes = {0};
    int r = collect(pass, sites, range, false, true, &releases);
    if (r == 0)
        r = collect(pass, sites, range, true, true, &resizes);
    const struct line_count *worst = find_worst(&releases);
    if (r == 0 && worst != NULL)
        r = add_shared_or_weaken(pass, sites, range, worst, blocks, finding);
    if (r == 0 && resizes.count != 0)
        r = add_resized(pass, &resizes, finding);
    free(releases.items);
    free(resizes.items);
    return r;
}

int tn_pass_add_finding(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                        struct tn_finding *finding, struct tn_findings *findings)
{
    struct tn_release_sites list = {sites, site_count, site_count};
    struct tn_release_range range = {0};
    int r = finding->releases == NULL ? tn_pass_add_releases(pass, &list, range, finding) : 0;
    return r < 0 ? r : tn_findings_add(findings, finding);
}
