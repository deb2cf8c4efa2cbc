/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_SPOOL_H
#define TN_LOG_SPOOL_H

/* The events of a process that has few: kept as they came until the next commit, and packed then by a pack
 * that such processes share. A pack of its own takes 300 KB, which is too much for each of a thousand
 * processes that mostly wait. One thread. */

#include "tenure/chunk.h"
#include "tenure/log_event.h"

#include <stdbool.h>
#include <stdint.h>

/* From here on a process gets a pack of its own. */
#define TN_SPOOL_EVENTS_MAX 512u

struct tn_spooled;

/* Zeroed is empty. */
struct tn_spool {
    struct tn_spooled *events; /* owned */
    uint32_t count;            /* in events */
    uint32_t capacity;         /* room in events */
    uint64_t base_id; /* by the caller, before the first event: no higher id was given to any process */
};

/* Whether an event can be kept: there is room, and its fields are such that a pack takes it for certain. */
bool tn_spool_takes_birth(const struct tn_spool *spool, const struct tn_birth *birth);
bool tn_spool_takes_death(const struct tn_spool *spool, const struct tn_death *death);

/* Whether all of count events can be. */
bool tn_spool_takes_plain(const struct tn_spool *spool, const struct tn_plain_event *events, uint32_t count);

/* Keep an event.
 *
 * id       of the allocation that is born
 * Returns  0 or -ENOMEM */
int tn_spool_birth(struct tn_spool *spool, const struct tn_birth *birth, uint64_t id);
int tn_spool_death(struct tn_spool *spool, const struct tn_death *death);
int tn_spool_plain(struct tn_spool *spool, const struct tn_plain_event *event);

/* Append what is kept to an empty pack; it is kept no longer. Returns 0 or -ENOMEM. */
int tn_spool_pour(struct tn_spool *spool, struct tn_pack *pack);

/* Release the memory. */
void tn_spool_finish(struct tn_spool *spool);

#endif
