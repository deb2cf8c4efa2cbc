/* SPDX-License-Identifier: MIT */

/* Allocations in order of their ids, in bounded memory: windows of ids, for each of which the chunks that can
 * hold its births and deaths are read. For the virtual table, which so spares SQLite a sorter. */

#include "ordered.h"

#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
SQLITE_EXTENSION_INIT3

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

#define BATCH_EVENTS 128 /* read together */
#define AHEAD_EVENTS 12  /* how many events before a death its slot is prefetched */

enum slot_state {
    STATE_NONE, /* no birth with this id was read */
    STATE_LIVE,
    STATE_DEAD,
};

/* One allocation of the window. Until its death, the two lifetimes hold the counts at its birth. What a death
 * reads stands together: most deaths are of a slot that is not in the cache. */
struct slot {
    uint64_t birth_ns, depth_bytes, size_bytes, usable_size_bytes, alignment_bytes, address, previous_id;
    uint32_t process_id, thread_id, stack_id;
    uint8_t function, free_function;
    uint32_t free_thread_id, free_stack_id;
    uint64_t lifetime_allocations, lifetime_bytes, death_ns, free_depth_bytes;
};

struct tn_ordered {
    struct sqlite3 *database; /* borrowed */
    struct tn_cursor_range range;
    size_t window_ids;
    struct slot *slots; /* owned; of the ids first_id to first_id + slot_count - 1 */
    uint8_t *states;    /* owned; enum slot_state of each slot; the slots of STATE_NONE are never written */
    size_t slot_count, slot_capacity, index;
    uint64_t lookup_ids; /* how many are read for the next look-up; 0: the first one */
    uint64_t first_id;
    uint64_t live_count;               /* of the window, in the process that is being read */
    uint64_t process_id;               /* that process */
    uint64_t birth_count, birth_bytes; /* births of it so far, and the bytes they asked for */
    int64_t position;
    struct tn_allocation out;
    struct tn_log_event batch[BATCH_EVENTS];
};

int tn_ordered_open_windows(struct sqlite3 *database, const struct tn_cursor_range *range, size_t window_ids,
                            struct tn_ordered **ret_ordered)
{
    struct tn_event_cursor *cursor; /* to learn whether this is a log */
    int r = tn_event_cursor_open_range(database, range, &cursor);
    if (r < 0)
        return r;
    tn_event_cursor_close(cursor);
    struct tn_ordered *ordered = calloc(1, sizeof(*ordered));
    if (ordered == NULL)
        return -ENOMEM;
    ordered->database = database;
    ordered->range = *range;
    ordered->window_ids = window_ids;
    *ret_ordered = ordered;
    return 0;
}

int tn_ordered_open(struct sqlite3 *database, const struct tn_cursor_range *range,
                    struct tn_ordered **ret_ordered)
{
    return tn_ordered_open_windows(database, range, TN_ORDERED_WINDOW_IDS, ret_ordered);
}

/* ---------------------------------------------------------------------------------------- events */

static void note_birth(struct tn_ordered *ordered, const struct tn_log_event *birth)
{
    ordered->birth_count++;
    ordered->birth_bytes += birth->size_bytes;
    uint64_t index = birth->allocation_id - ordered->first_id;
    if (index >= ordered->slot_count || ordered->states[index] != STATE_NONE ||
        !tn_cursor_wants(&ordered->range, birth))
        return;
    ordered->states[index] = STATE_LIVE;
    ordered->slots[index] = (struct slot){
        .size_bytes = birth->size_bytes,
        .usable_size_bytes = birth->usable_size_bytes,
        .alignment_bytes = birth->alignment_bytes,
        .address = birth->address,
        .previous_id = birth->previous_id,
        .birth_ns = birth->time_ns,
        .lifetime_allocations = ordered->birth_count,
        .lifetime_bytes = ordered->birth_bytes,
        .depth_bytes = birth->depth_bytes,
        .process_id = (uint32_t)birth->process_id,
        .thread_id = (uint32_t)birth->thread_id,
        .stack_id = (uint32_t)birth->stack_id,
        .function = (uint8_t)birth->function,
    };
    ordered->live_count++;
}

static void note_death(struct tn_ordered *ordered, const struct tn_log_event *death)
{
    uint64_t index = death->allocation_id - ordered->first_id;
    if (index >= ordered->slot_count || ordered->states[index] != STATE_LIVE)
        return;
    struct slot *slot = &ordered->slots[index];
    slot->death_ns = death->time_ns;
    slot->lifetime_allocations = ordered->birth_count - slot->lifetime_allocations;
    slot->lifetime_bytes = ordered->birth_bytes - slot->lifetime_bytes;
    slot->free_depth_bytes = death->depth_bytes;
    slot->free_thread_id = (uint32_t)death->thread_id;
    slot->free_stack_id = (uint32_t)death->stack_id;
    slot->free_function = (uint8_t)death->function;
    ordered->states[index] = STATE_DEAD;
    ordered->live_count--;
}

static void expect(const struct tn_ordered *ordered, const struct tn_log_event *event)
{
    uint64_t index = event->allocation_id - ordered->first_id;
    if (!event->is_birth && index < ordered->slot_count)
        __builtin_prefetch(&ordered->slots[index].lifetime_allocations, 1);
}

/* Events of one chunk, hence of one process. */
static void note(struct tn_ordered *ordered, struct tn_event_cursor *cursor, int count)
{
    const struct tn_log_event *events = ordered->batch;
    if (events[0].process_id != ordered->process_id) {
        ordered->process_id = events[0].process_id;
        ordered->live_count = 0;
        ordered->birth_count = tn_event_cursor_births_before(cursor);
        ordered->birth_bytes = tn_event_cursor_bytes_before(cursor);
    }
    for (int i = 0; i < count; i++) {
        if (i + AHEAD_EVENTS < count)
            expect(ordered, &events[i + AHEAD_EVENTS]);
        if (events[i].is_birth)
            note_birth(ordered, &events[i]);
        else
            note_death(ordered, &events[i]);
    }
    bool is_whole = ordered->live_count == 0 || ordered->range.need != TN_NEED_ALL;
    if (is_whole && tn_event_cursor_is_past_range(cursor))
        tn_event_cursor_skip_process(cursor);
}

/* ---------------------------------------------------------------------------------------- windows */

/* The bounds of the next window with births, from an id on. Returns 1; 0: there is none; or a negative
 * errno. */
static int find_window(struct tn_ordered *ordered, uint64_t from_id, uint64_t *ret_first, uint64_t *ret_last)
{
    struct sqlite3_stmt *row;
    int r =
        tn_sql_prepare_in(ordered->database,
                          "SELECT min(max(first_id, ?1)), max(last_id) FROM \"%w\".chunk WHERE last_id >= ?1",
                          tn_cursor_schema(&ordered->range), &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, (sqlite3_int64)from_id);
    int rc = sqlite3_step(row);
    bool is_found = rc == SQLITE_ROW && sqlite3_column_type(row, 0) == SQLITE_INTEGER;
    uint64_t first = (uint64_t)sqlite3_column_int64(row, 0), last = (uint64_t)sqlite3_column_int64(row, 1);
    sqlite3_finalize(row);
    if (rc != SQLITE_ROW)
        return tn_sql_errno(ordered->database, rc);
    if (last > ordered->range.last_id)
        last = ordered->range.last_id;
    if (!is_found || first > last)
        return 0;
    *ret_first = first;
    *ret_last = last - first < ordered->window_ids ? last : first + ordered->window_ids - 1;
    return 1;
}

static int read_events(struct tn_ordered *ordered, const struct tn_cursor_range *range)
{
    struct tn_event_cursor *cursor;
    int r = tn_event_cursor_open_range(ordered->database, range, &cursor);
    if (r < 0)
        return r;
    ordered->process_id = 0;
    while ((r = tn_event_cursor_read(cursor, ordered->batch, BATCH_EVENTS)) > 0)
        note(ordered, cursor, r);
    ordered->position = tn_event_cursor_position(cursor);
    tn_event_cursor_close(cursor);
    return r;
}

/* Make slots for a window, all without a birth. Deaths go to random slots of a large array: in huge pages
 * they miss the address cache less often, and the array is mapped sooner. The slots themselves need no
 * clearing. */
static int make_slots(struct tn_ordered *ordered, size_t count)
{
    ordered->index = ordered->slot_count = 0;
    if (count > ordered->slot_capacity) {
        size_t size_bytes =
            (count * sizeof(ordered->slots[0]) + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
        free(ordered->slots);
        free(ordered->states);
        ordered->slot_capacity = 0;
        ordered->slots = aligned_alloc(HUGE_PAGE_BYTES, size_bytes);
        ordered->states = malloc(count);
        if (ordered->slots == NULL || ordered->states == NULL)
            return -ENOMEM;
        madvise(ordered->slots, size_bytes, MADV_HUGEPAGE);
        ordered->slot_capacity = count;
    }
    memset(ordered->states, STATE_NONE, count);
    ordered->slot_count = count;
    return 0;
}

/* Returns 1 with the window's allocations in the slots, 0 at the end, or an error. */
static int fill_window(struct tn_ordered *ordered, uint64_t from_id)
{
    struct tn_cursor_range range = ordered->range;
    int r = from_id <= INT64_MAX ? find_window(ordered, from_id, &range.first_id, &range.last_id) : 0;
    if (r <= 0)
        return r;
    ordered->first_id = range.first_id;
    r = make_slots(ordered, (size_t)(range.last_id - range.first_id + 1));
    if (r == 0)
        r = read_events(ordered, &range);
    return r < 0 ? r : 1;
}

/* ---------------------------------------------------------------------------------------- allocations */

static void show(struct tn_ordered *ordered, uint64_t id, const struct slot *slot, bool is_live)
{
    ordered->out = (struct tn_allocation){
        .id = id,
        .process_id = slot->process_id,
        .thread_id = slot->thread_id,
        .stack_id = slot->stack_id,
        .previous_id = slot->previous_id,
        .size_bytes = slot->size_bytes,
        .usable_size_bytes = slot->usable_size_bytes,
        .alignment_bytes = slot->alignment_bytes,
        .address = slot->address,
        .depth_bytes = slot->depth_bytes,
        .birth_ns = slot->birth_ns,
        .death_ns = slot->death_ns,
        .lifetime_allocations = is_live ? 0 : slot->lifetime_allocations,
        .lifetime_bytes = is_live ? 0 : slot->lifetime_bytes,
        .free_thread_id = slot->free_thread_id,
        .free_stack_id = slot->free_stack_id,
        .free_depth_bytes = slot->free_depth_bytes,
        .function = (enum tn_function)slot->function,
        .free_function = (enum tn_function)slot->free_function,
        .is_live = is_live,
    };
}

int tn_ordered_next(struct tn_ordered *ordered, const struct tn_allocation **ret_allocation)
{
    for (;;) {
        while (ordered->index < ordered->slot_count) {
            size_t index = ordered->index++;
            if (ordered->states[index] == STATE_NONE)
                continue;
            show(ordered, ordered->first_id + index, &ordered->slots[index],
                 ordered->states[index] == STATE_LIVE);
            *ret_allocation = &ordered->out;
            return 1;
        }
        uint64_t next_id = ordered->first_id + ordered->slot_count;
        int r = fill_window(ordered, ordered->slots != NULL ? next_id : ordered->range.first_id);
        if (r <= 0)
            return r;
    }
}

/* How many ids around one that is not there are read next time: 16 times as many, so that looking up one is
 * cheap, and that looking up all of them in order reads the log only a few times. */
static void grow_window(struct tn_ordered *ordered)
{
    uint64_t window_ids = ordered->lookup_ids * 16;
    ordered->lookup_ids = window_ids < ordered->window_ids ? window_ids : ordered->window_ids;
}

static int load_around(struct tn_ordered *ordered, uint64_t id)
{
    struct tn_cursor_range range = ordered->range;
    uint64_t window_ids = ordered->lookup_ids != 0 ? ordered->lookup_ids : 1;
    ordered->lookup_ids = window_ids;
    range.first_id = id - id % window_ids;
    range.last_id = range.first_id + window_ids - 1;
    ordered->first_id = range.first_id;
    int r = make_slots(ordered, window_ids);
    if (r == 0)
        r = read_events(ordered, &range);
    grow_window(ordered);
    return r;
}

int tn_ordered_find(struct tn_ordered *ordered, uint64_t id, const struct tn_allocation **ret_allocation)
{
    if (id == 0 || id > INT64_MAX)
        return 0;
    bool is_loaded = id >= ordered->first_id && id - ordered->first_id < ordered->slot_count;
    int r = is_loaded ? 0 : load_around(ordered, id);
    size_t index = (size_t)(id - ordered->first_id);
    if (r < 0) {
        ordered->slot_count = 0;
        return r;
    }
    if (ordered->states[index] == STATE_NONE)
        return 0;
    show(ordered, id, &ordered->slots[index], ordered->states[index] == STATE_LIVE);
    *ret_allocation = &ordered->out;
    return 1;
}

int64_t tn_ordered_position(const struct tn_ordered *ordered)
{
    return ordered->position;
}

void tn_ordered_close(struct tn_ordered *ordered)
{
    if (ordered == NULL)
        return;
    free(ordered->slots);
    free(ordered->states);
    free(ordered);
}
