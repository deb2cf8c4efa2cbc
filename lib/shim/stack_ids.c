/* SPDX-License-Identifier: MIT */

/* Announces new stacks: writes each into the control ring once, then gives its id to all threads. Called by
 * capture.c, when a stack's hash is in no table. */

#include "stack_ids.h"

#include "control_ring.h"
#include "sys.h"
#include "verify_stack.h"

#include "tenure/event_body.h"

#include <dlfcn.h>
#include <string.h>

#include "banned.h"

/* After this many stacks the table is emptied, which bounds it at 128 MiB, and the list of hashes at 32. Ids
 * keep rising; a stack that is announced again gets another id, and the recorder finds by its frames that it
 * is the same. */
#define STACK_COUNT_MAX TN_HASH_LIST_MAX

/* Write the frames of a stack as a STACK event has them. Frames of this library (one calls main) are left
 * out; their size is added to the next frame outward. Returns the words written. */
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

/* Write a stack's event, then put its id into the table: no thread can use the id before the event is
 * published. Under the control lock. */
static uint32_t publish(uint64_t hash, const uint64_t *frames, uint32_t frame_words, uint32_t frame_count,
                        bool is_cut)
{
    uint32_t id = tn_stack_find(hash);
    if (id != 0)
        return id;
    uint32_t pad;
    uint32_t words = TN_EVENT_STACK_WORDS + frame_words;
    uint64_t *event = tn_control_begin(words, &pad);
    if (event == NULL) {
        atomic_fetch_add_explicit(&tn_hot.header->stacks_lost, 1, memory_order_relaxed);
        return 0;
    }
    id = tn_hot.last_stack_id + 1;
    tn_event_put_stack(event, id, frames, frame_words, frame_count, is_cut);
    tn_control_end(pad + words);
    tn_hot.last_stack_id = id;
    if (id % STACK_COUNT_MAX == 0)
        tn_stacks_forget();
    tn_hash_list_put(&tn_hot.hashes, id, tn_stack_key(hash));
    return tn_id_table_put(&tn_hot.stacks, tn_stack_key(hash), id) == 0 ? id : 0;
}

uint32_t tn_stack_announce(struct tn_thread *thread, struct tn_trail *trail, const struct tn_caller *caller,
                           uint32_t depth, bool is_cut)
{
    /* The new frames have been copied to trail->kept: their room serves as scratch memory, and is larger than
     * any stack's event. */
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
