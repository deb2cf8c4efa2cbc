/* SPDX-License-Identifier: MIT */
/* Whether blocks that were released only while the program ended may be released earlier: the functions on
 * the way to the release are asked for their other callers in the machine code, and these for theirs, up to a
 * function that has run in this recording. A call in a function of the way itself counts if it stands in a
 * loop: that is passed before the end. Asked when findings are stated. */
#include "code_files.h"
#include "release_count.h"

#include "tenure/stored_address.h"

#include <errno.h>
#include <stdlib.h>

#define CALLERS_MAX  32u /* of one function that are looked at */
#define VISITED_MAX  64u /* functions that one search looks at */
#define STEPS_MAX    3u  /* from a function on the way to the one that has run */
#define RELEASES_MAX 16u /* stacks of releases of one site that are looked at */

/* A call in the code. */
struct code_call {
    uint32_t module_id;
    uint64_t address; /* behind the instruction: that may be the last one of its function */
};

struct caller_search {
    const struct tn_pass *pass;
    const struct tn_source_frames *frames;
    bool *has_run;   /* owned; by row id of a frame: it is on the way to a birth */
    bool *is_on_way; /* owned; by row id of a frame: it is on the way to a release that is asked about */
    bool *makes;     /* owned; by row id of a frame: the call in it asks for the blocks */
    struct code_call visited[VISITED_MAX];
    size_t visited_count;
    struct code_call found; /* module_id 0: none */
};

static uint32_t module_of(const struct tn_source_frames *frames, uint32_t frame_id)
{
    return frames->functions[frames->frames[frame_id].source.function].module_id;
}

/* Whether a function, by an address in it, has a frame that is marked. */
static bool has_frame(const struct caller_search *search, struct tn_code *code, const bool *marks,
                      struct code_call inside)
{
    for (uint32_t id = 1; id < search->frames->frame_count; id++)
        if (marks[id] && module_of(search->frames, id) == inside.module_id &&
            tn_code_is_one_function(code, search->frames->frames[id].offset_bytes - 1, inside.address - 1))
            return true;
    return false;
}

/* Whether it is a call of the way itself. */
static bool is_way(const struct caller_search *search, struct code_call call)
{
    for (uint32_t id = 1; id < search->frames->frame_count; id++)
        if (search->is_on_way[id] && search->frames->frames[id].offset_bytes == call.address &&
            module_of(search->frames, id) == call.module_id)
            return true;
    return false;
}

static bool visit(struct caller_search *search, struct tn_code *code, struct code_call inside)
{
    for (size_t i = 0; i < search->visited_count; i++)
        if (search->visited[i].module_id == inside.module_id &&
            tn_code_is_one_function(code, search->visited[i].address - 1, inside.address - 1))
            return false;
    if (search->visited_count == VISITED_MAX)
        return false;
    search->visited[search->visited_count++] = inside;
    return true;
}

/* Whether a call that leads to the release is passed while the program runs. *ret_is_further: that is its
 * callers' to say. */
static int judge(const struct caller_search *search, struct tn_code *code, struct code_call call,
                 bool *ret_runs, bool *ret_is_further)
{
    *ret_runs = *ret_is_further = false;
    if (is_way(search, call))
        return 0;
    if (has_frame(search, code, search->is_on_way, call)) {
        int r = tn_code_follows(code, call.address, call.address);
        *ret_runs = r == 1;
        return r < 0 ? r : 0;
    }
    /* whoever makes the blocks releases them where he cannot make all */
    if (has_frame(search, code, search->makes, call))
        return 0;
    *ret_runs = has_frame(search, code, search->has_run, call);
    *ret_is_further = !*ret_runs;
    return 0;
}

/* Search outwards from a function, by breadth: the nearest call is told. */
static int search_from(struct caller_search *search, struct tn_code *code, struct code_call inside)
{
    size_t first = search->visited_count, end = first;
    if (!visit(search, code, inside))
        return 0;
    for (unsigned step = 0; step < STEPS_MAX && search->found.module_id == 0; step++) {
        first = end;
        end = search->visited_count;
        for (size_t i = first; i < end && search->found.module_id == 0; i++) {
            uint64_t calls[CALLERS_MAX];
            size_t count;
            /* whoever calls what never returns has the program end, too */
            if (tn_code_never_returns(code, search->visited[i].address - 1))
                continue;
            int r = tn_code_callers(code, search->visited[i].address - 1, calls, CALLERS_MAX, &count);
            for (size_t k = 0; k < count && r == 0 && search->found.module_id == 0; k++) {
                struct code_call call = {inside.module_id, calls[k]};
                bool runs, is_further;
                r = judge(search, code, call, &runs, &is_further);
                if (runs)
                    search->found = call;
                else if (is_further)
                    visit(search, code, call);
            }
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Search from each function of the way to a release, from the line that is told outwards. */
static int search_way(struct caller_search *search, uint32_t node)
{
    int r = 0;
    for (; node != 0 && r == 0 && search->found.module_id == 0; node = search->pass->nodes[node].caller_id) {
        uint32_t frame_id = search->pass->nodes[node].frame_id;
        struct tn_code *code = NULL;
        if (frame_id >= search->frames->frame_count || search->frames->frames[frame_id].is_runtime)
            continue;
        struct code_call inside = {module_of(search->frames, frame_id),
                                   search->frames->frames[frame_id].offset_bytes};
        r = tn_code_files_find(search->pass->code_files, search->pass, inside.module_id, &code);
        if (r == 0 && code != NULL)
            r = search_from(search, code, inside);
    }
    return r;
}

static void mark(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t node,
                 bool *marks)
{
    for (; node != 0; node = pass->nodes[node].caller_id)
        if (pass->nodes[node].frame_id < frames->frame_count)
            marks[pass->nodes[node].frame_id] = true;
}

/* Mark the calls by which a site asks for its blocks. */
static void mark_makers(const struct caller_search *search, uint32_t site,
                        const struct tn_finding_site *names)
{
    const struct tn_pass *pass = search->pass;
    for (uint32_t id = 1; id < pass->node_count; id++) {
        struct tn_source_cursor inside;
        if (pass->nodes[id].function == 0 || pass->nodes[id].site != site)
            continue;
        uint32_t node = tn_source_cursor_find_site(search->frames, pass, names, id, &inside).node;
        if (pass->nodes[node].frame_id < search->frames->frame_count)
            search->makes[pass->nodes[node].frame_id] = true;
    }
}

/* The releases of a site that are looked at, marked or searched. */
static int each_release(struct caller_search *search, const struct tn_release_sites *sites, uint32_t site,
                        bool is_marking)
{
    const struct tn_release_count *counts;
    size_t count, seen = 0;
    int r = tn_releases_find(search->pass, site, &counts, &count);
    for (size_t i = 0; i < count && r == 0 && seen < RELEASES_MAX; i++) {
        struct tn_release_place place;
        uint32_t stack_id = counts[i].stack_id;
        if (counts[i].is_resize || counts[i].count == 0 || stack_id == 0 ||
            !tn_release_stack_is_known(search->pass, search->frames, stack_id))
            continue;
        seen++;
        if (is_marking) {
            mark(search->pass, search->frames, stack_id, search->is_on_way);
            continue;
        }
        r = tn_release_place_find(search->pass, sites, stack_id, (struct tn_release_range){0}, &place);
        /* a function that releases blocks of others, too, has callers that have nothing to do with these */
        uint32_t from = r == 0 ? place.at.node : 0;
        if (from != 0 && place.other_count != 0)
            from = search->pass->nodes[from].caller_id;
        if (r == 0)
            r = search_way(search, from);
    }
    return r;
}

int tn_release_earlier_call(const struct tn_pass *pass, const struct tn_release_sites *sites,
                            const struct tn_finding_site *names, struct tn_finding_line *ret_line,
                            bool *ret_has)
{
    struct caller_search search = {.pass = pass};
    *ret_has = false;
    int r = tn_pass_frames(pass, &search.frames);
    if (r < 0)
        return r;
    search.has_run = calloc(search.frames->frame_count + 1, sizeof(bool));
    search.is_on_way = calloc(search.frames->frame_count + 1, sizeof(bool));
    search.makes = calloc(search.frames->frame_count + 1, sizeof(bool));
    if (search.has_run == NULL || search.is_on_way == NULL || search.makes == NULL)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < sites->own_count; i++)
        mark_makers(&search, sites->items[i], &names[i]);
    for (uint32_t node = 1; r == 0 && node < pass->node_count; node++)
        if (pass->nodes[node].function != 0)
            mark(pass, search.frames, node, search.has_run);
    for (size_t i = 0; r == 0 && i < sites->own_count; i++)
        r = each_release(&search, sites, sites->items[i], true);
    for (size_t i = 0; r == 0 && i < sites->own_count && search.found.module_id == 0; i++)
        r = each_release(&search, sites, sites->items[i], false);
    free(search.has_run);
    free(search.is_on_way);
    free(search.makes);
    if (r < 0 || search.found.module_id == 0)
        return r;
    *ret_has = true;
    return tn_pass_code_line(pass, search.found.module_id, search.found.address, ret_line);
}
