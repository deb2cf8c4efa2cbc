/* SPDX-License-Identifier: MIT */

/* New stacks: written once into the control ring, and checked against libunwind where that is asked for. */

#include "shim.h"
#include "sys.h"

#include <dlfcn.h>
#include <string.h>

#include "banned.h"

/* When the table holds this many stacks it starts over; ids go on rising, and the recorder tells stacks by
 * their content. It bounds the table at 128 MiB. */
#define STACK_COUNT_MAX (UINT64_C(4) << 20)

static bool is_ours(uintptr_t pc)
{
    return pc - tn_process.text_low < tn_process.text_high - tn_process.text_low;
}

/* Write a walk's frames. Frames of this library (main is called by one) are left out; their size goes to the
 * next frame out. Returns the words written. */
static uint32_t write_frames(uint64_t *to, struct tn_thread *thread, const struct tn_caller *caller,
                             uint32_t depth, uint32_t *ret_frames)
{
    struct tn_walk walk;
    uint64_t skipped_bytes = 0;
    uint32_t words = 0;
    uint32_t frames = 0;
    bool is_more = true;
    tn_walk_begin(&walk, thread, caller);
    while (is_more && walk.depth < depth) {
        uintptr_t pc = walk.at.pc;
        uint64_t bytes;
        is_more = tn_walk_step(&walk, thread, &bytes);
        bytes += skipped_bytes;
        skipped_bytes = is_ours(pc) ? bytes : 0;
        if (is_ours(pc))
            continue;
        to[words] = tn_frame_pack(pc, bytes);
        if (tn_frame_is_escaped(to[words]))
            to[++words] = bytes;
        words++;
        frames++;
    }
    *ret_frames = frames;
    return words;
}

/* Tell a stack to the recorder, then to the other threads: its event is committed before its id can be seen.
 * Under the control lock. */
static uint32_t publish(uint64_t hash, const uint64_t *frames, uint32_t frame_words, uint64_t count_and_cut)
{
    uint32_t id = tn_stack_find(hash);
    if (id != 0)
        return id;
    uint32_t pad;
    uint32_t words = TN_EVENT_STACK_WORDS + frame_words;
    uint64_t *event = tn_control_begin(words, &pad);
    if (event == NULL)
        return 0;
    id = tn_hot.last_stack_id + 1;
    event[0] = tn_event_head(TN_EVENT_STACK, words, TN_FUNCTION_NONE, 0, id);
    event[1] = tn_ticks();
    event[2] = count_and_cut;
    memcpy(event + TN_EVENT_STACK_WORDS, frames, frame_words * sizeof(*frames));
    tn_control_end(pad + words);
    tn_hot.last_stack_id = id;
    if (id % STACK_COUNT_MAX == 0)
        tn_table_forget(&tn_hot.stacks);
    return tn_table_put(&tn_hot.stacks, hash, id) == 0 ? id : 0;
}

uint32_t tn_stack_announce(struct tn_thread *thread, const struct tn_caller *caller,
                           const struct tn_walk *walk)
{
    /* A buffer of the thread's own: the second walk may have to learn a rule again, which announces modules
     * in the same ring. */
    if (thread->frames == NULL)
        thread->frames = tn_map_pages(tn_frames_bytes());
    if (thread->frames == NULL)
        return 0;
    uint32_t frame_count = 0;
    uint32_t words = write_frames(thread->frames, thread, caller, walk->depth, &frame_count);
    uint32_t id = 0;
    if (tn_lock_take(&tn_control_lock)) {
        id = publish(walk->hash, thread->frames, words, frame_count | (walk->is_cut ? TN_STACK_CUT : 0));
        tn_lock_drop(&tn_control_lock);
    }
    if (tn_process.options.check_stacks != 0)
        tn_check_stack(thread, caller, frame_count, walk->is_cut);
    return id;
}
