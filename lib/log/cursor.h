/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_CURSOR_H
#define TN_LOG_CURSOR_H

/* What the cursors offer each other and the virtual table beyond tenure/log.h: reading only the chunks that
 * can hold the wanted allocations. */

#include "tenure/log.h"

#include <stdbool.h>
#include <stdint.h>

/* What of the allocations is of use; the rest is 0, and not unpacked. Their deaths are only in
 * TN_NEED_ALL. */
enum tn_cursor_need {
    TN_NEED_ALL,
    TN_NEED_BIRTHS, /* no address, no previous block, nothing of the end */
    TN_NEED_COUNTS, /* of these no time either */
};

/* The allocations that are wanted; bounds are inclusive. */
struct tn_cursor_range {
    uint64_t process_id; /* 0: all */
    uint64_t first_id, last_id;
    uint64_t first_birth_ns, last_birth_ns;
    const char *schema; /* the connection's database that holds the log; borrowed as long as a cursor is open;
                           NULL: "main" */
    uint64_t size_min_bytes, size_max_bytes; /* as asked for */
    uint64_t site_id;                        /* 0: of all sites; else site_ids is there */
    const uint64_t *site_ids; /* by stack id, site_id_count of them; borrowed as schema; NULL: none */
    uint64_t site_id_count;
    enum tn_cursor_need need;
};

/* The schema of a range, as SQL needs it. */
static inline const char *tn_cursor_schema(const struct tn_cursor_range *range)
{
    return range->schema != NULL ? range->schema : "main";
}

/* All allocations of a process, or of all with 0. */
static inline struct tn_cursor_range tn_cursor_range_all(uint64_t process_id)
{
    return (struct tn_cursor_range){.process_id = process_id,
                                    .last_id = UINT64_MAX,
                                    .last_birth_ns = UINT64_MAX,
                                    .size_max_bytes = UINT64_MAX};
}

/* The site of a stack by the table of a range; 0: none. */
static inline uint64_t tn_cursor_site(const struct tn_cursor_range *range, uint64_t stack_id)
{
    return stack_id < range->site_id_count ? range->site_ids[stack_id] : 0;
}

/* Whether a birth is wanted. */
static inline bool tn_cursor_wants(const struct tn_cursor_range *range, const struct tn_log_event *birth)
{
    return birth->allocation_id >= range->first_id && birth->allocation_id <= range->last_id &&
           birth->time_ns >= range->first_birth_ns && birth->time_ns <= range->last_birth_ns &&
           birth->size_bytes >= range->size_min_bytes && birth->size_bytes <= range->size_max_bytes &&
           (range->site_id == 0 || tn_cursor_site(range, birth->stack_id) == range->site_id);
}

/* As tn_event_cursor_open, leaving out the chunks of each process that end before its first wanted birth, and
 * giving births only if the range needs no more. */
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
