/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_COLUMNS_H
#define TN_CHUNK_COLUMNS_H

/* The columns of a chunk. docs/log-format.md describes every byte of it; what is changed here is changed
 * there, and in TN_LOG_FORMAT_VERSION. What is known from the events before is not written (predict.h): most
 * events take a byte for the context, one for the time and one more. */

#include "tenure/base.h"
#include "tenure/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A column is a stream of bytes, one a number, and a second stream for what does not fit into the byte.
 *
 * TN_WIDE_VARINT  below 255 the number itself; 255: 255 or more, and the rest is a varint of the second
 *                 stream. For numbers that repeat: zstd finds them again
 * TN_WIDE_BITS    below 160 the number itself; from 160 on the byte says between which powers of two it lies
 *                 (quarters of them below 2^20), and the bits below that are in the second stream, which is
 *                 not compressed. For numbers that are measured, not chosen: no two are alike */
enum tn_wide { TN_WIDE_VARINT, TN_WIDE_BITS };

#define TN_VARINT_MARK 255u
#define TN_BITS_DIRECT 160u
#define TN_BITS_TOP    254u /* the highest byte that means something */

/* Deaths and births, eight each, by the pace of their context. */
#define TN_TIME_CLASSES 8u

enum tn_column {
    TN_COLUMN_BASE,          /* once: the highest id given before this chunk */
    TN_COLUMN_CONTEXT,       /* every event: TN_CONTEXT_* */
    TN_COLUMN_THREAD,        /* after TN_CONTEXT_THREAD: index of the thread in this chunk */
    TN_COLUMN_THREAD_ID,     /* each new thread: zigzag(id - the previous new one's) */
    TN_COLUMN_CONTEXT_OP,    /* each new context: TN_OP_BIRTH, and the function in the bits above */
    TN_COLUMN_CONTEXT_STACK, /* each new context: zigzag(stack id - the previous new one's) */
    TN_COLUMN_CONTEXT_DEPTH, /* each new context: tn_depth_code of depth - the previous new one's */
    TN_COLUMN_TIME,          /* every event: ns since the previous one; a column for each class */
    TN_COLUMN_TIME_LAST = TN_COLUMN_TIME + 2 * TN_TIME_CLASSES - 1,
    TN_COLUMN_BIRTH,     /* births: TN_BIRTH_*, what is not as expected */
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

/* The names of the columns in chunk.codec, and the kind of their second streams ('+' behind the name). */
extern const char *const tn_column_names[TN_COLUMN_COUNT];
extern const enum tn_wide tn_column_wides[TN_COLUMN_COUNT];

/* The context of an event. */
#define TN_CONTEXT_EXPECTED 0u /* the one that followed the thread's last two contexts when they last met */
#define TN_CONTEXT_THREAD                                                                                    \
    1u /* another thread than the previous event's; the context comes as one more number                     \
        */
#define TN_CONTEXT_SECOND 2u /* the one that followed the thread's last context when it last came */
#define TN_CONTEXT_NEW    3u /* one that this chunk has not seen */
#define TN_CONTEXT_AGE    4u /* and the number of contexts that are newer than it */

#define TN_OP_BIRTH         0x01u
#define TN_OP_FUNCTION_BIT  1
#define TN_OP_FUNCTION_MASK 0x1fu
#define TN_OP_LEFT          0x40u /* functions were left, or entered anew, since the thread's previous event */

/* What is not as expected of a birth. */
#define TN_BIRTH_SIZE      0x01u /* not as last at this context */
#define TN_BIRTH_EXCESS    0x02u /* not as last with this size */
#define TN_BIRTH_ADDRESS   0x04u /* not the block of its size that its thread released last */
#define TN_BIRTH_UNALIGNED 0x08u /* with ADDRESS: the distance is in bytes, else in units of 16 */
#define TN_BIRTH_GAP       0x10u /* its id does not follow the previous birth's */
#define TN_BIRTH_PREVIOUS                                                                                    \
    0x20u                        /* not as last at this context: none, or the block that its thread released \
                                  */
#define TN_BIRTH_ALIGNMENT 0x40u /* not as last at this context */
#define TN_BIRTH_FLAGS     0x7fu

/* The block that dies, by its rank among those that its source, a thread, bore in this chunk; blocks born
 * before have ranks below 0, -1 for the chunk's base and on by their ids. */
#define TN_DEATH_SOURCE                                                                                      \
    0u                     /* another source than at the thread's last death; the block as one more number   \
                            */
#define TN_DEATH_SAME   1u /* as many births of the source since then as last at this context */
#define TN_DEATH_STEP   2u /* as far from the last block that died here as that was from the one before */
#define TN_DEATH_NEAR   3u /* near the last block that died here */
#define TN_DEATH_BIRTHS 4u /* and the births of the source since then */

/* A death is near where its step is that much smaller than its distance from now. */
#define TN_NEAR_FACTOR 16u

_Static_assert(TN_FUNCTION_COUNT <= TN_OP_FUNCTION_MASK + 1, "a function's code fits the op byte");

/* A number from 160 on in a column with TN_WIDE_BITS: its byte, and how many of its low bits follow. Bytes
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

/* Stack pointers are aligned at calls: distances of depths in units of 16 bytes where that is so, with the
 * lowest bit 0. */
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
