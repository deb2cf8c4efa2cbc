/* SPDX-License-Identifier: MIT */
/* Interns the stacks that the shim describes as nodes of the log's trie. The outer frames that a stack
 * shares with the one before keep their nodes; only what differs is interned. Called by control.c. */
#include "stacks.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <stdlib.h>

static int reserve(struct tn_stacks *stacks, uint32_t count)
{
    if (count <= stacks->capacity)
        return 0;
    uint32_t capacity = count + count / 2 + 64;
    struct tn_stacks_frame *last = realloc(stacks->last, capacity * sizeof(last[0]));
    if (last == NULL)
        return -ENOMEM;
    stacks->last = last;
    stacks->capacity = capacity;
    return 0;
}

static int intern_node(struct tn_log_writer *writer, const struct tn_mappings *mappings,
                       struct tn_stacks_frame *frame, uint64_t caller_id, bool is_cut)
{
    const struct tn_mapping *mapping = tn_mappings_find(mappings, frame->pc - 1);
    uint64_t module_id = mapping != NULL ? mapping->module_id : 0;
    uint64_t bias = mapping != NULL ? mapping->bias : 0;
    uint64_t frame_id;
    int r = tn_log_intern_frame(writer, module_id, frame->pc - bias, &frame_id);
    if (r < 0)
        return r;
    return tn_log_intern_stack(writer, frame_id, caller_id, frame->frame_bytes, is_cut, &frame->node_id);
}

/* Put the frame at `at` (0 = outermost). Frames below `*same` equal those of the last stack and keep their
 * nodes.
 */
static void put_frame(struct tn_stacks *stacks, uint32_t at, uint32_t *same, uint64_t pc,
                      uint64_t frame_bytes)
{
    struct tn_stacks_frame *frame = &stacks->last[at];
    bool is_same = at == *same && at < stacks->count && frame->pc == pc && frame->frame_bytes == frame_bytes;
    if (is_same) {
        (*same)++;
        return;
    }
    *frame = (struct tn_stacks_frame){.pc = pc, .frame_bytes = frame_bytes};
}

/* Find where each frame's words start, so that frames can be taken from the outermost inwards. */
static int find_frames(const uint64_t *event, uint32_t words, uint32_t count, uint32_t *starts)
{
    uint32_t at = TN_EVENT_STACK_WORDS;
    for (uint32_t i = 0; i < count; i++) {
        if (at >= words)
            return -EBADMSG;
        starts[i] = at;
        at += tn_frame_words(event[at]);
    }
    return at <= words ? 0 : -EBADMSG;
}

static int intern_frames(struct tn_stacks *stacks, struct tn_log_writer *writer,
                         const struct tn_mappings *mappings, uint32_t same, uint32_t count)
{
    uint64_t caller_id = same != 0 ? stacks->last[same - 1].node_id : 0;
    for (uint32_t at = same; at < count; at++) {
        int r = intern_node(writer, mappings, &stacks->last[at], caller_id, at == 0 && stacks->is_cut);
        if (r < 0)
            return r;
        caller_id = stacks->last[at].node_id;
    }
    return 0;
}

int tn_stacks_intern(struct tn_stacks *stacks, struct tn_log_writer *writer,
                     const struct tn_mappings *mappings, const uint64_t *event, uint32_t words,
                     uint64_t *ret_row)
{
    uint32_t starts[TN_EVENT_WORDS_MAX];
    uint32_t count;
    bool is_cut;
    if (!tn_event_get_stack(event, words, &count, &is_cut))
        return -EBADMSG;
    if (count > TN_EVENT_WORDS_MAX || find_frames(event, words, count, starts) < 0)
        return -EBADMSG;
    int r = reserve(stacks, count);
    if (r < 0)
        return r;
    uint32_t same = 0;
    if (is_cut != stacks->is_cut)
        stacks->count = 0;
    stacks->is_cut = is_cut;
    for (uint32_t at = 0; at < count; at++) {
        struct tn_event_frame frame = tn_frame_get(event + starts[count - 1 - at]);
        put_frame(stacks, at, &same, frame.pc, frame.frame_bytes);
    }
    r = intern_frames(stacks, writer, mappings, same, count);
    stacks->count = r == 0 ? count : 0;
    if (r == 0)
        *ret_row = count != 0 ? stacks->last[count - 1].node_id : 0;
    return r;
}

void tn_stacks_reset(struct tn_stacks *stacks)
{
    stacks->count = 0;
}

void tn_stacks_finish(struct tn_stacks *stacks)
{
    free(stacks->last);
    *stacks = (struct tn_stacks){0};
}
