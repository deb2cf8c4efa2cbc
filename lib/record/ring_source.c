/* SPDX-License-Identifier: MIT */
/* The rings of one process as a source of events: lists the slots in use, reads marks, heads and the control
 * ring, moves events out of rings that fill up. The memory is the program's and not trusted. Called by
 * process.c through the calls at the end. */
#include "ring_source.h"

#include "thread_rows.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A mark this old belongs to a thread that is stopped, or that died while writing. Waiting for it would hold
 * up all others; its event, if it comes, is late. */
#define MARK_STALE_NS UINT64_C(1000000000)

/* So many slots without an owner are looked at in every round; if there are more, only when the program says
 * that it has taken one. */
#define UNLISTED_FEW 64u

/* ---------------------------------------------------------------------------------------- slots */

static int reserve_slots(struct tn_rings *rings, uint32_t bound)
{
    if (bound <= rings->slot_capacity)
        return 0;
    uint32_t capacity = bound + bound / 2 + 6;
    struct tn_slot *slots = realloc(rings->slots, capacity * sizeof(slots[0]));
    if (slots == NULL)
        return -ENOMEM;
    rings->slots = slots;
    uint32_t *unlisted = realloc(rings->unlisted, capacity * sizeof(unlisted[0]));
    if (unlisted == NULL)
        return -ENOMEM;
    rings->unlisted = unlisted;
    struct tn_stream **streams = realloc(rings->source.streams, capacity * sizeof(streams[0]));
    if (streams == NULL)
        return -ENOMEM;
    rings->source.streams = streams;
    rings->slot_capacity = capacity;
    return 0;
}

/* The program says how many slots were ever in use. Where there is no memory for more, they wait. */
static void raise_bound(struct tn_rings *rings)
{
    uint32_t bound = atomic_load_explicit(&rings->memory.header->slot_bound, memory_order_acquire);
    if (bound > rings->memory.sizes.slot_count)
        bound = rings->memory.sizes.slot_count;
    if (bound <= rings->slot_bound || reserve_slots(rings, bound) < 0)
        return;
    for (uint32_t slot = rings->slot_bound; slot < bound; slot++) {
        rings->slots[slot] = (struct tn_slot){.lost_limit = rings->is_refused ? 0 : UINT64_MAX};
        rings->unlisted[rings->unlisted_count++] = slot;
    }
    rings->slot_bound = bound;
}

/* A slot of which a stream is left was given up inside a realloc. */
static bool begin_stream(struct tn_rings *rings, struct tn_ring *ring, uint32_t slot)
{
    struct tn_slot *own = &rings->slots[slot];
    if (own->stream != NULL)
        return true;
    uint64_t *words = tn_shared_memory_words(&rings->memory, slot);
    struct tn_stream *stream = words != NULL ? malloc(sizeof(*stream)) : NULL;
    if (stream == NULL)
        return false;
    tn_stream_begin(stream, ring, words, rings->memory.sizes.ring_words, slot, rings->matcher);
    stream->source = &rings->source;
    stream->is_begun = own->is_begun;
    own->stream = stream;
    return true;
}

/* Take slot number i of the unlisted ones into the list. False: it is not in use, or there is no memory. */
static bool list_slot(struct tn_rings *rings, uint32_t i)
{
    uint32_t slot = rings->unlisted[i];
    struct tn_ring *ring = tn_shared_memory_slot(&rings->memory, slot);
    if (ring != NULL && atomic_load_explicit(&ring->state, memory_order_acquire) == TN_SLOT_FREE)
        return false;
    if (ring == NULL || !begin_stream(rings, ring, slot)) {
        rings->is_starved = true;
        return false;
    }
    struct tn_source *source = &rings->source;
    uint64_t idle = rings->slots[slot].stream->released_words - rings->slots[slot].kept_words;
    uint32_t ring_words = rings->memory.sizes.ring_words;
    idle = idle < ring_words ? idle : ring_words;
    rings->idle_words -= idle < rings->idle_words ? idle : rings->idle_words;
    rings->unlisted[i] = rings->unlisted[--rings->unlisted_count];
    source->streams[source->stream_count++] = rings->slots[slot].stream;
    if (source->stream_count > rings->shared->threads_peak)
        rings->shared->threads_peak = source->stream_count;
    return true;
}

static void list_slots(struct tn_rings *rings)
{
    uint32_t reused = atomic_load_explicit(&rings->memory.header->reused_count, memory_order_acquire);
    uint32_t bound = rings->slot_bound;
    raise_bound(rings);
    if (rings->unlisted_count > UNLISTED_FEW && reused == rings->reused_count && bound == rings->slot_bound)
        return;
    rings->reused_count = reused;
    for (uint32_t i = 0; i < rings->unlisted_count;)
        if (!list_slot(rings, i))
            i++;
}

/* What the rings' owners have lost until now is noted: LOSS events that tell of it may still be in the rings.
 */
static void refuse(struct tn_source *source)
{
    struct tn_rings *rings = tn_rings_of(source);
    if (rings->is_refused)
        return;
    tn_rings_settle_header(rings);
    for (uint32_t i = 0; i < source->stream_count; i++)
        tn_rings_slot(rings, source->streams[i])->lost_limit =
            atomic_load_explicit(&source->streams[i]->ring->lost_count, memory_order_relaxed);
    atomic_store_explicit(&rings->memory.header->recorder_state, TN_RECORDER_CLOSED, memory_order_release);
    tn_shared_memory_release(&rings->memory);
    rings->is_refused = true;
}

/* A ring that cannot be read would fill up, and its owner wait in vain: the process runs on unrecorded. How
 * many events the ring holds is not known, but at least one is lost. */
static void give_up(struct tn_rings *rings)
{
    if (rings->is_refused)
        return;
    rings->shared->totals.lost[TN_LOSS_BIT(TN_LOSS_NO_MEMORY)]++;
    refuse(&rings->source);
}

/* ---------------------------------------------------------------------------------------- a round */

/* Whether a mark may still announce an event; a thread that died while writing leaves its mark standing.
 */
static bool mark_is_fresh(struct tn_rings *rings, struct tn_stream *stream, uint64_t mark, uint64_t now_ticks)
{
    if (mark != stream->mark_ticks) {
        stream->mark_ticks = mark;
        stream->mark_since = now_ticks;
        return true;
    }
    uint64_t stale_ticks = tn_clock_span_ticks(&rings->shared->clock, MARK_STALE_NS);
    return now_ticks - stream->mark_since < stale_ticks;
}

/* States are read before marks: a slot that is claimed later gets stamps above the time noted before. */
static void read_marks(struct tn_source *source, uint64_t now_ticks, uint64_t *low_ticks)
{
    struct tn_rings *rings = tn_rings_of(source);
    list_slots(rings);
    if (rings->is_starved)
        give_up(rings);
    for (uint32_t i = 0; i < source->stream_count; i++) {
        struct tn_stream *stream = source->streams[i];
        uint64_t mark = atomic_load_explicit(&stream->ring->mark_ticks, memory_order_acquire);
        if (mark == 0)
            stream->mark_ticks = 0;
        else if (mark < *low_ticks && !source->has_ended && mark_is_fresh(rings, stream, mark, now_ticks))
            *low_ticks = mark;
    }
}

static void read_heads(struct tn_source *source)
{
    struct tn_rings *rings = tn_rings_of(source);
    for (uint32_t i = 0; i < source->stream_count; i++) {
        struct tn_stream *stream = source->streams[i];
        tn_stream_read_head(stream);
        tn_process_note_fill(rings->shared, stream->ring_words, stream->limit_words - stream->released_words);
    }
}

static void release_control(struct tn_rings *rings, struct tn_ring *ring)
{
    tn_ring_release(ring, rings->control_words);
    tn_ring_wake(ring);
}

/* The program could change a word between our check and our use of it, so hand a copy over. */
static int take_copy(struct tn_rings *rings, const uint64_t *event, uint32_t words, tn_source_take take,
                     void *context)
{
    struct tn_buffer *scratch = &rings->shared->scratch;
    if (words < 2)
        return -EBADMSG;
    scratch->size_bytes = 0;
    int r = tn_buffer_append(scratch, event, words * sizeof(event[0]));
    return r < 0 ? r : take(context, (const uint64_t *)scratch->data, words);
}

/* Give room back at each quarter of the ring: the program may wait for it. */
static int read_control_up_to(struct tn_rings *rings, uint64_t head, tn_source_take take, void *context)
{
    struct tn_ring *ring = tn_shared_ring(rings->memory.header, TN_CONTROL_SLOT);
    uint32_t ring_words = rings->memory.sizes.control_words;
    uint64_t start = rings->control_words;
    for (;;) {
        const uint64_t *event;
        int words =
            tn_ring_peek(rings->memory.control_words, ring_words, &rings->control_words, head, &event);
        if (words <= 0)
            return words;
        int r = take_copy(rings, event, (uint32_t)words, take, context);
        if (r < 0)
            return r;
        rings->control_words += (uint32_t)words;
        if (rings->control_words - start > ring_words / 4) {
            start = rings->control_words;
            release_control(rings, ring);
        }
    }
}

static int read_control(struct tn_source *source, tn_source_take take, void *context)
{
    struct tn_rings *rings = tn_rings_of(source);
    struct tn_ring *ring = tn_shared_ring(rings->memory.header, TN_CONTROL_SLOT);
    uint32_t ring_words = rings->memory.sizes.control_words;
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_acquire);
    uint64_t pending = head - rings->control_words;
    if (pending == 0)
        return 0;
    tn_process_note_fill(rings->shared, ring_words, pending);
    int r = rings->is_control_damaged || pending > ring_words
                ? -EBADMSG
                : read_control_up_to(rings, head, take, context);
    if (r == -EBADMSG) {
        tn_rings_count_damage(rings, !rings->is_control_damaged);
        rings->is_control_damaged = true;
        rings->control_words = head;
        r = 0;
    }
    release_control(rings, ring);
    return r;
}

/* Its events must wait, and the program would wait for room: move them out. */
static void spill(struct tn_rings *rings, struct tn_stream *stream, uint64_t budget_words)
{
    uint64_t waiting = stream->limit_words - tn_stream_position(stream);
    if (waiting > stream->ring_words / 2 && rings->shared->queued_words + waiting <= budget_words)
        tn_stream_spill(stream);
}

/* A tail that the program has written over would leave its thread waiting for room that was given back long
 * ago. */
static void restore_tail(struct tn_ring *ring, uint64_t tail_words)
{
    if (atomic_load_explicit(&ring->tail_words, memory_order_relaxed) == tail_words)
        return;
    tn_ring_release(ring, tail_words);
    tn_ring_wake(ring);
}

static void restore_tails(struct tn_rings *rings)
{
    restore_tail(tn_shared_ring(rings->memory.header, TN_CONTROL_SLOT), rings->control_words);
    for (uint32_t i = 0; i < rings->source.stream_count; i++)
        restore_tail(rings->source.streams[i]->ring, rings->source.streams[i]->released_words);
}

static int reclaim(struct tn_source *source, const struct tn_reclaim *how)
{
    struct tn_rings *rings = tn_rings_of(source);
    for (uint32_t i = 0; i < source->stream_count; i++) {
        struct tn_stream *stream = source->streams[i];
        tn_stream_release(stream);
        spill(rings, stream, how->budget_words);
        rings->shared->queued_words += stream->queue.count_words;
    }
    if (how->is_thorough)
        restore_tails(rings);
    return source->has_ended ? 0 : tn_rings_free_slots(rings, how->is_thorough);
}

static void settle(struct tn_source *source)
{
    struct tn_rings *rings = tn_rings_of(source);
    tn_rings_settle_header(rings);
    for (uint32_t i = 0; i < source->stream_count; i++)
        tn_rings_settle_pause(rings, source->streams[i]);
}

/* ---------------------------------------------------------------------------------------- the end */

static int end_threads(struct tn_source *source, uint64_t end_ns, bool is_running)
{
    struct tn_rings *rings = tn_rings_of(source);
    int r = 0;
    for (uint32_t i = 0; i < source->stream_count && r == 0; i++) {
        struct tn_stream *stream = source->streams[i];
        tn_rings_settle_slot(rings, stream);
        stream->is_over = stream->is_over || is_running;
        r = tn_thread_end(stream, end_ns);
    }
    return r;
}

static bool is_leaving(const struct tn_source *source)
{
    const struct tn_rings *rings = (const struct tn_rings *)source;
    return atomic_load_explicit(&rings->memory.header->is_leaving, memory_order_acquire) != 0;
}

static bool is_executing(const struct tn_source *source, char *name)
{
    const struct tn_shared_header *header = ((const struct tn_rings *)source)->memory.header;
    if (atomic_load_explicit(&header->exec_count, memory_order_acquire) == 0)
        return false;
    memcpy(name, header->exec_name, TN_EXEC_NAME_BYTES);
    name[TN_EXEC_NAME_BYTES - 1] = '\0';
    return true;
}

static uint64_t activity(const struct tn_source *source)
{
    const struct tn_rings *rings = (const struct tn_rings *)source;
    uint64_t sum = rings->control_words + rings->unlisted_count;
    for (uint32_t i = 0; i < source->stream_count; i++)
        sum += source->streams[i]->limit_words;
    return sum;
}

static uint64_t lost_count(const struct tn_source *source)
{
    const struct tn_rings *rings = (const struct tn_rings *)source;
    uint64_t sum = tn_rings_header_losses(rings);
    for (uint32_t i = 0; i < source->stream_count; i++)
        sum += tn_rings_untold_losses(rings, source->streams[i]);
    return sum;
}

static void close_rings(struct tn_source *source)
{
    struct tn_rings *rings = tn_rings_of(source);
    for (uint32_t slot = 0; slot < rings->slot_bound; slot++) {
        if (rings->slots[slot].stream != NULL)
            tn_stream_finish(rings->slots[slot].stream);
        free(rings->slots[slot].stream);
    }
    tn_shared_memory_close(&rings->memory);
    free(rings->slots);
    free(rings->unlisted);
    free(source->streams);
    free(rings);
}

static void welcome(struct tn_source *source)
{
    struct tn_shared_header *header = tn_rings_of(source)->memory.header;
    tn_shared_beat(header);
    atomic_store_explicit(&header->recorder_pid, (uint32_t)getpid(), memory_order_relaxed);
    atomic_store_explicit(&header->recorder_state, TN_RECORDER_RUNNING, memory_order_release);
}

/* Every slot that is in use is listed after the fence: a thread that is not has yet to read pause. */
static void interrupt_threads(struct tn_rings *rings)
{
    atomic_thread_fence(memory_order_seq_cst);
    list_slots(rings);
    for (uint32_t i = 0; i < rings->source.stream_count; i++)
        atomic_store_explicit(&rings->source.streams[i]->ring->limit_words, 0, memory_order_relaxed);
}

static void pause_rings(struct tn_source *source, enum tn_pause pause, uint64_t awaited_mark)
{
    struct tn_rings *rings = tn_rings_of(source);
    struct tn_shared_header *header = rings->memory.header;
    atomic_store_explicit(&header->awaited_mark, awaited_mark, memory_order_relaxed);
    atomic_store_explicit(&header->pause, (uint32_t)pause, memory_order_release);
    if (pause != TN_PAUSE_NO)
        interrupt_threads(rings);
    else
        syscall(SYS_futex, &header->pause, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static const struct tn_source_calls calls = {
    .welcome = welcome,
    .pause = pause_rings,
    .read_marks = read_marks,
    .read_heads = read_heads,
    .read_control = read_control,
    .reclaim = reclaim,
    .settle = settle,
    .end_threads = end_threads,
    .refuse = refuse,
    .is_leaving = is_leaving,
    .is_executing = is_executing,
    .activity = activity,
    .lost_count = lost_count,
    .close = close_rings,
};

/* Fewer than the most are a consequence of the program's limit of file sizes. */
static void note_room(struct tn_process_shared *shared, uint32_t slot_count)
{
    if (shared->threads_room == 0 || slot_count - 1 < shared->threads_room)
        shared->threads_room = slot_count - 1;
}

int tn_rings_open(struct tn_process_shared *shared, struct tn_matcher *matcher,
                  const struct tn_rings_owner *owner, int memory_fd, uint64_t stated_bytes,
                  struct tn_source **ret_source)
{
    struct tn_rings *rings = calloc(1, sizeof(*rings));
    if (rings == NULL)
        return -ENOMEM;
    rings->memory.fd = -1;
    int r = tn_shared_memory_open(memory_fd, stated_bytes, &rings->memory);
    if (r == 0)
        r = tn_shared_memory_hold(&rings->memory, &shared->keepers);
    if (r == 0)
        r = reserve_slots(rings, 1);
    if (r < 0) {
        tn_shared_memory_close(&rings->memory);
        free(rings);
        return r;
    }
    note_room(shared, rings->memory.sizes.slot_count);
    rings->source.calls = &calls;
    rings->shared = shared;
    rings->matcher = matcher;
    rings->owner = *owner;
    rings->slots[TN_CONTROL_SLOT] = (struct tn_slot){0};
    rings->slot_bound = TN_CONTROL_SLOT + 1;
    *ret_source = &rings->source;
    return 0;
}
