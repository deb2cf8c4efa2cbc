/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_UNPACK_STATE_H
#define TN_CHUNK_UNPACK_STATE_H

/* The state of a reader of chunks, as the files that unpack see it. The chunk may come from a damaged file:
 * everything in it is checked before it is used. */

#include "columns.h"
#include "predict.h"

#include "tenure/base.h"
#include "tenure/chunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ZSTD_DCtx_s;

/* Bytes behind the streams that may be read, and whose values are never used. */
#define TN_STREAM_MARGIN_BYTES 16

/* A column, decompressed. */
struct tn_column_in {
    const uint8_t *low, *low_end;
    const uint8_t *wide, *wide_end; /* TN_WIDE_VARINT: what is left; TN_WIDE_BITS: all */
    uint64_t bit, bit_end;          /* TN_WIDE_BITS: bits read, and all */
};

/* The births of a thread in this chunk so far; the memory is kept from chunk to chunk. Ids have an array of
 * their own, because they mostly follow from the first one and are then not written. */
struct tn_birth_list {
    uint64_t *address_classes; /* owned; address << 8 | tn_log_size_class */
    uint64_t *ids;             /* owned */
    uint32_t capacity;         /* of both arrays; tn_actor.births counts */
};

/* What a byte of a column with TN_WIDE_BITS says: the number is mantissa << bits, plus the next `bits`
 * bits. */
struct tn_measure {
    uint8_t mantissa, bits;
};

#define TN_LONG_MEASURE 224u /* from this byte on more than 32 bits follow */

/* Zeroed is closed. The memory is kept from chunk to chunk. */
struct tn_unpack {
    struct ZSTD_DCtx_s *zstd; /* owned */
    struct tn_buffer bytes;   /* all streams, one behind the other */
    struct tn_column_in columns[TN_COLUMN_COUNT];
    struct tn_birth_list *lists; /* owned; by index of the thread */
    uint32_t list_count;
    uint64_t event_count, event_index;
    uint64_t birth_count; /* so far */
    uint32_t dense_count; /* the first births of the first thread, whose ids follow from first_id */
    bool is_dense;        /* all births so far are of those */
    bool has_times;       /* unpack_births.c: times are wanted */
    uint64_t births, first_id, last_id, last_ns, process_id; /* as the row of the chunk says */
    struct tn_measure measures[256];                         /* up to TN_LONG_MEASURE */
    struct tn_predict predict;
    struct tn_buffer counts; /* unpack_counts.c: by context, struct context_count; kept from chunk to chunk */
    int error;               /* -EBADMSG, -ENOMEM: met in this event, or before */
};

/* unpack_streams.c: find the columns of a chunk, and decompress the wanted ones.
 *
 * wanted   bit i: column i
 * Returns  0, -ENOMEM, -EBADMSG */
int tn_unpack_streams(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted);

/* Begin a chunk of which only some columns are wanted. Arguments as of tn_unpack_streams, results as of
 * tn_unpack_open. */
int tn_unpack_begin(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted);

#define TN_UNPACK_ALL UINT64_MAX

#endif
