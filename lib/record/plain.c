/* SPDX-License-Identifier: MIT */
#include "plain.h"

#include <errno.h>

/* What all plain heads have in common: the kind, the length, no flag. */
#define HEAD_MASK  (UINT64_C(0x3f) | UINT64_C(0x3fff) << 6 | UINT64_C(0x3f) << 26)
#define HEAD_BIRTH (TN_EVENT_BIRTH | UINT64_C(4) << 6)
#define HEAD_DEATH (TN_EVENT_DEATH | UINT64_C(4) << 6)

/* How far ahead in a ring the table is asked for: 8 events. */
#define PREFETCH_WORDS 32

/* Fewer live blocks are in the cache anyway. */
#define PREFETCH_LIVE_MIN 1024u

/* What does not change from event to event, and what is summed up over them. */
struct run {
    struct tn_matcher *matcher;
    struct tn_batch *batch;
    const uint32_t *stack_rows;
    uint32_t stack_count;
    uint32_t thread_id;
    struct tn_clock_line line;
    uint64_t last_ns;
    uint64_t births, deaths, birth_bytes, unknown_stacks;
};

/* An event as it lies in a ring, each word read once. */
struct plain {
    uint64_t head, stamp, word_2, word_3;
};

enum step { STEP_DONE, STEP_STOP, STEP_NO_MEMORY };

int tn_batch_flush(struct tn_batch *batch)
{
    struct tn_matcher *matcher = batch->matcher;
    uint32_t count = batch->count;
    batch->matcher = NULL;
    batch->count = 0;
    if (matcher == NULL || count == 0)
        return 0;
    return tn_log_add_plain(matcher->writer, matcher->process_id, batch->events, count);
}

static int begin_batch(struct tn_batch *batch, struct tn_matcher *matcher)
{
    int r = tn_batch_flush(batch);
    if (r < 0)
        return r;
    batch->matcher = matcher;
    batch->last_id = tn_log_last_id(matcher->writer);
    return 0;
}

static inline struct plain read_plain(const uint64_t *next)
{
    const volatile uint64_t *words = next;
    return (struct plain){words[0], words[1], words[2], words[3]};
}

static inline uint64_t run_ns(struct run *run, uint64_t ticks)
{
    uint64_t ns = tn_clock_line_ns(&run->line, ticks);
    if (__builtin_expect(ticks < run->line.base_ticks, 0))
        ns = tn_clock_older_ns(run->matcher->clock, ticks);
    if (ns < run->last_ns)
        ns = run->last_ns;
    run->last_ns = ns;
    return ns;
}

/* Id 0 means that no stack was taken. */
static inline uint32_t run_stack(struct run *run, uint64_t head)
{
    uint32_t id = tn_event_stack_of(head);
    uint32_t row = id < run->stack_count ? run->stack_rows[id] : 0;
    run->unknown_stacks += (id != 0) & (row == 0);
    return row;
}

/* What births and deaths have in common. */
static inline struct tn_plain_event *put_event(struct run *run, const struct plain *plain, uint64_t value)
{
    struct tn_plain_event *event = &run->batch->events[run->batch->count++];
    uint32_t function = tn_event_function_of(plain->head);
    event->time_ns = run_ns(run, plain->stamp);
    event->allocation_id = value & TN_MATCH_ID_MASK;
    event->address = plain->word_2 & TN_ADDRESS_MASK;
    event->thread_id = run->thread_id;
    event->stack_id = run_stack(run, plain->head);
    event->depth_bytes = (uint32_t)(plain->word_3 >> 32);
    event->size_class = (uint8_t)(value >> TN_MATCH_CLASS_SHIFT);
    event->function = (uint8_t)(function < TN_FUNCTION_COUNT ? function : TN_FUNCTION_NONE);
    return event;
}

static inline void put_birth(struct run *run, const struct plain *plain, uint64_t value)
{
    struct tn_plain_event *event = put_event(run, plain, value);
    event->size_bytes = (uint32_t)plain->word_3;
    event->excess_bytes = (uint32_t)(plain->word_2 >> 48);
    event->is_birth = true;
    run->births++;
    run->birth_bytes += event->size_bytes;
}

static inline void put_death(struct run *run, const struct plain *plain, uint64_t value)
{
    struct tn_plain_event *event = put_event(run, plain, value);
    event->size_bytes = event->excess_bytes = 0;
    event->is_birth = false;
    run->deaths++;
}

/* The value of the table for a block that is born now. */
static inline uint64_t next_value(struct run *run, const struct plain *plain)
{
    uint64_t usable_size_bytes = (plain->word_3 & UINT32_MAX) + (plain->word_2 >> 48);
    return ++run->batch->last_id | (uint64_t)tn_log_size_class(usable_size_bytes) << TN_MATCH_CLASS_SHIFT;
}

/* The block is born into the table. An address that is taken is for match.c to judge. */
static inline enum step apply_birth(struct run *run, const struct plain *plain)
{
    uint64_t address = plain->word_2 & TN_ADDRESS_MASK;
    if (__builtin_expect(address == 0, 0))
        return STEP_STOP;
    struct tn_table_entry *entry = tn_table_claim(&run->matcher->table, address);
    if (__builtin_expect(entry == NULL, 0))
        return STEP_NO_MEMORY;
    if (__builtin_expect(entry->value != 0, 0))
        return STEP_STOP;
    entry->value = next_value(run, plain);
    put_birth(run, plain, entry->value);
    return STEP_DONE;
}

static inline enum step apply_death(struct run *run, const struct plain *plain)
{
    struct tn_table *table = &run->matcher->table;
    struct tn_table_entry *entry = tn_table_find(table, plain->word_2 & TN_ADDRESS_MASK);
    if (__builtin_expect(entry == NULL, 0) || __builtin_expect((entry->value & TN_MATCH_BEGUN) != 0, 0))
        return STEP_STOP;
    put_death(run, plain, entry->value);
    tn_table_remove(table, entry);
    return STEP_DONE;
}

/* A birth and, as the next event, the death of its block: the table need not know, but must not hold another
 * block there. False: nothing was done. */
static inline bool apply_pair(struct run *run, const struct plain *birth, const struct plain *death)
{
    uint64_t address = birth->word_2 & TN_ADDRESS_MASK;
    if (address != (death->word_2 & TN_ADDRESS_MASK) || address == 0 ||
        tn_table_find(&run->matcher->table, address) != NULL)
        return false;
    uint64_t value = next_value(run, birth);
    put_birth(run, birth, value);
    put_death(run, death, value);
    return true;
}

/* Ask for the table's line of an event that comes soon; whatever the word is, asking does no harm. */
static inline __attribute__((always_inline)) void prefetch(const struct run *run, const uint64_t *next,
                                                           const uint64_t *end)
{
    if (end - next > PREFETCH_WORDS + 2)
        tn_table_prefetch(&run->matcher->table, next[PREFETCH_WORDS + 2] & TN_ADDRESS_MASK);
}

/* Apply the event at `next`, or the pair. Returns how many; 0: it is not plain, or *ret_error is set. */
static inline uint32_t apply(struct run *run, const uint64_t *next, const uint64_t *end, uint64_t bound_ticks,
                             int *ret_error)
{
    struct plain plain = read_plain(next);
    uint64_t kind = plain.head & HEAD_MASK;
    enum step step = STEP_STOP;
    if (plain.stamp > bound_ticks)
        return 0;
    if (kind == HEAD_BIRTH) {
        if (end - next >= 8) {
            struct plain after = read_plain(next + 4);
            if ((after.head & HEAD_MASK) == HEAD_DEATH && after.stamp <= bound_ticks &&
                apply_pair(run, &plain, &after))
                return 2;
        }
        step = apply_birth(run, &plain);
    } else if (kind == HEAD_DEATH) {
        step = apply_death(run, &plain);
    }
    if (__builtin_expect(step == STEP_NO_MEMORY, 0))
        *ret_error = -ENOMEM;
    return step == STEP_DONE;
}

static void begin_run(struct run *run, const struct tn_stream *stream, struct tn_batch *batch)
{
    struct tn_matcher *matcher = stream->matcher;
    *run = (struct run){
        .matcher = matcher,
        .batch = batch,
        .stack_rows = matcher->stacks.rows,
        .stack_count = matcher->stacks.count,
        .thread_id = (uint32_t)stream->thread_id,
        .line = matcher->clock->line,
        .last_ns = matcher->last_ns,
    };
}

static void end_run(const struct run *run)
{
    struct tn_totals *totals = run->matcher->totals;
    run->matcher->last_ns = run->last_ns;
    totals->births += run->births;
    totals->deaths += run->deaths;
    totals->birth_bytes += run->birth_bytes;
    totals->unknown_stacks += run->unknown_stacks;
}

/* Nothing but the events themselves decides what they are. */
static bool is_usual(const struct tn_stream *stream)
{
    return stream->thread_id != 0 && stream->thread_id <= UINT32_MAX && stream->left_depth_bytes == 0 &&
           stream->previous_id == 0 && !stream->is_resumed;
}

int tn_plain_run(struct tn_stream *stream, uint64_t bound_ticks, uint32_t limit, struct tn_batch *batch,
                 uint32_t *ret_count)
{
    *ret_count = 0;
    if (!is_usual(stream))
        return 0;
    struct run run;
    int r = batch->matcher == stream->matcher ? 0 : begin_batch(batch, stream->matcher);
    begin_run(&run, stream, batch);
    bool is_large = stream->matcher->table.count >= PREFETCH_LIVE_MIN;
    const uint64_t *next = stream->next, *end = stream->end;
    uint32_t count = 0;
    while (r == 0 && count + 2 <= limit && end - next >= 4) {
        if (is_large)
            prefetch(&run, next, end);
        uint32_t done = apply(&run, next, end, bound_ticks, &r);
        if (done == 0)
            break;
        next += (size_t)done * 4;
        count += done;
        if (batch->count + 2 <= TN_BATCH_EVENTS)
            continue;
        r = tn_batch_flush(batch);
        if (r == 0)
            r = begin_batch(batch, stream->matcher);
    }
    stream->next = next;
    end_run(&run);
    *ret_count = count;
    return r;
}
