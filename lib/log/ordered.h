/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_ORDERED_H
#define TN_LOG_ORDERED_H

/* Allocations in order of their ids, over all processes. Events come in time order, so that an allocation is
 * whole only at its death; those of a window of ids are collected in an array while the events from the
 * window's first birth on are read, until all have died or the process has no more events. A log with more
 * allocations than a window has is read once for each window, from there on: that is cheaper than sorting,
 * and its memory is bounded. */

#include "cursor.h"

#define TN_ORDERED_WINDOW_IDS (1u << 20)

struct tn_ordered;

/* Iterate over the wanted allocations in order of their ids.
 *
 * Memory   113 bytes an allocation, 119 MB at most
 * Returns  0; -ENOMEM; as tn_event_cursor_open
 * Owns     the caller owns *ret_ordered; tn_ordered_close releases it, before the connection is closed */
int tn_ordered_open(struct sqlite3 *database, const struct tn_cursor_range *range,
                    struct tn_ordered **ret_ordered);

/* As tn_ordered_open, with windows of so many ids; for tests. */
int tn_ordered_open_windows(struct sqlite3 *database, const struct tn_cursor_range *range, size_t window_ids,
                            struct tn_ordered **ret_ordered);

/* The next allocation: 1, 0 at the end, or an error as tn_event_cursor_next. Those outside the range's births
 * may be given, too. Borrowed until the next call. */
int tn_ordered_next(struct tn_ordered *ordered, const struct tn_allocation **ret_allocation);

/* The allocation with an id. The first call reads what it needs for that one; later ones that find nothing
 * where they look read more and more around it, up to a window of tn_ordered_open. One object is used either
 * for this or for tn_ordered_next.
 *
 * ret_allocation  borrowed until the next call; untouched if there is none
 * Returns         1 it is there; 0 there is none; an error as tn_event_cursor_next
 * Cost            as reading the events from the window's first birth to its last death; nothing within the
 *                 window of the last call */
int tn_ordered_find(struct tn_ordered *ordered, uint64_t id, const struct tn_allocation **ret_allocation);

/* Row id of the chunk that was read last. */
int64_t tn_ordered_position(const struct tn_ordered *ordered);

/* Close. NULL is fine. */
void tn_ordered_close(struct tn_ordered *ordered);

#endif
