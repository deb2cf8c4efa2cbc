/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_ENCODE_H
#define TN_CHUNK_ENCODE_H

/* Writes numbers into the columns of an open chunk (columns.h says how). tn_pack_prepare has made the room
 * for their bytes; the second streams grow as they must, and -ENOMEM is left in pack->error. */

#include "pack_parts.h"

/* A number of a column with TN_WIDE_VARINT, from TN_VARINT_MARK on. */
void tn_encode_varint(struct tn_pack *pack, enum tn_column column, uint64_t number);

/* The part that does not fit into the byte of a column with TN_WIDE_BITS, for a number from TN_BITS_DIRECT
 * on. Returns the byte. */
uint8_t tn_encode_rest(struct tn_pack *pack, enum tn_column column, uint64_t number);

/* A byte that is not a number. */
static inline void tn_encode_byte(struct tn_pack *pack, enum tn_column column, uint32_t byte)
{
    *pack->columns[column].low_end++ = (uint8_t)byte;
}

/* A number of a column with TN_WIDE_VARINT. */
static inline void tn_encode_number(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    if (__builtin_expect(number < TN_VARINT_MARK, 1))
        tn_encode_byte(pack, column, (uint32_t)number);
    else
        tn_encode_varint(pack, column, number);
}

/* The byte for a number of a column with TN_WIDE_BITS; the rest is written. */
static inline uint8_t tn_encode_code(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    return number < TN_BITS_DIRECT ? (uint8_t)number : tn_encode_rest(pack, column, number);
}

/* A number of a column with TN_WIDE_BITS. */
static inline void tn_encode_measure(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    tn_encode_byte(pack, column, tn_encode_code(pack, column, number));
}

/* The function that was left before an event. Rare: only programs built with -finstrument-functions have
 * it. */
static inline void tn_encode_left(struct tn_pack *pack, uint64_t depth_bytes, uint64_t left_depth_bytes)
{
    if (__builtin_expect(left_depth_bytes != 0, 0))
        tn_encode_number(pack, TN_COLUMN_LEFT, tn_depth_code((int64_t)(depth_bytes - left_depth_bytes)));
}

#endif
