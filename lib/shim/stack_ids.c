/* SPDX-License-Identifier: MIT */

/* New stacks: written once into the control ring, and checked against libunwind where that is asked for. */

#include "stack_ids.h"

#include "control_ring.h"
#include "sys.h"
#include "verify_stack.h"

#include "tenure/event_body.h"

#include <dlfcn.h>
#include <string.h>

#include "banned.h"

/* When the table holds this many stacks it starts over; ids go on rising, and the recorder tells stacks by
 * their content. It bounds the table at 128 MiB. */
#define STACK_COUNT_MAX (UINT64_C(4) << 20)

/* Write the frames of a stack as an event has them. Frames of this library (main is called by one) are left
 * out; their size goes to the next frame out. Returns the words written. */
static uint32_t write_frames(uint64_t *to, const struct tn_trail_frame *kept, uint32_t depth,
                             uint32_t *ret_frames)
{
    uint64_t skipped_bytes = 0;
    uint32_t words = 0;
    uint32_t frames = 0;
    for (uint32_t i = depth; i > 0; i--) {
        const struct tn_trail_frame *frame = &kept[i - 1];
        uint64_t bytes = (i > 1 ? frame[-1].at.cfa - frame->at.cfa : 0) + skipped_bytes;
        skipped_bytes = tn_is_own_code(frame->at.pc) ? bytes : 0;
        if (tn_is_own_code(frame->at.pc))
            continue;
        words += tn_frame_put(to + words, frame->at.pc, bytes);
        frames++;
    }
    *ret_frames = frames;
    return words;
}

/* Tell a stack to the recorder, then to the other threads: its event is committed before its id can be seen.
 * Under the control lock. */
static uint32_t publish(uint64_t hash, const uint64_t *frames, uint32_t frame_words, uint32_t frame_count,
                        bool is_cut)
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
    tn_event_put_stack(event, id, frames, frame_words, frame_count, is_cut);
    tn_control_end(pad + words);
    tn_hot.last_stack_id = id;
    if (id % STACK_COUNT_MAX == 0)
        tn_id_table_forget(&tn_hot.stacks);
    return tn_id_table_put(&tn_hot.stacks, tn_stack_key(hash), id) == 0 ? id : 0;
}

uint32_t tn_stack_announce(struct tn_thread *thread, struct tn_trail *trail, const struct tn_caller *caller,
                           uint32_t depth, bool is_cut)
{
    /* What was new has been kept: its place serves as scratch memory, and is larger than any stack's event.
     */
    uint64_t *frames = (uint64_t *)trail->fresh;
    uint32_t frame_count = 0;
    uint32_t words = write_frames(frames, trail->kept, depth, &frame_count);
    uint32_t id = 0;
    if (tn_lock_take(&tn_control_lock)) {
        id = publish(trail->kept[depth - 1].hash, frames, words, frame_count, is_cut);
        tn_lock_drop(&tn_control_lock);
    }
    if (tn_shim_process.options.check_stacks != 0)
        tn_verify_stack(thread, caller, frames, frame_count, is_cut);
    return id;
}
