/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_LINKS_H
#define TN_RECORD_LINKS_H

/* Counts who holds whose address. The shim sends addresses that it has found (LINKS events); here they are
 * resolved to blocks that live or died lately, and counted by stacks and offsets until the log gets the
 * counts. One of these a process, one thread. */

#include "stream.h"

#include "tenure/log_write.h"

#include <stdint.h>

struct tn_matcher;

/* The counts of one process. */
struct tn_links;

/* Rows of `link` that a process may have; what is found beyond is counted. */
#define TN_LINKS_MAX 65536u

/* Apply the LINKS event that a stream stands at. An address of no known block counts for nothing, nor does
 * one that the block holds of itself. Of dead blocks only those count that died after the holder was born,
 * and lately.
 *
 * Returns  0; -EBADMSG: malformed; -ENOMEM
 * Cost     some 20 look-ups for an address that is no block's; for the holder of a found address up to 16,384
 */
int tn_links_apply(struct tn_stream *stream);

/* Write counts that have changed since they were written.
 *
 * rows_max  how many; the next call goes on behind them
 * Returns   0, or the writer's error */
int tn_links_write(struct tn_matcher *matcher, uint32_t rows_max);

/* Release the memory; not the writer's rows. NULL is fine. */
void tn_links_close(struct tn_links *links);

#endif
