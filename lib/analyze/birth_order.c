/* SPDX-License-Identifier: MIT */
/* Whether one function may ask for the second of two blocks without the first: looks for a way to the second
 * call that does not make the first one. Asked when findings are stated. */
#include "tenure/birth_order.h"

#include "code_files.h"

#include "tenure/source_frames.h"
#include "tenure/symbol.h"

#include <string.h>

#define CALLS_MAX  512u /* of one function that are looked at */
#define COPIES_MAX 16u  /* of one call in the source, which a compiler may make several of */

/* A call as the programmer wrote it. */
struct source_call {
    char function[256];
    uint32_t line, column;
};

/* The function that is searched. */
struct one_function {
    struct tn_code *code;
    struct tn_symbol_file *symbols;
    uint64_t calls[CALLS_MAX];
    size_t call_count;
};

/* Its copies of one call. */
struct copies {
    uint64_t calls[COPIES_MAX];
    size_t count;
};

/* Where a site calls in the first of its births that is known; 0: not known. */
static uint32_t frame_of(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t site,
                         const struct tn_finding_site *names)
{
    for (uint32_t id = 1; id < pass->node_count; id++) {
        struct tn_source_cursor inside;
        if (pass->nodes[id].site != site || pass->nodes[id].function == 0)
            continue;
        uint32_t node = tn_source_cursor_find_site(frames, pass, names, id, &inside).node;
        uint32_t frame_id = node != 0 ? pass->nodes[node].frame_id : 0;
        if (frame_id != 0 && frame_id < frames->frame_count && !frames->frames[frame_id].is_tail_call)
            return frame_id;
    }
    return 0;
}

static uint32_t module_of(const struct tn_source_frames *frames, uint32_t frame_id)
{
    return frames->functions[frames->frames[frame_id].source.function].module_id;
}

static int look_up(struct tn_symbol_file *symbols, uint64_t call, struct source_call *ret_call)
{
    const struct tn_symbol_frame *found;
    unsigned count;
    int r = tn_symbol_look_up(symbols, call, &found, &count);
    *ret_call = (struct source_call){.line = 0};
    if (r < 0 || count == 0 || found[0].function == NULL ||
        strlen(found[0].function) >= sizeof(ret_call->function))
        return r;
    strcpy(ret_call->function, found[0].function);
    ret_call->line = found[0].line;
    ret_call->column = found[0].column;
    return 0;
}

/* The calls of the function that are the one at a frame in the source: where what is known differs, a
 * compiler makes one call of it for each case. */
static int find_copies(const struct one_function *function, uint64_t call, struct copies *ret_copies)
{
    struct source_call wanted, other;
    *ret_copies = (struct copies){.count = 0};
    int r = look_up(function->symbols, call, &wanted);
    for (size_t i = 0;
         i < function->call_count && r == 0 && wanted.line != 0 && ret_copies->count < COPIES_MAX; i++) {
        r = look_up(function->symbols, function->calls[i], &other);
        if (r == 0 && other.line == wanted.line && other.column == wanted.column &&
            strcmp(other.function, wanted.function) == 0)
            ret_copies->calls[ret_copies->count++] = function->calls[i];
    }
    return r;
}

/* Open the code around two calls. *ret_is_open: both stand in one function. */
static int open_function(const struct tn_pass *pass, const struct tn_source_frames *frames,
                         const uint32_t frame_ids[2], struct one_function *ret_function, bool *ret_is_open)
{
    uint32_t module_id = module_of(frames, frame_ids[0]);
    uint64_t inside = frames->frames[frame_ids[0]].offset_bytes - 1;
    *ret_is_open = false;
    if (module_of(frames, frame_ids[1]) != module_id ||
        tn_source_frames_get(frames, frame_ids[0], 0)->function !=
            tn_source_frames_get(frames, frame_ids[1], 0)->function)
        return 0;
    int r = tn_code_files_find(pass->code_files, pass, module_id, &ret_function->code);
    if (r == 0 && ret_function->code != NULL)
        r = tn_code_files_symbols(pass->code_files, pass, module_id, &ret_function->symbols);
    if (r < 0 || ret_function->code == NULL || ret_function->symbols == NULL ||
        !tn_code_is_one_function(ret_function->code, inside, frames->frames[frame_ids[1]].offset_bytes - 1))
        return r;
    ret_function->call_count = tn_code_calls_in(ret_function->code, inside, ret_function->calls, CALLS_MAX);
    *ret_is_open = ret_function->call_count < CALLS_MAX;
    return 0;
}

int tn_pass_comes_alone(const struct tn_pass *pass, const struct tn_birth_order_question *question,
                        bool *ret_has)
{
    const struct tn_source_frames *frames;
    struct one_function function = {.call_count = 0};
    struct copies firsts, seconds;
    uint32_t frame_ids[2] = {0, 0};
    bool is_open = false;
    *ret_has = false;
    int r = tn_pass_frames(pass, &frames);
    for (int i = 0; i < 2 && r == 0; i++)
        frame_ids[i] = frame_of(pass, frames, question->sites[i], question->names[i]);
    if (r == 0 && frame_ids[0] != 0 && frame_ids[1] != 0)
        r = open_function(pass, frames, frame_ids, &function, &is_open);
    if (r < 0 || !is_open)
        return r;
    r = find_copies(&function, frames->frames[frame_ids[0]].offset_bytes, &firsts);
    if (r == 0)
        r = find_copies(&function, frames->frames[frame_ids[1]].offset_bytes, &seconds);
    bool is_all = r == 0 && firsts.count != 0 && firsts.count < COPIES_MAX;
    for (size_t i = 0; is_all && i < seconds.count && r == 0; i++)
        r = tn_code_enters_without(function.code, seconds.calls[i], firsts.calls, firsts.count);
    *ret_has = r == 1;
    return r < 0 ? r : 0;
}
