/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_SOURCE_H
#define TN_RECORD_SOURCE_H

/* Where the events of one process come from. The recorder knows rings in shared memory (ring_source.h);
 * whatever else can say up to which time its events are complete, a raw stream for instance, is another
 * source. The calls stand at steps of a round and at the ends of contiguous words: nothing is called for each
 * event. One thread. */

#include "tenure/ring.h"

#include <stdbool.h>
#include <stdint.h>

struct tn_source;
struct tn_stream;

/* What a source gets an event of the control ring with: a stack, a module, a mark. The event is in memory
 * that nobody changes. Returns 0; -EBADMSG: malformed; other negative errno: the recording cannot go on. */
typedef int (*tn_source_take)(void *context, const uint64_t *event, uint32_t words);

/* How the last step of a round is done. */
struct tn_reclaim {
    uint64_t budget_words; /* limit for what is moved into queues, over all processes */
    bool is_thorough;      /* look at every thread, not only at those that said they end */
};

/* Of one kind of source. */
struct tn_source_calls {
    /* Tell the other side that it is recorded. */
    void (*welcome)(struct tn_source *source);
    /* Tell the other side what to leave out from now on.
     * awaited_mark: tn_mark_hash of the mark with which the pause ends; 0: none */
    void (*pause)(struct tn_source *source, enum tn_pause pause, uint64_t awaited_mark);
    /* First step of a round: find the streams that may hold events, and lower low_ticks to the smallest mark
     * of an event that is being written. now_ticks: the time, read before this call. */
    void (*read_marks)(struct tn_source *source, uint64_t now_ticks, uint64_t *low_ticks);
    /* Second step: note up to where each stream can be read. */
    void (*read_heads)(struct tn_source *source);
    /* Third step: hand over stacks, modules and marks up to now. Every event below a noted head finds its
     * own. Returns 0, or what take returned, but not -EBADMSG: a malformed event is counted and ends the
     * reading. */
    int (*read_control)(struct tn_source *source, tn_source_take take, void *context);
    /* Last step: give room back, move events that must wait elsewhere, part with threads that are gone.
     * Returns 0 or the writer's error. */
    int (*reclaim)(struct tn_source *source, const struct tn_reclaim *how);
    /* Add what was counted on the other side to the totals: losses, checked stacks. Once a second, and last.
     */
    void (*settle)(struct tn_source *source);
    /* End the rows of the threads. is_running: they go on, unrecorded. Returns 0 or the writer's error. */
    int (*end_threads)(struct tn_source *source, uint64_t end_ns, bool is_running);
    /* Tell the other side that recording is over. What it loses from here on is not counted. */
    void (*refuse)(struct tn_source *source);
    /* Whether the other side asks for the end of the recording. */
    bool (*is_leaving)(const struct tn_source *source);
    /* Whether an exec is under way on the other side, or has succeeded. name: TN_EXEC_NAME_BYTES, of what is
     * executed; written when it is. */
    bool (*is_executing)(const struct tn_source *source, char *name);
    /* A number that changes with each event. */
    uint64_t (*activity)(const struct tn_source *source);
    /* Events lost that are not in the totals yet. */
    uint64_t (*lost_count)(const struct tn_source *source);
    /* Release everything. */
    void (*close)(struct tn_source *source);
};

/* Stands at the beginning of a source of any kind. Written by the source, unless said otherwise. */
struct tn_source {
    const struct tn_source_calls *calls;
    struct tn_stream **streams; /* owned by the source; those that may hold events, in no order */
    uint32_t stream_count;      /* in streams */
    bool has_ended;             /* by its process: nothing is added any more, what is there is still read */
};

/* Of one kind of stream. */
struct tn_stream_calls {
    /* Give next and end the next contiguous words. False: nothing is left up to the noted head. */
    bool (*next_span)(struct tn_stream *stream);
    /* Let what was read up to the stream's position be used again. */
    void (*release)(struct tn_stream *stream);
    /* The kernel's id of the thread that writes, and TN_RING_TID_NESTED or not; 0 if it is not known. */
    uint32_t (*owner_tid)(const struct tn_stream *stream);
};

#endif
