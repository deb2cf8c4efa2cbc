/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_GROUPED_H
#define TN_LOG_GROUPED_H

/* Allocations in the order of some columns, where only columns are of interest that have few different
 * values: site, stack, thread, size. Equal rows are counted and given out again, so that GROUP BY needs no
 * sorter, which takes SQLite longer than all the rest. For the virtual table. */

#include "cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_GROUPED_ORDER_MAX 8u

/* What tells rows apart, and their order. Columns by enum tn_allocation_column. */
struct tn_grouped_wish {
    uint64_t columns; /* bit i: column i is of interest */
    uint32_t order_count;
    struct tn_grouped_order {
        uint8_t column;
        bool is_descending;
    } order[TN_GROUPED_ORDER_MAX]; /* the first decides first; all are among columns */
};

/* The columns that may be of interest, as tn_grouped_wish.columns. */
uint64_t tn_grouped_columns(void);

struct tn_grouped;

/* Open the wanted allocations of a log.
 *
 * range    need is not looked at; site_ids is there if the site is of interest
 * Memory   64 bytes for each different row, twice that while they are read
 * Returns  0; -ENOMEM; as tn_event_cursor_open
 * Owns     the caller owns *ret_grouped; tn_grouped_close releases it, before the connection is closed */
int tn_grouped_open(struct sqlite3 *database, const struct tn_cursor_range *range,
                    const struct tn_grouped_wish *wish, struct tn_grouped **ret_grouped);

/* The next allocation, as often as there are equal ones: 1; 0 at the end; an error as tn_event_cursor_next.
 * The first call reads all of them. Of its members those of the wanted columns are right; the stack is one of
 * its site where only the site is wanted; the others are 0. Borrowed until the next call. */
int tn_grouped_next(struct tn_grouped *grouped, const struct tn_allocation **ret_allocation);

/* Row id of the chunk that is being read; 0: all have been. */
int64_t tn_grouped_position(const struct tn_grouped *grouped);

/* Close. NULL is fine. */
void tn_grouped_close(struct tn_grouped *grouped);

#endif
