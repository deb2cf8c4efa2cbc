/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_CURSOR_H
#define TN_LOG_CURSOR_H

/* What the cursors offer each other and the virtual table beyond tenure/log.h: reading only the chunks that
 * can hold the wanted allocations. */

#include "tenure/log.h"

#include <stdbool.h>
#include <stdint.h>

/* The allocations that are wanted; bounds are inclusive. */
struct tn_cursor_range {
    uint64_t process_id; /* 0: all */
    uint64_t first_id, last_id;
    uint64_t first_birth_ns, last_birth_ns;
    const char *schema; /* the connection's database that holds the log; borrowed as long as a cursor is open;
                           NULL: "main" */
};

/* The schema of a range, as SQL needs it. */
static inline const char *tn_cursor_schema(const struct tn_cursor_range *range)
{
    return range->schema != NULL ? range->schema : "main";
}

/* All allocations of a process, or of all with 0. */
static inline struct tn_cursor_range tn_cursor_range_all(uint64_t process_id)
{
    return (struct tn_cursor_range){process_id, 0, UINT64_MAX, 0, UINT64_MAX, NULL};
}

/* As tn_event_cursor_open, leaving out the chunks of each process that end before its first wanted birth. */
int tn_event_cursor_open_range(struct sqlite3 *database, const struct tn_cursor_range *range,
                               struct tn_event_cursor **ret_cursor);

/* The next events of one chunk: cheaper than one by one. A cursor is read either by this or by
 * tn_event_cursor_next.
 *
 * capacity  room in ret_events; not 0
 * Returns   how many; 0 at the end; an error as tn_event_cursor_next, after all events before it */
int tn_event_cursor_read(struct tn_event_cursor *cursor, struct tn_log_event *ret_events, uint32_t capacity);

/* Births of the current process in chunks that were left out, and the bytes they asked for. */
uint64_t tn_event_cursor_births_before(const struct tn_event_cursor *cursor);
uint64_t tn_event_cursor_bytes_before(const struct tn_event_cursor *cursor);

/* Whether the event that was returned last is the last one of its chunk, and no birth of a later chunk of its
 * process can be wanted. */
bool tn_event_cursor_is_past_range(const struct tn_event_cursor *cursor);

/* Leave out the rest of the current process. */
void tn_event_cursor_skip_process(struct tn_event_cursor *cursor);

/* As tn_allocation_cursor_open, for the wanted allocations only. */
int tn_allocation_cursor_open_range(struct sqlite3 *database, const struct tn_cursor_range *range,
                                    struct tn_allocation_cursor **ret_cursor);

/* Row id of the chunk that is being read. */
int64_t tn_allocation_cursor_position(const struct tn_allocation_cursor *cursor);

#endif
