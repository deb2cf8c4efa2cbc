/* SPDX-License-Identifier: MIT */
/* Which calls of the functions between a site and an owner the recording has not seen. Asked when findings
 * are stated. */
#include "tenure/other_caller.h"

#include "code_files.h"

#include "tenure/source_frames.h"
#include "tenure/stored_address.h"

#include <stddef.h>

#define CALLERS_MAX 64u /* of one function that are looked at */
#define WAY_MAX     64u /* return addresses between site and owner that are looked at */

/* The return addresses between site and owner, each once, those in the owner last. */
struct way {
    const struct tn_pass *pass;
    const struct tn_source_frames *frames;
    uint32_t frame_ids[WAY_MAX]; /* rows of `frame` */
    bool is_owner[WAY_MAX];
    size_t count;
};

static void add(struct way *way, uint32_t frame_id, bool is_owner)
{
    for (size_t i = 0; i < way->count; i++)
        if (way->frame_ids[i] == frame_id)
            return;
    if (way->count == WAY_MAX)
        return;
    way->is_owner[way->count] = is_owner;
    way->frame_ids[way->count++] = frame_id;
}

static bool holds_function(const struct way *way, uint32_t frame_id, uint32_t function)
{
    for (uint32_t i = 0; i < tn_source_frames_count(way->frames, frame_id); i++)
        if (tn_source_frames_get(way->frames, frame_id, i)->function == function)
            return true;
    return false;
}

static void add_stack(struct way *way, const struct tn_other_caller_question *question, uint32_t stack_id)
{
    struct tn_source_cursor inside;
    uint32_t node =
        tn_source_cursor_find_site(way->frames, way->pass, question->names, stack_id, &inside).node;
    for (; node != 0; node = way->pass->nodes[node].caller_id) {
        uint32_t frame_id = way->pass->nodes[node].frame_id;
        if (frame_id >= way->frames->frame_count)
            return;
        bool is_owner = holds_function(way, frame_id, question->owner);
        add(way, frame_id, is_owner);
        if (is_owner)
            return;
    }
}

static uint32_t module_of(const struct way *way, uint32_t frame_id)
{
    return way->frames->functions[way->frames->frames[frame_id].source.function].module_id;
}

/* Behind a function's last instruction, a jump or a call that does not return, the next one begins. */
static uint64_t inside_of(const struct way *way, uint32_t frame_id)
{
    return way->frames->frames[frame_id].offset_bytes - 1;
}

static bool is_on_way(const struct way *way, struct tn_code *code, uint32_t module_id, uint64_t address)
{
    for (size_t i = 0; i < way->count; i++)
        if (module_of(way, way->frame_ids[i]) == module_id &&
            tn_code_is_one_function(code, inside_of(way, way->frame_ids[i]), address))
            return true;
    return false;
}

/* A caller of one function of the way that is not on it; 0: none. */
static int find_call(const struct way *way, uint32_t frame_id, uint64_t *ret_call)
{
    struct tn_code *code = NULL;
    uint64_t calls[CALLERS_MAX];
    size_t count = 0;
    uint32_t module_id = module_of(way, frame_id);
    *ret_call = 0;
    int r = tn_code_files_find(way->pass->code_files, way->pass, module_id, &code);
    if (r < 0 || code == NULL)
        return r;
    r = tn_code_callers(code, inside_of(way, frame_id), calls, CALLERS_MAX, &count);
    for (size_t i = 0; i < count && r == 0 && *ret_call == 0; i++)
        if (!is_on_way(way, code, module_id, calls[i] - 1))
            *ret_call = calls[i];
    return r;
}

int tn_pass_other_caller(const struct tn_pass *pass, const struct tn_other_caller_question *question,
                         uint32_t *ret_function, struct tn_finding_line *ret_line, bool *ret_has)
{
    struct way way = {.pass = pass};
    *ret_has = false;
    int r = tn_pass_frames(pass, &way.frames);
    for (size_t i = 0; i < question->stack_count && r == 0; i++)
        add_stack(&way, question, question->stacks[i]);
    for (size_t i = 0; i < way.count && r == 0; i++) {
        uint64_t call = 0;
        if (!way.is_owner[i] && !way.frames->frames[way.frame_ids[i]].is_runtime)
            r = find_call(&way, way.frame_ids[i], &call);
        if (call == 0)
            continue;
        *ret_function = way.frame_ids[i];
        r = tn_pass_code_line(pass, module_of(&way, way.frame_ids[i]), call, ret_line);
        *ret_has = r == 0;
        return r;
    }
    return r;
}
