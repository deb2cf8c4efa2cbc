/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include "tenure/map.h"

#include <string.h>

const char *const tn_column_names[TN_COLUMN_COUNT] = {
    "base",      "place", "thread", "thread_id", "place_op", "place_stack", "place_depth",
    "time0",     "time1", "time2",  "time3",     "time4",    "time5",       "time6",
    "time7",     "birth", "size",   "excess",    "address",  "gap",         "previous",
    "alignment", "death", "source", "near",      "left",     "address_sum",
};

const enum tn_wide tn_column_wides[TN_COLUMN_COUNT] = {
    [TN_COLUMN_PLACE] = TN_WIDE_BITS,    [TN_COLUMN_TIME] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 1] = TN_WIDE_BITS, [TN_COLUMN_TIME + 2] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 3] = TN_WIDE_BITS, [TN_COLUMN_TIME + 4] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 5] = TN_WIDE_BITS, [TN_COLUMN_TIME + 6] = TN_WIDE_BITS,
    [TN_COLUMN_TIME + 7] = TN_WIDE_BITS, [TN_COLUMN_ADDRESS] = TN_WIDE_BITS,
    [TN_COLUMN_DEATH] = TN_WIDE_BITS,
};

uint64_t tn_chunk_checksum(const uint8_t *data, size_t data_bytes)
{
    uint64_t sum = data_bytes;
    for (size_t i = 0; i < data_bytes; i += 8) {
        uint64_t word = 0;
        size_t left = data_bytes - i;
        memcpy(&word, data + i, left < 8 ? left : 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        sum = tn_mix(sum ^ word);
    }
    return sum;
}
