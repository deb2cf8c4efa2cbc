/* SPDX-License-Identifier: MIT */
/* Parts with threads that are gone: finds them, writes the end of their rows, frees their slots, and gives
 * the memory of their rings back. Invariant: a slot is freed only when no thread can write its ring any more
 * and all of it was read. Called by ring_source.c. */
#include "ring_source.h"

#include "proc.h"
#include "thread_rows.h"

#include "tenure/map.h"

#include <stdlib.h>
#include <time.h>

/* Memory that rings without an owner may keep, in each process: the next threads use it. */
#define IDLE_WORDS_MAX (UINT64_C(4) << 20 >> 3)

/* More than a ring's owners can lose in a hundred years: the program has written there. */
#define LOSSES_MAX (UINT64_C(1) << 48)

/* The kernel's list of threads is read again after so many times the time that the last reading took. */
#define TIDS_PAUSE_FACTOR 10u

/* What is known of the threads of a process while its slots are looked through. */
struct thread_look {
    bool has_tids;            /* the kernel's list was read */
    struct tn_proc_tid *tids; /* owned */
    uint32_t tid_count;       /* in tids */
    bool has_newest;          /* newest was filled */
    struct tn_map newest;     /* thread id as the slot says -> row of the newest thread that has it */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Read the kernel's list of threads, once in a look, and not more often than its cost allows. */
static bool read_tids(struct tn_rings *rings, struct thread_look *look)
{
    uint64_t start_ns = now_ns();
    if (look->has_tids || start_ns < rings->tids_ns)
        return look->has_tids;
    look->has_tids = tn_proc_list_tids(rings->owner.pid, &look->tids, &look->tid_count) == 0;
    uint64_t end_ns = now_ns();
    rings->tids_ns = end_ns + (end_ns - start_ns) * TIDS_PAUSE_FACTOR;
    return look->has_tids;
}

/* Whether the kernel knows no such thread. In another PID namespace the thread's id is looked up first; the
 * slot was claimed before the list was read, so a thread that is not in it has ended. */
static bool is_gone(struct tn_rings *rings, struct tn_slot *slot, uint32_t tid, struct thread_look *look)
{
    if (!rings->owner.has_other_namespace)
        return tn_proc_thread_is_gone(rings->owner.pid, (pid_t)tid);
    if (slot->tid == 0) {
        if (!read_tids(rings, look))
            return false;
        const struct tn_proc_tid *found = tn_proc_find_tid(look->tids, look->tid_count, tid);
        if (found == NULL)
            return true;
        slot->tid = found->tid;
    }
    return tn_proc_thread_is_gone(rings->owner.pid, slot->tid);
}

static void fill_newest(struct tn_rings *rings, struct thread_look *look)
{
    for (uint32_t i = 0; i < rings->source.stream_count; i++) {
        const struct tn_stream *stream = rings->source.streams[i];
        uint64_t tid = stream->calls->owner_tid(stream);
        const uint64_t *row = tid != 0 ? tn_map_find(&look->newest, tid) : NULL;
        if (tid != 0 && (row == NULL || *row < stream->thread_id))
            tn_map_put(&look->newest, tid, stream->thread_id);
    }
    look->has_newest = true;
}

/* Whether a slot that was claimed later bears the same thread id: the kernel has given it out again. The ring
 * of a thread's nested calls bears another one than that thread's own. */
static bool is_reused(struct tn_rings *rings, const struct tn_stream *stream, struct thread_look *look)
{
    uint64_t tid = stream->calls->owner_tid(stream);
    if (!look->has_newest)
        fill_newest(rings, look);
    const uint64_t *row = tn_map_find(&look->newest, tid);
    return row != NULL && *row > stream->thread_id;
}

/* A slot that is just being claimed has no thread id yet. */
static bool owner_is_gone(struct tn_rings *rings, struct tn_stream *stream, bool is_thorough,
                          struct thread_look *look)
{
    uint32_t tid = stream->calls->owner_tid(stream);
    if (tid == 0)
        return false;
    return is_gone(rings, tn_rings_slot(rings, stream), tid & ~TN_RING_TID_NESTED, look) ||
           (is_thorough && is_reused(rings, stream, look));
}

uint64_t tn_rings_untold_losses(const struct tn_rings *rings, const struct tn_stream *stream)
{
    const struct tn_slot *slot = &rings->slots[stream->slot];
    uint64_t counted = atomic_load_explicit(&stream->ring->lost_count, memory_order_relaxed);
    uint64_t rise = (counted < slot->lost_limit ? counted : slot->lost_limit) - slot->lost_count;
    bool is_sane = rise <= LOSSES_MAX;
    return is_sane && rise > stream->reported_lost_count ? rise - stream->reported_lost_count : 0;
}

/* What a counter of the ring has risen by; nothing when that cannot be true. */
static uint64_t take_rise(const _Atomic uint64_t *counter, uint64_t *seen)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    uint64_t rise = value - *seen;
    *seen = value;
    return rise <= LOSSES_MAX ? rise : 0;
}

void tn_rings_settle_pause(struct tn_rings *rings, struct tn_stream *stream)
{
    struct tn_slot *slot = tn_rings_slot(rings, stream);
    struct tn_totals *totals = &rings->shared->totals;
    totals->unrecorded_births += take_rise(&stream->ring->unrecorded_births, &slot->unrecorded_births);
    totals->unrecorded_frees += take_rise(&stream->ring->unrecorded_frees, &slot->unrecorded_frees);
}

void tn_rings_count_damage(struct tn_rings *rings, bool is_damaged)
{
    rings->shared->totals.damaged_rings += is_damaged;
    rings->shared->totals.lost[TN_LOSS_BIT(TN_LOSS_RING_FULL)] += is_damaged;
}

void tn_rings_settle_slot(struct tn_rings *rings, struct tn_stream *stream)
{
    struct tn_slot *slot = tn_rings_slot(rings, stream);
    uint64_t untold = tn_rings_untold_losses(rings, stream);
    slot->lost_count += untold + stream->reported_lost_count;
    stream->reported_lost_count = 0;
    stream->lost_count += untold + stream->is_damaged;
    rings->shared->totals.lost[TN_LOSS_BIT(TN_LOSS_RING_FULL)] += untold;
    tn_rings_settle_pause(rings, stream);
    tn_rings_count_damage(rings, stream->is_damaged);
    stream->is_damaged = false;
}

/* A ring that was used keeps its memory for the next thread, up to a limit. */
static void keep_or_empty(struct tn_rings *rings, struct tn_slot *slot, struct tn_stream *stream)
{
    uint64_t used = stream->limit_words - slot->kept_words;
    if (used > stream->ring_words)
        used = stream->ring_words;
    if (rings->idle_words + used > IDLE_WORDS_MAX) {
        tn_shared_memory_empty_ring(&rings->memory, stream->slot);
        slot->kept_words = stream->limit_words;
        return;
    }
    rings->idle_words += used;
}

/* Everything of the slot is written before its state: a thread that sees it free may take it at once. */
static void hand_out_again(struct tn_rings *rings, struct tn_stream *stream)
{
    struct tn_shared_header *header = rings->memory.header;
    atomic_store_explicit(&stream->ring->mark_ticks, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->ring->tid, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->ring->state, TN_SLOT_FREE, memory_order_release);
    atomic_store_explicit(&header->freed_slot, stream->slot, memory_order_relaxed);
    atomic_fetch_add_explicit(&header->freed_count, 1, memory_order_release);
}

/* A stream inside a realloc is still known to the matcher: the slot's next owner gets it as it is. */
static int free_slot(struct tn_rings *rings, uint32_t i)
{
    struct tn_stream *stream = rings->source.streams[i];
    struct tn_slot *slot = tn_rings_slot(rings, stream);
    tn_stream_release(stream);
    tn_rings_settle_slot(rings, stream);
    int r = tn_thread_end(stream, rings->matcher->last_ns);
    keep_or_empty(rings, slot, stream);
    hand_out_again(rings, stream);
    slot->tid = 0;
    slot->is_begun = stream->is_begun;
    rings->source.streams[i] = rings->source.streams[--rings->source.stream_count];
    rings->unlisted[rings->unlisted_count++] = stream->slot;
    if (!stream->realloc.is_open) {
        tn_stream_finish(stream);
        free(stream);
        slot->stream = NULL;
    }
    return r;
}

/* The head is read after the thread was found gone, so that its last events are not missed. */
static bool is_over(struct tn_rings *rings, struct tn_stream *stream, bool is_thorough,
                    struct thread_look *look)
{
    bool has_ended = atomic_load_explicit(&stream->ring->state, memory_order_acquire) == TN_SLOT_ENDED;
    if (!tn_stream_is_drained(stream) || (!has_ended && !is_thorough))
        return false;
    if (!owner_is_gone(rings, stream, is_thorough, look))
        return false;
    tn_stream_read_head(stream);
    return tn_stream_is_drained(stream);
}

int tn_rings_free_slots(struct tn_rings *rings, bool is_thorough)
{
    struct thread_look look = {0};
    bool is_scarce = rings->source.stream_count >= rings->memory.sizes.slot_count / 4 * 3;
    int r = 0;
    for (uint32_t i = 0; i < rings->source.stream_count && r == 0;) {
        if (is_over(rings, rings->source.streams[i], is_thorough || is_scarce, &look))
            r = free_slot(rings, i);
        else
            i++;
    }
    free(look.tids);
    tn_map_finish(&look.newest);
    return r;
}
