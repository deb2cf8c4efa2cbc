/* SPDX-License-Identifier: MIT */

/* Makes allocations of events: a birth is kept in the live blocks until its death, or until the events of its
 * process end; then what lives is given out in birth order. */

#include "cursor.h"
#include "live.h"

#include <errno.h>
#include <stdlib.h>

struct tn_allocation_cursor {
    struct tn_event_cursor *events; /* owned */
    struct tn_cursor_range range;
    struct tn_live live;
    uint64_t process_id;               /* whose events are being read */
    uint64_t birth_count, birth_bytes; /* births of that process so far, and the bytes they asked for */
    uint64_t *survivors; /* owned; ids that live at its end, in birth order; NULL: still reading */
    size_t survivor_count, survivor_index;
    /* the first event of the next process, kept while survivors are given out; NULL: none */
    const struct tn_log_event *pending;
    bool is_end;
    bool is_stepwise;         /* births are shown, too */
    enum tn_cursor_step step; /* what the last advance found */
    struct tn_allocation out; /* the allocation that the last advance found */
};

int tn_allocation_cursor_open_range(struct sqlite3 *database, const struct tn_cursor_range *range,
                                    struct tn_allocation_cursor **ret_cursor)
{
    struct tn_allocation_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL)
        return -ENOMEM;
    int r = tn_event_cursor_open_range(database, range, &cursor->events);
    if (r < 0) {
        free(cursor);
        return r;
    }
    cursor->range = *range;
    *ret_cursor = cursor;
    return 0;
}

int tn_allocation_cursor_open(struct sqlite3 *database, uint64_t process_id,
                              struct tn_allocation_cursor **ret_cursor)
{
    struct tn_cursor_range range = tn_cursor_range_all(process_id);
    return tn_allocation_cursor_open_range(database, &range, ret_cursor);
}

/* ---------------------------------------------------------------------------------------- live blocks */

/* Show a live block; the clocks of its lifetime as they stand now. */
static void show(struct tn_allocation_cursor *cursor, const struct tn_live_block *block)
{
    cursor->out = (struct tn_allocation){
        .id = block->id,
        .process_id = cursor->process_id,
        .thread_id = block->thread_id,
        .stack_id = block->stack_id,
        .previous_id = block->previous_id,
        .size_bytes = block->size_bytes,
        .usable_size_bytes = block->usable_size_bytes,
        .alignment_bytes = block->alignment_bytes,
        .address = block->address,
        .depth_bytes = block->depth_bytes,
        .birth_ns = block->birth_ns,
        .birth_allocations = block->birth_allocations,
        .birth_bytes = block->birth_bytes,
        .lifetime_allocations = cursor->birth_count - block->birth_allocations,
        .lifetime_bytes = cursor->birth_bytes - block->birth_bytes,
        .function = block->function,
        .is_live = true,
    };
}

/* Where deaths are of no interest. */
static void show_birth(struct tn_allocation_cursor *cursor, const struct tn_log_event *birth)
{
    cursor->out = (struct tn_allocation){
        .id = birth->allocation_id,
        .process_id = birth->process_id,
        .thread_id = birth->thread_id,
        .stack_id = birth->stack_id,
        .size_bytes = birth->size_bytes,
        .usable_size_bytes = birth->usable_size_bytes,
        .alignment_bytes = birth->alignment_bytes,
        .depth_bytes = birth->depth_bytes,
        .birth_ns = birth->time_ns,
        .function = birth->function,
        .is_live = true,
    };
}

/* Returns 1 when the block is a wanted one, and births are shown. */
static int note_birth(struct tn_allocation_cursor *cursor, const struct tn_log_event *birth)
{
    cursor->birth_count++;
    cursor->birth_bytes += birth->size_bytes;
    if (!tn_cursor_wants(&cursor->range, birth))
        return 0;
    if (cursor->range.need != TN_NEED_ALL) {
        show_birth(cursor, birth);
        return 1;
    }
    struct tn_live_block *block;
    int r = tn_live_add(&cursor->live, birth->allocation_id, &block);
    if (r < 0)
        return r;
    *block = (struct tn_live_block){
        .id = birth->allocation_id,
        .thread_id = birth->thread_id,
        .previous_id = birth->previous_id,
        .size_bytes = birth->size_bytes,
        .usable_size_bytes = birth->usable_size_bytes,
        .alignment_bytes = birth->alignment_bytes,
        .address = birth->address,
        .depth_bytes = birth->depth_bytes,
        .birth_ns = birth->time_ns,
        .birth_allocations = cursor->birth_count,
        .birth_bytes = cursor->birth_bytes,
        .stack_id = (uint32_t)birth->stack_id,
        .function = birth->function,
    };
    cursor->step = TN_CURSOR_BIRTH;
    if (cursor->is_stepwise)
        show(cursor, block);
    return cursor->is_stepwise;
}

/* Returns 1 when the block was a wanted one, and is now in cursor->out. */
static int note_death(struct tn_allocation_cursor *cursor, const struct tn_log_event *death)
{
    const struct tn_live_block *block = tn_live_take(&cursor->live, death->allocation_id);
    if (block == NULL)
        return 0;
    show(cursor, block);
    cursor->out.is_live = false;
    cursor->out.death_ns = death->time_ns;
    cursor->out.free_thread_id = death->thread_id;
    cursor->out.free_stack_id = death->stack_id;
    cursor->out.free_depth_bytes = death->depth_bytes;
    cursor->out.free_function = death->function;
    cursor->step = TN_CURSOR_DEATH;
    return 1;
}

/* ---------------------------------------------------------------------------------------- survivors */

/* The process has no more events: list what lives, in birth order. */
static int list_survivors(struct tn_allocation_cursor *cursor)
{
    cursor->survivor_count = cursor->live.count;
    cursor->survivor_index = 0;
    return tn_live_list(&cursor->live, &cursor->survivors);
}

/* Give out the next survivor: 1; 0 when there is none left and reading can go on. */
static int next_survivor(struct tn_allocation_cursor *cursor)
{
    if (cursor->survivor_index < cursor->survivor_count) {
        show(cursor, tn_live_take(&cursor->live, cursor->survivors[cursor->survivor_index++]));
        cursor->step = TN_CURSOR_SURVIVOR;
        return 1;
    }
    free(cursor->survivors);
    cursor->survivors = NULL;
    return 0;
}

/* ---------------------------------------------------------------------------------------- reading */

static void begin_process(struct tn_allocation_cursor *cursor, uint64_t process_id)
{
    cursor->process_id = process_id;
    cursor->birth_count = tn_event_cursor_births_before(cursor->events);
    cursor->birth_bytes = tn_event_cursor_bytes_before(cursor->events);
}

/* Returns 1 when there is something to show, 0 to go on, or a negative errno. */
static int take_event(struct tn_allocation_cursor *cursor, const struct tn_log_event *event)
{
    int r = event->is_birth ? note_birth(cursor, event) : note_death(cursor, event);
    if (r >= 0 && cursor->live.count == 0 && tn_event_cursor_is_past_range(cursor->events))
        tn_event_cursor_skip_process(cursor->events);
    return r;
}

/* The next event, or the end of a process: then the list of survivors is there. Returns as take_event. */
static int advance(struct tn_allocation_cursor *cursor)
{
    const struct tn_log_event *event = cursor->pending;
    cursor->pending = NULL;
    if (event == NULL) {
        int r = tn_event_cursor_next(cursor->events, &event);
        if (r < 0)
            return r;
        cursor->is_end = r == 0;
        if (cursor->is_end)
            return list_survivors(cursor);
    }
    if (event->process_id != cursor->process_id) {
        if (cursor->live.count != 0) {
            cursor->pending = event;
            return list_survivors(cursor);
        }
        begin_process(cursor, event->process_id);
    }
    return take_event(cursor, event);
}

static int next(struct tn_allocation_cursor *cursor, const struct tn_allocation **ret_allocation)
{
    int r = 0;
    while (r == 0) {
        if (cursor->survivors != NULL)
            r = next_survivor(cursor);
        else if (cursor->is_end)
            return 0;
        else
            r = advance(cursor);
    }
    if (r == 1)
        *ret_allocation = &cursor->out;
    return r;
}

int tn_allocation_cursor_step(struct tn_allocation_cursor *cursor, enum tn_cursor_step *ret_step,
                              const struct tn_allocation **ret_allocation)
{
    cursor->is_stepwise = true;
    int r = next(cursor, ret_allocation);
    if (r == 1)
        *ret_step = cursor->step;
    return r;
}

int tn_allocation_cursor_next(struct tn_allocation_cursor *cursor,
                              const struct tn_allocation **ret_allocation)
{
    cursor->is_stepwise = false;
    return next(cursor, ret_allocation);
}

int64_t tn_allocation_cursor_position(const struct tn_allocation_cursor *cursor)
{
    return tn_event_cursor_position(cursor->events);
}

void tn_allocation_cursor_close(struct tn_allocation_cursor *cursor)
{
    if (cursor == NULL)
        return;
    tn_event_cursor_close(cursor->events);
    tn_live_finish(&cursor->live);
    free(cursor->survivors);
    free(cursor);
}
