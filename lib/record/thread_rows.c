/* SPDX-License-Identifier: MIT */
/* Rows of threads, and the events of a ring that concern the thread and not a block: begin, end, losses,
 * functions left. Called by match.c and process.c. */
#include "thread_rows.h"

#include "matcher.h"

#include "tenure/event_body.h"

#include <errno.h>

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
    if (!stream->is_begun) {
        stream->is_begun = true;
        matcher->stream_count++;
    }
    return tn_log_add_thread(matcher->writer, &thread, &stream->thread_id);
}

int tn_thread_add_unannounced(struct tn_stream *stream)
{
    uint32_t tid = atomic_load_explicit(&stream->ring->tid, memory_order_relaxed);
    return add_thread(stream, tid, "", 0);
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
    return add_thread(stream, thread.tid, thread.name, thread.stack_size_bytes);
}

static int loss(struct tn_stream *stream)
{
    struct tn_totals *totals = stream->matcher->totals;
    uint64_t count;
    if (!tn_event_get_loss(stream->next, stream->words, &count))
        return -EBADMSG;
    uint32_t flags = tn_event_flags_of(stream->head);
    stream->reported_lost_count += count;
    if ((flags & TN_LOSS_NESTED) != 0)
        totals->lost_nested += count;
    else if ((flags & TN_LOSS_NO_SLOT) != 0)
        totals->lost_no_slot += count;
    else if ((flags & TN_LOSS_EARLY) != 0)
        totals->lost_early += count;
    else
        totals->lost_ring += count;
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

int tn_thread_end(struct tn_stream *stream, uint64_t end_ns)
{
    uint64_t thread_id = stream->thread_id;
    stream->thread_id = 0;
    if (thread_id == 0 || stream->is_over)
        return 0;
    return tn_log_end_thread(stream->matcher->writer, thread_id, end_ns);
}
