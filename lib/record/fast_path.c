/* SPDX-License-Identifier: MIT */
/* The loop through which nearly all events pass: match plain births and deaths against the address table
 * and collect them in a batch for the log. It stops at the first event that is not plain or needs a
 * decision, which order.c then gives to match.c. */
#include "fast_path.h"

#include "tenure/event_body.h"

#include <errno.h>

/* How far ahead to prefetch: 8 events for the address table, 48 for the ring itself. */
#define PREFETCH_WORDS      32
#define PREFETCH_RING_WORDS 192

/* Longest run, in words: after it the ring's room is given back to the program. */
#define RUN_WORDS 4096

/* With fewer live blocks the table is in the cache anyway. */
#define PREFETCH_LIVE_MIN 1024u

/* ---------------------------------------------------------------------------------------- the batch */

int tn_batch_flush(struct tn_batch *batch)
{
    struct tn_matcher *matcher = batch->matcher;
    uint32_t count = batch->count;
    if (matcher == NULL)
        return 0;
    struct tn_totals *totals = matcher->totals;
    matcher->last_ns = batch->last_ns;
    uint64_t births = batch->last_id - batch->base_id;
    totals->births += births;
    totals->deaths += count - births;
    totals->birth_bytes += batch->birth_bytes;
    totals->unknown_stacks += batch->unknown_stacks;
    batch->matcher = NULL;
    batch->count = 0;
    return count != 0 ? tn_log_add_plain(matcher->writer, matcher->process_id, batch->events, count) : 0;
}

static int begin_batch(struct tn_batch *batch, struct tn_matcher *matcher)
{
    int r = tn_batch_flush(batch);
    if (r < 0)
        return r;
    batch->matcher = matcher;
    batch->line = matcher->clock->line;
    batch->stack_rows = matcher->stacks.rows;
    batch->stack_count = matcher->stacks.count;
    batch->dead = matcher->dead;
    batch->base_id = batch->last_id = tn_log_last_id(matcher->writer);
    batch->last_ns = matcher->last_ns;
    batch->birth_bytes = batch->unknown_stacks = 0;
    return 0;
}

/* ---------------------------------------------------------------------------------------- one event */

/* A plain event, copied from the ring: the program may change shared memory, so each word is read once. */
struct plain {
    uint64_t head, stamp, word_2, word_3;
};

enum fast_step { STEP_DONE, STEP_STOP, STEP_NO_MEMORY };

static inline struct plain read_plain(const uint64_t *next)
{
    const volatile uint64_t *words = next;
    return (struct plain){words[0], words[1], words[2], words[3]};
}

static inline uint64_t plain_address(const struct plain *plain)
{
    return tn_event_address_of(plain->word_2);
}

static inline uint64_t plain_ns(struct tn_batch *batch, uint64_t ticks)
{
    uint64_t ns = tn_clock_line_ns(&batch->line, ticks);
    if (__builtin_expect(ticks < batch->line.base_ticks, 0))
        ns = tn_clock_older_ns(batch->matcher->clock, ticks);
    if (ns < batch->last_ns)
        ns = batch->last_ns;
    batch->last_ns = ns;
    return ns;
}

/* Id 0 means that no stack was taken. */
static inline uint32_t plain_stack(struct tn_batch *batch, uint64_t head)
{
    uint32_t id = tn_event_stack_of(head);
    uint32_t row = id < batch->stack_count ? batch->stack_rows[id] : 0;
    if (__builtin_expect(row == 0, 0))
        batch->unknown_stacks += id != 0;
    return row;
}

/* The fields that births and deaths share. */
static inline void put_event(struct tn_batch *batch, struct tn_plain_event *event, const struct plain *plain)
{
    uint32_t function = tn_event_function_of(plain->head);
    event->time_ns = plain_ns(batch, plain->stamp);
    event->address = plain_address(plain);
    event->stack_id = plain_stack(batch, plain->head);
    event->depth_bytes = tn_event_depth_bytes_of(plain->word_3);
    event->function = (uint8_t)(function < TN_FUNCTION_COUNT ? function : TN_FUNCTION_NONE);
}

static inline void put_birth(struct tn_batch *batch, struct tn_plain_event *event, const struct plain *plain)
{
    uint32_t size_bytes = tn_event_size_bytes_of(plain->word_3);
    uint32_t excess_bytes = tn_event_excess_bytes_of(plain->word_2);
    put_event(batch, event, plain);
    event->allocation_id = ++batch->last_id;
    event->size_bytes = size_bytes;
    event->excess_bytes = excess_bytes;
    event->size_class = (uint8_t)tn_log_size_class((uint64_t)size_bytes + excess_bytes);
    event->is_birth = true;
    batch->birth_bytes += size_bytes;
}

static inline void put_death(struct tn_batch *batch, struct tn_plain_event *event, const struct plain *plain,
                             uint64_t allocation_id, uint8_t size_class)
{
    put_event(batch, event, plain);
    event->allocation_id = allocation_id;
    event->size_bytes = event->excess_bytes = 0;
    event->size_class = size_class;
    event->is_birth = false;
}

/* Keep what links need of a block that dies. note: of its birth. */
static inline void note_death(struct tn_batch *batch, const struct tn_plain_event *death,
                              struct tn_address_table_note note)
{
    tn_dead_blocks_put(batch->dead, tn_dead_block_place(death->address, batch->matcher->process_id),
                       death->allocation_id, batch->last_id, note.stack_id, note.size_code);
}

/* An address that is still live needs a decision: match.c takes it. */
static inline enum fast_step apply_birth(struct tn_batch *batch, struct tn_plain_event *event,
                                         const struct plain *plain)
{
    uint64_t address = plain_address(plain);
    if (__builtin_expect(address == 0, 0))
        return STEP_STOP;
    struct tn_address_table_entry *entry = tn_address_table_claim(&batch->matcher->table, address);
    if (__builtin_expect(entry == NULL, 0))
        return STEP_NO_MEMORY;
    if (__builtin_expect(entry->value != 0, 0))
        return STEP_STOP;
    put_birth(batch, event, plain);
    entry->value = event->allocation_id | (uint64_t)event->size_class << TN_MATCH_CLASS_SHIFT;
    if (batch->dead != NULL)
        tn_address_table_set_note(entry, event->stack_id, event->size_bytes);
    return STEP_DONE;
}

static inline enum fast_step apply_death(struct tn_batch *batch, struct tn_plain_event *event,
                                         const struct plain *plain)
{
    struct tn_address_table *table = &batch->matcher->table;
    struct tn_address_table_entry *entry = tn_address_table_find(table, plain_address(plain));
    if (__builtin_expect(entry == NULL, 0) ||
        __builtin_expect((entry->value & TN_MATCH_REALLOC_OPEN) != 0, 0))
        return STEP_STOP;
    uint64_t value = entry->value;
    struct tn_address_table_note note = {0, 0};
    if (batch->dead != NULL)
        note = tn_address_table_note(entry);
    tn_address_table_remove(table, entry);
    put_death(batch, event, plain, value & TN_MATCH_ID_MASK, (uint8_t)(value >> TN_MATCH_CLASS_SHIFT));
    if (batch->dead != NULL)
        note_death(batch, event, note);
    return STEP_DONE;
}

/* A birth followed at once by the death of its block never enters the table; but the table must not hold an
 * older block there. False: nothing was done. */
static inline bool apply_pair(struct tn_batch *batch, struct tn_plain_event *event, const struct plain *birth,
                              const struct plain *death)
{
    uint64_t address = plain_address(birth);
    if (address != plain_address(death) || address == 0 ||
        tn_address_table_find(&batch->matcher->table, address) != NULL)
        return false;
    put_birth(batch, event, birth);
    put_death(batch, event + 1, death, event->allocation_id, event->size_class);
    batch->matcher->table.address_bits |= address;
    if (batch->dead != NULL)
        note_death(
            batch, event + 1,
            (struct tn_address_table_note){event->stack_id, tn_address_table_size_code(event->size_bytes)});
    return true;
}

/* ---------------------------------------------------------------------------------------- a run */

/* Prefetch the table's line for an event that comes soon, and the ring's words that come later. A stale or
 * nonsensical address does no harm. Never beyond `end`: that would take lines from the thread that still
 * writes them. */
static inline __attribute__((always_inline)) void prefetch(const struct tn_batch *batch, const uint64_t *next,
                                                           const uint64_t *end)
{
    if (end - next <= PREFETCH_WORDS + 2)
        return;
    if (end - next > PREFETCH_RING_WORDS)
        __builtin_prefetch(next + PREFETCH_RING_WORDS);
    if (batch->matcher->table.count >= PREFETCH_LIVE_MIN)
        tn_address_table_prefetch(&batch->matcher->table, tn_event_address_of(next[PREFETCH_WORDS + 2]));
}

/* Apply the event at `next`, or a birth and death pair. Returns how many events; 0: it is not plain, or
 * *ret_error is set. */
static inline uint32_t apply(struct tn_batch *batch, struct tn_plain_event *event, const uint64_t *next,
                             const uint64_t *end, uint64_t bound_ticks, int *ret_error)
{
    struct plain plain = read_plain(next);
    uint64_t shape = plain.head & TN_EVENT_SHAPE_MASK;
    enum fast_step step = STEP_STOP;
    if (plain.stamp > bound_ticks)
        return 0;
    prefetch(batch, next, end);
    if (shape == TN_EVENT_SHAPE_DEATH) {
        step = apply_death(batch, event, &plain);
    } else if (shape == TN_EVENT_SHAPE_BIRTH) {
        if (end - next >= 8 && tn_event_address_of(next[6] ^ plain.word_2) == 0) {
            struct plain after = read_plain(next + 4);
            if ((after.head & TN_EVENT_SHAPE_MASK) == TN_EVENT_SHAPE_DEATH && after.stamp <= bound_ticks &&
                apply_pair(batch, event, &plain, &after))
                return 2;
        }
        step = apply_birth(batch, event, &plain);
    }
    if (__builtin_expect(step == STEP_NO_MEMORY, 0))
        *ret_error = -ENOMEM;
    return step == STEP_DONE;
}

/* Whether the stream has no state that its next event must take along. */
static bool has_no_pending_state(const struct tn_stream *stream)
{
    return (stream->left_depth_bytes | stream->previous_id | (uint64_t)stream->is_resumed) == 0 &&
           stream->thread_id - 1 < UINT32_MAX;
}

int tn_fast_path_run(struct tn_stream *stream, uint64_t bound_ticks, struct tn_batch *batch,
                     uint32_t *ret_count)
{
    *ret_count = 0;
    if (!has_no_pending_state(stream))
        return 0;
    int r = batch->matcher == stream->matcher ? 0 : begin_batch(batch, stream->matcher);
    uint32_t thread_id = (uint32_t)stream->thread_id;
    const uint64_t *next = stream->next, *end = stream->end;
    const uint64_t *last = end - next > RUN_WORDS ? next + RUN_WORDS : end;
    while (r == 0 && last - next >= 4) {
        struct tn_plain_event *event = &batch->events[batch->count];
        uint32_t done = apply(batch, event, next, end, bound_ticks, &r);
        if (done == 0)
            break;
        event[0].thread_id = event[done - 1].thread_id = thread_id;
        next += (size_t)done * 4;
        batch->count += done;
        if (__builtin_expect(batch->count > TN_BATCH_EVENTS - 2, 0)) {
            r = tn_batch_flush(batch);
            if (r == 0)
                r = begin_batch(batch, stream->matcher);
        }
    }
    *ret_count = (uint32_t)((size_t)(next - stream->next) / 4);
    stream->next = next;
    return r;
}
