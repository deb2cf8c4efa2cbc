/* SPDX-License-Identifier: MIT */
/* Whether the call that releases a finding's blocks would release blocks of others with them: a function on
 * the way to the release that has further calls which do so, on one way through it. In this recording the
 * blocks asked about held nothing; where they do, the call cannot just be taken out. Asked when findings are
 * stated. */
#include "call_order.h"
#include "release_count.h"

#include <string.h>

#define STACKS_MAX 8u /* of releases of one site that are looked at */

struct held_search {
    const struct tn_pass *pass;
    const struct tn_source_frames *frames;
    const struct tn_release_sites *sites;
    struct tn_call_order *order; /* owned */
    uint32_t found;              /* row of the frame that releases others; 0: none */
    uint32_t function;           /* that it is in */
    struct tn_release_place place;
};

/* Whether the call at a frame is passed before or behind that at another one, without a return in between:
 * not so if each is a case of its own. */
static int is_one_way(struct held_search *search, uint32_t one, uint32_t other)
{
    bool is_tail = search->frames->frames[one].is_tail_call;
    int r = is_tail ? 0 : tn_call_order_follows(search->order, search->pass, one, other);
    if (r != 0 || search->frames->frames[other].is_tail_call)
        return r;
    return tn_call_order_follows(search->order, search->pass, other, one);
}

static bool is_line_of(const struct held_search *search, struct tn_source_cursor at, uint32_t function,
                       uint32_t line)
{
    const struct tn_source_frame *frame = tn_source_cursor_frame(search->frames, search->pass, at);
    return frame->function == function && frame->line == line;
}

/* Whether the way from the release to its place passes a line. */
static bool is_on_way(const struct held_search *search, uint32_t stack_id,
                      const struct tn_source_frame *frame)
{
    struct tn_source_cursor at = {stack_id, 0}, end = search->place.at;
    for (unsigned steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        if (at.node == end.node && at.position == end.position)
            return false;
        if (is_line_of(search, at, frame->function, frame->line))
            return true;
        at = tn_source_cursor_outwards(search->frames, search->pass, at);
    }
    return false;
}

/* A call in the function at a cursor, on another line, that releases blocks of others. */
static int search_function(struct held_search *search, uint32_t stack_id, struct tn_source_cursor at)
{
    const struct tn_source_frames *frames = search->frames;
    uint32_t own_id = search->pass->nodes[at.node].frame_id;
    uint32_t function = tn_source_cursor_frame(frames, search->pass, at)->function;
    int r = 0;
    for (uint32_t id = 1; id < frames->frame_count && search->found == 0 && r == 0; id++) {
        uint32_t last = tn_source_frames_count(frames, id) - 1;
        const struct tn_source_frame *frame = tn_source_frames_get(frames, id, last);
        if (frame->function != function || frame->line == 0 || is_on_way(search, stack_id, frame) ||
            tn_release_others(search->pass, frames, search->sites, id, last) == 0)
            continue;
        r = is_one_way(search, id, own_id);
        if (r == 1) {
            search->found = id;
            search->function = function;
        }
    }
    return r < 0 ? r : 0;
}

/* Destructors are called for locals and members, too. */
static bool is_asked(const struct held_search *search, struct tn_source_cursor at)
{
    const struct tn_source_frame *frame = tn_source_cursor_frame(search->frames, search->pass, at);
    const struct tn_source_function *function = &search->frames->functions[frame->function];
    uint32_t frame_id = search->pass->nodes[at.node].frame_id;
    return frame->function != 0 && function->is_program && strchr(function->name, '~') == NULL &&
           at.position + 1 == tn_source_frames_count(search->frames, frame_id);
}

/* Search the functions between a release and its place. */
static int search_way(struct held_search *search, uint32_t stack_id)
{
    struct tn_source_cursor at = {stack_id, 0}, end = search->place.at;
    int r = 0;
    for (unsigned steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX && r == 0 && search->found == 0;
         steps++) {
        if (at.node == end.node && at.position == end.position)
            return 0;
        if (is_asked(search, at))
            r = search_function(search, stack_id, at);
        at = tn_source_cursor_outwards(search->frames, search->pass, at);
    }
    return r;
}

static int search_site(struct held_search *search, uint32_t site, struct tn_release_range range)
{
    const struct tn_release_count *counts;
    size_t count;
    int r = tn_releases_find(search->pass, site, &counts, &count);
    for (size_t i = 0; i < count && i < STACKS_MAX && r == 0 && search->found == 0; i++) {
        uint32_t stack_id = counts[i].stack_id;
        if (counts[i].is_resize || stack_id == 0 ||
            !tn_release_stack_is_known(search->pass, search->frames, stack_id))
            continue;
        r = tn_release_place_find(search->pass, search->sites, stack_id, range, &search->place);
        if (r == 0 && search->place.at.node != 0)
            r = search_way(search, stack_id);
    }
    return r;
}

static int add_condition(const struct held_search *search, struct tn_finding *finding)
{
    struct tn_finding_line lines[2];
    char place[320], name[TN_SHORT_NAME_BYTES];
    uint32_t frame_id = tn_source_cursor_frame(search->frames, search->pass, search->place.at)->frame_id;
    int r = tn_pass_line(search->pass, frame_id, &lines[0]);
    if (r < 0)
        return r;
    r = tn_pass_line(search->pass, search->found, &lines[1]);
    if (r == 0) {
        tn_finding_line_print(&lines[1], place, sizeof(place));
        tn_function_short_name(search->frames->functions[search->function].name, name, sizeof(name));
        r = tn_finding_add_condition(finding, "releases-more", lines, 2,
                                     "it holds nothing that %s (%s) releases with it", name, place);
        tn_finding_line_finish(&lines[1]);
    }
    tn_finding_line_finish(&lines[0]);
    return r;
}

int tn_pass_add_held_condition(const struct tn_pass *pass, const struct tn_release_sites *sites,
                               struct tn_release_range range, struct tn_finding *finding)
{
    struct held_search search = {.pass = pass, .sites = sites};
    if (finding->condition.kind != NULL && strcmp(finding->condition.kind, "shared-release") == 0)
        return 0;
    int r = tn_pass_frames(pass, &search.frames);
    if (r == 0)
        r = tn_call_order_open(search.frames, &search.order);
    for (size_t i = 0; i < sites->own_count && r == 0 && search.found == 0; i++)
        r = search_site(&search, sites->items[i], range);
    if (r == 0 && search.found != 0)
        r = add_condition(&search, finding);
    tn_call_order_close(search.order);
    return r;
}
