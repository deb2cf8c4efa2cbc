/* SPDX-License-Identifier: MIT */
/* Rows of threads, and the events of a ring that concern the thread and not a block: begin, end, losses,
 * functions left. Called by match.c and process.c. */
#include "thread_rows.h"

#include "matcher.h"

#include "tenure/event_body.h"

#include <errno.h>

/* More than a thread can lose between two LOSS events. The sum of many stays below 64 bits. */
#define LOSS_COUNT_MAX (UINT64_C(1) << 40)

static void note_begun(struct tn_stream *stream)
{
    stream->matcher->stream_count += !stream->is_begun;
    stream->is_begun = true;
}

static int add_thread(struct tn_stream *stream, uint32_t tid, const char *name, uint64_t stack_size_bytes)
{
    struct tn_matcher *matcher = stream->matcher;
    struct tn_log_thread thread = {
        .process_id = matcher->process_id,
        .tid = tid,
        .name = name,
        .stack_size_bytes = stack_size_bytes,
        .start_ns = tn_clock_ns(matcher->clock, stream->stamp),
    };
    matcher->totals->threads++;
    stream->is_over = false;
    note_begun(stream);
    return tn_log_add_thread(matcher->writer, &thread, &stream->thread_id);
}

/* The ring of a thread's nested calls takes the row of that thread's own, which ends the row. False: it is no
 * such ring, or the other one has no row. */
static bool share_row(struct tn_stream *stream)
{
    uint32_t tid = stream->calls->owner_tid(stream);
    if ((tid & TN_RING_TID_NESTED) == 0 || stream->source == NULL)
        return false;
    for (uint32_t i = 0; i < stream->source->stream_count; i++) {
        const struct tn_stream *other = stream->source->streams[i];
        if (other->thread_id == 0 || other->calls->owner_tid(other) != (tid & ~TN_RING_TID_NESTED))
            continue;
        stream->thread_id = other->thread_id;
        stream->is_over = true;
        note_begun(stream);
        return true;
    }
    return false;
}

int tn_thread_add_unannounced(struct tn_stream *stream)
{
    uint32_t tid = stream->calls->owner_tid(stream) & ~TN_RING_TID_NESTED;
    return share_row(stream) ? 0 : add_thread(stream, tid, "", 0);
}

static int thread_begin(struct tn_stream *stream)
{
    struct tn_event_thread thread;
    if (!tn_event_get_thread(stream->next, stream->words, &thread))
        return -EBADMSG;
    uint64_t start_ns = tn_clock_ns(stream->matcher->clock, stream->stamp);
    int r = tn_thread_end(stream, start_ns);
    if (r < 0)
        return r;
    return share_row(stream) ? 0 : add_thread(stream, thread.tid, thread.name, thread.stack_size_bytes);
}

/* One event has one reason. A count that no thread can have made is a program's scribble. */
static int loss(struct tn_stream *stream)
{
    struct tn_totals *totals = stream->matcher->totals;
    uint64_t count;
    if (!tn_event_get_loss(stream->next, stream->words, &count))
        return -EBADMSG;
    if (count > LOSS_COUNT_MAX)
        count = LOSS_COUNT_MAX;
    uint32_t why = tn_event_flags_of(stream->head);
    stream->reported_lost_count += count;
    stream->lost_count += count;
    totals->lost[TN_LOSS_BIT(why != 0 ? why : TN_LOSS_RING_FULL)] += count;
    return 0;
}

/* Leaving a function leaves all that it called, so the smallest depth stands for all. */
static int leave(struct tn_stream *stream)
{
    uint32_t depth_bytes;
    if (!tn_event_get_leave(stream->next, stream->words, &depth_bytes))
        return -EBADMSG;
    if (stream->left_depth_bytes == 0 || depth_bytes < stream->left_depth_bytes)
        stream->left_depth_bytes = depth_bytes != 0 ? depth_bytes : 1;
    return 0;
}

int tn_thread_apply(struct tn_stream *stream)
{
    switch (tn_event_kind_of(stream->head)) {
    case TN_EVENT_THREAD_BEGIN:
        return thread_begin(stream);
    case TN_EVENT_THREAD_END:
        stream->is_over = true;
        return tn_log_end_thread(stream->matcher->writer, stream->thread_id,
                                 tn_clock_ns(stream->matcher->clock, stream->stamp));
    case TN_EVENT_LOSS:
        return loss(stream);
    case TN_EVENT_LEAVE:
        return leave(stream);
    default:
        return 0;
    }
}

/* What was lost goes to its row, also after the THREAD_END: threads allocate until they are gone. */
int tn_thread_end(struct tn_stream *stream, uint64_t end_ns)
{
    uint64_t thread_id = stream->thread_id;
    struct tn_log_writer *writer = stream->matcher->writer;
    stream->thread_id = 0;
    if (thread_id == 0)
        return 0;
    int r = stream->lost_count != 0 ? tn_log_lose_events(writer, thread_id, stream->lost_count) : 0;
    stream->lost_count = 0;
    if (r < 0 || stream->is_over)
        return r;
    return tn_log_end_thread(writer, thread_id, end_ns);
}
