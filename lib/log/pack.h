/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_PACK_H
#define TN_LOG_PACK_H

/* Events of one process to a packed chunk. Each event is coded as it comes; tn_pack_seal compresses. */

#include "columns.h"

#include "tenure/base.h"
#include "tenure/log_write.h"

#include <stdbool.h>
#include <stdint.h>

struct ZSTD_CCtx_s;
struct tn_pack;

/* A chunk for the events of a process. NULL: no memory. */
struct tn_pack *tn_pack_create(uint64_t process_id);

/* Release it. NULL is fine. */
void tn_pack_destroy(struct tn_pack *pack);

/* Events in the open chunk. */
uint32_t tn_pack_count(const struct tn_pack *pack);

/* What the caller knows before a chunk's first event: no id above last_id has been given. A chunk that knows
 * better, from its own births, is not changed. */
void tn_pack_know_ids(struct tn_pack *pack, uint64_t last_id);

/* Append a birth with its id, higher than the previous one's.
 *
 * Returns  0; -EINVAL when a field is out of range (nothing appended: usable below size, address, depth or
 *          size beyond 2^56, stack id beyond 2^32 - 1); -ENOMEM, after which the chunk is lost
 * Cost     10 to 30 ns, by how much of it is as expected */
int tn_pack_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id);

/* Append a death. Contract as tn_pack_birth; -EINVAL also for an id that was not given before. A time below
 * the previous event's is raised to it. */
int tn_pack_death(struct tn_pack *pack, const struct tn_death *death);

/* Append births and deaths in order; the births have the ids from next_id on. Contract as tn_pack_birth;
 * what stands before an event that is refused has been appended. */
int tn_pack_plain(struct tn_pack *pack, const struct tn_plain_event *events, uint32_t count,
                  uint64_t next_id);

/* Compress what is there and begin anew.
 *
 * zstd       for compressing; reused
 * ret_chunk  borrowed from pack until its next event or seal
 * Returns    0, -ENOMEM; -ENODATA when there is no event */
int tn_pack_seal(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd, struct tn_chunk *ret_chunk);

#endif
