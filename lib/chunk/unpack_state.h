/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_UNPACK_STATE_H
#define TN_CHUNK_UNPACK_STATE_H

/* A packed chunk back to events. The chunk comes from a file that may be damaged: nothing in it is
 * believed. */

#include "columns.h"
#include "predict.h"

#include "tenure/base.h"
#include "tenure/chunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ZSTD_DCtx_s;

/* Bytes behind the streams that may be read, but mean nothing. */
#define TN_STREAM_MARGIN_BYTES 16

/* A column, decompressed. */
struct tn_column_in {
    const uint8_t *low, *low_end;
    const uint8_t *wide, *wide_end; /* TN_WIDE_VARINT: what is left; TN_WIDE_BITS: all */
    uint64_t bit, bit_end;          /* TN_WIDE_BITS: bits read, and all */
};

/* The births of a thread in this chunk so far; the memory is kept from chunk to chunk. Ids are apart, because
 * they mostly follow from the first one, and are then not kept. */
struct tn_birth_list {
    uint64_t *address_classes; /* owned; address << 8 | tn_log_size_class */
    uint64_t *ids;             /* owned */
    uint32_t capacity;         /* of both; the count is in its tn_actor */
};

/* What a byte of a column with TN_WIDE_BITS means: the number is mantissa << bits, and the next bits. */
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
    bool is_dense;        /* all births so far are such */
    uint64_t births, first_id, last_id, last_ns, process_id; /* what the row promises */
    struct tn_measure measures[256];                         /* up to TN_LONG_MEASURE */
    struct tn_predict predict;
    struct tn_buffer counts; /* unpack_counts.c: by context, struct context_count; kept from chunk to chunk */
    int error;               /* -EBADMSG, -ENOMEM: met in the event at hot, or before */
};

/* unpack_streams.c: find the columns of a chunk and decompress those that are wanted: bit i, column i.
 * Returns 0, -ENOMEM, -EBADMSG. */
int tn_unpack_streams(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted);

/* Begin a chunk, of which only some columns are wanted. As tn_unpack_open. */
int tn_unpack_begin(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted);

#define TN_UNPACK_ALL UINT64_MAX

#endif
