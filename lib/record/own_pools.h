/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_OWN_POOLS_H
#define TN_RECORD_OWN_POOLS_H

/* Follows the blocks of pools that a program describes (tenure/mark.h): matches their births and releases,
 * counts each pool's use, and gives the log its rows. Nothing here touches the heap's record. One of these a
 * process, one thread. */

#include "stream.h"

#include <stdbool.h>
#include <stdint.h>

struct tn_matcher;

/* The pools of one process. */
struct tn_pools;

/* Pools that a process may have in the log; calls about others are counted (meta.pool_events_dropped). */
#define TN_POOLS_MAX 4096u

/* Sizes that the pools of a process may have in the log together; blocks of others count for their pool only.
 */
#define TN_POOL_SIZES_MAX 65536u

/* Rows of `pool_block` that a recording may have; blocks beyond count for their pool (blocks_left_out). */
#define TN_POOL_BLOCKS_MAX UINT64_C(1000000)

#define TN_POOLS_WAIT 1

/* Apply the POOL event that a stream stands at.
 *
 * stack_id  the event's, as a row of `stack`; 0: none
 * can_wait  its counterpart may still come from another ring
 * Returns   0; TN_POOLS_WAIT: its counterpart must come first, apply it again later; -EBADMSG: malformed;
 *           -ENOMEM, or the writer's error
 * Cost      some look-ups in hashes; a row of the log for the first TN_POOL_BLOCKS_MAX blocks. A reset costs
 *           that for each block in use */
int tn_pools_apply(struct tn_stream *stream, uint64_t stack_id, bool can_wait);

/* Write counts that have changed since they were written. Returns 0, or the writer's error. */
int tn_pools_write(struct tn_matcher *matcher);

/* Release the memory; not the writer's rows. NULL is fine. */
void tn_pools_close(struct tn_pools *pools);

#endif
