/* SPDX-License-Identifier: MIT */
#include "put.h"

#include <errno.h>
#include <string.h>

void tn_put_varint(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    uint8_t varint[10];
    size_t length = tn_varint_put(varint, number - TN_VARINT_MARK);
    tn_put_byte(pack, column, TN_VARINT_MARK);
    if (tn_buffer_append(&pack->columns[column].wide, varint, length) < 0)
        pack->error = -ENOMEM;
}

/* Up to 32 bits, lowest first; the bytes that they fill go out. */
static inline void put_bits(struct tn_column_out *out, uint64_t bits, uint32_t count)
{
    out->bits |= bits << out->bit_count;
    out->bit_count += count;
    uint64_t word = out->bits;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out->wide.data + out->wide.size_bytes, &word, 8);
    out->wide.size_bytes += out->bit_count / 8;
    out->bits >>= out->bit_count & ~7u;
    out->bit_count &= 7;
}

void tn_put_coarse(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    struct tn_column_out *out = &pack->columns[column];
    uint32_t count;
    tn_put_byte(pack, column, tn_bits_code(number, &count));
    if (out->wide.capacity_bytes - out->wide.size_bytes < 16 && tn_buffer_reserve(&out->wide, 16) < 0) {
        pack->error = -ENOMEM;
        return;
    }
    if (count > 32) {
        put_bits(out, number & UINT32_MAX, 32);
        number >>= 32;
        count -= 32;
    }
    put_bits(out, number & ((UINT64_C(1) << count) - 1), count);
}
