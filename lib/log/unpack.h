/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_UNPACK_H
#define TN_LOG_UNPACK_H

/* A packed chunk back to events. The chunk comes from a file that may be damaged: nothing in it is believed.
 */

#include "columns.h"

#include "tenure/base.h"
#include "tenure/log.h"

#include <stddef.h>
#include <stdint.h>

struct ZSTD_DCtx_s;

/* A stream of a column, decompressed. */
struct tn_stream {
    const uint8_t *at, *end;
};

struct tn_birth_place {
    uint64_t id, address, usable_size_bytes;
};

/* Zeroed is closed. The memory is kept from chunk to chunk. */
struct tn_unpack {
    struct ZSTD_DCtx_s *zstd; /* owned */
    struct tn_buffer bytes;   /* all streams, one behind the other */
    struct tn_stream
        low[TN_COLUMN_COUNT]; /* counts were checked against the events: reading cannot overrun */
    struct tn_stream wide[TN_COLUMN_COUNT];
    struct tn_birth_place *births; /* of this chunk so far; room for all of them */
    size_t birth_capacity;
    uint32_t births_left_until_aligned; /* UINT32_MAX: none is left */
    uint64_t event_count, event_index;
    uint64_t birth_count, birth_total;
    uint64_t last_ns, last_id; /* what the row promises for the end */
    uint64_t process_id;
    struct tn_predict predict;
    bool is_damaged;
};

/* Begin a chunk: check, decompress.
 *
 * chunk    borrowed during the call
 * Returns  0, -ENOMEM, -EBADMSG when it is damaged */
int tn_unpack_open(struct tn_unpack *unpack, const struct tn_chunk *chunk);

/* The next event: 1; 0 at the end; -EBADMSG, -ENOMEM. */
int tn_unpack_next(struct tn_unpack *unpack, struct tn_log_event *ret_event);

/* Release the memory. */
void tn_unpack_finish(struct tn_unpack *unpack);

#endif
