/* SPDX-License-Identifier: MIT */

/* Names and kinds of the columns, and the checksum of a chunk's data. Both sides use them; what is here is
 * part of the format. */

#include "columns.h"

#include "tenure/chunk.h"
#include "tenure/map.h"

#include <string.h>

const char *const tn_column_names[TN_COLUMN_COUNT] = {
    "base",     "place",     "thread", "thread_id", "place_op", "place_stack", "place_depth",
    "time0",    "time1",     "time2",  "time3",     "time4",    "time5",       "time6",
    "time7",    "time8",     "time9",  "time10",    "time11",   "time12",      "time13",
    "time14",   "time15",    "birth",  "size",      "excess",   "address",     "gap",
    "previous", "alignment", "death",  "source",    "near",     "left",        "address_sum",
};

const enum tn_wide tn_column_wides[TN_COLUMN_COUNT] = {
    [TN_COLUMN_CONTEXT] = TN_WIDE_BITS,   [TN_COLUMN_TIME] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 1] = TN_WIDE_BITS,  [TN_COLUMN_TIME + 2] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 3] = TN_WIDE_BITS,  [TN_COLUMN_TIME + 4] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 5] = TN_WIDE_BITS,  [TN_COLUMN_TIME + 6] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 7] = TN_WIDE_BITS,  [TN_COLUMN_TIME + 8] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 9] = TN_WIDE_BITS,  [TN_COLUMN_TIME + 10] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 11] = TN_WIDE_BITS, [TN_COLUMN_TIME + 12] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 13] = TN_WIDE_BITS, [TN_COLUMN_TIME + 14] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 15] = TN_WIDE_BITS, [TN_COLUMN_ADDRESS] = TN_WIDE_BITS,
    [TN_COLUMN_DEATH] = TN_WIDE_BITS,
};

/* A word of up to 8 bytes, the lowest first. */
static inline uint64_t load(const uint8_t *data, size_t left_bytes)
{
    uint64_t word = 0;
    memcpy(&word, data, left_bytes < 8 ? left_bytes : 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Four sums in turn: each step of one waits for the one before. */
uint64_t tn_chunk_checksum(const uint8_t *data, size_t data_bytes)
{
    uint64_t sums[4] = {data_bytes, data_bytes + 1, data_bytes + 2, data_bytes + 3};
    size_t i = 0;
    for (; data_bytes - i >= 32; i += 32) {
        sums[0] = tn_mix(sums[0] ^ load(data + i, 8));
        sums[1] = tn_mix(sums[1] ^ load(data + i + 8, 8));
        sums[2] = tn_mix(sums[2] ^ load(data + i + 16, 8));
        sums[3] = tn_mix(sums[3] ^ load(data + i + 24, 8));
    }
    for (size_t lane = 0; i < data_bytes; i += 8, lane++)
        sums[lane] = tn_mix(sums[lane] ^ load(data + i, data_bytes - i));
    return tn_mix(sums[0] ^ tn_mix(sums[1] ^ tn_mix(sums[2] ^ tn_mix(sums[3]))));
}
