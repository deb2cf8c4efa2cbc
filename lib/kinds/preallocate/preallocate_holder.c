/* SPDX-License-Identifier: MIT */
/* The kind `preallocate`: where the program keeps the one buffer, by its machine code. A connection's buffer
 * is one at a time as long as connections are, or as long as each message comes in one piece; no event shows
 * it. Asked when a finding is stated. */
#include "preallocate_holder.h"

#include "tenure/activation.h"
#include "tenure/releases.h"
#include "tenure/source_frames.h"
#include "tenure/stored_address.h"

#define STACKS_MAX  8u /* of the site that are looked at */
#define CALLERS_MAX 3u /* who store what the site's function gives back */

struct holder_search {
    const struct tn_pass *pass;
    const struct tn_source_frames *frames;
    const struct tn_finding_site *names;
    uint32_t site;
    struct tn_stored_address found;
};

/* What a holder is released with does not matter: two of them would share the buffer while both live. */
static bool is_never_gone(const void *context, uint32_t stack_id)
{
    (void)context;
    (void)stack_id;
    return false;
}

/* The site's own function says where its parameters lead; only what it gives back is stored further out. */
static int look_at(struct holder_search *search, uint32_t stack_id)
{
    struct tn_source_cursor inside;
    struct tn_source_cursor at =
        tn_source_cursor_find_site(search->frames, search->pass, search->names, stack_id, &inside);
    enum tn_stored_kind kind = TN_STORED_NOWHERE;
    int r = 0;
    for (uint32_t i = 0; i <= CALLERS_MAX && r == 0 && at.node != 0 && kind == TN_STORED_NOWHERE; i++) {
        struct tn_stored_address stored = {.kind = TN_STORED_NOWHERE};
        struct tn_stored_question question = {.site = search->site,
                                              .names = search->names,
                                              .stacks = &stack_id,
                                              .stack_count = 1,
                                              .is_about_holders = true,
                                              .is_gone = is_never_gone};
        question.owner = tn_source_cursor_frame(search->frames, search->pass, at)->function;
        r = tn_stored_address_find(search->pass, &question, &stored);
        kind = stored.kind == TN_STORED_GIVEN ? TN_STORED_NOWHERE : stored.kind; /* it leads further out */
        if (r == 0 && kind > search->found.kind)
            search->found = stored;
        at = tn_source_cursor_outwards(search->frames, search->pass, at);
    }
    return r;
}

static int find_holder(struct holder_search *search)
{
    const struct tn_pass *pass = search->pass;
    uint32_t stacks_left = STACKS_MAX;
    int r = tn_pass_frames(pass, &search->frames);
    for (uint32_t id = 1; id < pass->node_count && r == 0 && stacks_left != 0; id++) {
        if (pass->nodes[id].site != search->site || pass->nodes[id].function == 0)
            continue;
        r = look_at(search, id);
        stacks_left = search->found.kind == TN_STORED_OBJECT ? 0 : stacks_left - 1;
    }
    return r;
}

int tn_preallocate_add_holder_condition(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding)
{
    struct holder_search search = {.pass = pass, .names = &finding->sites[0], .site = site};
    struct tn_finding_line line;
    char place[320];
    int r = find_holder(&search);
    bool is_table = search.found.kind == TN_STORED_TABLE;
    if (r < 0 || (!is_table && search.found.kind != TN_STORED_OBJECT))
        return r;
    r = tn_pass_code_line(pass, search.found.module_id, search.found.address, &line);
    if (r < 0)
        return r;
    tn_finding_line_print(&line, place, sizeof(place));
    r = tn_finding_add_condition(
        finding, "number", &line, 1,
        "no two of the %s in which %s stores the buffer need one at the same time, as "
        "none did",
        is_table ? "variables" : "objects", place);
    tn_finding_line_finish(&line);
    return r;
}

/* ---------------------------------------------------------------------------------------- rounds */

#define RELEASES_MAX 8u /* stacks of releases of the site that are looked at */

/* The outermost nodes of two stacks that differ. */
static void find_fork(const struct tn_stack_node *nodes, uint32_t *one, uint32_t *other)
{
    while (nodes[*one].depth > nodes[*other].depth)
        *one = nodes[*one].caller_id;
    while (nodes[*other].depth > nodes[*one].depth)
        *other = nodes[*other].caller_id;
    while (nodes[*one].caller_id != nodes[*other].caller_id) {
        *one = nodes[*one].caller_id;
        *other = nodes[*other].caller_id;
    }
}

/* Whether a function that is inlined into a loop makes a block in one round and releases it in another. */
static int is_carried(const struct tn_pass *pass, const struct tn_activations *activations, uint32_t birth,
                      uint32_t release, bool *ret_is_carried)
{
    const struct tn_source_frames *frames = activations->frames;
    uint32_t inlined = 0;
    find_fork(pass->nodes, &birth, &release);
    uint32_t from = pass->nodes[birth].frame_id, to = pass->nodes[release].frame_id;
    bool is_one = birth != release && birth != 0 && release != 0 && from < frames->frame_count &&
                  to < frames->frame_count &&
                  frames->frames[from].source.function == frames->frames[to].source.function;
    uint32_t common = is_one ? tn_source_frames_common_inlined(frames, from, to) : 0;
    int r = common != 0 ? tn_activations_inlined(activations, pass, from, to, &inlined) : 0;
    *ret_is_carried = r == 0 && inlined < common;
    return r;
}

int tn_preallocate_add_round_condition(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding)
{
    const struct tn_finding_site *own = &finding->sites[0];
    struct tn_finding_line line = {own->function, own->file, own->line, own->module, own->offset_bytes};
    const struct tn_activations *activations;
    const struct tn_release_count *counts;
    size_t count = 0;
    bool has = false;
    int r = tn_pass_activations(pass, &activations);
    if (r == 0)
        r = tn_releases_find(pass, site, &counts, &count);
    uint32_t stacks_left = STACKS_MAX;
    for (uint32_t id = 1; id < pass->node_count && r == 0 && !has && stacks_left != 0; id++) {
        if (pass->nodes[id].site != site || pass->nodes[id].function == 0)
            continue;
        stacks_left--;
        for (size_t i = 0; i < count && i < RELEASES_MAX && r == 0 && !has; i++)
            if (!counts[i].is_resize && counts[i].stack_id != 0 && counts[i].stack_id < pass->node_count)
                r = is_carried(pass, activations, id, (uint32_t)counts[i].stack_id, &has);
    }
    return r < 0 || !has
               ? r
               : tn_finding_add_condition(finding, "number", &line, 1,
                                          "no second one comes before the first is released: one round "
                                          "of a loop makes it, and another one releases it");
}
