/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_COLUMNS_H
#define TN_CHUNK_COLUMNS_H

/* The columns of a chunk. docs/log-format.md describes every byte; a change here is a change there, and in
 * TN_LOG_FORMAT_VERSION. What follows from the events before is not written (predict.h): most events take a
 * byte for the context, one for the time, and one more. */

#include "tenure/base.h"
#include "tenure/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A column is a stream of bytes, one for each number, and a second stream for what does not fit into the
 * byte.
 *
 * TN_WIDE_VARINT  a byte below 255 is the number; 255 says that the number is 255 or more, and the rest is a
 *                 varint of the second stream. For numbers that repeat: zstd finds the repetition
 * TN_WIDE_BITS    a byte below 160 is the number; from 160 on it says between which powers of two the number
 *                 lies (quarters of them below 2^20), and the bits below that are in the second stream, which
 *                 is not compressed. For measured numbers, no two of which are alike */
enum tn_wide { TN_WIDE_VARINT, TN_WIDE_BITS };

#define TN_VARINT_MARK 255u
#define TN_BITS_DIRECT 160u
#define TN_BITS_TOP    254u /* the highest byte in use */

/* Columns of times: eight for deaths and eight for births, chosen by the pace of the context. */
#define TN_TIME_CLASSES 8u

enum tn_column {
    TN_COLUMN_BASE,          /* once: the highest id given before this chunk */
    TN_COLUMN_CONTEXT,       /* every event: TN_CONTEXT_* */
    TN_COLUMN_THREAD,        /* after TN_CONTEXT_THREAD: index of the thread in this chunk */
    TN_COLUMN_THREAD_ID,     /* each new thread: zigzag(id - the previous new one's) */
    TN_COLUMN_CONTEXT_OP,    /* each new context: TN_OP_BIRTH, and the function in the bits above */
    TN_COLUMN_CONTEXT_STACK, /* each new context: zigzag(stack id - the previous new one's) */
    TN_COLUMN_CONTEXT_DEPTH, /* each new context: tn_depth_code of depth - the previous new one's */
    TN_COLUMN_TIME,          /* every event: ns since the previous one; a column for each class of pace */
    TN_COLUMN_TIME_LAST = TN_COLUMN_TIME + 2 * TN_TIME_CLASSES - 1,
    TN_COLUMN_BIRTH,     /* births: TN_BIRTH_*, the fields that were not predicted */
    TN_COLUMN_SIZE,      /* TN_BIRTH_SIZE: the size */
    TN_COLUMN_EXCESS,    /* TN_BIRTH_EXCESS: usable size - size */
    TN_COLUMN_ADDRESS,   /* TN_BIRTH_ADDRESS: zigzag of the distance from the end of the previous block */
    TN_COLUMN_GAP,       /* TN_BIRTH_GAP: id - the previous birth's - 1 */
    TN_COLUMN_PREVIOUS,  /* TN_BIRTH_PREVIOUS: 0 none, else id - previous id */
    TN_COLUMN_ALIGNMENT, /* TN_BIRTH_ALIGNMENT: the alignment */
    TN_COLUMN_DEATH,     /* deaths: TN_DEATH_* */
    TN_COLUMN_SOURCE,    /* after TN_DEATH_SOURCE: index of the thread whose block dies */
    TN_COLUMN_NEAR,      /* after TN_DEATH_NEAR: zigzag of the step from the last block that died here */
    TN_COLUMN_LEFT, /* contexts with TN_OP_LEFT: tn_depth_code of the event's depth - the left function's */
    TN_COLUMN_ADDRESS_SUM, /* once, with births: tn_predict_sum of their addresses */
    TN_COLUMN_COUNT
};

/* The names of the columns in chunk.codec ('+' is appended for the second stream), and the kind of their
 * second streams. */
extern const char *const tn_column_names[TN_COLUMN_COUNT];
extern const enum tn_wide tn_column_wides[TN_COLUMN_COUNT];

/* How the context of an event is told. */
#define TN_CONTEXT_EXPECTED 0u /* the one that last followed the thread's two latest contexts */
#define TN_CONTEXT_THREAD   1u /* another thread's; followed by one more of these numbers */
#define TN_CONTEXT_SECOND   2u /* the one that last followed the thread's latest context */
#define TN_CONTEXT_NEW      3u /* one that is new in this chunk */
#define TN_CONTEXT_AGE      4u /* plus the number of contexts that are newer */

#define TN_OP_BIRTH         0x01u
#define TN_OP_FUNCTION_BIT  1
#define TN_OP_FUNCTION_MASK 0x1fu
#define TN_OP_LEFT          0x40u /* functions were left, or entered anew, since the thread's previous event */

/* Fields of a birth that were not predicted, and are therefore written. */
#define TN_BIRTH_SIZE      0x01u /* not as last in this context */
#define TN_BIRTH_EXCESS    0x02u /* not as last with this size */
#define TN_BIRTH_ADDRESS   0x04u /* not the address that its thread freed last in its class */
#define TN_BIRTH_UNALIGNED 0x08u /* with ADDRESS: the distance is in bytes, else in units of 16 */
#define TN_BIRTH_GAP       0x10u /* its id is not one more than the previous birth's */
#define TN_BIRTH_PREVIOUS  0x20u /* not as last in this context: none, or the thread's last freed */
#define TN_BIRTH_ALIGNMENT 0x40u /* not as last in this context */
#define TN_BIRTH_FLAGS     0x7fu

/* Which block dies, by its rank among the births of its source in this chunk; the source is the thread that
 * allocated it. Blocks born before the chunk have negative ranks: -1 for the chunk's base id, -2 for the id
 * below, and so on. */
#define TN_DEATH_SOURCE 0u /* another source than at the thread's last death; one more number */
#define TN_DEATH_SAME   1u /* as many births of the source since its birth as last in this context */
#define TN_DEATH_STEP   2u /* the step from the last block that died here repeats */
#define TN_DEATH_NEAR   3u /* a small step from the last block that died here */
#define TN_DEATH_BIRTHS 4u /* plus the births of the source since its birth */

/* A step is small when it is that many times smaller than the number of births since. */
#define TN_NEAR_FACTOR 16u

_Static_assert(TN_FUNCTION_COUNT <= TN_OP_FUNCTION_MASK + 1, "a function's code fits the op byte");

/* The byte of a number from 160 on in a column with TN_WIDE_BITS, and how many of its low bits follow. Bytes
 * 160 to 210 are the quarters of the powers of two from 5/4 * 2^7 to below 2^20, 211 to 254 the powers
 * themselves. */
static inline uint8_t tn_bits_code(uint64_t number, uint32_t *ret_bits)
{
    uint32_t power = 63 - (uint32_t)__builtin_clzll(number);
    if (power >= 20) {
        *ret_bits = power;
        return (uint8_t)(191 + power);
    }
    *ret_bits = power - 2;
    return (uint8_t)(159 + (power - 7) * 4 + (number >> (power - 2) & 3));
}

/* The inverse: the number with its low bits 0, for a byte from 160 to 254. */
static inline uint64_t tn_bits_floor(uint8_t code, uint32_t *ret_bits)
{
    if (code >= 211) {
        *ret_bits = code - 191u;
        return UINT64_C(1) << *ret_bits;
    }
    uint32_t quarter = code - 159u;
    *ret_bits = quarter / 4 + 5;
    return (UINT64_C(4) + quarter % 4) << *ret_bits;
}

/* Distances of depths. Stack pointers are aligned at calls, so a distance is mostly a multiple of 16: it is
 * then counted in units of 16 bytes, and the lowest bit is 0. */
static inline uint64_t tn_depth_code(int64_t distance)
{
    return distance % 16 == 0 ? tn_zigzag(distance / 16) << 1 : tn_zigzag(distance) << 1 | 1;
}

/* The inverse, modulo 2^64. */
static inline uint64_t tn_depth_distance(uint64_t code)
{
    return (uint64_t)tn_unzigzag(code >> 1) * ((code & 1) == 0 ? 16 : 1);
}

#endif
