/* SPDX-License-Identifier: MIT */
#include "intern.h"

#include "tenure/event.h"

#include <errno.h>
#include <stdlib.h>

static int reserve(struct tn_intern *intern, uint32_t count)
{
    if (count <= intern->capacity)
        return 0;
    uint32_t capacity = count + count / 2 + 64;
    struct tn_intern_frame *last = realloc(intern->last, capacity * sizeof(last[0]));
    if (last == NULL)
        return -ENOMEM;
    intern->last = last;
    intern->capacity = capacity;
    return 0;
}

static int intern_node(struct tn_log_writer *writer, const struct tn_modules *modules,
                       struct tn_intern_frame *frame, uint64_t caller_id, bool is_cut)
{
    const struct tn_mapped *mapped = tn_modules_find(modules, frame->pc - 1);
    uint64_t module_id = mapped != NULL ? mapped->module_id : 0;
    uint64_t bias = mapped != NULL ? mapped->bias : 0;
    uint64_t frame_id;
    int r = tn_log_intern_frame(writer, module_id, frame->pc - bias, &frame_id);
    if (r < 0)
        return r;
    return tn_log_intern_stack(writer, frame_id, caller_id, frame->frame_bytes, is_cut, &frame->node_id);
}

/* Put the frame at `at` (0 = outermost). Frames below `*same` are those of the last stack, with their nodes.
 */
static void put_frame(struct tn_intern *intern, uint32_t at, uint32_t *same, uint64_t pc,
                      uint64_t frame_bytes)
{
    struct tn_intern_frame *frame = &intern->last[at];
    bool is_same = at == *same && at < intern->count && frame->pc == pc && frame->frame_bytes == frame_bytes;
    if (is_same) {
        (*same)++;
        return;
    }
    *frame = (struct tn_intern_frame){.pc = pc, .frame_bytes = frame_bytes};
}

/* Where each frame's word stands, so that the frames can be taken from the outermost on. */
static int find_frames(const uint64_t *event, uint32_t words, uint32_t count, uint32_t *starts)
{
    uint32_t at = TN_EVENT_STACK_WORDS;
    for (uint32_t i = 0; i < count; i++) {
        if (at >= words)
            return -EBADMSG;
        starts[i] = at;
        at += tn_frame_is_escaped(event[at]) ? 2 : 1;
    }
    return at <= words ? 0 : -EBADMSG;
}

static int intern_frames(struct tn_intern *intern, struct tn_log_writer *writer,
                         const struct tn_modules *modules, uint32_t same, uint32_t count)
{
    uint64_t caller_id = same != 0 ? intern->last[same - 1].node_id : 0;
    for (uint32_t at = same; at < count; at++) {
        int r = intern_node(writer, modules, &intern->last[at], caller_id, at == 0 && intern->is_cut);
        if (r < 0)
            return r;
        caller_id = intern->last[at].node_id;
    }
    return 0;
}

int tn_intern_stack(struct tn_intern *intern, struct tn_log_writer *writer, const struct tn_modules *modules,
                    const uint64_t *event, uint32_t words, uint64_t *ret_row)
{
    uint32_t starts[TN_EVENT_WORDS_MAX];
    uint32_t count = words >= TN_EVENT_STACK_WORDS ? (uint32_t)event[2] : UINT32_MAX;
    if (count > TN_EVENT_WORDS_MAX || find_frames(event, words, count, starts) < 0)
        return -EBADMSG;
    int r = reserve(intern, count);
    if (r < 0)
        return r;
    bool is_cut = (event[2] & TN_STACK_CUT) != 0;
    uint32_t same = 0;
    if (is_cut != intern->is_cut)
        intern->count = 0;
    intern->is_cut = is_cut;
    for (uint32_t at = 0; at < count; at++) {
        const uint64_t *frame = event + starts[count - 1 - at];
        bool is_escaped = tn_frame_is_escaped(frame[0]);
        put_frame(intern, at, &same, frame[0] & TN_ADDRESS_MASK,
                  is_escaped ? frame[1] : (frame[0] >> 48) * 8);
    }
    r = intern_frames(intern, writer, modules, same, count);
    intern->count = r == 0 ? count : 0;
    if (r == 0)
        *ret_row = count != 0 ? intern->last[count - 1].node_id : 0;
    return r;
}

void tn_intern_forget(struct tn_intern *intern)
{
    intern->count = 0;
}

void tn_intern_finish(struct tn_intern *intern)
{
    free(intern->last);
    *intern = (struct tn_intern){0};
}
