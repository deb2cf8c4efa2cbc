/* SPDX-License-Identifier: MIT */
#include "cursor.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

#define NO_PLACE UINT32_MAX

/* A live block, or a free place. */
struct place {
    struct tn_allocation allocation; /* id 0: free */
    uint32_t next_free;              /* of a free place: the next one */
};

struct tn_allocation_cursor {
    struct tn_event_cursor *events; /* owned */
    struct tn_cursor_range range;
    struct tn_map places_by_id; /* allocation id -> index in places */
    struct place *places;
    uint32_t place_count, place_capacity;
    uint32_t first_free;
    uint64_t process_id;               /* whose events are being read */
    uint64_t birth_count, birth_bytes; /* of that process, so far */
    uint64_t *survivors; /* ids of those that live at its end, in birth order; NULL: still reading */
    size_t survivor_count, survivor_index;
    const struct tn_log_event
        *pending; /* the first event of the next process, while survivors are given out */
    bool is_end;
    enum tn_step step;                 /* what the last advance found */
    const struct tn_allocation *shown; /* and where it is */
    struct tn_allocation out;          /* a block that was taken out */
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
    cursor->first_free = NO_PLACE;
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

static int take_place(struct tn_allocation_cursor *cursor, uint32_t *ret_index)
{
    if (cursor->first_free != NO_PLACE) {
        *ret_index = cursor->first_free;
        cursor->first_free = cursor->places[*ret_index].next_free;
        return 0;
    }
    if (cursor->place_count == cursor->place_capacity) {
        size_t wider = cursor->place_capacity != 0 ? (size_t)cursor->place_capacity * 2 : 1024;
        struct place *places = wider < NO_PLACE ? realloc(cursor->places, wider * sizeof(places[0])) : NULL;
        if (places == NULL)
            return -ENOMEM;
        cursor->places = places;
        cursor->place_capacity = (uint32_t)wider;
    }
    *ret_index = cursor->place_count++;
    return 0;
}

static void give_place_back(struct tn_allocation_cursor *cursor, uint32_t index)
{
    cursor->places[index].allocation.id = 0;
    cursor->places[index].next_free = cursor->first_free;
    cursor->first_free = index;
}

static bool is_wanted(const struct tn_cursor_range *range, const struct tn_log_event *birth)
{
    return birth->allocation_id >= range->first_id && birth->allocation_id <= range->last_id &&
           birth->time_ns >= range->first_birth_ns && birth->time_ns <= range->last_birth_ns;
}

/* Returns 1 when the block is a wanted one. */
static int note_birth(struct tn_allocation_cursor *cursor, const struct tn_log_event *birth)
{
    cursor->birth_count++;
    cursor->birth_bytes += birth->size_bytes;
    if (!is_wanted(&cursor->range, birth))
        return 0;
    uint32_t index;
    int r = take_place(cursor, &index);
    if (r == 0)
        r = tn_map_put(&cursor->places_by_id, birth->allocation_id, index);
    if (r < 0)
        return r;
    cursor->places[index].allocation = (struct tn_allocation){
        .id = birth->allocation_id,
        .process_id = birth->process_id,
        .thread_id = birth->thread_id,
        .stack_id = birth->stack_id,
        .previous_id = birth->previous_id,
        .size_bytes = birth->size_bytes,
        .usable_size_bytes = birth->usable_size_bytes,
        .alignment_bytes = birth->alignment_bytes,
        .address = birth->address,
        .depth_bytes = birth->depth_bytes,
        .birth_ns = birth->time_ns,
        .birth_allocations = cursor->birth_count,
        .birth_bytes = cursor->birth_bytes,
        .function = birth->function,
        .is_live = true,
    };
    cursor->step = TN_STEP_BIRTH;
    cursor->shown = &cursor->places[index].allocation;
    return 1;
}

/* Take a block out, with the clocks as they stand now. Returns whether it was there. */
static bool take_out(struct tn_allocation_cursor *cursor, uint64_t id)
{
    uint64_t index;
    if (!tn_map_remove(&cursor->places_by_id, id, &index))
        return false;
    cursor->out = cursor->places[index].allocation;
    cursor->out.lifetime_allocations = cursor->birth_count - cursor->out.birth_allocations;
    cursor->out.lifetime_bytes = cursor->birth_bytes - cursor->out.birth_bytes;
    give_place_back(cursor, (uint32_t)index);
    return true;
}

/* Returns 1 when the block was a wanted one, and is now in cursor->out. */
static int note_death(struct tn_allocation_cursor *cursor, const struct tn_log_event *death)
{
    if (!take_out(cursor, death->allocation_id))
        return 0;
    cursor->out.is_live = false;
    cursor->out.death_ns = death->time_ns;
    cursor->out.free_thread_id = death->thread_id;
    cursor->out.free_stack_id = death->stack_id;
    cursor->out.free_depth_bytes = death->depth_bytes;
    cursor->out.free_function = death->function;
    cursor->step = TN_STEP_DEATH;
    cursor->shown = &cursor->out;
    return 1;
}

/* ---------------------------------------------------------------------------------------- survivors */

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The process has no more events: list what lives, in birth order. */
static int list_survivors(struct tn_allocation_cursor *cursor)
{
    cursor->survivors = malloc((cursor->places_by_id.count + 1) * sizeof(cursor->survivors[0]));
    if (cursor->survivors == NULL)
        return -ENOMEM;
    cursor->survivor_count = cursor->survivor_index = 0;
    for (uint32_t i = 0; i < cursor->place_count; i++)
        if (cursor->places[i].allocation.id != 0)
            cursor->survivors[cursor->survivor_count++] = cursor->places[i].allocation.id;
    qsort(cursor->survivors, cursor->survivor_count, sizeof(cursor->survivors[0]), compare_ids);
    return 0;
}

/* Give out the next survivor: 1; 0 when there is none left and reading can go on. */
static int next_survivor(struct tn_allocation_cursor *cursor)
{
    if (cursor->survivor_index < cursor->survivor_count) {
        take_out(cursor, cursor->survivors[cursor->survivor_index++]);
        cursor->step = TN_STEP_SURVIVOR;
        cursor->shown = &cursor->out;
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
    if (r >= 0 && cursor->places_by_id.count == 0 && tn_event_cursor_is_past_range(cursor->events))
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
        if (cursor->places_by_id.count != 0) {
            cursor->pending = event;
            return list_survivors(cursor);
        }
        begin_process(cursor, event->process_id);
    }
    return take_event(cursor, event);
}

int tn_allocation_cursor_step(struct tn_allocation_cursor *cursor, enum tn_step *ret_step,
                              const struct tn_allocation **ret_allocation)
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
    if (r == 1) {
        *ret_step = cursor->step;
        *ret_allocation = cursor->shown;
    }
    return r;
}

int tn_allocation_cursor_next(struct tn_allocation_cursor *cursor,
                              const struct tn_allocation **ret_allocation)
{
    int r;
    do
        r = tn_allocation_cursor_step(cursor, &cursor->step, ret_allocation);
    while (r == 1 && cursor->step == TN_STEP_BIRTH);
    return r;
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
    tn_map_finish(&cursor->places_by_id);
    free(cursor->places);
    free(cursor->survivors);
    free(cursor);
}
